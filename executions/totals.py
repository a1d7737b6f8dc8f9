"""How many executions there were, by language and outcome, in all and by minute, hour and day.

Theory of operation. Each execution leaves a line in executions_tally when it comes and one when it ends, in the
statement that does so (migration 0020). `roll_up` moves lines into the totals, the periods and the usage of clients:
those that it adds are deleted in the same statement. Whoever asks adds rolled up and not rolled up in one statement,
which sees each line in one of both: exact at any moment, whatever runs meanwhile, and whatever has become of the rows.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any, NamedTuple

from django.db import connection
from django.utils import timezone

from executions.models import (
    ExecutionChart,
    ExecutionClient,
    ExecutionHistogram,
    ExecutionLanguage,
    ExecutionPeriod,
    Measure,
    Period,
)
from periodic.tasks import Stop
from rest.connections import release_connection

BUCKETS = 24
"""Of a histogram: the last but one ends at 2^22 ms, an hour and ten minutes."""
KEPT = {Period.MINUTE: timedelta(days=2), Period.HOUR: timedelta(days=60)}
"""Days stay for ever: of twenty languages and ten outcomes, some 70,000 rows a year."""
CLIENTS_KEPT = timedelta(days=60)
"""By day; their usage stays for ever."""
_AT_ONCE = 20_000
"""Lines: a fifth of a second."""

_COUNTS = """
SELECT language_slug, outcome, sum(received)::bigint, sum(finished)::bigint, sum(errors)::bigint
FROM executions_counted GROUP BY language_slug, outcome ORDER BY language_slug, outcome
"""
_LANGUAGES = "SELECT DISTINCT language_slug FROM executions_counted WHERE language_slug <> ''"
# Both halves of one statement read the same snapshot.
_SERIES = """
WITH tail AS (
    SELECT {part} AS at, CASE WHEN outcome = 'rejected' THEN '' ELSE language_slug END AS language_slug, outcome,
        errors, cpu_ms, wall_ms, coalesce(queue_ms, 0) AS queued_ms, run_ms, queue_ms
    FROM executions_tally WHERE finished > 0 {within}
)
SELECT {each} AS at, {language} AS language, {outcome} AS outcome, measure, bucket, sum(executions)::bigint,
    sum(errors)::bigint, sum(cpu_ms), sum(wall_ms), sum(queue_ms)
FROM (
    SELECT at, language_slug, outcome, '' AS measure, 0 AS bucket, executions, errors, cpu_ms, wall_ms,
        queue_ms
    FROM executions_executionperiod WHERE period = %(period)s {within}
    UNION ALL
    SELECT at, language_slug, outcome, '', 0, 1, errors, cpu_ms, wall_ms, queued_ms FROM tail
    {histograms}
) counted
GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3
"""
_HISTOGRAMS = """
    UNION ALL
    SELECT at, language_slug, outcome, measure, bucket, executions, 0, 0, 0, 0
    FROM executions_executionhistogram WHERE period = %(period)s AND measure <> 'total' {within}
    UNION ALL
    SELECT at, language_slug, outcome, measure, executions_bucket(ms), 1, 0, 0, 0, 0
    FROM tail, LATERAL (VALUES ('wall', run_ms), ('queue', queue_ms)) AS measured (measure, ms) WHERE ms IS NOT NULL
