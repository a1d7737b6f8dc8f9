"""How Piston tells of what has run."""

from __future__ import annotations

import signal
from typing import Any

from executions.compat.piston.runtimes import Runtime
from executions.compat.running import ran
from executions.models import Execution
from executions.outcomes import Outcome
from executions.printed import as_text
from executions.results import StepRecord

_KILLED = "SIGKILL"
_STDERR = 2
Json = dict[str, Any]


def answer(execution: Execution, runtime: Runtime) -> Json:
    """The answer to POST /execute. Where compiling failed, `run` is the same as `compile`."""
    compiled, runs = ran(execution)
    told: Json = {} if compiled is None else {"compile": stage(compiled)}
    told["run"] = stage(runs[0]) if runs else told.get("compile")
    return told | {"language": runtime.name, "version": runtime.version}


def stage(step: StepRecord) -> Json:
    """One stage. `output` is both streams in the order in which they came."""
    words = said(step)
    pieces = [*step.pieces(), *([(_STDERR, words)] if words else [])]
    return {
        "signal": None,
        "stdout": as_text(step.stdout),
        "stderr": as_text(step.stderr + words),
        "code": None,
        "output": as_text(b"".join(piece for _, piece in pieces)),
        "memory": step.peak_memory_bytes,
        "message": None,
        "status": None,
        "cpu_time": None if step.cpu_ms is None else round(step.cpu_ms),
        "wall_time": round(step.wall_ms),
    } | ending(step)


def ending(step: StepRecord) -> Json:
    """Its code or signal, status and message. A program that a signal ended has a shell's exit code: one started it."""
    match step.outcome:
        case Outcome.OK:
            return {"code": 0}
        case Outcome.TIMEOUT_WALL:
            return {"signal": _KILLED, "status": "TO", "message": "Time limit exceeded (wall clock)"}
        case Outcome.TIMEOUT_CPU:
            return {"signal": _KILLED, "status": "TO", "message": "Time limit exceeded"}
        case Outcome.OUTPUT_LIMIT if step.stdout_truncated:
            return {"signal": _KILLED, "status": "OL", "message": "stdout length exceeded"}
        case Outcome.OUTPUT_LIMIT:
            return {"signal": _KILLED, "status": "EL", "message": "stderr length exceeded"}
    return {"code": step.exit_code, "status": "RE", "message": f"Exited with error status {step.exit_code}"}


def said(step: StepRecord) -> bytes:
    """What the shell around a program says of a signal that ended it: else a crash would show nothing at all."""
    number = signal.SIGKILL if step.outcome is Outcome.OUT_OF_MEMORY else step.signal
    if step.outcome not in {Outcome.SIGNAL, Outcome.OUT_OF_MEMORY} or not number:
        return b""
    words = (signal.strsignal(number) if number < signal.SIGRTMIN else None) or f"signal {number}"
    return f"{words}\n".encode()
