"""Executions whose process has ended are found and finished; a process that comes back too late changes nothing."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from dispatch import workers
from dispatch.heartbeat import Heartbeat
from dispatch.models import Worker
from dispatch.testing import FakeBackend, succeed
from executions import recovery, services, statements, transitions
from executions.limits import AskedLimits, caps_of, effective
from executions.models import Erasure, Execution, Status
from executions.outcomes import Outcome
from executions.submission import Origin, Submission, single_file
from languages.models import Language
from rest.exceptions import Unavailable
from sandbox import processes
from sandbox.processes import pid_started
from sandbox.types import Job, JobResult
from testkit.waiting import eventually


def program(language: Language) -> Submission:
    return single_file(language, "x", effective(language, AskedLimits(wall_ms=1000), caps_of(language, has_key=True)))


@pytest.fixture(autouse=True)
def own_worker(db: None) -> Iterator[None]:
    """This process has a row of its own in this test's database."""
    workers.deregister()
    yield
    workers.deregister()


def left(status: str, worker: uuid.UUID) -> Execution:
    now = timezone.now()
    started_at = now if status == Status.RUNNING else None
    return Execution.objects.create(
        status=status, job={"steps": []}, worker=worker, created_at=now, started_at=started_at
    )


def other_worker(**fields: Any) -> uuid.UUID:
    """A worker like this process, with some fields changed."""
    own = Worker.objects.get(pk=workers.own_id())
    base = {name: getattr(own, name) for name in ("hostname", "pid_namespace", "pid", "pid_started", "seen_at")}
    return Worker.objects.create(id=uuid.uuid4(), **(base | fields)).pk


def ended_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.parametrize("status", [Status.QUEUED, Status.RUNNING])
@pytest.mark.parametrize(
    "dead",
    [
        lambda: {"pid": ended_pid()},
        lambda: {"pid_started": 1},
        lambda: {"hostname": "elsewhere", "seen_at": timezone.now() - timedelta(seconds=31)},
        lambda: {"pid_namespace": "another", "seen_at": timezone.now() - timedelta(seconds=31)},
    ],
)
def test_what_a_dead_process_left_is_finished(status: str, dead: Any) -> None:
    worker = other_worker(**dead())
    row = left(status, worker)
    assert recovery.sweep() == 1
    row.refresh_from_db()
    assert (row.status, row.outcome, row.exit_code) == (Status.FINISHED, Outcome.SANDBOX_ERROR, -1)
    assert row.error.startswith("sandbox error: the server process")
    assert row.finished_at is not None
    assert not Worker.objects.filter(pk=worker).exists()
    assert recovery.sweep() == 0


@pytest.mark.parametrize(
    "alive",
    [
        {},
        {"seen_at": timezone.now() - timedelta(seconds=3600)},  # suspended, and here: it may come back
        {"hostname": "elsewhere", "pid": 1},
        {"pid_namespace": "other", "pid": 1},
    ],
)
def test_what_a_living_process_runs_is_left_alone(alive: dict[str, Any]) -> None:
    row = left(Status.RUNNING, other_worker(**alive))
    assert recovery.sweep() == 0
    row.refresh_from_db()
    assert row.status == Status.RUNNING


def test_rows_of_a_process_that_nobody_knows() -> None:
    left(Status.RUNNING, uuid.uuid4())
    assert recovery.sweep() == 1


def test_a_process_that_is_killed(tmp_path: Any) -> None:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    worker = other_worker(pid=process.pid, pid_started=pid_started(process.pid))
    left(Status.RUNNING, worker)
    assert recovery.sweep() == 0
    process.kill()
    # Not waited for yet: a zombie is dead, too.
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert recovery.sweep() == 1
    process.wait()


def test_what_this_process_lost_is_finished_and_what_it_runs_is_not(
    python: Language, fake_backend: FakeBackend
) -> None:
    lost = left(Status.RUNNING, workers.own_id())
    swept: list[int] = []

    def behave(job: Job) -> JobResult:
        swept.append(recovery.sweep())
        return succeed(job)

    fake_backend.behave = behave
    row = services.execute(submission=program(python), origin=Origin(None))
    assert swept == [1]
    assert row.outcome == Outcome.OK
    lost.refresh_from_db()
    # This process has not ended.
    assert lost.error == "sandbox error: the database is not available; the result is lost"


