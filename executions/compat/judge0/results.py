"""What came of a submission: from a row to the attributes that its client reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from executions.compat.judge0 import catalogue, statuses
from executions.compat.judge0.archives import zipped
from executions.compat.judge0.ruby import decimal, moment, seconds
from executions.compat.judge0.statuses import Status
from executions.compat.running import Content, SourceFile, ran
from executions.grading.plan import index_of
from executions.grading.verdicts import Verdict
from executions.jobs import content_of
from executions.models import CompatToken, Execution
from executions.models import Status as RowStatus
from executions.outcomes import Outcome
from executions.results import StepRecord

COMPILE_TIME_OVER = b"Compilation time limit exceeded."
_OPEN = {RowStatus.QUEUED: Status.IN_QUEUE, RowStatus.RUNNING: Status.PROCESSING}
_OURS = (Outcome.CANCELLED, Outcome.SANDBOX_ERROR)
_OVER = {
    Outcome.TIMEOUT_CPU: "Time limit exceeded",
    Outcome.TIMEOUT_WALL: "Time limit exceeded (wall clock)",
}
_SIGNALS = {Outcome.OUT_OF_MEMORY: statuses.SIGKILL, Outcome.OUTPUT_LIMIT: statuses.SIGXFSZ}
"""By what a program is ended there where it is more than it may have: memory, or bytes in a file."""
_SIGNAL_BASE = 128
"""What a shell adds to a signal's number."""
_BYTES_A_KB = 1024


@dataclass(frozen=True, slots=True)
class Ending:
    """How it ended, as far as it has."""

    status: Status
    message: str | None = None
    exit_code: int | None = None
    exit_signal: int | None = None
    step: StepRecord | None = None
    """The run that decides; None where nothing was run."""
    runs: Sequence[StepRecord] = ()
    """All, whose means are told."""
    compile_output: bytes | None = None


def ending_of(execution: Execution) -> Ending:
    """How the row ended."""
    if execution.status in _OPEN:
        return Ending(_OPEN[RowStatus(execution.status)])
    compiled, runs = ran(execution)
    said = b"".join(piece for _, piece in compiled.pieces()) or None if compiled else None
    if execution.outcome == Outcome.COMPILE_ERROR or (compiled and not runs and compiled.outcome not in _OURS):
        is_over = compiled is not None and compiled.outcome in _OVER
        return Ending(Status.COMPILATION_ERROR, compile_output=COMPILE_TIME_OVER if is_over else said)
    if not runs or runs[-1].outcome in _OURS:
        return Ending(Status.INTERNAL_ERROR, execution.error or None, runs=runs, compile_output=said)
    return _ended(execution, runs, said)


def _ended(execution: Execution, runs: Sequence[StepRecord], said: bytes | None) -> Ending:
    last = runs[-1]
    outcome = last.outcome
    if outcome is Outcome.OK:
        return Ending(_judged(execution, last), None, 0, None, last, runs, said)
    if outcome is Outcome.NONZERO_EXIT:
        message = f"Exited with error status {last.exit_code}"
        return Ending(Status.NZEC, message, last.exit_code, None, last, runs, said)
    if outcome in _OVER:
        return Ending(Status.TIME_LIMIT_EXCEEDED, _OVER[outcome], 0, None, last, runs, said)
    number = _SIGNALS.get(outcome) or last.signal or statuses.SIGKILL
    if settings.GEXEC_JUDGE0_SHELL_CODES:
        code = _SIGNAL_BASE + number
        return Ending(Status.NZEC, f"Exited with error status {code}", code, None, last, runs, said)
    message = f"Caught fatal signal {number}"
    return Ending(statuses.of_signal(number), message, 0, number, last, runs, said)


def _judged(execution: Execution, run: StepRecord) -> Status:
    """What a run that ended well has earned: where nothing was expected, that it did."""
    index = index_of(run.name)
    if index is None or not execution.tests:
        return Status.ACCEPTED
    passed = execution.tests[index]["verdict"] == Verdict.PASSED
    # There nothing printed is no text, which is not even an empty one. What is no longer kept was something.
    return Status.ACCEPTED if passed and (run.stdout or run.stdout_truncated) else Status.WRONG_ANSWER


