"""What came back, as the row holds it: from a job's result to columns, and from the columns to steps that can be read.

`steps` is JSON, an object for each step that was started; `output` holds what all of them printed, one after the other,
and each stream of a step has where its part begins and how many bytes it has.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from executions.artifacts import kept
from executions.models import Execution
from executions.outcomes import ENDINGS, Outcome
from executions.signals import described
from languages.memory_failures import ran_out_of_memory
from languages.options import MIB
from languages.programs import COMPILE, compile_failed
from sandbox.types import JobResult, StepResult
from sandbox.types import Outcome as StepOutcome

KILLED_EXIT_CODE = 137
"""What a shell reports for SIGKILL, by which every limit ends a program."""
_SIGNAL_BASE = 128
"""What a shell adds to a signal's number."""
CONTAINER_LOST = "the container was lost before the result was whole"
"""What a client is told of a container that ended, broke or did not answer."""
_NO_EXIT_CODE = -1
"""Of a fault of ours: no program can end with it."""

SHUTTING_DOWN = "the server is shutting down"
CLIENT_GONE = "the client is gone"
TALKER_GONE = "the server process that passed on what was typed has ended"
"""Causes of a cancellation."""


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One step of a finished execution, from its row."""

    name: str
    outcome: Outcome
    exit_code: int
    signal: int | None
    stdout: bytes
    stderr: bytes
    stdout_truncated: bool
    stderr_truncated: bool
    wall_ms: float
    cpu_ms: float | None
    peak_memory_bytes: int | None
    detail: str = ""
    order: tuple[tuple[int, int], ...] = ()
    """In which order the streams came: 1 or 2, and how many bytes of it; empty where that is not known."""

    def pieces(self) -> Iterator[tuple[int, bytes]]:
        """What was printed in the order in which it came, each piece with its stream: 1 is stdout, 2 stderr."""
        at = {1: 0, 2: 0}
        whole = {1: self.stdout, 2: self.stderr}
        for stream, size in self.order or ((1, len(self.stdout)), (2, len(self.stderr))):
            if piece := whole[stream][at[stream] : at[stream] + size]:
                yield stream, piece
            at[stream] += size


def finished_fields(execution: Execution, result: JobResult, *, cause: str = SHUTTING_DOWN) -> dict[str, Any]:
    """The columns of the finished row. The last step that was started decides how the execution ended.

    `cause` is why it was cancelled, where it was.
    """
    if not result.steps:
        return failed_fields("no step was run")
    steps = [_with_its_own_word(step) for step in result.steps]
    last = steps[-1]
    outcome = _outcome(last)
    return {
        **recorded(steps),
        "outcome": outcome,
        "exit_code": exit_code_of(last),
        "signal": last.signal,
        "error": _error(execution.job, last, outcome, cause),
        "peak_memory_bytes": last.peak_memory_bytes,
        **({} if last.name == COMPILE else {"wall_ms": last.wall_ms, "cpu_ms": last.cpu_ms}),
        **({"artifacts": kept(execution, result.artifacts)} if result.artifacts else {}),
    }


def failed_fields(detail: str) -> dict[str, Any]:
    """The columns of a row that ends with a fault of ours."""
    return {"outcome": Outcome.SANDBOX_ERROR, "error": sandbox_error(detail), "exit_code": _NO_EXIT_CODE}


def cancelled_fields(cause: str) -> dict[str, Any]:
    """The columns of a row that was cancelled before it started."""
    error = ENDINGS[Outcome.CANCELLED].message.format(cause=cause)
    return {"outcome": Outcome.CANCELLED, "error": error, "exit_code": KILLED_EXIT_CODE}


def sandbox_error(detail: str) -> str:
    """The answer's error for a fault of ours."""
    return ENDINGS[Outcome.SANDBOX_ERROR].message.format(detail=detail)


def recorded(steps: Iterable[StepResult]) -> dict[str, Any]:
    """The columns `steps` and `output`."""
    output = bytearray()
    return {"steps": [_step_json(step, output) for step in steps], "output": bytes(output)}


