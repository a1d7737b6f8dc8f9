"""What the admin's front page tells of a time: from the roll-ups, whose cost does not grow with the rows.

Of rows it reads the last failures of ours and the last refusals, each from the end of a range of one index.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
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
from executions.totals import Counted, Histogram, Some, Times
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
# Clients are few beside what they have used: each is one range of the usage's index. What is not rolled up is a few
# seconds of executions.
_BUSIEST = """
WITH tail AS (
    SELECT client_id, count(*) AS executions, sum(cpu_ms) AS cpu_ms FROM executions_tally
    WHERE client_id IS NOT NULL AND outcome <> 'rejected' AND (at AT TIME ZONE 'UTC')::date >= %(first)s
    GROUP BY client_id
)
SELECT client.id, client.name, coalesce(rolled.executions, 0) + coalesce(tail.executions, 0) AS executions,
    coalesce(rolled.cpu_ms, 0) + coalesce(tail.cpu_ms, 0)
FROM clients_client client
LEFT JOIN LATERAL (
    SELECT sum(executions)::bigint AS executions, sum(cpu_ms) AS cpu_ms FROM clients_usage
    WHERE client_id = client.id AND outcome <> 'rejected' AND day >= %(first)s
) rolled ON true
LEFT JOIN tail ON tail.client_id = client.id
WHERE rolled.executions > 0 OR tail.executions > 0
ORDER BY executions DESC, client.name LIMIT %(most)s
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


class LanguageLine(NamedTuple):
    """A language's executions that were run, how many met an error or a limit, and how many failed by our fault."""

    slug: str
    executions: int
    failed: int
    ours: int


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
    languages: Sequence[LanguageLine]
    run_today: int
    ours_today: int


def overview(span: Span, now: datetime) -> Overview:
    """Three statements."""
    places = span.places(now)
    times = totals.times(span.period, places[0])
    counted = totals.counted(span.period, places[0])
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    today = totals.sums(Period.HOUR, midnight, by=["outcome"])
    empty = Times()
    each = [times.get(place, empty) for place in places]
    return Overview(
        span,
        places,
        _groups(counted, places),
        [one.wall for one in each],
        [one.queue for one in each],
        _in_use(span, counted, places, now),
        _languages(counted.by_language),
        sum(ended.executions for (_, outcome), ended in today.items() if outcome != REJECTED),
        sum(ended.executions for (_, outcome), ended in today.items() if outcome in OURS),
    )


def _groups(counted: Counted, places: Sequence[datetime]) -> Mapping[str, Sequence[int]]:
    sums: Counter[tuple[str, datetime]] = Counter()
    for (at, outcome), some in counted.by_period.items():
        for group in GROUPS:
            if outcome in group.outcomes:
                sums[group.kind, at] += some.executions
    return {group.kind: [sums[group.kind, place] for place in places] for group in GROUPS}


def _in_use(span: Span, counted: Counted, places: Sequence[datetime], now: datetime) -> list[float]:
    ran_ms: defaultdict[datetime, float] = defaultdict(float)
    for (at, _), some in counted.by_period.items():
        ran_ms[at] += some.wall_ms
    step = _STEPS[span.period]
    # The present place has begun, and lasts for a while yet.
    lasted = [min(step, max(now - place, timedelta(seconds=1))) for place in places]
    return [ran_ms[place] / (time / timedelta(milliseconds=1)) for place, time in zip(places, lasted, strict=True)]


def _languages(found: Mapping[tuple[str, str], Some]) -> list[LanguageLine]:
    run: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    ours: Counter[str] = Counter()
    for (slug, outcome), ended in found.items():
        if outcome != REJECTED:
            run[slug] += ended.executions
            failed[slug] += 0 if outcome == Outcome.OK else ended.executions
            ours[slug] += ended.executions if outcome in OURS else 0
    return [LanguageLine(slug, count, failed[slug], ours[slug]) for slug, count in run.most_common(MOST_LINES)]


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
