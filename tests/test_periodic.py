"""Periodic work: each task in one process at a time, bounded, and told in the admin and by a command."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from periodic import locks as locks_module
from periodic import running, tasks
from periodic.locks import _SPACE, Locks
from periodic.models import PeriodicTask
from periodic.scheduler import Scheduler
from periodic.tasks import Stop, Task
from testkit.waiting import eventually

PAGE = "admin:periodic_periodictask_changelist"

Work = Callable[[Stop], int]


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> dict[str, Task]:
    """The tasks that there are, for this test."""
    named: dict[str, Task] = {}
    monkeypatch.setattr(tasks, "_tasks", named)
    return named


@pytest.fixture
def task(known: dict[str, Task]) -> Callable[..., Task]:
    def make(work: Work = lambda _stop: 0, *, name: str = "sweep", every_s: float = 60.0, **fields: Any) -> Task:
        known[name] = Task(name, "sweeps the floor", every_s, work, **fields)
        return known[name]

    return make


@pytest.fixture
def locks() -> Iterator[Locks]:
    made = Locks()
    yield made
    made.close()


@pytest.fixture
def other_process() -> Iterator[Locks]:
    """The locks that another process takes."""
    made = Locks()
    yield made
    made.close()


def row(name: str = "sweep") -> PeriodicTask:
    return PeriodicTask.objects.get(pk=name)


def _noted(done: list[int]) -> Work:
    def work(_stop: Stop) -> int:
        done.append(1)
        return 1

    return work


def run(task: Task, locks: Locks, *, only_if_due: bool = True) -> running.Ran | None:
    return running.run(task, locks, threading.Event(), only_if_due=only_if_due)


def test_a_run_is_told(db: None, task: Callable[..., Task], locks: Locks) -> None:
    ran = run(task(lambda _stop: 7), locks)
    assert ran is not None
    assert (ran.done, ran.error) == (7, "")
    told = row()
    assert (told.done, told.runs, told.error, told.has_failed) == (7, 1, "", False)
    assert told.ended_at is not None
    assert told.took_ms is not None
    assert timedelta(seconds=50) < told.next_at - timezone.now() < timedelta(seconds=70)


def test_what_is_not_due_is_not_done(db: None, task: Callable[..., Task], locks: Locks) -> None:
    done: list[int] = []
    made = task(_noted(done))
    assert [run(made, locks) is None for _ in range(3)] == [False, True, True]
    assert running.due() == []
    assert run(made, locks, only_if_due=False) is not None
    PeriodicTask.objects.update(next_at=timezone.now() - timedelta(seconds=1))
    assert running.due() == [made]
    assert run(made, locks) is not None
    assert len(done) == 3


def test_one_process_at_a_time(db: None, task: Callable[..., Task], locks: Locks, other_process: Locks) -> None:
    def meanwhile(_stop: Stop) -> int:
        seen.append(run(task(), other_process, only_if_due=False))
        seen.append(run(task(), locks, only_if_due=False))
        return 1

    seen: list[running.Ran | None] = []
    run(task(meanwhile), locks)
    assert seen == [None, None]
    assert run(task(), other_process, only_if_due=False) is not None


@pytest.mark.usefixtures("transactional_db")
def test_of_many_that_find_it_due_one_does_it(task: Callable[..., Task]) -> None:
    done: list[int] = []
    made = task(_noted(done))
    running.make_rows()
    begin = threading.Barrier(6)

    def compete() -> None:
        own = Locks()
        begin.wait()
        run(made, own)
        own.close()
        connection.close()

    threads = [threading.Thread(target=compete) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == [1]


def test_the_lock_of_a_process_that_died_is_free(db: None, task: Callable[..., Task], locks: Locks) -> None:
    dead = Locks()
    with dead.held("sweep"):
        assert run(task(), locks) is None
        dead.close()
    assert eventually(lambda: run(task(), locks)) is not None


def test_a_process_that_is_frozen_holds_up_no_other(
    db: None, locks: Locks, other_process: Locks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks_module, "FROZEN_S", 1)
    monkeypatch.setattr(locks_module, "_WORD_EVERY_S", 0.2)
    with locks.held("sweep") as is_held:
        assert is_held
        eventually(lambda: taken_by(other_process))
        assert locks.is_lost("sweep")
    with locks.held("sweep") as is_held, other_process.held("sweep") as is_other:
        assert (is_held, is_other) == (True, False)
        until = time.monotonic() + 2
        while time.monotonic() < until:
            assert not locks.is_lost("sweep")
            time.sleep(0.1)


def taken_by(locks: Locks) -> bool:
    with locks.held("sweep") as is_held:
        return is_held


def test_who_lost_its_lock_ends_after_its_batch(
    db: None, task: Callable[..., Task], locks: Locks, other_process: Locks
) -> None:
    def work(stop: Stop) -> int:
        assert not stop.is_set()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE classid = %s AND granted", [_SPACE])
        with pytest.raises(Exception, match=r"terminating|closed|lost"):
            eventually(locks.check)
        assert stop.is_set()
        return 3

    ran = run(task(work), locks)
    assert ran is not None
    assert (ran.done, ran.error) == (3, "")


@pytest.mark.parametrize(
    ("error", "told"), [(OperationalError("gone\n\x00"), "OperationalError: gone"), (KeyError(1), "1")]
)
def test_an_error_is_told_and_stays_when_it_went_well_again(
    db: None, task: Callable[..., Task], locks: Locks, error: Exception, told: str
) -> None:
    def fail(_stop: Stop) -> int:
        raise error

    ran = run(task(fail, every_s=1.0), locks)
    assert ran is not None
    assert told in ran.error
    assert told in row().error
    assert row().has_failed
    # Not at once: what is done every second need not fail that often.
    assert row().next_at - timezone.now() > timedelta(seconds=3)
    run(task(), locks, only_if_due=False)
    assert told in row().error
    assert not row().has_failed


def test_a_turn_is_bounded_and_what_is_left_comes_next(db: None, task: Callable[..., Task], locks: Locks) -> None:
    def endless(stop: Stop) -> int:
        batches = 1
        while not stop.wait(0.01):
            batches += 1
        return batches

    made = task(endless, longest_s=0.05)
    ran = run(made, locks)
    assert ran is not None
    assert ran.is_late
    assert running.due() == [made]


def test_a_stop_ends_a_turn(db: None, task: Callable[..., Task], locks: Locks) -> None:
    stop = threading.Event()
    stop.set()
    ran = running.run(task(lambda turn: int(turn.wait(60))), locks, stop, only_if_due=False)
    assert ran is not None
    assert (ran.done, ran.is_late) == (1, False)


@pytest.mark.usefixtures("transactional_db")
def test_the_scheduler_does_what_is_due_and_what_is_asked_for(task: Callable[..., Task]) -> None:
    first: list[int] = []
    due: list[int] = []
    slow = threading.Event()
    task(_noted(first), name="first")
    task(_noted(due), name="due")
    # One that takes long keeps no other one waiting.
    task(lambda _stop: int(slow.wait(60)), name="a slow one")
    scheduler = Scheduler()
    scheduler.start(first="first")
    assert first
    eventually(lambda: due)
    assert running.ask_for(["due", "another"]) == 1
    eventually(lambda: len(due) == 2)
    slow.set()
    scheduler.stop()
    assert row("a slow one").ended_at is not None


@pytest.mark.usefixtures("transactional_db")
def test_by_hand_every_task_runs_with_nothing_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    names = list(tasks.registered())
    assert {"retention", "erasure", "lost-executions", "files", "webhooks", "idempotency", "rate-limit"} <= set(names)
    assert {"roll-up", "partitions", "webhook-retries", "images"} <= set(names)
    call_command("periodic", *names)
    out = capsys.readouterr().out
    assert out.count("done in") == len(names)
    call_command("periodic")
    listed = capsys.readouterr().out
    assert all(f"{name}: " in listed for name in names)
    assert "never" not in listed


def test_the_command_refuses_what_it_does_not_know(db: None) -> None:
    with pytest.raises(CommandError, match="there is no nothing"):
        call_command("periodic", "nothing")


def test_the_command_fails_with_a_task(
    db: None, task: Callable[..., Task], other_process: Locks, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_stop: Stop) -> int:
        raise ValueError("a broom is missing")

    task(fail)
    with pytest.raises(SystemExit):
        call_command("periodic", "sweep")
    assert "a broom is missing" in capsys.readouterr().out
    with other_process.held("sweep"), pytest.raises(SystemExit):
        call_command("periodic", "sweep")
    assert "another process is at it" in capsys.readouterr().err


def test_the_admin_tells_and_asks(admin_client: Client, task: Callable[..., Task], locks: Locks) -> None:
    def fail(_stop: Stop) -> int:
        raise ValueError("<b>a broom is missing</b>")

    PeriodicTask.objects.create(name="of an earlier version")
    run(task(fail), locks)
    page = admin_client.get(reverse(PAGE)).content.decode()
    assert "sweeps the floor" in page
    assert "failed" in page
    assert "&lt;b&gt;a broom is missing" in page
    assert "of an earlier version" not in page
    admin_client.post(reverse(PAGE), {"action": "run_now", "_selected_action": ["sweep"]})
    assert row().next_at <= timezone.now()


def test_who_may_only_look_cannot_ask(db: None, client: Client, task: Callable[..., Task], locks: Locks) -> None:
    run(task(), locks)
    viewer = User.objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_periodictask"))
    client.force_login(viewer, backend="django.contrib.auth.backends.ModelBackend")
    assert "run_now" not in client.get(reverse(PAGE)).content.decode()
    client.post(reverse(PAGE), {"action": "run_now", "_selected_action": ["sweep"]})
    assert row().next_at > timezone.now()
