"""What hosts have come to is written by one process once: that which asked, or another where that has ended."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from dispatch import workers
from dispatch.base import Leftover
from dispatch.testing import FakeBackend
from executions import in_flight, recovery, transitions
from executions.finisher import see_to
from executions.models import API, EXECUTE, Execution, Status
from executions.outcomes import Outcome
from sandbox.errors import HostsUnavailable
from sandbox.outcomes import Outcome as Ended
from sandbox.types import Artifact, JobResult
from tests.fake_backend import ran, result
from tests.test_recovery import ended_pid, other_worker

STEPS = [{"name": "run", "argv": ["x"], "environment": {}, "limits": {"wall_ms": 1000}, "stdin": {"text": ""}}]
JOB: dict[str, Any] = {"profile": {"image": "i", "memory_bytes": 1, "ahead": None}, "files": [], "steps": STEPS}
GRADING: dict[str, Any] = {"tests": [{"args": [], "stdin": {"text": ""}, "expected": None, "files": [], "limits": {}}]}


@pytest.fixture(autouse=True)
def own_worker(db: None) -> Iterator[None]:
    """This process has a row of its own in this test's database."""
    workers.deregister()
    yield
    workers.deregister()


class Told:
    """An end, and what was said of it."""

    def __init__(self, row: Execution, **fields: Any) -> None:
        self.said: list[str] = []
        own: dict[str, Any] = {"attempt": 1, "result": result(ran(b"out")), "lost": False, "goes_on": False}
        asked = own | fields
        self.end = Leftover(
            task_id=str(row.pk),
            done=lambda: self.said.append("done"),
            later=lambda: self.said.append("later"),
            **asked,
        )
        see_to([self.end])


def left(worker: uuid.UUID | None, **fields: Any) -> Execution:
    """A row that this process has, or had."""
    now = timezone.now()
    status = fields.setdefault("status", Status.RUNNING)
    return Execution.objects.create(
        **{
            "job": JOB,
            "worker": worker,
            "created_at": now,
            "started_at": now if status == Status.RUNNING else None,
            "door": API,
            "background": worker is None,
        }
        | fields
    )


def dead() -> uuid.UUID:
    return other_worker(pid=ended_pid())


def test_the_result_of_a_process_that_has_ended_is_written_once() -> None:
    row = left(dead())
    assert Told(row).said == ["done"]
    row.refresh_from_db()
    assert (row.status, row.outcome, row.exit_code, bytes(row.output)) == (Status.FINISHED, Outcome.OK, 0, b"out")
    assert Told(row, result=result(ran(b"another"))).said == ["done"]
    row.refresh_from_db()
    assert bytes(row.output) == b"out"


def test_one_that_its_process_had_not_told_to_run_has_a_start() -> None:
    row = left(dead(), status=Status.QUEUED)
    assert Told(row).said == ["done"]
    row.refresh_from_db()
    assert (row.outcome, row.started_at is not None) == (Outcome.OK, True)


def test_what_its_own_process_will_write_is_left_to_it() -> None:
    assert Told(left(other_worker())).said == ["later"]
    row = left(workers.own_id())
    with in_flight.marked(row.pk):
        assert Told(row).said == ["later"]
    # No thread has it any more: the database was away at its end.
    assert Told(row).said == ["done"]
    row.refresh_from_db()
    assert row.outcome == Outcome.OK


def test_a_late_end_of_an_earlier_attempt_is_dropped() -> None:
    row = left(dead(), attempt=2)
    assert Told(row, attempt=1).said == ["done"]
    row.refresh_from_db()
    assert row.status == Status.RUNNING
    assert Told(row, attempt=2).said == ["done"]
    row.refresh_from_db()
    assert row.status == Status.FINISHED


@pytest.mark.parametrize(
    ("door", "attempt", "becomes"),
    [
        (API, 1, ("queued", "", 2)),
        (API, 2, ("finished", "sandbox_error", 2)),
        (EXECUTE, 1, ("finished", "sandbox_error", 1)),
    ],
    ids=["begins again", "a second time", "through a door that promises once"],
)
def test_what_its_host_has_lost(door: str, attempt: int, becomes: tuple[str, str, int]) -> None:
    row = left(dead(), door=door, attempt=attempt)
    assert Told(row, attempt=attempt, result=None, lost=True).said == ["done"]
    row.refresh_from_db()
    assert (row.status, row.outcome, row.attempt) == becomes


def test_what_goes_on_all_the_same_is_looked_at_later() -> None:
    row = left(dead())
    assert Told(row, result=None, lost=True, goes_on=True).said == ["later"]
    row.refresh_from_db()
    assert row.status == Status.RUNNING


def test_what_has_tests_begins_again() -> None:
    row = left(dead(), job={**JOB, "grading": GRADING})
    assert Told(row).said == ["done"]
    row.refresh_from_db()
    assert (row.status, row.attempt) == (Status.QUEUED, 2)


def test_what_was_cancelled_is_cancelled() -> None:
    row = left(dead(), cancel_cause="on request")
    assert Told(row, result=None, lost=True).said == ["done"]
    row.refresh_from_db()
    assert row.outcome == Outcome.CANCELLED


def ends_of(rows: list[Execution], said: dict[str, str], **fields: Any) -> list[Leftover]:
    def note(row: Execution, word: str) -> Callable[[], None]:
        return lambda: said.__setitem__(str(row.pk), word)

    own: dict[str, Any] = {"attempt": 1, "result": result(ran(b"out")), "lost": False, "goes_on": False}
    return [
        Leftover(task_id=str(row.pk), done=note(row, "done"), later=note(row, "later"), **own | fields) for row in rows
    ]