@pytest.mark.parametrize("warm", [True, False])
def test_a_row_is_in_flight_from_its_first_moment(
    python: Language, fake_backend: FakeBackend, monkeypatch: pytest.MonkeyPatch, warm: bool
) -> None:
    fake_backend.warm = warm
    real_insert, swept = statements.insert, []

    def insert(row: Execution, **how: bool) -> None:
        real_insert(row, **how)
        swept.append(recovery.sweep())

    monkeypatch.setattr(statements, "insert", insert)
    row = services.execute(submission=program(python), origin=Origin(None))
    assert (swept, row.outcome) == ([0], Outcome.OK)


def test_a_process_that_comes_back_too_late_says_so(
    python: Language, fake_backend: FakeBackend, caplog: pytest.LogCaptureFixture
) -> None:
    def behave(job: Job) -> JobResult:
        Worker.objects.update(seen_at=timezone.now() - timedelta(seconds=31))
        Execution.objects.filter(status=Status.RUNNING).update(
            status=Status.FINISHED, outcome=Outcome.SANDBOX_ERROR, error="swept", finished_at=timezone.now()
        )
        return succeed(job)

    fake_backend.behave = behave
    with caplog.at_level(logging.WARNING):
        row = services.execute(submission=program(python), origin=Origin(None))
    assert (row.outcome, row.error) == (Outcome.SANDBOX_ERROR, "swept")
    assert "was finished already" in caplog.text


def forget(job: Job) -> JobResult:
    """As a database that ends, and comes back without what it had not written to the disk."""
    Execution.objects.all()._raw_delete("default")
    return succeed(job)


def test_a_row_that_the_database_has_forgotten_is_written_anew(python: Language, fake_backend: FakeBackend) -> None:
    fake_backend.behave = forget
    given = services.execute(submission=program(python), origin=Origin("192.0.2.1"))
    row = Execution.objects.get()
    assert (row.pk, row.status, row.outcome) == (given.pk, Status.FINISHED, Outcome.OK)
    assert (row.source, row.job, row.steps) == (given.source, given.job, given.steps)
    assert (row.client_address, row.finished_at) == ("192.0.2.1", given.finished_at)


def test_a_row_that_was_erased_is_not(python: Language, fake_backend: FakeBackend) -> None:
    def behave(job: Job) -> JobResult:
        erased, now = str(Execution.objects.get().pk), timezone.now()
        Erasure.objects.create(what={"id": erased}, erased=1, created_at=now, finished_at=now)
        return forget(job)

    fake_backend.behave = behave
    with pytest.raises(Execution.DoesNotExist):
        services.execute(submission=program(python), origin=Origin(None))
    assert not Execution.objects.exists()


def test_a_row_that_was_on_the_disk_is_not_written_anew(python: Language, fake_backend: FakeBackend) -> None:
    fake_backend.behave = forget
    with pytest.raises(Execution.DoesNotExist):
        services.execute(submission=replace(program(python), door="api"), origin=Origin(None))


def test_nothing_is_run_for_a_row_that_was_finished_while_it_waited(
    python: Language, fake_backend: FakeBackend
) -> None:
    fake_backend.warm = False
    real_take = fake_backend.take

    def take(run: Any) -> None:
        Execution.objects.update(
            status=Status.FINISHED, outcome=Outcome.SANDBOX_ERROR, error="swept", finished_at=timezone.now()
        )
        real_take(run)

    fake_backend.take = take  # type: ignore[method-assign]  # what happens between two of its steps
    row = services.execute(submission=program(python), origin=Origin(None))
    assert row.error == "swept"
    assert fake_backend.jobs == []


