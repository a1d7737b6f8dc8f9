"""What of tests may be seen, by whom: decided here alone, for answers, events, webhooks and exports.

Whoever may not see hidden tests gets their names and verdicts. All else of them could carry what they read: a program
can exit with a byte of its input, take so many milliseconds, use so much memory, or write it into a file. So nothing
that is summed up over tests, or taken from one of them, has a hidden one in it; and what time tells beside that
(when the answer comes) is for nobody to hide who wants to be answered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from executions.grading.asked import Report

COARSE_MS = 10
"""What times are rounded to that a hidden test is part of."""
_VERDICT = ("name", "verdict", "points", "group")
_HIDDEN = ("name", "hidden", "verdict")


def shown(
    tests: Sequence[Mapping[str, Any]], *, sees_hidden: bool, report: Report = Report.FULL
) -> list[dict[str, Any]] | None:
    """The tests as they are told, from objects with the names that the answer has; None where only their sum is."""
    if report is Report.SUMMARY:
        return None
    return [shown_test(test, sees_hidden=sees_hidden, report=report) for test in tests]


def shown_test(test: Mapping[str, Any], *, sees_hidden: bool, report: Report = Report.FULL) -> dict[str, Any]:
    """One test as it is told."""
    if test.get("hidden") and not sees_hidden:
        return {name: test[name] for name in _HIDDEN}
    if report is Report.FULL:
        return dict(test)
    return {name: test[name] for name in (*_VERDICT, "hidden") if name in test and (name != "hidden" or test[name])}


def coarse(milliseconds: float | None) -> float | None:
    """A time that hidden tests are part of, for those who may not see them."""
    return None if milliseconds is None else float(round(milliseconds / COARSE_MS) * COARSE_MS)
