"""How a program ended, as the other service tells it."""

from __future__ import annotations

import base64
from typing import Any

from executions import artifacts
from executions.compat.running import ran
from executions.compat.sandboxfusion.asked import Asked
from executions.compat.sandboxfusion.program import name_of_fetched
from executions.models import Execution
from executions.outcomes import Outcome
from executions.results import StepRecord
from files.store import FileMissing

SUCCESS, FAILED, SANDBOX_ERROR = "Success", "Failed", "SandboxError"
_TIMED_OUT = {Outcome.TIMEOUT_WALL, Outcome.TIMEOUT_CPU}
_KILLED = {Outcome.OUT_OF_MEMORY, Outcome.OUTPUT_LIMIT}
_SIGKILL = 9


def told(execution: Execution, asked: Asked) -> dict[str, Any]:
    """The whole answer."""
    compiled, runs = ran(execution)
    last = runs[-1] if runs else compiled
    if last is None or execution.outcome in {Outcome.SANDBOX_ERROR, Outcome.CANCELLED}:
        return error(execution.error)
    status = SUCCESS if execution.outcome == Outcome.OK else FAILED
    return _answer(status, "", compiled, runs[-1] if runs else None, _fetched(execution, asked))


def error(message: str) -> dict[str, Any]:
    """That the service could not do it."""
    return _answer(SANDBOX_ERROR, message, None, None, {})


def _answer(
    status: str, message: str, compiled: StepRecord | None, run: StepRecord | None, files: dict[str, str]
) -> dict[str, Any]:
    return {
        "status": status,
        "message": message,
        "compile_result": compiled and _step(compiled),
        "run_result": run and _step(run),
        "executor_pod_name": None,
        "files": files,
    }


def _step(step: StepRecord) -> dict[str, Any]:
    timed_out = step.outcome in _TIMED_OUT
    return {
        "status": "TimeLimitExceeded" if timed_out else "Finished",
        "execution_time": step.wall_ms / 1000,
        "return_code": None if timed_out else _return_code(step),
        "stdout": _text(step.stdout),
        "stderr": _text(step.stderr),
    }


def _return_code(step: StepRecord) -> int:
    """As Python has it: of a signal, its number below zero."""
    if step.signal is not None:
        return -step.signal
    return -_SIGKILL if step.outcome in _KILLED else step.exit_code


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        return f"[DecodeError] {error}"


def _fetched(execution: Execution, asked: Asked) -> dict[str, str]:
    """By the paths that were asked for; what is not there, or was too much, is left out."""
    found = {entry["name"]: entry for entry in getattr(execution, "artifacts", None) or ()}
    fetched = {}
    for path in asked.fetch_files:
        entry = found.get(name_of_fetched(path))
        try:
            data = artifacts.content_of(execution, entry) if entry else None
        except FileMissing:
            continue
        if data is not None:
            fetched[path] = base64.b64encode(data).decode()
    return fetched
