"""How a program ended, as the other service tells it."""

from __future__ import annotations

import signal
from typing import Any

from executions.compat.librechat import sessions
from executions.compat.librechat.asked import Asked
from executions.compat.librechat.left import Left, left_by
from executions.compat.librechat.sessions import Owner
from executions.compat.running import ran
from executions.models import Execution
from executions.outcomes import Outcome
from executions.printed import as_text
from executions.results import StepRecord
from executions.signals import name_of

_FAILED, _SIGNALLED, _TIMED_OUT, _TOO_MUCH = "RE", "SG", "TO", "OL"
_WORDS: dict[str, tuple[str | None, str | None]] = {
    Outcome.OK: (None, None),
    Outcome.NONZERO_EXIT: (_FAILED, None),
    Outcome.COMPILE_ERROR: (_FAILED, None),
    Outcome.SIGNAL: (_SIGNALLED, None),
    Outcome.OUT_OF_MEMORY: (_SIGNALLED, "Out of memory"),
    Outcome.TIMEOUT_WALL: (_TIMED_OUT, "Time limit exceeded"),
    Outcome.TIMEOUT_CPU: (_TIMED_OUT, "Time limit exceeded"),
    Outcome.OUTPUT_LIMIT: (_TOO_MUCH, "Output length exceeded"),
}
"""By outcome: the status, and a message where LibreChat's tools would not know why it ended."""


def told(execution: Execution, asked: Asked, owner: Owner) -> dict[str, Any]:
    """The answer. What the program has left is in a session of the owner's from here on."""
    session = sessions.new_id()
    compiled, runs = ran(execution)
    status, message = _WORDS.get(execution.outcome, (_FAILED, None))
    left = left_by(execution, asked, owner, session)
    # Of a program that did not compile, what its compiler said is all there is.
    step = runs[-1] if runs else compiled
    answer: dict[str, Any] = {
        "session_id": session,
        "files": left.files,
        "stdout": as_text(runs[-1].stdout) if runs else "",
        "stderr": _stderr(execution, step, is_compile=not runs),
        "code": step.exit_code if step and status in {None, _FAILED} else None,
        "signal": _signal(step, status),
        "message": message,
        "status": status,
        "wall_time": round(step.wall_ms) if step else None,
    }
    return answer | ({"artifact_delivery": _delivery(left)} if left.lost else {})


def _stderr(execution: Execution, step: StepRecord | None, *, is_compile: bool) -> str:
    """With a line about a limit that ended it: of the whole answer, an assistant is shown the two streams alone."""
    if step is None:
        return execution.error
    text = as_text(step.stdout + step.stderr if is_compile else step.stderr)
    if not execution.error:
        return text
    return f"{text}{chr(10) if text and not text.endswith(chr(10)) else ''}{execution.error}\n"


def _signal(step: StepRecord | None, status: str | None) -> str | None:
    if step is None or status in {None, _FAILED}:
        return None
    return name_of(step.signal or signal.SIGKILL)


def _delivery(left: Left) -> dict[str, Any]:
    return {
        "code": "artifact_delivery_failed",
        "status": "partial" if left.made else "failed",
        "attempted": left.made + left.lost,
        "delivered": left.made,
        "failed": left.lost,
    }
