"""From a submission to a job for the sandbox, and from the job's result to what the row says of it."""

from __future__ import annotations

from typing import Any

from executions.models import Outcome
from executions.submission import Submission
from languages.programs import COMPILE, steps_of
from sandbox.types import File, Job, JobResult, StepResult
from sandbox.types import Outcome as StepOutcome

KILLED_EXIT_CODE = 137
"""What a shell reports for SIGKILL, by which every limit ends a program."""
_SIGNAL_BASE = 128
_LIMIT_OUTCOMES = {
    StepOutcome.TIMEOUT_WALL,
    StepOutcome.TIMEOUT_CPU,
    StepOutcome.OUT_OF_MEMORY,
    StepOutcome.OUTPUT_LIMIT,
    StepOutcome.CANCELLED,
}


def job_of(submission: Submission) -> Job:
    """The source file; the compile step, where the language has one; the run."""
    language = submission.language
    return Job(
        (File(language.source_file, submission.source.encode()),),
        steps_of(language, timeout_ms=submission.timeout_ms),
    )


def limits_of(submission: Submission) -> dict[str, int]:
    """What the row keeps of the limits of the run."""
    language = submission.language
    return {
        "wall_ms": submission.timeout_ms,
        "memory_mb": language.memory_mb,
        "cpu_quota_us": language.cpu_quota_us,
        "processes": language.processes,
        "output_bytes": language.output_bytes,
    }


def finished_fields(submission: Submission, result: JobResult) -> dict[str, Any]:
    """The columns of the finished row. The last step that was started decides how the execution ended."""
    if not result.steps:
        return failed_fields("no step was run")
    last = result.steps[-1]
    fields: dict[str, Any] = {}
    for step in result.steps:
        fields |= _compile_columns(step) if step.name == COMPILE else _run_columns(step)
    outcome = _outcome(last)
    return fields | {
        "outcome": outcome,
        "exit_code": _exit_code(last),
        "signal": last.signal,
        "error": _error(submission, last),
    }


def failed_fields(detail: str) -> dict[str, Any]:
    """The columns of a row that ends with a fault of ours."""
    return {"outcome": Outcome.SANDBOX_ERROR, "error": sandbox_error(detail), "exit_code": -1}


def sandbox_error(detail: str) -> str:
    """The answer's error for a fault of ours."""
    return f"sandbox error: {detail}"


def _compile_columns(step: StepResult) -> dict[str, Any]:
    return {
        "compile_stdout": step.stdout,
        "compile_stderr": step.stderr,
        "compile_exit_code": _exit_code(step),
        "compile_wall_ms": step.wall_ms,
        "compile_cpu_ms": step.cpu_ms,
        "peak_memory_bytes": step.peak_memory_bytes,
    }


def _run_columns(step: StepResult) -> dict[str, Any]:
    return {
        "stdout": step.stdout,
        "stderr": step.stderr,
        "stdout_truncated": step.stdout_truncated,
        "stderr_truncated": step.stderr_truncated,
        "wall_ms": step.wall_ms,
        "cpu_ms": step.cpu_ms,
        "peak_memory_bytes": step.peak_memory_bytes,
    }


def _outcome(step: StepResult) -> str:
    if step.name == COMPILE and step.outcome in {StepOutcome.OK, StepOutcome.NONZERO_EXIT, StepOutcome.SIGNAL}:
        # The job ended with a compile step although that step passed: the sandbox did not do what it was asked.
        return Outcome.SANDBOX_ERROR if step.outcome is StepOutcome.OK else Outcome.COMPILE_ERROR
    return Outcome(step.outcome.value)


def _exit_code(step: StepResult) -> int:
    if step.outcome in _LIMIT_OUTCOMES:
        return KILLED_EXIT_CODE
    if step.outcome is StepOutcome.SANDBOX_ERROR:
        return -1
    if step.exit_code is not None:
        return step.exit_code
    return _SIGNAL_BASE + step.signal if step.signal else -1


def _error(submission: Submission, step: StepResult) -> str:
    if _outcome(step) == Outcome.SANDBOX_ERROR:
        return sandbox_error(step.detail or "the run was not reported")
    compiling = step.name == COMPILE
    language = submission.language
    wall_ms = language.compile_timeout_ms if compiling else submission.timeout_ms
    memory_mb = (compiling and language.compile_memory_mb) or language.memory_mb
    texts = {
        StepOutcome.TIMEOUT_WALL: f"execution timed out after {wall_ms} ms",
        StepOutcome.TIMEOUT_CPU: f"CPU time limit of {wall_ms} ms exceeded",
        StepOutcome.OUT_OF_MEMORY: f"memory limit of {memory_mb} MB exceeded",
        StepOutcome.OUTPUT_LIMIT: f"output limit of {language.output_bytes} bytes exceeded",
        StepOutcome.CANCELLED: "execution cancelled: the server is shutting down",
    }
    text = texts.get(step.outcome, "")
    if not compiling or not text or step.outcome is StepOutcome.CANCELLED:
        return text
    return f"{text} during compilation"