UNWRITABLE = JobResult((ran(b"out"),), (Artifact("a\0", 1, None, "too_large"),))


def test_what_a_process_has_left_is_written_in_one_commit(
    monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: Any
) -> None:
    worker, said = dead(), dict[str, str]()
    rows = [left(worker, attempt=1 + (number == 3)) for number in range(20)]
    told: list[uuid.UUID] = []
    commits: list[int] = []
    monkeypatch.setattr("executions.told.ended", told.append)

    @contextmanager
    def counted() -> Iterator[None]:
        with together():
            yield
            assert told == []
        commits.append(len(told))

    together = transitions.together
    monkeypatch.setattr(transitions, "together", counted)
    # One update for each row, and one for what its caller has stored.
    with django_assert_max_num_queries(2 * 20 + 12):
        see_to(ends_of(rows, said))
    assert commits == [19]
    assert set(said.values()) == {"done"}
    statuses = [Execution.objects.get(pk=row.pk).status for row in rows]
    assert [number for number, status in enumerate(statuses) if status != Status.FINISHED] == [3]


@pytest.mark.parametrize("with_files", [True, False])
def test_one_that_cannot_be_written_fails_alone(monkeypatch: pytest.MonkeyPatch, *, with_files: bool) -> None:
    worker, said = dead(), dict[str, str]()
    rows = [left(worker) for _ in range(4)]
    ends = ends_of(rows, said)
    ends[1] = ends_of(rows[1:2], said, result=UNWRITABLE)[0]
    if not with_files:
        monkeypatch.setattr("executions.finisher._is_large", lambda _: False)
    see_to(ends)
    assert set(said.values()) == {"done"}
    found = [Execution.objects.get(pk=row.pk) for row in rows]
    assert [row.outcome for row in found] == [Outcome.OK, Outcome.SANDBOX_ERROR, Outcome.OK, Outcome.OK]
    assert "cannot be stored" in found[1].error


@pytest.mark.parametrize("found", [True, False])
def test_a_large_result_is_fetched_for_its_row_alone(*, found: bool) -> None:
    row, said = left(dead()), dict[str, str]()
    (end,) = ends_of([row], said, result=None, lost=True)
    see_to([replace(end, more=lambda: result(ran(b"large")) if found else None)])
    row.refresh_from_db()
    assert said == {str(row.pk): "done"}
    assert (row.status, bytes(row.output)) == ((Status.FINISHED, b"large") if found else (Status.QUEUED, b""))


def test_while_the_database_is_away_nothing_is_taken_for_written(monkeypatch: pytest.MonkeyPatch) -> None:
    said = dict[str, str]()
    rows = [left(dead()) for _ in range(2)]

    def fail(*_: object) -> None:
        raise OperationalError("the connection is lost")

    monkeypatch.setattr("executions.transitions._written", fail)
    with pytest.raises(OperationalError):
        see_to(ends_of(rows, said))
    assert said == {}


def test_of_what_waits_in_the_backlog_a_result_is_taken_and_a_refusal_is_not() -> None:
    row = left(None, status=Status.QUEUED)
    assert Told(row, result=None).said == ["done"]
    row.refresh_from_db()
    assert (row.status, row.attempt) == (Status.QUEUED, 1)
    assert Told(row).said == ["done"]
    row.refresh_from_db()
    assert row.outcome == Outcome.OK


@pytest.mark.parametrize("task_id", ["", "self-test", "0" * 32, "01234567-89ab-7def-8000-000000000000"])
def test_the_end_of_no_row_is_dropped(task_id: str) -> None:
    said: list[str] = []
    see_to([Leftover(task_id, 1, None, True, False, lambda: said.append("done"), lambda: said.append("later"))])
    assert said == ["done"]


def test_the_sweep_leaves_what_hosts_have(fake_backend: FakeBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    has, abandoned = {"it": True}, []

    def goes_on(task_id: str, attempt: int) -> bool:
        if not has:
            raise HostsUnavailable("NATS is away")
        return has["it"]

    monkeypatch.setattr(fake_backend, "remote", True)
    monkeypatch.setattr(fake_backend, "goes_on", goes_on)
    monkeypatch.setattr(fake_backend, "abandon", lambda task_id, attempt: abandoned.append((task_id, attempt)))
    row = left(dead())
    assert recovery.sweep() == 0
    Execution.objects.filter(pk=row.pk).update(cancel_cause="on request")
    assert recovery.sweep() == 0
    assert abandoned == [(str(row.pk), 1)]
    has.clear()
    assert recovery.sweep() == 0
    row.refresh_from_db()
    assert row.status == Status.RUNNING
    has["it"] = False
    assert recovery.sweep() == 1
    row.refresh_from_db()
    assert row.outcome == Outcome.CANCELLED


def test_a_run_that_was_given_up_is_nobodys_result_and_its_row_begins_again() -> None:
    """Where it was not known whether a job had been stored, it waits again, and its first run is ended."""
    ended = result(ran(b"out", Ended.CANCELLED, signal=9))
    row = left(None, status=Status.QUEUED)
    assert Told(row, result=ended).said == ["done"]
    row.refresh_from_db()
    assert (row.status, row.attempt) == (Status.QUEUED, 2)
    # Whoever had it cancelled gets what was printed.
    row = left(None, status=Status.QUEUED, cancel_cause="no more")
    assert Told(row, result=ended).said == ["done"]
    row.refresh_from_db()
    assert (row.outcome, row.error, bytes(row.output)) == (Outcome.CANCELLED, "execution cancelled: no more", b"out")