class Attributes:
    """All attributes of a submission, each made when it is asked for; texts and archives are bytes still."""

    def __init__(self, found: CompatToken, execution: Execution) -> None:
        self._found, self._execution = found, execution
        self.ending = ending_of(execution)

    def __getitem__(self, name: str) -> Any:
        """The attribute of this name."""
        if name in self._found.asked:
            return self._found.asked[name]
        return _ATTRIBUTES[name](self)

    def source_code(self) -> bytes | None:
        """Of a program of several files there is none."""
        own = next((file for file in self._files() if file["name"] == self._entrypoint), None)
        return None if own is None or self._is_project else self._content(own["content"])

    def stdin(self) -> bytes | None:
        """None where nothing was given."""
        tests = self._tests()
        reference = tests[0]["stdin"] if tests else next((step.get("stdin") for step in self._job["steps"][-1:]), None)
        return self._content(reference) or None if reference else None

    def expected_output(self) -> bytes | None:
        """None where nothing was expected; there is nothing too that is expected."""
        tests = self._tests()
        return self._content(tests[0]["expected"]) if tests else None

    def additional_files(self) -> bytes | None:
        """An archive of them, not byte for byte the one that was sent."""
        own = () if self._is_project else (self._entrypoint,)
        files = [
            SourceFile(each["name"], Content(self._content(each["content"]) or b""), each["executable"])
            for each in self._files()
            if each["name"] not in own
        ]
        return zipped(files) if files else None

    def stdout(self) -> bytes | None:
        """None where nothing was printed."""
        return (self.ending.step.stdout or None) if self.ending.step else None

    def stderr(self) -> bytes | None:
        """None where nothing was printed."""
        return (self.ending.step.stderr or None) if self.ending.step else None

    def message(self) -> bytes | None:
        """What the server says of its ending."""
        return None if self.ending.message is None else self.ending.message.encode()

    def time(self) -> str | None:
        """CPU time of a run, of several the mean, in seconds."""
        return _mean_seconds([run.cpu_ms for run in self._runs()])

    def wall_time(self) -> str | None:
        """Of the last run, as a clock shows it."""
        return seconds(self.ending.step.wall_ms) if self.ending.step else None

    def memory(self) -> int | None:
        """The most that a run had, of several the mean, in KB."""
        peaks = [run.peak_memory_bytes for run in self._runs() if run.peak_memory_bytes is not None]
        return int(sum(peaks) / len(peaks)) // _BYTES_A_KB if peaks else None

    def x_gexec(self) -> dict[str, Any]:
        """What we call it."""
        return {
            "id": str(self._execution.pk),
            "status": self._execution.status,
            "outcome": self._execution.outcome or None,
            "error": self._execution.error or None,
        }

    def _runs(self) -> Sequence[StepRecord]:
        return self.ending.runs if self.ending.step else ()

    @property
    def _job(self) -> Mapping[str, Any]:
        """Read when it is needed: it may be large."""
        job: Mapping[str, Any] = self._execution.job
        return job

    @property
    def _entrypoint(self) -> str:
        return str(self._job.get("entrypoint", ""))

    @property
    def _is_project(self) -> bool:
        return catalogue.is_project(self._found.asked["language_id"])

    def _files(self) -> list[Mapping[str, Any]]:
        return list(self._job.get("files", ()))

    def _tests(self) -> list[Mapping[str, Any]]:
        return list(self._job.get("grading", {}).get("tests", ()))

    def _content(self, reference: Mapping[str, Any]) -> bytes | None:
        return content_of(self._execution, reference)


_ATTRIBUTES: Mapping[str, Callable[[Attributes], Any]] = {
    "source_code": Attributes.source_code,
    "stdin": Attributes.stdin,
    "expected_output": Attributes.expected_output,
    "additional_files": Attributes.additional_files,
    "stdout": Attributes.stdout,
    "stderr": Attributes.stderr,
    "message": Attributes.message,
    "time": Attributes.time,
    "wall_time": Attributes.wall_time,
    "memory": Attributes.memory,
    "compile_output": lambda told: told.ending.compile_output,
    "exit_code": lambda told: told.ending.exit_code,
    "exit_signal": lambda told: told.ending.exit_signal,
    "status": lambda told: told.ending.status.told(),
    "status_id": lambda told: int(told.ending.status),
    "token": lambda told: str(told._found.token),
    "created_at": lambda told: moment(told._execution.created_at),
    "finished_at": lambda told: moment(told._execution.finished_at),
    "language": lambda told: catalogue.named(told._found.asked["language_id"]),
    "x_gexec": Attributes.x_gexec,
}


def _mean_seconds(values: Sequence[float | None]) -> str | None:
    measured = [round(value) / 1000 for value in values if value is not None]
    return decimal(sum(measured) / len(measured)) if measured else None
