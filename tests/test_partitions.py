"""The history is in parts, which are made ahead by themselves."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django.fixtures import Settings

from executions import partitions, storage
from executions.models import Execution
from executions.partitions import Part
from executions.ranges import Range
from gexec.management.commands import doctor
from periodic.tasks import registered
from rest.ids import first_at, moment_of
from testkit.histories import fill
from tests.test_backlog import rows_read
from tests.test_retention import make

DAY = timedelta(days=1)
CLIENT = UUID(int=5)


@pytest.fixture(autouse=True)
def no_parts(db: None) -> None:
    """As where nobody has made any: a test whose changes are committed may have made some."""
    for part in partitions.parts():
        partitions.drop(part)


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """A Wednesday, of which spans of each length begin before it and end after it."""
    moment = datetime(2031, 5, 14, 15, 9, tzinfo=UTC)
    monkeypatch.setattr(timezone, "now", lambda: moment)
    return moment


def weeks_back(settings: Settings, days: int, *, kept: int = 30) -> list[Part]:
    """Parts of weeks, since so many days ago."""
    settings.GEXEC_RETENTION_DAYS = kept
    partitions.make_ahead(since=timezone.now() - days * DAY)
    return partitions.parts()


def part_of(execution: UUID) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM executions_execution WHERE id = %s", [execution])
        name: str = cursor.fetchone()[0]
        return name


def in_part(part: Part, **fields: Any) -> Execution:
    """An ended execution of its middle."""
    middle = moment_of(part.low) + (moment_of(part.high) - moment_of(part.low)) / 2
    return make(timezone.now() - middle, **fields)


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize(
    ("days", "spans"),
    [
        (30, ["2031-05-12", "2031-05-19", "2031-05-26", "2031-06-02", "2031-06-09"]),
        (90, ["2031-05-01", "2031-06-01", "2031-07-01"]),
        (365, ["2031-04-01", "2031-07-01"]),
        (1000, ["2031-01-01", "2032-01-01"]),
        (0, ["2031-01-01", "2032-01-01"]),
    ],
)
def test_parts_are_as_long_as_suits_the_retention(
    settings: Settings, now: datetime, days: int, spans: list[str]
) -> None:
    settings.GEXEC_RETENTION_DAYS = days
    assert partitions.make_ahead() == len(spans) - 1
    found = partitions.parts()
    assert [f"{moment_of(part.low):%Y-%m-%d}" for part in found] == spans[:-1]
    assert [part.high for part in found] == [first_at(datetime.fromisoformat(f"{day}T00:00Z")) for day in spans[1:]]
    assert partitions.ahead() >= partitions.AHEAD
    assert partitions.make_ahead() == 0


@pytest.mark.usefixtures("db")
def test_after_another_retention_parts_go_on_where_they_ended(
    settings: Settings, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.GEXEC_RETENTION_DAYS = 90
    partitions.make_ahead()
    settings.GEXEC_RETENTION_DAYS = 30
    monkeypatch.setattr(timezone, "now", lambda: now + 40 * DAY)
    assert partitions.make_ahead() == 2
    found = partitions.parts()
    assert [f"{moment_of(part.low):%m-%d}" for part in found] == ["05-01", "06-01", "07-01", "07-07"]
    assert [part.high for part in found[:-1]] == [part.low for part in found[1:]]


@pytest.mark.usefixtures("db")
def test_executions_go_to_their_part_and_others_to_one_of_their_own(settings: Settings) -> None:
    first, *_ = weeks_back(settings, 20)
    assert part_of(in_part(first).pk) == first.name
    assert part_of(make(100 * DAY).pk) == part_of(make(-1000 * DAY).pk) == "executions_execution_others"
    assert Execution.objects.count() == 3
    assert storage.bytes_on_disk() > 4 * 8192


@pytest.mark.usefixtures("db")
def test_a_span_of_which_there_are_executions_already_gets_no_part(settings: Settings) -> None:
    row = make(timedelta())
    settings.GEXEC_RETENTION_DAYS = 30
    assert partitions.make_ahead() >= 2
    assert part_of(row.pk) == "executions_execution_others"
    assert timezone.now() < moment_of(partitions.parts()[0].low)
    assert partitions.ahead() >= partitions.AHEAD


@pytest.mark.usefixtures("db")
def test_a_task_makes_them_and_doctor_says_how_far_they_go() -> None:
    assert doctor._history().state == "warn"
    assert registered()["partitions"].work(threading.Event()) >= 1
    assert doctor._history().state == "ok"


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize(
    "values", [{"client_id": CLIENT}, {"status": "finished", "outcome": "ok"}, {"language_slug": "former"}]
)
def test_a_list_is_read_from_its_end_whatever_parts_there_are(settings: Settings, values: dict[str, Any]) -> None:
    settings.GEXEC_RETENTION_DAYS = 400
    partitions.make_ahead(since=timezone.now() - 400 * DAY)
    with connection.cursor() as cursor:
        fill(cursor, rows=5000, client=CLIENT)
        cursor.execute("ANALYZE executions_execution")
    for descending in (True, False):
        page = Range(values).of(Execution.objects.all(), descending=descending)[:50]
        (plan,) = json.loads(page.explain(format="json", analyze=True))
        assert rows_read(plan["Plan"]) < 1000, plan
        assert len(page) == 50
