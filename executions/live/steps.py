"""What of an execution's steps and tests is told as they go.

Compiling and running are told step by step. A test is told as one, by its verdict: nothing else of a hidden one, nor of
the judge's program, stands in any event.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from executions.grading.asked import Report
from executions.grading.shown import shown_test
from languages.programs import COMPILE, RUN

Json = Mapping[str, Any]

_OF_A_TEST = ("name", "hidden", "verdict", "points", "group", "wall_ms")


def is_told(step: str) -> bool:
    """Whether a step's beginning, output and end are events."""
    return step in {COMPILE, RUN} or step.startswith(f"{RUN}/")


def steps_of(job: Json) -> list[str]:
    """The steps of a row's `job` that are told. Where it has tests, its last step only says how they are run."""
    steps = job.get("steps", ())
    return [step["name"] for step in (steps[:-1] if job.get("grading") else steps) if is_told(step["name"])]


def test_told(test: Json, job: Json, *, wall_ms: float | None) -> Json | None:
    """A test of the row's column as everybody may read it; None where its report is only a sum.

    `wall_ms` is its program's, None where that was not run.
    """
    report = Report((job.get("grading") or {}).get("report", Report.FULL))
    if report is Report.SUMMARY:
        return None
    shown = shown_test({**test, "wall_ms": wall_ms}, sees_hidden=False, report=report)
    return {name: shown[name] for name in _OF_A_TEST if name in shown and (name != "hidden" or shown[name])}
