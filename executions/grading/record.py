"""What came of each test, as the steps of its job end: nothing is asked of anybody while a program runs.

Outputs are compared whole, and then cut: of all tests together no more is kept than a row can hold.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from executions.grading.asked import Grading, Judge, Protocol, Role, Test
from executions.grading.compare import compare
from executions.grading.difference import Difference
from executions.grading.judges import Judgement, judgement_of
from executions.grading.plan import COMPANION, index_of, is_judges, step_of
from executions.grading.verdicts import NO_FAILURE, Mark, Verdict, mark_of, score_of, top_verdict
from languages.memory_failures import ran_out_of_memory
from languages.programs import RUN
from sandbox.outcomes import Outcome
from sandbox.types import StepResult

KEPT_BYTES = 4 * 1024 * 1024
"""Of what all tests print, for the row: shared evenly, by stream."""
_STREAMS = 2
_SIGPIPE = 13
_ENDED_BY_LIMIT = frozenset(
    {Outcome.TIMEOUT_WALL, Outcome.TIMEOUT_CPU, Outcome.OUT_OF_MEMORY, Outcome.OUTPUT_LIMIT, Outcome.CANCELLED}
)


_ENDED_THE_JOB = frozenset({Verdict.CANCELLED, Verdict.SANDBOX_ERROR})


@dataclass(frozen=True, slots=True)
class TestEnded:
    """A test has its verdict."""

    index: int
    test: Test
    mark: Mark
    difference: Difference | None = None
    message: str = ""
    """Of the checker or interactor, or why the output was not even looked at."""
    result: StepResult | None = None
    """What its program did, output cut to what is kept; None where it was skipped."""

    __test__ = False
    """Nothing that pytest should collect."""

    def to_json(self) -> dict[str, Any]:
        """For the row's `tests`."""
        return {
            "name": self.test.name,
            "hidden": self.test.hidden,
            "group": self.test.group,
            "verdict": self.mark.verdict.value,
            "points": self.mark.points,
            "max_points": self.test.points,
            "first_difference": self.difference and self.difference.to_json(),
            "checker_message": self.message,
        }


class Recorder:
    """Takes the results of a job's steps in order, and gives verdicts as they are known."""

    def __init__(self, grading: Grading, expected: Sequence[bytes | None]) -> None:
        """`expected` has what each test expects of its output; it is in no step, and never leaves this process."""
        self.grading = grading
        self.compile: StepResult | None = None
        """What the compiler said last, the program's or the judge's."""
        self._expected = expected
        self._ended: dict[int, TestEnded] = {}
        self._open: tuple[int, StepResult] | None = None
        """The test whose judge has not spoken yet."""
        self._kept_bytes = KEPT_BYTES // (_STREAMS * len(grading.tests))
        self._skipped: set[int] = set()
        self._left_ms = float("inf") if grading.total_ms is None else float(grading.total_ms)

    def take(self, result: StepResult) -> TestEnded | None:
        """The test's verdict, where this step makes it known."""
        index = index_of(result.name)
        if index is None:
            self.compile = result
            if result.outcome is not Outcome.OK:
                self._skipped.update(range(len(self.grading.tests)))
            return None
        self._left_ms -= result.wall_ms
        if is_judges(result.name):
            return self._said(index, result)
        result = _with_its_own_word(result)
        if self._is_judged(result):
            self._open = (index, result)
            return None
        return self._end(index, result, *self._looked_at(index, result))

    def skips(self) -> list[str]:
        """The names of steps that need not be run any more."""
        skipped = range(len(self.grading.tests)) if self._left_ms <= 0 else sorted(self._skipped)
        return [step_of(index) for index in skipped if index not in self._ended]

    def ended(self, unfinished: Verdict = Verdict.SANDBOX_ERROR) -> list[TestEnded]:
        """All tests, in order, once the job is over; those that were not run are skipped.

        `unfinished` is what the first one of them gets where the job ended before its time and nothing else says so.
        """
        if self._open is not None:
            # The judge's container is gone, or the whole job was ended.
            index, program = self._open
            self._open = None
            self._end(index, program, Judgement(_own_verdict(program) or unfinished))
        missing = [index for index in range(len(self.grading.tests)) if index not in {*self._ended, *self._skipped}]
        told = any(each.mark.verdict in _ENDED_THE_JOB for each in self._ended.values())
        why = Verdict.TIMEOUT_WALL if self._left_ms <= 0 else unfinished
        verdicts = dict.fromkeys(missing[:1], Verdict.SKIPPED if told else why)
        return [
            self._ended.get(index) or self._not_run(index, verdicts.get(index, Verdict.SKIPPED))
            for index in range(len(self.grading.tests))
        ]

    @property
    def judge_failed(self) -> bool:
        """Whether the checker or interactor could not be compiled, so that nothing else was run."""
        compiled = self.compile
        if compiled is None or compiled.outcome is Outcome.OK:
            return False
        return self._compile_verdict(compiled) is Verdict.CHECKER_ERROR

    def columns(self, unfinished: Verdict = Verdict.SANDBOX_ERROR) -> dict[str, Any]:
        """The row's columns `verdict`, `score` and `tests`; see `ended`."""
        ended = self.ended(unfinished)
        verdict = top_verdict(each.mark.verdict for each in ended)
        if self.compile is not None and self.compile.outcome is not Outcome.OK:
            verdict = self._compile_verdict(self.compile)
        return {
            "verdict": verdict.value,
            "score": score_of(self.grading, [each.mark for each in ended]),
            "tests": [each.to_json() for each in ended],
        }

    def _compile_verdict(self, compiled: StepResult) -> Verdict:
        """A lost container is no compile error."""
        if compiled.outcome in {Outcome.CANCELLED, Outcome.SANDBOX_ERROR}:
            return Verdict(compiled.outcome.value)
        return Verdict.CHECKER_ERROR if compiled.name.startswith(COMPANION) else Verdict.COMPILE_ERROR

    def _is_judged(self, program: StepResult) -> bool:
        judge = self.grading.judge
        if judge is None or program.outcome is Outcome.SANDBOX_ERROR:
            return False
        return judge.role is Role.INTERACTOR or program.outcome is Outcome.OK

    def _looked_at(self, index: int, program: StepResult) -> tuple[Judgement, Difference | None]:
        test, expected = self.grading.tests[index], self._expected[index]
        if verdict := _own_verdict(program, test.exit_code):
            return Judgement(verdict, message=_exit_code_told(program, test, verdict)), None
        if expected is None:
            return Judgement(Verdict.PASSED), None
        began = time.thread_time()
        found = compare(
            self.grading.compare,
            expected,
            program.stdout,
            abs_tolerance=self.grading.abs_tolerance,
            rel_tolerance=self.grading.rel_tolerance,
        )
        # Two million numbers that are written otherwise than expected take seconds, of everybody's server.
        self._left_ms -= (time.thread_time() - began) * 1000
        if found.equal:
            return Judgement(Verdict.PASSED), None
        return Judgement(Verdict.PRESENTATION_ERROR if found.only_space else Verdict.WRONG_ANSWER), found.difference

    def _said(self, index: int, said: StepResult) -> TestEnded | None:
        """What the judge of a test said; None where the test has its verdict already."""
        waiting, self._open = self._open, None
        judge = self.grading.judge
        if judge is None or waiting is None or waiting[0] != index:
            return None
        return self._judged(judge, index, waiting[1], said)

    def _judged(self, judge: Judge, index: int, program: StepResult, said: StepResult) -> TestEnded:
        if judge.role is Role.CHECKER:
            return self._end(index, program, _checked(judge.protocol, said))
        return self._end(index, program, _interacted(judge.protocol, program, said))

    def _end(
        self, index: int, program: StepResult, judged: Judgement, difference: Difference | None = None
    ) -> TestEnded:
        test = self.grading.tests[index]
        mark = mark_of(test, judged.verdict, points=judged.points, share=judged.share)
        ended = TestEnded(index, test, mark, difference, judged.message, self._cut(program))
        self._ended[index] = ended
        if mark.verdict not in NO_FAILURE:
            self._skip_after(test)
        return ended

    def _skip_after(self, failed: Test) -> None:
        """What need not be run after a test that has failed."""
        rest = [index for index in range(len(self.grading.tests)) if index not in self._ended]
        in_group = self.grading.stop_group_on_failure and failed.group
        self._skipped.update(
            index
            for index in rest
            if self.grading.stop_on_failure or (in_group and self.grading.tests[index].group == failed.group)
        )

    def _not_run(self, index: int, verdict: Verdict) -> TestEnded:
        message = f"all tests took {self.grading.total_ms} ms" if verdict is Verdict.TIMEOUT_WALL else ""
        return TestEnded(index, self.grading.tests[index], Mark(verdict, 0.0), message=message)

    def _cut(self, program: StepResult) -> StepResult:
        """The order of the streams is told for whole ones only."""
        most = self._kept_bytes
        cut = len(program.stdout) > most or len(program.stderr) > most
        return replace(
            program,
            stdout=program.stdout[:most],
            stderr=program.stderr[:most],
            stdout_truncated=program.stdout_truncated or len(program.stdout) > most,
            stderr_truncated=program.stderr_truncated or len(program.stderr) > most,
            order=() if cut else program.order,
        )