"""
# One snapshot of what is rolled up and what is not; without a bucket: a sum.
_TIMES_EVER = """
SELECT CASE WHEN measure IN ('wall', 'cpu') THEN language_slug ELSE '' END, measure, bucket, sum(value) FROM (
    SELECT language_slug, measure, bucket, executions::float8 AS value FROM executions_executionhistogram
    WHERE period = 'ever' AND outcome <> 'rejected'
    UNION ALL
    SELECT language_slug, measure, NULL, value FROM executions_executionperiod, LATERAL (VALUES
        ('wall', run_ms), ('queue', queue_ms), ('total', total_ms), ('cpu', cpu_ms)) AS summed (measure, value)
    WHERE period = 'ever' AND outcome <> 'rejected'
    UNION ALL
    SELECT language_slug, measure, part.bucket, part.value FROM executions_tally, LATERAL (VALUES
        ('wall', run_ms), ('queue', queue_ms), ('total', total_ms)) AS measured (measure, ms),
        LATERAL (VALUES (executions_bucket(ms), 1::float8), (NULL, ms)) AS part (bucket, value)
    WHERE finished > 0 AND outcome <> 'rejected' AND ms IS NOT NULL
    UNION ALL
    SELECT language_slug, 'cpu', NULL, cpu_ms FROM executions_tally WHERE finished > 0 AND outcome <> 'rejected'
) counted
GROUP BY 1, 2, 3 ORDER BY 1, 2
"""
# Rolled up, a period is one row; what is not yet is a row for each outcome and each bucket.
_CHART = """
WITH tail AS (
    SELECT date_trunc(%(period)s, at, 'UTC') AS at, outcome, wall_ms, run_ms, queue_ms
    FROM executions_tally WHERE finished > 0 AND at >= %(since)s
)
SELECT at, outcomes, wall_ms, wall, queue, '', 0, 0 FROM executions_executionchart
WHERE period = %(period)s AND at >= %(since)s
UNION ALL
SELECT at, jsonb_build_object(outcome, count(*)), sum(wall_ms), NULL, NULL, '', 0, 0 FROM tail GROUP BY at, outcome
UNION ALL
SELECT at, NULL, 0, NULL, NULL, measure, executions_bucket(ms), count(*)
FROM tail, LATERAL (VALUES ('wall', run_ms), ('queue', queue_ms)) AS measured (measure, ms)
WHERE ms IS NOT NULL GROUP BY at, measure, executions_bucket(ms)
"""
# By minute until the first full hour, by hour until midnight, then by day: a week is hardly more rows than an hour.
_OF_LANGUAGES = """
SELECT language_slug, sum(executions)::bigint AS executions, sum(failed)::bigint, sum(ours)::bigint FROM (
    SELECT language_slug, executions, failed, ours FROM executions_executionlanguage
    WHERE period = 'minute' AND at >= %(since)s AND at < %(hour)s
    UNION ALL
    SELECT language_slug, executions, failed, ours FROM executions_executionlanguage
    WHERE period = 'hour' AND at >= %(hour)s AND at < %(day)s
    UNION ALL
    SELECT language_slug, executions, failed, ours FROM executions_executionlanguage
    WHERE period = 'day' AND at >= %(day)s
    UNION ALL
    SELECT language_slug, count(*), count(*) FILTER (WHERE outcome <> 'ok'),
        count(*) FILTER (WHERE outcome = 'sandbox_error')
    FROM executions_tally WHERE finished > 0 AND outcome <> 'rejected' AND at >= %(since)s GROUP BY 1
) counted GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT %(most)s
"""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BY = {"language": "language_slug", "outcome": "outcome"}
"""What periods may be asked for by, besides their beginnings."""


class Count(NamedTuple):
    """Executions of one language with one outcome, or `rejected`; without an outcome, those that were begun."""

    language: str
    outcome: str
    received: int
    finished: int
    errors: int


def counts() -> list[Count]:
    """All that there ever were, also of rows that were deleted since."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS)
        return [Count(*row) for row in cursor.fetchall()]


def languages() -> set[str]:
    """Names of languages of which there were executions."""
    with connection.cursor() as cursor:
        cursor.execute(_LANGUAGES)
        return {name for (name,) in cursor.fetchall()}