def without_output(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The column `steps` of an execution whose output is not kept: each stream is cut to nothing."""
    empty = {"from": 0, "bytes": 0, "truncated": True}
    return [step | {name: empty for name in ("stdout", "stderr") if step[name]["bytes"]} for step in steps]


def steps_in(execution: Execution) -> list[StepRecord]:
    """The steps that were started, in order."""
    output = bytes(execution.output)
    return [_record(step, output) for step in execution.steps]


def step_in(execution: Execution, name: str) -> StepRecord | None:
    """The step of this name, or None where it was not started."""
    return next((_record(step, bytes(execution.output)) for step in execution.steps if step["name"] == name), None)


def record_of(step: StepResult) -> StepRecord:
    """A step as its row will tell it."""
    output = bytearray()
    data = _step_json(_with_its_own_word(step), output)
    return _record(data, bytes(output))


def exit_code_of(step: StepResult) -> int:
    """As a shell reports it: 128 + n for signal n, 137 for a limit; -1 where the program has no exit code."""
    outcome = Outcome(step.outcome.value)
    if ENDINGS[outcome].killed:
        return KILLED_EXIT_CODE
    if outcome is Outcome.SANDBOX_ERROR:
        return _NO_EXIT_CODE
    if step.exit_code is not None:
        return step.exit_code
    return _SIGNAL_BASE + step.signal if step.signal else _NO_EXIT_CODE


def _step_json(step: StepResult, output: bytearray) -> dict[str, Any]:
    """The step's object; what it printed goes to the end of `output`."""
    return {
        "name": step.name,
        "outcome": step.outcome.value,
        "exit_code": exit_code_of(step),
        "signal": step.signal,
        "stdout": _stream_json(step.stdout, output, truncated=step.stdout_truncated),
        "stderr": _stream_json(step.stderr, output, truncated=step.stderr_truncated),
        "wall_ms": step.wall_ms,
        "cpu_ms": step.cpu_ms,
        "peak_memory_bytes": step.peak_memory_bytes,
        "detail": _detail(step).replace("\x00", "\ufffd"),
        **({"order": step.order} if len(step.order) > 1 else {}),
    }


def _with_its_own_word(step: StepResult) -> StepResult:
    """A runtime that gave up for want of memory did not fail by the program's choice."""
    return replace(step, outcome=StepOutcome.OUT_OF_MEMORY) if ran_out_of_memory(step) else step


def _detail(step: StepResult) -> str:
    """What went wrong on our side, or which signal ended a program that no limit ended."""
    if step.outcome is StepOutcome.SIGNAL and step.signal:
        return f"killed by {described(step.signal)}"
    return step.detail


def _stream_json(data: bytes, output: bytearray, *, truncated: bool) -> dict[str, Any]:
    begins = len(output)
    output += data
    return {"from": begins, "bytes": len(data), "truncated": truncated}


def _record(data: Mapping[str, Any], output: bytes) -> StepRecord:
    def stream(name: str) -> bytes:
        begins = data[name]["from"]
        return output[begins : begins + data[name]["bytes"]]

    return StepRecord(
        name=data["name"],
        outcome=Outcome(data["outcome"]),
        exit_code=data["exit_code"],
        signal=data["signal"],
        stdout=stream("stdout"),
        stderr=stream("stderr"),
        stdout_truncated=data["stdout"]["truncated"],
        stderr_truncated=data["stderr"]["truncated"],
        wall_ms=data["wall_ms"],
        cpu_ms=data["cpu_ms"],
        peak_memory_bytes=data["peak_memory_bytes"],
        detail=data["detail"],
        order=tuple((stream, size) for stream, size in data.get("order", ())),
    )


def _outcome(last: StepResult) -> Outcome:
    if compile_failed(last):
        return Outcome.COMPILE_ERROR
    outcome = Outcome(last.outcome.value)
    # The job ended with a compile step although that step passed: the sandbox did not do what it was asked.
    return Outcome.SANDBOX_ERROR if last.name == COMPILE and outcome is Outcome.OK else outcome


def _fault(step: StepResult) -> str:
    """What a fault of ours means for the client. The step's detail is the operator's: it is in the row and the log."""
    if not step.started:
        return f"the command of this language cannot be started: {step.detail}"
    return CONTAINER_LOST if step.outcome.value == Outcome.SANDBOX_ERROR.value else "the run was not reported"


def _error(job: Mapping[str, Any], step: StepResult, outcome: Outcome, cause: str) -> str:
    """The answer's `error`: which limit was hit, or what went wrong on our side."""
    limits: Mapping[str, Any] = next((each["limits"] for each in job["steps"] if each["name"] == step.name), {})
    memory_bytes = limits.get("memory_bytes") or job["profile"]["memory_bytes"]
    text = ENDINGS[outcome].message.format(
        wall_ms=limits.get("wall_ms"),
        cpu_ms=limits.get("cpu_ms") or limits.get("wall_ms"),
        memory_mb=memory_bytes // MIB,
        output_bytes=limits.get("output_bytes"),
        detail=_fault(step),
        cause=cause,
    )
    if step.name != COMPILE or not text or outcome in {Outcome.CANCELLED, Outcome.SANDBOX_ERROR}:
        return text
    return f"{text} during compilation"
