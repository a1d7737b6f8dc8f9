"""Verdicts of tests, and what they make together: the top one, and points."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from executions.grading.asked import Grading, GroupPoints, Test
from sandbox.types import Outcome


class Verdict(StrEnum):
    """How a test ended. Where the program did not end well, that is the verdict: the rest are the step's outcomes."""

    PASSED = "passed"
    WRONG_ANSWER = "wrong_answer"
    PRESENTATION_ERROR = "presentation_error"
    PARTIAL = "partial"
    SKIPPED = "skipped"
    CHECKER_ERROR = "checker_error"
    COMPILE_ERROR = "compile_error"
    NOT_STARTED = "not_started"
    NONZERO_EXIT = Outcome.NONZERO_EXIT.value
    SIGNAL = Outcome.SIGNAL.value
    TIMEOUT_WALL = Outcome.TIMEOUT_WALL.value
    TIMEOUT_CPU = Outcome.TIMEOUT_CPU.value
    OUT_OF_MEMORY = Outcome.OUT_OF_MEMORY.value
    OUTPUT_LIMIT = Outcome.OUTPUT_LIMIT.value
    CANCELLED = Outcome.CANCELLED.value
    SANDBOX_ERROR = Outcome.SANDBOX_ERROR.value


NO_FAILURE = frozenset({Verdict.PASSED, Verdict.PARTIAL, Verdict.SKIPPED, Verdict.CHECKER_ERROR})
"""After these the tests behind are run in either case: the program has not failed, or nobody knows."""
_DIGITS = 6
"""Of points behind the point: sums of tenths shall look like what people expect."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A test's verdict and its points."""

    verdict: Verdict
    points: float


def mark_of(test: Test, verdict: Verdict, *, points: float | None = None, share: float | None = None) -> Mark:
    """What a verdict is worth. Points that a judge gave are the test's own, within none and all of them.

    A judge that gives points gives the verdict with them: all make a test passed, none a wrong answer.
    """
    if verdict is Verdict.PASSED and points is None and share is None:
        return Mark(verdict, test.points)
    if verdict not in {Verdict.PASSED, Verdict.PARTIAL}:
        return Mark(verdict, 0.0)
    given = points if points is not None else (share or 0.0) * test.points
    within = round(min(max(given, 0.0), test.points), _DIGITS)
    if verdict is Verdict.PASSED or (given > 0 and within >= test.points):
        return Mark(Verdict.PASSED, within)
    return Mark(Verdict.PARTIAL if within > 0 else Verdict.WRONG_ANSWER, within)


def top_verdict(verdicts: Iterable[Verdict]) -> Verdict:
    """The first that is not passed; a test that was skipped says nothing of the program."""
    return next((each for each in verdicts if each not in {Verdict.PASSED, Verdict.SKIPPED}), Verdict.PASSED)


def score_of(grading: Grading, marks: Sequence[Mark]) -> dict[str, Any]:
    """Tests and points, as the answer has them. There is a mark for each test, in order."""
    groups = {name: _group(grading, marks, name) for name in dict.fromkeys(each.group for each in grading.tests)}
    return {
        "passed": sum(mark.verdict is Verdict.PASSED for mark in marks),
        "total": len(marks),
        "points": _number(sum(group["points"] for group in groups.values())),
        "max_points": _number(sum(group["max_points"] for group in groups.values())),
        "groups": {name: group for name, group in groups.items() if name},
    }


def _group(grading: Grading, marks: Sequence[Mark], name: str) -> dict[str, Any]:
    """A group's points; tests that are in none are added up, each for itself."""
    pairs = [(test, mark) for test, mark in zip(grading.tests, marks, strict=True) if test.group == name]
    most = sum(test.points for test, _ in pairs)
    if name and grading.group_points is GroupPoints.MIN:
        points = most * min(_share(test, mark) for test, mark in pairs)
    else:
        points = sum(mark.points for _, mark in pairs)
    return {"points": _number(points), "max_points": _number(most)}


def _share(test: Test, mark: Mark) -> float:
    """Of the test's points; a test that is worth none counts all the same."""
    if test.points:
        return mark.points / test.points
    return float(mark.verdict is Verdict.PASSED)


def _number(points: float) -> float:
    """Whole numbers as such."""
    rounded = round(points, _DIGITS)
    return int(rounded) if rounded == int(rounded) else rounded