@dataclass(slots=True)
class Histogram:
    """How many times fell into each bucket: below 1 ms, below 2, below 4, and so on; the last has all above."""

    buckets: list[int] = field(default_factory=lambda: [0] * BUCKETS)

    def add(self, other: Histogram) -> None:
        """Count those of another one too."""
        self.buckets = [mine + theirs for mine, theirs in zip(self.buckets, other.buckets, strict=True)]

    def quantile(self, share: float) -> float | None:
        """The time in ms that this share of them stayed below, as near as buckets tell; None: there is none."""
        wanted = share * sum(self.buckets)
        if not wanted:
            return None
        place, until = next((n, sum_) for n, sum_ in enumerate(accumulate(self.buckets)) if sum_ >= wanted)
        low, high = (2.0 ** (place - 1) if place else 0.0), 2.0**place
        return low + (high - low) * (1 - (until - wanted) / self.buckets[place])


@dataclass(slots=True)
class Ended:
    """What ended in one period, in one language with one outcome, or `rejected`."""

    executions: int = 0
    errors: int = 0
    cpu_ms: float = 0.0
    wall_ms: float = 0.0
    queue_ms: float = 0.0
    wall: Histogram = field(default_factory=Histogram)
    """Of programs; the sums above are of all steps."""
    queue: Histogram = field(default_factory=Histogram)


Key = tuple[datetime, str, str]
"""The beginning of a period, a language, an outcome."""


def series(
    period: Period,
    since: datetime,
    until: datetime | None = None,
    *,
    by: Collection[str] = ("language", "outcome"),
    histograms: bool = True,
) -> Mapping[Key, Ended]:
    """What ended from `since` on, by period, language and outcome, in their order; empty periods are left out.

    `since` is the beginning of a period, or what began before is missing in its own. What it is not asked `by` is "" in
    the keys. A chart needs a part of it: how many by outcome, without histograms, or the histograms of all together.
    """
    asked: dict[str, Any] = {"period": period, "since": since, "until": until or timezone.now() + timedelta(days=1)}
    within = "AND at >= %(since)s AND at < %(until)s"
    statement = _statement("date_trunc(%(period)s, at, 'UTC')", within, by, histograms=histograms)
    with connection.cursor() as cursor:
        cursor.execute(statement, asked)
        return _by_key(cursor.fetchall())


def sums(
    period: Period, since: datetime, *, by: Collection[str] = ("language", "outcome")
) -> Mapping[tuple[str, str], Ended]:
    """What ended from `since` on, the beginning of a period, in all of its periods together; without histograms."""
    statement = _statement(
        "date_trunc(%(period)s, at, 'UTC')", "AND at >= %(since)s", by, histograms=False, each="'epoch'::timestamptz"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, {"period": period, "since": since})
        found = _by_key(cursor.fetchall())
    return {(language, outcome): ended for (_, language, outcome), ended in found.items()}


@dataclass(slots=True)
class Column:
    """What a chart shows of one period, of all languages together."""

    outcomes: Counter[str] = field(default_factory=Counter)
    """How many had each, or were `rejected`."""
    wall_ms: float = 0.0
    """Of all steps."""
    wall: Histogram = field(default_factory=Histogram)
    """Of programs."""
    queue: Histogram = field(default_factory=Histogram)


def chart(period: Period, since: datetime) -> Mapping[datetime, Column]:
    """What ended from `since` on, the beginning of a period; empty periods are left out."""
    found: dict[datetime, Column] = {}
    with connection.cursor() as cursor:
        cursor.execute(_CHART, {"period": period, "since": since})
        for at, outcomes, wall_ms, wall, queue, measure, bucket, executions in cursor.fetchall():
            one = found.setdefault(at, Column())
            one.wall_ms += wall_ms
            if measure:
                (one.wall if measure == Measure.WALL else one.queue).buckets[bucket] += executions
            if outcomes is not None:
                one.outcomes.update(json.loads(outcomes))
            if wall is not None:
                one.wall.add(Histogram(wall))
                one.queue.add(Histogram(queue))
    return found


class LanguageCount(NamedTuple):
    """A language's executions that were run, how many ended with another outcome than ok, and how many by our fault."""

    slug: str
    executions: int
    failed: int
    ours: int


