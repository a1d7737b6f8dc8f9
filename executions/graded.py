"""A row that has tests: verdicts while it runs, and the columns that it ends with.

The row's own outcome is that of the first test whose program did not end well, though the test was not passed; where
the programs of all tests did what programs do, it is ok, and the verdict says the rest. Its exit code is never that of
a program in a test: a program can exit with what it has read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from dispatch.base import Run
from executions.grading.asked import Role
from executions.grading.plan import COMPANION, step_of
from executions.grading.record import Recorder, TestEnded
from executions.grading.shown import coarse
from executions.grading.verdicts import Verdict
from executions.jobs import expected_in, grading_in
from executions.models import Execution
from executions.outcomes import Outcome
from executions.results import SHUTTING_DOWN, cancelled_fields, finished_fields, recorded, steps_in
from languages.options import MIB
from sandbox.types import JobResult, StepFinished, StepResult
from sandbox.types import Outcome as StepOutcome

_ENDED_BY_US = {Verdict.CANCELLED, Verdict.SANDBOX_ERROR}
_WORDS_BYTES = 4096
"""Of what a compiler says, for an answer."""
_WELL = {Verdict.PASSED, Verdict.PARTIAL, Verdict.SKIPPED}


class GradedRun:
    """One run of a row that has tests."""

    def __init__(self, execution: Execution, recorder: Recorder) -> None:
        self._execution = execution
        self._recorder = recorder
        self._before: list[StepResult] = []
        """Compile steps, in order."""
        self._told = 0
        """So many tests, from the first on."""

    def take(self, event: StepFinished, run: Run) -> TestEnded | None:
        """Note how a step ended; what need not be run after it is skipped. Gives a test that has its verdict now."""
        ended = self._recorder.take(event.result)
        if self._recorder.compile is event.result:
            self._before.append(event.result)
        if skips := self._recorder.skips():
            run.skip(skips)
        return ended

    def in_order(self, ended: TestEnded | None) -> Iterator[TestEnded]:
        """Those to be told of now that this one has ended, in their order: before it those that were skipped.

        None: the run is over, and the rest is told.
        """
        until = len(self._recorder.grading.tests) if ended is None else ended.index
        if self._told < until:
            yield from self._recorder.ended()[self._told : until]
        if ended is not None:
            yield ended
        self._told = until + 1

    def finished_fields(self, cause: str = SHUTTING_DOWN) -> dict[str, Any]:
        """The columns of the finished row; `cause` is why it was cancelled, where it was."""
        columns = self._recorder.columns()
        ended = self._recorder.ended()
        results = [*self._before, *(each.result for each in ended if each.result)]
        return self._ending(ended, cause) | self._numbers(ended) | recorded(results) | columns

    def failed_fields(self, verdict: Verdict) -> dict[str, Any]:
        """What there is of a row whose run was lost or cancelled as a whole, on top of what that makes of it."""
        results = [*self._before, *(each.result for each in self._recorder.ended(verdict) if each.result)]
        return recorded(results) | self._recorder.columns(verdict)

    def _ending(self, ended: Sequence[TestEnded], cause: str) -> dict[str, Any]:
        if self._recorder.judge_failed:
            return cancelled_fields(self._why_no_judge())
        if not any(each.result for each in ended):
            # No test was begun: what the last step before them has come to is what all has come to.
            return finished_fields(self._execution, JobResult(tuple(self._before[-1:])), cause=cause)
        if (deciding := _deciding(ended)) is None:
            return {"outcome": Outcome.OK, "exit_code": 0, "error": ""}
        return self._as_its_test(deciding, cause)

    def _as_its_test(self, test: TestEnded, cause: str) -> dict[str, Any]:
        """The ending of one test, as that of a row whose only step it is."""
        result = test.result
        if test.mark.verdict is Verdict.CANCELLED:
            return cancelled_fields(cause)
        if result is None or (
            test.mark.verdict is Verdict.SANDBOX_ERROR and result.outcome is not StepOutcome.SANDBOX_ERROR
        ):
            result = StepResult(step_of(test.index), StepOutcome.SANDBOX_ERROR)
        fields = finished_fields(_with_one_step(self._execution, test), JobResult((result,)), cause=cause)
        return {"outcome": fields["outcome"], "error": fields["error"], "exit_code": None, "signal": None}

    def _numbers(self, ended: Sequence[TestEnded]) -> dict[str, Any]:
        """Of all tests together. With hidden ones among them they are coarse: everybody may see them."""
        results = [each.result for each in ended if each.result]
        if not results:
            return {}
        wall_ms = round(sum(result.wall_ms for result in results), 3)
        cpu_ms = round(sum(result.cpu_ms for result in results), 3)
        peak = max((result.peak_memory_bytes for result in results), default=0)
        if any(each.test.hidden for each in ended):
            return {"wall_ms": coarse(wall_ms), "cpu_ms": coarse(cpu_ms), "peak_memory_bytes": -(-peak // MIB) * MIB}
        return {"wall_ms": wall_ms, "cpu_ms": cpu_ms, "peak_memory_bytes": peak}

    def _why_no_judge(self) -> str:
        judge = self._recorder.grading.judge
        return f"the {judge.role.value if judge else Role.CHECKER.value} could not be compiled"


def graded_run(execution: Execution) -> GradedRun | None:
    """What follows a run of this row; None where it has no tests."""
    grading = grading_in(execution.job)
    return None if grading is None else GradedRun(execution, Recorder(grading, expected_in(execution, grading)))


def failed(graded: GradedRun | None, verdict: Verdict) -> dict[str, Any]:
    """See GradedRun.failed_fields; nothing where there are no tests."""
    return {} if graded is None else graded.failed_fields(verdict)


def why_no_judge(execution: Execution) -> str | None:
    """What the compiler said of a checker or interactor that it refused; None where it did not."""
    last = steps_in(execution)[-1:]
    if execution.verdict != Verdict.CHECKER_ERROR or not last or not last[0].name.startswith(COMPANION):
        return None
    said = (last[0].stderr or last[0].stdout)[:_WORDS_BYTES].decode(errors="replace")
    # Its exit code is nothing that its author has to know; a limit is.
    ending = "" if last[0].outcome is Outcome.NONZERO_EXIT else f": {last[0].outcome.value}"
    return f"{execution.error.partition(': ')[2]}{ending}\n{said}".strip()


def _deciding(ended: Sequence[TestEnded]) -> TestEnded | None:
    """The test that the row ends as: one that we have ended, or the first whose program did not end well."""
    ours = next((each for each in ended if each.mark.verdict in _ENDED_BY_US), None)
    failed = (each for each in ended if each.result and each.mark.verdict.value == each.result.outcome.value)
    return ours or next((each for each in failed if each.mark.verdict not in _WELL), None)


def _with_one_step(execution: Execution, test: TestEnded) -> Execution:
    """The row as it would be with nothing but this test's run, for the words on its ending."""
    job = execution.job
    run = job["steps"][-1]
    limits = {**run["limits"], **test.test.limits}
    return Execution(job={**job, "steps": [{**run, "name": step_of(test.index), "limits": limits}]})
