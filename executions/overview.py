"""What the admin's front page tells of a time: from the roll-ups, whose cost does not grow with the rows.

Of rows it reads the last failures of ours and the last refusals, each from the end of a range of one index.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models.functions import Left

from executions import totals
from executions.models import Execution, Period, Status
from executions.outcomes import ENDINGS, Outcome
from executions.ranges import Range
from executions.totals import Column, Histogram, LanguageCount
from rest.ids import first_at

LAST_FAILURES = 10
LAST_REFUSALS = 200
MOST_LINES = 10
"""Of each table."""
REJECTED = "rejected"
"""What the roll-ups have for an outcome of what never ran."""
_TOLD_LENGTH = 200
"""Of a refusal's reason."""

_STEPS = {
    Period.MINUTE: timedelta(minutes=1),
    Period.HOUR: timedelta(hours=1),
    Period.DAY: timedelta(days=1),
}
# What is not rolled up is a few seconds of executions.
_BUSIEST = """
SELECT client.id, client.name, used.executions, used.cpu_ms FROM (
    SELECT client_id, sum(executions)::bigint AS executions, sum(cpu_ms) AS cpu_ms FROM (
        SELECT client_id, executions, cpu_ms FROM executions_executionclient WHERE day >= %(first)s
        UNION ALL
        SELECT client_id, 1, cpu_ms FROM executions_tally
        WHERE client_id IS NOT NULL AND outcome <> 'rejected' AND (at AT TIME ZONE 'UTC')::date >= %(first)s
    ) ended GROUP BY client_id
) used JOIN clients_client client ON client.id = used.client_id
ORDER BY used.executions DESC, client.name LIMIT %(most)s
"""


@dataclass(frozen=True, slots=True)
class Span:
    """So many periods, the present one included."""

    name: str
    title: str
    period: Period
    periods: int

    @property
    def minutes(self) -> float:
        """Of one period."""
        return _STEPS[self.period] / timedelta(minutes=1)

    def places(self, now: datetime) -> list[datetime]:
        """The beginnings of its periods, in UTC as `now` is."""
        last = now.replace(second=0, microsecond=0)
        if self.period != Period.MINUTE:
            last = last.replace(minute=0)
        if self.period == Period.DAY:
            last = last.replace(hour=0)
        return [last - _STEPS[self.period] * back for back in range(self.periods - 1, -1, -1)]


SPANS = {
    span.name: span
    for span in (
        Span("1h", "1 h", Period.MINUTE, 60),
        Span("24h", "24 h", Period.HOUR, 24),
        Span("7d", "7 d", Period.HOUR, 7 * 24),
        Span("30d", "30 d", Period.DAY, 30),
    )
}


class Group(NamedTuple):
    """Outcomes that are one colour."""

    kind: str
    name: str
    outcomes: frozenset[str]


def _of_kind(kind: str) -> frozenset[str]:
    return frozenset(outcome.value for outcome, ending in ENDINGS.items() if ending.kind == kind)


OURS = frozenset({Outcome.SANDBOX_ERROR.value})
GROUPS = (
    Group("ok", "ok", _of_kind("good")),
    Group("failed", "failed by itself", _of_kind("warn")),
    Group("limit", "met a limit", _of_kind("limit")),
    Group("refused", "refused or cancelled", frozenset({REJECTED, Outcome.CANCELLED.value})),
    Group("ours", "error of ours", OURS),
)


class ClientLine(NamedTuple):
    """What a client has used."""

    id: UUID
    name: str
    executions: int
    cpu_ms: float


@dataclass(frozen=True, slots=True)
class Overview:
    """All that is told of a span."""

    span: Span
    places: Sequence[datetime]
    groups: Mapping[str, Sequence[int]]
    """By kind of a group: how many ended in each place."""
    wall: Sequence[Histogram]
    """Of each place, as the queue's."""
    queue: Sequence[Histogram]
    in_use: Sequence[float]
    """Slots, on average: what ran in each place, beside how long that is. A program counts where it ends."""
    languages: Sequence[LanguageCount]
    run_today: int
    ours_today: int


def overview(span: Span, now: datetime) -> Overview:
    """Three statements."""
    places = span.places(now)
    found = totals.chart(span.period, places[0])
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    today = totals.chart(Period.DAY, midnight).get(midnight, Column()).outcomes
    empty = Column()
    columns = [found.get(place, empty) for place in places]
    return Overview(
        span,
        places,
        {group.kind: [_of_group(group, column.outcomes) for column in columns] for group in GROUPS},
        [column.wall for column in columns],
        [column.queue for column in columns],
        _in_use(span, columns, places, now),
        totals.of_languages(places[0], most=MOST_LINES),
        sum(count for outcome, count in today.items() if outcome != REJECTED),
        sum(count for outcome, count in today.items() if outcome in OURS),
    )


def _of_group(group: Group, outcomes: Mapping[str, int]) -> int:
    return sum(count for outcome, count in outcomes.items() if outcome in group.outcomes)


def _in_use(span: Span, columns: Sequence[Column], places: Sequence[datetime], now: datetime) -> list[float]:
    step = _STEPS[span.period]
    # The present place has begun, and lasts for a while yet.
    lasted = [min(step, max(now - place, timedelta(seconds=1))) for place in places]
    return [column.wall_ms / (time / timedelta(milliseconds=1)) for column, time in zip(columns, lasted, strict=True)]


def together(histograms: Sequence[Histogram]) -> Histogram:
    """All of them as one."""
    whole = Histogram()
    for one in histograms:
        whole.add(one)
    return whole


def last_failures() -> list[Execution]:
    """Those of ours, the newest first, without what is large in them."""
    wanted = Range({"status": Status.FINISHED, "outcome": Outcome.SANDBOX_ERROR})
    rows = Execution.objects.only("id", "language_slug", "error", "finished_at")
    return list(wanted.of(rows, descending=True)[:LAST_FAILURES])


def refusals(since: datetime) -> list[tuple[str, int]]:
    """Why the last ones were refused, most often first: what each of them names is left out."""
    wanted = Range({"status": Status.REJECTED, "outcome": ""}, low=first_at(since))
    rows = wanted.of(Execution.objects.all(), descending=True)
    errors = rows.values_list(Left("error", _TOLD_LENGTH), flat=True)[:LAST_REFUSALS]
    return Counter(reason_in(error) for error in errors).most_common(MOST_LINES)


def reason_in(error: str) -> str:
    """An error without the names and numbers that are this one's alone."""
    line = error.split("\n", 1)[0]
    return re.sub(r"'[^']*'|\"[^\"]*\"|`[^`]*`|\b\d[\d.,]*\b", "…", line)


def busiest_clients(since: datetime) -> list[ClientLine]:
    """Since the beginning of that day (UTC): what clients have used is counted by days."""
    with connection.cursor() as cursor:
        cursor.execute(_BUSIEST, {"first": since.date(), "most": MOST_LINES})
        return [ClientLine(*row) for row in cursor.fetchall()]