def of_languages(since: datetime, *, most: int) -> list[LanguageCount]:
    """What ended from `since` on, the beginning of a minute not long ago, of an hour or of a day (UTC); most first.

    Of minutes and hours that are forgotten by now there is nothing: see KEPT.
    """
    hour = _next(since, timedelta(hours=1))
    asked: dict[str, Any] = {"since": since, "hour": hour, "day": _next(hour, timedelta(days=1)), "most": most}
    with connection.cursor() as cursor:
        cursor.execute(_OF_LANGUAGES, asked)
        return [LanguageCount(*row) for row in cursor.fetchall()]


def _next(moment: datetime, step: timedelta) -> datetime:
    """The first beginning of such a step in UTC that is not before it."""
    over = (moment - _EPOCH) % step
    return moment + (step - over) if over else moment


def ever() -> Mapping[tuple[str, str], Ended]:
    """All that ended since there are roll-ups, by language and outcome."""
    with connection.cursor() as cursor:
        cursor.execute(_statement("'epoch'::timestamptz", "", tuple(_BY)), {"period": Period.EVER})
        found = _by_key(cursor.fetchall())
    return {(language, outcome): ended for (_, language, outcome), ended in found.items()}


class TimesEver(NamedTuple):
    """How long executions took that were not refused: one of the measures."""

    language: str
    """Of programs' wall time; the other measures are of all languages together, and this is empty."""
    measure: Measure
    buckets: Sequence[int]
    sum_ms: float


def times_ever() -> tuple[list[TimesEver], dict[str, float]]:
    """Of all that ended since there are roll-ups; and the CPU time in ms of all of their steps, by language."""
    with connection.cursor() as cursor:
        cursor.execute(_TIMES_EVER)
        rows = cursor.fetchall()
    sums = {(language, measure): value for language, measure, bucket, value in rows if bucket is None}
    found: dict[tuple[str, str], list[int]] = {}
    for language, measure, bucket, value in rows:
        if bucket is not None:
            found.setdefault((language, measure), [0] * BUCKETS)[bucket] = int(value)
    times = [TimesEver(*key[:1], Measure(key[1]), buckets, sums.get(key, 0.0)) for key, buckets in found.items()]
    return times, {language: value for (language, measure), value in sums.items() if measure == "cpu"}


def _statement(part: str, within: str, by: Collection[str], *, histograms: bool = True, each: str = "at") -> str:
    grouped = {name: column if name in by else "''" for name, column in _BY.items()}
    counted = _HISTOGRAMS.format(within=within) if histograms else ""
    return _SERIES.format(part=part, within=within, histograms=counted, each=each, **grouped)


def _by_key(rows: Sequence[tuple[datetime, str, str, str, int, int, int, float, float, float]]) -> dict[Key, Ended]:
    found: dict[Key, Ended] = {}
    for at, language, outcome, measure, bucket, executions, errors, *times in rows:
        ended = found.setdefault((at, language, outcome), Ended())
        if not measure:
            ended.executions, ended.errors = executions, errors
            ended.cpu_ms, ended.wall_ms, ended.queue_ms = times
        else:
            histogram = ended.wall if measure == Measure.WALL else ended.queue
            histogram.buckets[bucket] = executions
    return found


def roll_up(stop: Stop) -> int:
    """Roll up what there is, and forget minutes and hours of long ago; how many executions came and ended."""
    rolled = 0
    while not stop.is_set():
        with connection.cursor() as cursor:
            cursor.execute("SELECT executions_roll_up(%s)", [_AT_ONCE])
            some = int(cursor.fetchone()[0])
        release_connection()
        rolled += some
        if some < _AT_ONCE:
            break
    for period, kept in KEPT.items():
        before = timezone.now() - kept
        for model in (ExecutionPeriod, ExecutionHistogram, ExecutionChart, ExecutionLanguage):
            model.objects.filter(period=period, at__lt=before).delete()
    ExecutionClient.objects.filter(day__lt=(timezone.now() - CLIENTS_KEPT).date()).delete()
    return rolled
