"""Totals are exact at any moment: what came and ended since the last roll-up is added to what is rolled up."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from clients import usage
from clients.models import Usage
from executions import totals
from executions.models import (
    Execution,
    ExecutionChart,
    ExecutionClient,
    ExecutionHistogram,
    ExecutionLanguage,
    ExecutionPeriod,
    ExecutionTotal,
    Measure,
    Period,
)
from executions.totals import BUCKETS, Count, Histogram, LanguageCount
from rest.ids import uuid7

CLIENT = UUID(int=7)
NOON = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)


def ended(at: datetime = NOON, model: Any = Execution, **fields: Any) -> Any:
    """One that came and ended, as a request writes it."""
    base: dict[str, Any] = {"language_slug": "python", "job": {"steps": []}, "worker": uuid7(), "created_at": at}
    row = model.objects.create(id=uuid7(), status="running", started_at=at, **base)
    ending: dict[str, Any] = {"status": "finished", "outcome": "ok", "exit_code": 0, "finished_at": at, "wall_ms": 12.0}
    model.objects.filter(pk=row.pk).update(**ending | {"cpu_ms": 9.0, "queue_ms": 0.5} | fields)
    return row


def migrated_to(name: str) -> Any:
    """The model of executions as it was after that migration, with a table as it was."""
    executor = MigrationExecutor(connection)
    return executor.migrate([("executions", name)]).apps.get_model("executions", "Execution")


def refused(at: datetime = NOON) -> None:
    Execution.objects.create(
        id=uuid7(), status="rejected", language_slug="no such", error="x", created_at=at, finished_at=at
    )


def roll_up() -> int:
    return totals.roll_up(threading.Event())


def asked() -> tuple[Any, ...]:
    """All that anybody can ask for."""
    day = NOON.replace(hour=0, minute=0, second=0)
    periods = [totals.series(period, day) for period in (Period.MINUTE, Period.HOUR, Period.DAY)]
    together = [totals.sums(period, day) for period in (Period.MINUTE, Period.DAY)]
    used = [usage.by_groups(CLIENT, NOON.date(), NOON.date(), groups) for groups in ((), ("outcome",), usage.GROUPS)]
    charts = [totals.chart(period, day) for period in (Period.MINUTE, Period.DAY)]
    languages = [totals.of_languages(since, most=9) for since in (day, NOON.replace(second=0))]
    return totals.counts(), periods, together, totals.ever(), used, charts, languages


@pytest.fixture
def history(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(totals, "KEPT", {})
    monkeypatch.setattr(totals, "CLIENTS_KEPT", timedelta(days=10_000))
    for minute in (0, 0, 1, 70):
        ended(NOON + timedelta(minutes=minute))
    ended(outcome="nonzero_exit", exit_code=1, wall_ms=0.5, steps=[{"cpu_ms": 2.0, "wall_ms": 3.0}] * 2)
    # Mine, through a key, in another language than what it is counted for by its client.
    Execution.objects.create(
        id=uuid7(), status="finished", outcome="ok", exit_code=0, language_slug="go", client_id=CLIENT, api_key_id="k",
        source="1234", cpu_ms=5.0, wall_ms=6.0, created_at=NOON, started_at=NOON, finished_at=NOON,
    )  # fmt: skip
    refused()


def test_what_is_asked_for_is_the_same_before_and_after_a_roll_up(history: None) -> None:
    before = asked()
    assert not ExecutionTotal.objects.exists()
    assert roll_up() == 7 + 5
    assert asked() == before
    # With some of it rolled up, and after another roll-up into the same rows.
    ended()
    refused()
    half = asked()
    assert half != before
    assert roll_up() == 3
    assert asked() == half
    assert roll_up() == 0


def test_the_counts(history: None) -> None:
    assert totals.counts() == [
        Count("", "rejected", 1, 1, 1),
        Count("go", "ok", 1, 1, 0),
        Count("python", "", 5, 0, 0),
        Count("python", "nonzero_exit", 0, 1, 0),
        Count("python", "ok", 0, 4, 0),
    ]
    assert totals.languages() == {"python", "go"}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("steps", "cpu_ms", "wall_ms"),
    [
        ([{"cpu_ms": 2.5, "wall_ms": 4.0}], 2.5, 4.0),
        ([{"cpu_ms": 2.5, "wall_ms": 4.0}, {"cpu_ms": 1.0}], 3.5, 4.0),
        ([{"cpu_ms": None}], 9.0, 12.0),
        ([], 9.0, 12.0),
        ({}, 9.0, 12.0),
    ],
    ids=["one", "two", "no numbers", "none", "no list"],
)
def test_the_times_are_of_all_steps(steps: Any, cpu_ms: float, wall_ms: float) -> None:
    ended(steps=steps)
    found = totals.series(Period.MINUTE, NOON.replace(second=0))[NOON.replace(second=0), "python", "ok"]
    assert (found.cpu_ms, found.wall_ms) == (cpu_ms, wall_ms)


@pytest.mark.parametrize("rolled", [False, True])
def test_the_series(history: None, rolled: bool) -> None:
    if rolled:
        roll_up()
    minute = NOON.replace(second=0)
    found = totals.series(Period.MINUTE, minute, minute + timedelta(minutes=2))
    assert [(at - minute, *rest, each.executions) for (at, *rest), each in found.items()] == [
        (timedelta(0), "", "rejected", 1),
        (timedelta(0), "go", "ok", 1),
        (timedelta(0), "python", "nonzero_exit", 1),
        (timedelta(0), "python", "ok", 2),
        (timedelta(minutes=1), "python", "ok", 1),
    ]
    failed = found[minute, "python", "nonzero_exit"]
    # Times are sums of all steps; the histogram is of the program.
    assert (failed.cpu_ms, failed.wall_ms, failed.wall.buckets[0]) == (4.0, 6.0, 1)
    fine = found[minute, "python", "ok"]
    assert (fine.cpu_ms, fine.queue_ms, fine.errors) == (18.0, 1.0, 0)
    assert (fine.wall.buckets[4], sum(fine.wall.buckets), fine.queue.buckets[0]) == (2, 2, 2)
    assert sum(found[minute, "", "rejected"].wall.buckets) == 0
    hours = totals.series(Period.HOUR, NOON.replace(minute=0, second=0))
    assert [
        each.executions for (_, language, outcome), each in hours.items() if (language, outcome) == ("python", "ok")
    ] == [3, 1]
    assert totals.ever()["python", "ok"].executions == 4
    both = totals.sums(Period.MINUTE, minute + timedelta(minutes=1), by=["language"])
    assert {(language, each.executions) for (language, _), each in both.items()} == {("python", 2)}


def test_the_series_by_less(history: None) -> None:
    minute = NOON.replace(second=0)
    bounds = (minute, minute + timedelta(minutes=1))
    by_outcome = totals.series(Period.MINUTE, *bounds, by=["outcome"])
    assert [(*key[1:], each.executions) for key, each in by_outcome.items()] == [
        ("", "nonzero_exit", 1),
        ("", "ok", 3),
        ("", "rejected", 1),
    ]
    roll_up()
    assert totals.series(Period.MINUTE, *bounds, by=["outcome"]) == by_outcome
    (whole,) = totals.series(Period.MINUTE, *bounds, by=()).values()
    assert (whole.executions, sum(whole.wall.buckets)) == (5, 4)
    (counts,) = totals.series(Period.MINUTE, *bounds, by=(), histograms=False).values()
    assert (counts.executions, sum(counts.wall.buckets)) == (5, 0)


@pytest.mark.parametrize("rolled", [False, True])
def test_what_charts_ask_for_is_what_the_series_tell(history: None, rolled: bool) -> None:
    if rolled:
        roll_up()
    for period in (Period.MINUTE, Period.HOUR, Period.DAY):
        since = NOON.replace(hour=0, minute=0, second=0)
        whole, chart = totals.series(period, since, by=()), totals.chart(period, since)
        assert {at: (each.wall_ms, each.wall, each.queue) for (at, _, _), each in whole.items()} == {
            at: (each.wall_ms, each.wall, each.queue) for at, each in chart.items()
        }
        by_outcome = totals.series(period, since, by=["outcome"], histograms=False)
        assert {(at, outcome): each.executions for (at, _, outcome), each in by_outcome.items()} == {
            (at, outcome): count for at, each in chart.items() for outcome, count in each.outcomes.items()
        }


@pytest.mark.parametrize("rolled", [False, True])
@pytest.mark.parametrize("back", [timedelta(minutes=30), timedelta(hours=13), timedelta(days=3)], ids=str)
def test_languages_are_counted_from_the_very_minute_hour_or_day(
    db: None, monkeypatch: pytest.MonkeyPatch, back: timedelta, rolled: bool
) -> None:
    monkeypatch.setattr(totals, "KEPT", {})
    since = NOON.replace(second=0) - back
    after = (timedelta(), timedelta(minutes=1), timedelta(hours=1), timedelta(hours=11), timedelta(hours=12, minutes=1))
    for each in (-timedelta(milliseconds=1), *after):
        ended(since + each)
    ended(since, language_slug="go", outcome="sandbox_error", error="x")
    ended(since, language_slug="go", outcome="signal")
    refused(since)
    if rolled:
        roll_up()
    assert totals.of_languages(since, most=2) == [LanguageCount("python", 5, 0, 0), LanguageCount("go", 2, 2, 1)]
    assert [each.slug for each in totals.of_languages(since, most=1)] == ["python"]


@pytest.mark.parametrize(
    ("wall_ms", "bucket"),
    [(0.0, 0), (0.999, 0), (1.0, 1), (1.999, 1), (2.0, 2), (8.0, 4), (2.0**22 - 1, 22), (2.0**22, 23), (1e12, 23)],
)
def test_the_buckets(db: None, wall_ms: float, bucket: int) -> None:
    ended(wall_ms=wall_ms)
    for _ in range(2):
        (found,) = totals.ever().values()
        assert found.wall.buckets == [int(place == bucket) for place in range(BUCKETS)]
        roll_up()


def test_quantiles() -> None:
    times = Histogram()
    assert times.quantile(0.5) is None
    times.buckets[3], times.buckets[6] = 90, 10
    assert times.quantile(0.45) == 6.0
    assert times.quantile(0.9) == 8.0
    assert times.quantile(0.95) == 48.0
    assert times.quantile(1.0) == 64.0
    other = Histogram()
    other.buckets[0] = 100
    other.add(times)
    assert other.quantile(0.5) == 1.0


def test_minutes_go_after_two_days_and_hours_after_two_months(db: None) -> None:
    now = timezone.now()
    for days in (0, 3, 70):
        ended(now - timedelta(days=days), client_id=CLIENT)
    roll_up()
    times = ExecutionHistogram.objects.filter(measure=Measure.WALL)
    for rows, ever in (
        (ExecutionPeriod.objects, 1),
        (times, 1),
        (ExecutionChart.objects, 0),
        (ExecutionLanguage.objects, 0),
    ):
        kept = {period: rows.filter(period=period).count() for period in Period}
        assert kept == {Period.MINUTE: 1, Period.HOUR: 2, Period.DAY: 3, Period.EVER: ever}
    assert ExecutionClient.objects.count() == 2
    assert totals.counts()[-1].finished == 3


def test_what_is_deleted_stays_counted(history: None) -> None:
    before = asked()
    Execution.objects.all().delete()
    assert asked() == before
    roll_up()
    assert asked() == before


@pytest.mark.usefixtures("transactional_db")
def test_a_table_that_is_emptied_is_counted_anew(history: None) -> None:
    ended()
    used = usage.by_groups(CLIENT, NOON.date(), NOON.date(), ())
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE executions_execution CASCADE")
    assert [each for each in totals.counts() if each.received or each.finished] == []
    assert totals.ever() == {}
    assert totals.chart(Period.DAY, datetime(2000, 1, 1, tzinfo=UTC)) == {}
    assert totals.of_languages(datetime(2000, 1, 1, tzinfo=UTC), most=9) == []
    # What clients have used, they have.
    assert usage.by_groups(CLIENT, NOON.date(), NOON.date(), ()) == used


@pytest.mark.usefixtures("transactional_db")
def test_exact_at_any_moment_whatever_is_written_deleted_and_rolled_up_meanwhile() -> None:
    stop, wrong = threading.Event(), []

    def write() -> None:
        for _ in range(40):
            ended(timezone.now(), client_id=CLIENT)
            refused(timezone.now())

    def roll() -> None:
        while not stop.is_set():
            roll_up()

    def look() -> None:
        # One statement is one moment.
        both = """SELECT (SELECT coalesce(sum(received), 0) FROM executions_counted),
            (SELECT coalesce(sum(finished), 0) FROM executions_counted),
            (SELECT count(*) FROM executions_execution),
            (SELECT count(*) FROM executions_execution WHERE finished_at IS NOT NULL),
            (SELECT coalesce(sum(executions), 0) FROM clients_used),
            (SELECT count(*) FROM executions_execution WHERE finished_at IS NOT NULL AND client_id IS NOT NULL)"""
        while not stop.is_set():
            with connection.cursor() as cursor:
                cursor.execute(both)
                received, finished, rows, ended_rows, used, clients_rows = cursor.fetchone()
            if (received, finished, used) != (rows, ended_rows, clients_rows):
                wrong.append((received, finished, used, rows, ended_rows, clients_rows))

    _together([write] * 4, [roll, roll, look], stop)
    assert wrong == []
    roll_up()
    assert sum(each.received for each in totals.counts()) == Execution.objects.count() == 320
    assert ExecutionPeriod.objects.get(period=Period.EVER, outcome="ok").executions == 160
    assert (
        usage.by_groups(CLIENT, datetime(2000, 1, 1, tzinfo=UTC).date(), datetime.max.date(), ())[0]["executions"]
        == 160
    )


def _together(works: list[Callable[[], None]], meanwhile: list[Callable[[], None]], stop: threading.Event) -> None:
    def run(work: Callable[[], None]) -> None:
        try:
            work()
        finally:
            connection.close()

    first = [threading.Thread(target=run, args=[work]) for work in works]
    beside = [threading.Thread(target=run, args=[work]) for work in meanwhile]
    for thread in [*first, *beside]:
        thread.start()
    for thread in first:
        thread.join()
    stop.set()
    for thread in beside:
        thread.join()


@pytest.mark.usefixtures("transactional_db")
def test_the_counters_of_before_are_brought_along_and_back() -> None:
    MigrationExecutor(connection).migrate([("executions", "0017_batches_that_have_ended")])
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO executions_executiontotal (shard, language_slug, outcome, received, finished, errors)"
            " VALUES (1, 'python', 'ok', 0, 5, 0), (2, 'python', 'ok', 0, 7, 1), (2, 'go', '', 3, 0, 0)"
        )
    call_command("migrate", verbosity=0)
    before = [Count("go", "", 3, 0, 0), Count("python", "ok", 0, 12, 1)]
    assert totals.counts() == before
    ended(language_slug="python")
    ended(client_id=CLIENT)
    before_that = migrated_to("0017_batches_that_have_ended")
    with connection.cursor() as cursor:
        cursor.execute("SELECT sum(received), sum(finished) FROM executions_executiontotal")
        assert cursor.fetchone() == (5, 14)
    assert Usage.objects.get().executions == 1
    # The triggers of before count again.
    ended(model=before_that, client_id=CLIENT)
    call_command("migrate", verbosity=0)
    assert (totals.counts()[-1].finished, sum(row.executions for row in Usage.objects.all())) == (15, 2)


@pytest.mark.usefixtures("transactional_db")
def test_charts_of_before_are_summed_up(history: None) -> None:
    day, minute = NOON.replace(hour=0, minute=0, second=0), NOON.replace(second=0)
    roll_up()
    known, languages = totals.chart(Period.MINUTE, day), totals.of_languages(day, most=9)
    clients = list(ExecutionClient.objects.values_list("day", "client_id", "executions", "cpu_ms"))
    ended(model=migrated_to("0022_artifact_files"), wall_ms=1000.0)
    with connection.cursor() as cursor:
        cursor.execute("SELECT executions_roll_up(NULL)")
    call_command("migrate", verbosity=0)
    known[minute].wall.buckets[10] += 1
    known[minute].queue.buckets[0] += 1
    known[minute].outcomes["ok"] += 1
    known[minute].wall_ms += 1000.0
    assert totals.chart(Period.MINUTE, day) == known
    assert totals.of_languages(day, most=9) == [languages[0]._replace(executions=6), *languages[1:]]
    assert list(ExecutionClient.objects.values_list("day", "client_id", "executions", "cpu_ms")) == clients != []
