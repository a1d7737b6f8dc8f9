"""Which limit a program or a compiler most likely met that ended by itself: in words, for whoever looks at its row.

The kernel tells nobody but the program. So this goes by the signal, and by what the program's own stderr speaks of.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Mapping
from typing import Any

from executions.grading.plan import COMPANION
from executions.jobs import limits_in
from executions.models import Execution
from executions.outcomes import Outcome
from executions.results import StepRecord, steps_in
from languages.options import MIB

_READ_BYTES = 4096
"""Of stderr's end: what stopped a program stands there, and no page should wait for more to be searched."""
_MANY = (
    rb"(fork|clone|spawn|thread|process|std::system_error).{0,400}(resource temporarily unavailable|\bEAGAIN\b)"
    rb"|can't start new thread|unable to create native thread|failed to create new OS thread"
)
_LARGE = "a file reached the size limit of {file_mb} MB"
_SIGNS = (
    (rb"file size limit exceeded|file too large|\bEFBIG\b", _LARGE),
    (rb"no space left on device|\bENOSPC\b", "a directory was full: /box and /tmp hold {disk_mb} MB each"),
    (rb"too many open files|\bEMFILE\b", "a process may have {open_files} files open"),
    (_MANY, "a program may have {processes} processes and threads at one time"),
)
_PATTERNS = tuple((re.compile(pattern, re.IGNORECASE | re.DOTALL), text) for pattern, text in _SIGNS)
_OWN = (Outcome.NONZERO_EXIT, Outcome.SIGNAL)


def limit_met(execution: Execution) -> str:
    """A sentence on the limit that the first step of its own met that speaks of one; empty where none does.

    Of several runs or tests any may have met it; where they are well in all, one may have been meant to.
    """
    if execution.outcome == Outcome.OK:
        return ""
    own = (step for step in steps_in(execution) if step.outcome in _OWN and not step.name.startswith(COMPANION))
    signs = ((step, found) for step in own if (found := _sign_in(step)))
    step, found = next(signs, (None, ""))
    return f"Probably a limit: {found.format(**_limits(execution.job, step.name))}." if step else ""


def _sign_in(step: StepRecord) -> str:
    if step.signal == signal.SIGXFSZ:
        return _LARGE
    end = step.stderr[-_READ_BYTES:]
    return next((text for pattern, text in _PATTERNS if pattern.search(end)), "")


def _limits(job: Mapping[str, Any], step: str) -> Mapping[str, Any]:
    limits, profile = limits_in(job, step), job.get("profile", {})
    return {
        "file_mb": limits.get("file_size_bytes", 0) // MIB,
        "open_files": limits.get("open_files"),
        "disk_mb": profile.get("tmpfs_bytes", 0) // MIB,
        "processes": profile.get("processes"),
    }
