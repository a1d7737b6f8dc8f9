"""The page of an execution says which limit a program met that the sandbox did not end."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from executions.limits_met import limit_met
from executions.models import Execution
from executions.results import recorded
from sandbox.types import Outcome, StepResult
from tests.test_admin_executions import make, page_of

JOB: dict[str, Any] = {
    "profile": {"tmpfs_bytes": 32 << 20, "processes": 256},
    "steps": [
        {"name": name, "limits": {"file_size_bytes": 64 << 20, "open_files": 200}} for name in ("compile", "run")
    ],
}
LARGE = "Probably a limit: a file reached the size limit of 64 MB."
FULL = "Probably a limit: a directory was full: /box and /tmp hold 32 MB each."
OPEN = "Probably a limit: a process may have 200 files open."
MANY = "Probably a limit: a program may have 256 processes and threads at one time."


def row(step: StepResult) -> Execution:
    return Execution(job=JOB, **recorded([step]))


@pytest.mark.parametrize(
    ("stderr", "said"),
    [
        ("gcc: internal compiler error: File size limit exceeded signal terminated program as", LARGE),
        ("/tmp/x.s: Fatal error: can't write 2 bytes to section .data of /tmp/x.o: 'File too large'", LARGE),
        ("mapping output file failed: file too large", LARGE),
        ("{ errno: -27, syscall: 'write', code: 'EFBIG' }", LARGE),
        ("ld: final link failed: No space left on device", FULL),
        ("OSError: [Errno 24] Too many open files: '/dev/null'", OPEN),
        ("os.fork()\n ~~~~~~~^^\nBlockingIOError: [Errno 11] Resource temporarily unavailable", MANY),
        ("RuntimeError: can't start new thread", MANY),
        ("java.lang.OutOfMemoryError: unable to create native thread: possibly out of memory or limits", MANY),
        ("terminate called after throwing an instance of 'std::system_error'\n Resource temporarily unavailable", MANY),
        ("bash: fork: retry: Resource temporarily unavailable", MANY),
        ("Error: spawn EAGAIN", MANY),
        ("ValueError: no", ""),
        ("BlockingIOError: [Errno 11] Resource temporarily unavailable", ""),
        ("", ""),
    ],
)
def test_what_stderr_speaks_of_is_told_with_the_number(stderr: str, said: str) -> None:
    failed = StepResult("compile", Outcome.NONZERO_EXIT, stderr=b"x" * 10_000 + stderr.encode(), exit_code=4)
    assert limit_met(row(failed)) == said
    assert limit_met(row(StepResult("run", Outcome.OK, stderr=stderr.encode(), exit_code=0))) == ""


def test_of_several_runs_any_may_have_met_it() -> None:
    runs = [StepResult("run", Outcome.OK, exit_code=0), StepResult("run/1", Outcome.SIGNAL, signal=25)]
    runs.append(StepResult("run/2", Outcome.OK, exit_code=0))
    job = JOB | {"steps": [{"name": each.name, "limits": JOB["steps"][1]["limits"]} for each in runs]}
    assert limit_met(Execution(job=job, outcome="signal", **recorded(runs))) == LARGE
    assert limit_met(Execution(job=job, outcome="ok", **recorded(runs))) == ""


def test_the_signal_of_a_file_that_is_too_large_is_enough() -> None:
    assert limit_met(row(StepResult("run", Outcome.SIGNAL, signal=25))) == LARGE
    assert limit_met(row(StepResult("run", Outcome.SIGNAL, signal=11))) == ""
    assert limit_met(Execution(job={})) == ""


def test_the_admin_shows_it_and_an_error_of_the_answer_goes_before_it(admin_client: Client) -> None:
    failed = StepResult("run", Outcome.NONZERO_EXIT, stderr=b"No space left on device", exit_code=1)
    told = make(outcome="nonzero_exit", exit_code=1, job=JOB, **recorded([failed]))
    assert FULL in page_of(admin_client, told)
    assert told.error == ""