def test_a_result_waits_for_a_database_that_was_away(
    python: Language, fake_backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_move, failures = transitions._move, [OperationalError("gone"), OperationalError("gone")]

    def move(*args: Any) -> None:
        if failures:
            raise failures.pop()
        real_move(*args)

    monkeypatch.setattr(transitions, "_move", move)
    monkeypatch.setattr(transitions, "_RETRY_S", 0.0)
    row = services.execute(submission=program(python), origin=Origin(None))
    assert (row.outcome, failures) == (Outcome.OK, [])


def test_the_heartbeat_makes_a_row_that_was_taken_away_again(caplog: pytest.LogCaptureFixture) -> None:
    worker = workers.own_id()
    assert workers.record_heartbeat()
    assert workers.is_alive(worker)
    Worker.objects.all().delete()
    assert not workers.is_alive(worker)
    heartbeat = Heartbeat(recovery.sweep, interval_s=3600)
    with caplog.at_level(logging.WARNING):
        heartbeat._record_and_sweep()
    assert "taken for dead" in caplog.text
    assert Worker.objects.get().pk == worker


def test_containers_of_a_process_that_lives_here_are_left_alone_whatever_the_rows_say() -> None:
    """A copy of the database's files has none of the rows that came later, and the name of the original."""
    label = workers.own_label()
    assert label.startswith(f"{workers.owner(workers.own_id())}/")
    Worker.objects.all().delete()
    assert workers.owner_is_alive(label)
    ended = subprocess.Popen(["true"])
    ended.wait()
    Worker.objects.filter(pk=workers.own_id()).delete()
    workers.record_heartbeat()
    at = label.index(f"/{os.getpid()}.")
    place = label[at + 1 :]
    assert not workers.owner_is_alive(label[: at + 1] + place.replace(f"{os.getpid()}.", f"{ended.pid}.", 1))
    assert not workers.owner_is_alive(label[: at + 1] + place.replace(".", ".1", 1))
    # Whose data is gone has nobody else to remove them.
    assert workers.owner_is_alive(f"another-1/{workers.own_id()}/{place}")
    assert not workers.owner_is_alive(f"another-1/{workers.own_id()}/{place.replace('.', '.1', 1)}")


def test_who_is_not_seen_is_not_dead_where_others_are_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    label = workers.own_label().replace(f"/{os.getpid()}.", f"/{2**30}.", 1)
    assert not workers.owner_is_alive(label.replace("/", "-other/", 1))
    monkeypatch.setattr(processes, "sees_others", lambda: False)
    assert workers.owner_is_alive(label.replace("/", "-other/", 1))


def test_of_a_process_elsewhere_the_rows_tell() -> None:
    elsewhere = f"{workers.owner(workers.own_id())}/12.34@another boot/pid:[1]"
    assert workers.owner_is_alive(elsewhere)
    assert workers.owner_is_alive(workers.owner(workers.own_id()))
    Worker.objects.all().delete()
    assert not workers.owner_is_alive(elsewhere)
    assert not workers.owner_is_alive(workers.owner(workers.own_id()))
    assert workers.owner_is_alive(f"another-1/{workers.own_id()}")


@pytest.mark.usefixtures("transactional_db")
@pytest.mark.parametrize(
    "error", [Unavailable("away", retry_after_s=1, code="database_unavailable"), KeyError("a bug")]
)
def test_a_sweep_that_fails_does_not_end_the_heartbeat(error: Exception) -> None:
    sweeps: list[float] = []

    def sweep() -> None:
        sweeps.append(time.monotonic())
        raise error

    heartbeat = Heartbeat(sweep, interval_s=0.01)
    heartbeat.start()
    eventually(lambda: len(sweeps) > 2)
    heartbeat.stop()


@pytest.mark.usefixtures("transactional_db")
def test_a_heartbeat_from_start_to_stop() -> None:
    left(Status.RUNNING, uuid.uuid4())
    heartbeat = Heartbeat(recovery.sweep, interval_s=0.01)
    heartbeat.start()
    assert Execution.objects.get().outcome == Outcome.SANDBOX_ERROR
    first = Worker.objects.get().seen_at
    eventually(lambda: Worker.objects.get().seen_at != first)
    heartbeat.stop()
    assert not Worker.objects.exists()
