"""A clock that goes back, or leaps, disturbs no order and no limit."""

from __future__ import annotations

import re
import threading
import time

import pytest

from periodic import clock, running
from periodic.locks import Locks
from periodic.models import PeriodicTask
from periodic.tasks import registered
from rest import ids
from rest.ids import moment_of, uuid7
from testkit.servers import PROJECT

HOUR_NS = 3_600 * 10**9
DAY_S = 86_400.0


class Times:
    """The clocks, as a test sets them: this host's, the one that nobody can set, and the database's."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wall_s = self.database_s = 1e9
        self.since_boot_s = 500.0
        monkeypatch.setattr(clock, "_wall_s", lambda: self.wall_s)
        monkeypatch.setattr(clock, "_since_boot_s", lambda: self.since_boot_s)
        monkeypatch.setattr(clock.Steadiness, "_database_s", lambda _: self.database_s)

    def go_on(self, seconds: float) -> None:
        self.wall_s += seconds
        self.database_s += seconds
        self.since_boot_s += seconds

    def leap(self, seconds: float) -> None:
        self.wall_s += seconds
        self.database_s += seconds


@pytest.fixture
def times(monkeypatch: pytest.MonkeyPatch) -> Times:
    return Times(monkeypatch)


def test_ids_go_on_growing_where_the_clock_goes_back_and_forth(monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time_ns()
    # Tests that come after this one have the right time again.
    monkeypatch.setattr(ids, "_last", ids._last)
    made = [uuid7()]
    for wrong_by in (-HOUR_NS, -24 * HOUR_NS, 0, HOUR_NS, -HOUR_NS):
        monkeypatch.setattr(time, "time_ns", lambda wrong_by=wrong_by: now + wrong_by)
        made += [uuid7(), uuid7()]
    assert made == sorted(set(made))
    # A leap forward stays in what came after it, until the clock has come there itself.
    assert moment_of(made[-1]) >= moment_of(made[-3])


@pytest.mark.parametrize("room", ["sandbox", "dispatch"])
def test_nothing_that_is_limited_asks_a_clock_that_can_leap(room: str) -> None:
    leaping = re.compile(r"time\.time(_ns)?\(|datetime\.now\(|timezone\.now\(")
    files = [file for file in (PROJECT / room).rglob("*.py") if "migrations" not in file.parts]
    assert [file.name for file in files if leaping.search(file.read_text())] == []


def test_nothing_old_is_deleted_after_a_leap_until_the_clock_is_right_again(times: Times) -> None:
    steadiness = clock.Steadiness()
    times.go_on(90 * DAY_S)
    assert steadiness.doubt() == ""
    times.leap(400 * DAY_S)
    assert "put forward by 400.0 days" in steadiness.doubt()
    times.go_on(DAY_S / 2)
    assert steadiness.doubt()
    times.leap(-400 * DAY_S)
    assert steadiness.doubt() == ""


def test_a_clock_that_stays_where_it_was_put_is_believed_after_a_day(times: Times) -> None:
    steadiness = clock.Steadiness()
    times.leap(2 * clock.TOLERATED_S)
    assert "2.0 hours" in steadiness.doubt()
    times.go_on(clock.BELIEVED_AFTER_S + 1)
    assert steadiness.doubt() == ""
    times.go_on(60)
    assert steadiness.doubt() == ""


def test_small_steps_and_steps_back_are_followed(times: Times) -> None:
    steadiness = clock.Steadiness()
    for seconds in (0.9 * clock.TOLERATED_S, 0.9 * clock.TOLERATED_S, -30 * DAY_S, 600):
        times.leap(seconds)
        assert steadiness.doubt() == ""


def test_a_clock_that_is_ahead_of_the_databases_deletes_nothing(times: Times) -> None:
    times.wall_s += 30 * DAY_S
    assert "30.0 days ahead of the database's" in clock.Steadiness().doubt()


def test_what_is_deleted_by_age_is_told_to_wait_and_all_else_goes_on(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    leapt = time.time() + 400 * DAY_S
    monkeypatch.setattr(clock, "_wall_s", lambda: leapt)
    locks = Locks()
    tasks = registered()
    waits = {name for name, task in tasks.items() if task.by_age}
    assert {"retention", "files", "snippets", "webhooks", "images"} <= waits
    for task in tasks.values():
        running.run(task, locks, threading.Event(), only_if_due=False)
    locks.close()
    told = dict(PeriodicTask.objects.values_list("name", "error"))
    assert {name for name, error in told.items() if "nothing is deleted by its age" in error} == waits