def _with_its_own_word(result: StepResult) -> StepResult:
    """A runtime that gave up for want of memory did not fail by the program's choice."""
    if ran_out_of_memory(replace(result, name=RUN)):
        return replace(result, outcome=Outcome.OUT_OF_MEMORY)
    return result


def _own_verdict(program: StepResult, exit_code: int = 0) -> Verdict | None:
    """What the program's ending says, whatever it has printed; None where it ended as it should."""
    if program.outcome in {Outcome.OK, Outcome.NONZERO_EXIT} and program.exit_code == exit_code:
        return None
    if not program.started:
        return Verdict.NOT_STARTED
    return Verdict.WRONG_ANSWER if program.outcome is Outcome.OK else Verdict(program.outcome.value)


def _exit_code_told(program: StepResult, test: Test, verdict: Verdict) -> str:
    return f"exit code {program.exit_code}, expected {test.exit_code}" if verdict is Verdict.WRONG_ANSWER else ""


def _checked(protocol: Protocol, said: StepResult) -> Judgement:
    """A checker's word; where it was ended, and not by itself, nobody's."""
    if said.outcome in {Outcome.CANCELLED, Outcome.SANDBOX_ERROR}:
        return Judgement(Verdict(said.outcome.value))
    return judgement_of(protocol, said)


def _interacted(protocol: Protocol, program: StepResult, said: StepResult) -> Judgement:
    """Whoever ended first decides, where both did not end well: the other has only met a closed pipe."""
    if program.outcome in _ENDED_BY_LIMIT and not program.after_other:
        return Judgement(Verdict(program.outcome.value))
    failed = _own_verdict(program)
    if failed and not program.after_other and not _met_closed_pipe(program):
        return Judgement(failed)
    judged = _checked(protocol, said)
    accepted = judged.verdict in {Verdict.PASSED, Verdict.PARTIAL}
    if accepted and failed and not _met_closed_pipe(program):
        return Judgement(failed, message=judged.message)
    return judged


def _met_closed_pipe(program: StepResult) -> bool:
    return program.outcome is Outcome.SIGNAL and program.signal == _SIGPIPE
