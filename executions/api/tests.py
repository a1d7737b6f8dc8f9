"""How the tests of an execution are told: each with its verdict and what its program did, as far as it may be seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from executions.api.steps import step_json
from executions.grading.asked import Report
from executions.grading.plan import step_of
from executions.grading.shown import shown
from executions.models import Execution
from executions.results import StepRecord


def tests_json(
    execution: Execution, steps: Sequence[StepRecord], *, sees_hidden: bool, with_output: bool
) -> list[dict[str, Any]] | None:
    """All tests, in order; None where there are none, none has its verdict yet, or only their sum was asked for."""
    if execution.tests is None:
        return None
    by_name = {step.name: step for step in steps}
    told = [
        _test_json(test, by_name.get(step_of(index)), with_output=with_output)
        for index, test in enumerate(execution.tests)
    ]
    report = Report(execution.job.get("grading", {}).get("report", Report.FULL))
    return shown(told, sees_hidden=sees_hidden, report=report)


def _test_json(test: Mapping[str, Any], step: StepRecord | None, *, with_output: bool) -> dict[str, Any]:
    return dict(test) | (step_json(step, with_output=with_output) if step else {})
