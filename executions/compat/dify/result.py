"""How a program ended, as the other service tells it."""

from __future__ import annotations

import signal

from executions.compat.running import ran
from executions.models import Execution
from executions.outcomes import Outcome
from executions.printed import as_text

_NO_EXIT_CODE = -1
"""Of a process that a signal ended, or a limit."""
_ENDED_BY_A_LIMIT = {Outcome.TIMEOUT_WALL, Outcome.TIMEOUT_CPU, Outcome.OUT_OF_MEMORY, Outcome.OUTPUT_LIMIT}


def result_of(execution: Execution) -> dict[str, object]:
    """stdout, stderr, error and exit_code. Older Dify reads the first and the third alone."""
    step = ran(execution).runs[-1]
    stdout, stderr = (as_text(data) for data in (step.stdout, step.stderr))
    exit_code = step.exit_code
    if step.signal is not None or step.outcome in _ENDED_BY_A_LIMIT:
        exit_code = _NO_EXIT_CODE
    error = _error(exit_code, _why(execution, step.signal), stderr) if exit_code else ""
    return {"stdout": stdout, "stderr": stderr, "error": error, "exit_code": exit_code}


def _why(execution: Execution, by_signal: int | None) -> str:
    """The line of the service's own about an ending that was not the program's."""
    if execution.outcome in {Outcome.TIMEOUT_WALL, Outcome.TIMEOUT_CPU}:
        return "error: timeout\n"
    if execution.outcome in _ENDED_BY_A_LIMIT:
        return f"error: {execution.error}\n"
    return "error: operation not permitted\n" if by_signal == signal.SIGSYS else ""


def _error(exit_code: int, *details: str) -> str:
    lines = f"process exited with code {exit_code}"
    for detail in filter(None, details):
        lines += detail if lines.endswith("\n") else f"\n{detail}"
    return lines
