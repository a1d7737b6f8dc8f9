"""Background runs: taken up at once, never twice, given back where they cannot start, queued again once where lost."""

from __future__ import annotations

import threading
import time
import uuid
from collections import Counter
from copy import copy
from typing import Any

import pytest
from django.db import connection

from dispatch import workers
from dispatch.testing import FakeBackend, succeed
from executions import accept, background, backlog, cancel, in_flight, recovery, services, transitions, waiting
from executions.background import Background
from executions.models import API, EXECUTE, OPEN, Execution, Lane, Status
from executions.outcomes import Outcome
from languages.models import Language
from rest.disconnect import Client
from sandbox.errors import ContainerLost, EngineUnavailable, ImageMissing, PoolBusy
from sandbox.types import Job, JobResult, StepResult
from sandbox.types import Outcome as StepOutcome
from testkit.waiting import eventually
from tests.backlog_lab import origin, queue, running_rows, submission
from tests.fake_backend import installed
from tests.test_recovery import ended_pid, other_worker

pytestmark = pytest.mark.usefixtures("own_process")


def sleeper(language: Language, *, caller: int = 1, **fields: Any) -> Execution:
    """A row of a program that sleeps."""
    asleep = copy(language)
    asleep.run_command = ["sleep", "60"]
    return queue(asleep, caller, **fields)[0]


def states(*rows: Execution) -> list[tuple[str, str]]:
    found = Execution.objects.in_bulk([row.pk for row in rows])
    return [(found[row.pk].status, found[row.pk].outcome) for row in rows]


def is_over(*rows: Execution) -> bool:
    return all(status not in OPEN for status, _ in states(*rows))


def left_by_a_dead_process(row: Execution, status: str, **fields: Any) -> uuid.UUID:
    """The row as a process had it that is no more."""
    worker = other_worker(pid=ended_pid())
    started = {"started_at": row.created_at, "queue_ms": 0.0} if status == Status.RUNNING else {}
    Execution.objects.filter(pk=row.pk).update(status=status, worker=worker, **started, **fields)
    return worker


def test_what_is_queued_is_run_at_once(python: Language, running: Background) -> None:
    began = time.monotonic()
    rows = queue(python, *[1] * 20, 2, 3)
    assert waiting.wait_for([row.pk for row in rows], 30)
    assert time.monotonic() - began < 10
    assert Counter(states(*rows)) == {(Status.FINISHED, Outcome.OK): 22}
    row = Execution.objects.get(pk=rows[0].pk)
    assert (row.attempt, row.worker, row.background) == (1, workers.own_id(), True)
    assert row.queue_ms is not None


def test_what_another_process_queued_is_found(
    python: Language, running: Background, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backlog, "wake", lambda: None)
    rows = queue(python, 1)
    eventually(lambda: is_over(*rows))


def test_callers_with_many_rows_keep_no_other_waiting(
    python: Language, fake_backend: FakeBackend, running: Background
) -> None:
    many = [sleeper(python, caller=1, lane=Lane.BATCH) for _ in range(40)]
    eventually(lambda: fake_backend.in_use >= 3)
    late = queue(python, 2)
    assert waiting.wait_for([late[0].pk], 20)
    taken = Execution.objects.filter(pk__in=[row.pk for row in many], worker__isnull=False).count()
    # The slots' worth, and two that wait for one; the rest waits where other processes find it.
    assert taken <= 4 + 2
    assert cancel.ask(Execution.objects.filter(caller=many[0].caller)) == 40
    eventually(lambda: is_over(*many))


def test_no_more_rows_are_taken_up_than_can_be_started(
    python: Language, fake_backend: FakeBackend, running: Background
) -> None:
    rows = [sleeper(python, caller=number % 30) for number in range(60)]
    eventually(lambda: fake_backend.in_use == 4)
    eventually(lambda: running.running == background.most())
    assert Execution.objects.filter(worker__isnull=False).count() == background.most()
    cancel.ask(Execution.objects.all())
    eventually(lambda: is_over(*rows))


@pytest.mark.parametrize("error", [EngineUnavailable("away"), PoolBusy("full", retry_after_s=1)])
def test_what_cannot_be_started_now_waits_on(
    python: Language, fake_backend: FakeBackend, running: Background, error: Exception
) -> None:
    fake_backend.refuse = error
    rows = queue(python, 1)
    eventually(lambda: running._not_before)
    eventually(lambda: Execution.objects.get().worker is None)
    assert (Execution.objects.get().status, Execution.objects.get().attempt) == (Status.QUEUED, 1)
    fake_backend.refuse = None
    eventually(lambda: is_over(*rows))
    assert states(*rows) == [(Status.FINISHED, Outcome.OK)]


def test_what_can_never_be_started_ends(python: Language, fake_backend: FakeBackend, running: Background) -> None:
    fake_backend.refuse = ImageMissing("gone")
    rows = queue(python, 1)
    eventually(lambda: is_over(*rows))
    assert Execution.objects.get().error == "sandbox error: the language's image is missing"


def test_one_that_is_over_when_it_is_taken_up_is_not_run(
    python: Language, fake_backend: FakeBackend, running: Background
) -> None:
    rows = queue(python, 1, queue_limit_ms=0)
    eventually(lambda: is_over(*rows))
    assert states(*rows) == [(Status.REJECTED, "")]
    assert fake_backend.jobs == []


def test_a_stop_gives_back_what_has_not_started(python: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    with installed(FakeBackend(slots=1), monkeypatch) as backend:
        threads = Background()
        threads.start()
        rows = [sleeper(python, caller=number) for number in range(4)]
        eventually(lambda: backend.in_use == 1 and running_rows() == 1)
        eventually(lambda: Execution.objects.filter(worker__isnull=False).count() > 1)
        threads.stop()
        eventually(lambda: Execution.objects.filter(worker__isnull=False).count() == 1)
        backend.close(grace_s=0)
        threads.join()
    # The one that ran was ended by the stop: it is queued again, and that was its first attempt.
    found = Execution.objects.in_bulk([row.pk for row in rows]).values()
    assert Counter((row.status, row.worker, row.started_at) for row in found) == {(Status.QUEUED, None, None): 4}
    assert sorted(row.attempt for row in found) == [1, 1, 1, 2]


def test_a_second_stop_ends_it_with_what_is_known(python: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    row = sleeper(python)
    Execution.objects.update(attempt=2)
    with installed(FakeBackend(), monkeypatch) as backend:
        threads = Background()
        threads.start()
        eventually(lambda: running_rows() == 1)
        threads.stop()
        backend.close(grace_s=0)
        threads.join()
    assert states(row) == [(Status.FINISHED, Outcome.CANCELLED)]
    assert Execution.objects.get().error == "execution cancelled: the server is shutting down"


@pytest.mark.parametrize("status", [Status.RUNNING, Status.QUEUED])
def test_what_a_dead_process_had_is_queued_again_once(python: Language, fake_backend: FakeBackend, status: str) -> None:
    (row,) = queue(python, 1, queue_limit_ms=1)
    left_by_a_dead_process(row, status)
    assert recovery.sweep() == 1
    row.refresh_from_db()
    assert (row.status, row.worker, row.attempt, row.started_at) == (Status.QUEUED, None, 2, None)
    assert row.queue_until is None
    left_by_a_dead_process(row, status)
    assert recovery.sweep() == 1
    row.refresh_from_db()
    assert (row.status, row.outcome, row.attempt) == (Status.FINISHED, Outcome.SANDBOX_ERROR, 2)
    assert row.error.endswith("ended before its result was known, for the second time")


def test_what_a_request_ran_in_a_dead_process_is_queued_again(python: Language, fake_backend: FakeBackend) -> None:
    with accept.accepted(submission(python), origin(5)) as (row, _):
        pass
    left_by_a_dead_process(row, Status.RUNNING)
    recovery.sweep()
    row.refresh_from_db()
    assert (row.status, row.background, row.caller) == (Status.QUEUED, True, "address 192.0.2.5")


def test_what_came_through_execute_is_finished(python: Language, fake_backend: FakeBackend) -> None:
    (row,) = queue(python, 1)
    left_by_a_dead_process(row, Status.RUNNING, door=EXECUTE)
    recovery.sweep()
    assert states(row) == [(Status.FINISHED, Outcome.SANDBOX_ERROR)]


def test_what_was_cancelled_is_not_begun_again(python: Language, fake_backend: FakeBackend) -> None:
    (row,) = queue(python, 1)
    left_by_a_dead_process(row, Status.RUNNING, cancel_cause="enough")
    recovery.sweep()
    row.refresh_from_db()
    assert (row.status, row.error) == (Status.FINISHED, "execution cancelled: enough")


def test_nothing_begins_again_while_a_container_of_the_dead_process_is_there(
    python: Language, fake_backend: FakeBackend
) -> None:
    (row,) = queue(python, 1)
    worker = left_by_a_dead_process(row, Status.RUNNING)
    fake_backend.left.add(worker)
    assert recovery.sweep() == 0
    assert states(row) == [(Status.RUNNING, "")]
    fake_backend.left.clear()
    assert recovery.sweep() == 1
    assert states(row) == [(Status.QUEUED, "")]


@pytest.mark.parametrize("how", ["raised", "told"])
@pytest.mark.parametrize("losses", [1, 2])
def test_a_run_that_was_lost_is_begun_again_once(
    python: Language, fake_backend: FakeBackend, running: Background, how: str, losses: int
) -> None:
    left = [losses]

    def behave(job: Job) -> JobResult:
        if not left[0]:
            return succeed(job)
        left[0] -= 1
        if how == "raised":
            raise ContainerLost("broken")
        return JobResult((StepResult("run", StepOutcome.SANDBOX_ERROR, detail="broken"),))

    fake_backend.behave = behave
    rows = queue(python, 1)
    eventually(lambda: is_over(*rows))
    expected = Outcome.OK if losses == 1 else Outcome.SANDBOX_ERROR
    assert states(*rows) == [(Status.FINISHED, expected)]
    assert Execution.objects.get().attempt == 2


def test_a_command_that_there_is_not_is_not_tried_again(
    python: Language, fake_backend: FakeBackend, running: Background
) -> None:
    fault = StepResult("run", StepOutcome.SANDBOX_ERROR, detail="pyhton3: not found", started=False)
    fake_backend.behave = lambda _job: JobResult((fault,))
    rows = queue(python, 1)
    eventually(lambda: is_over(*rows))
    assert Execution.objects.get().attempt == 1


@pytest.mark.parametrize("moment", ["before its start", "before its end"])
def test_a_process_that_was_taken_for_dead_changes_nothing(
    python: Language, fake_backend: FakeBackend, running: Background, moment: str
) -> None:
    """Another one has the row by then: the same, though it is running in both cases."""
    other = uuid.uuid4()

    def take_over() -> None:
        changed = Execution.objects.get()
        Execution.objects.update(worker=other, attempt=2, status=Status.RUNNING, started_at=changed.created_at)

    def behave(job: Job) -> JobResult:
        if moment == "before its end":
            take_over()
        return succeed(job)

    real_take = fake_backend.take

    def take(run: Any) -> None:
        real_take(run)
        if moment == "before its start":
            take_over()

    fake_backend.behave, fake_backend.take = behave, take  # type: ignore[method-assign]  # what happens between two steps
    queue(python, 1)
    eventually(lambda: Execution.objects.get().worker == other)
    eventually(lambda: not in_flight.all_ids())
    row = Execution.objects.get()
    assert (row.status, row.worker, row.attempt, row.outcome) == (Status.RUNNING, other, 2, "")
    assert len(fake_backend.jobs) == (moment == "before its end")


def test_what_is_another_process_now_is_ended_here(
    python: Language, fake_backend: FakeBackend, running: Background
) -> None:
    row = sleeper(python)
    eventually(lambda: running_rows() == 1)
    Execution.objects.update(worker=uuid.uuid4(), attempt=2)
    eventually(lambda: fake_backend.in_use == 0, within_s=10)
    assert states(row) == [(Status.RUNNING, "")]


def test_rows_that_are_being_taken_are_not_lost(
    python: Language, fake_backend: FakeBackend, running: Background, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sweep of the same process looks between the moment when the row is its own and that when a thread has it."""
    real_take, swept = backlog._take, []

    def sweep() -> None:
        swept.append(recovery.sweep())
        connection.close()

    def take(*args: Any) -> Any:
        found = real_take(*args)
        if found is not None:
            sweeper = threading.Thread(target=sweep)
            sweeper.start()
            sweeper.join(0.2)
        return found

    monkeypatch.setattr(backlog, "_take", take)
    rows = queue(python, 1, 1, 1)
    eventually(lambda: is_over(*rows))
    eventually(lambda: len(swept) == 3)
    assert set(swept) == {0}
    assert set(Execution.objects.values_list("attempt", flat=True)) == {1}


def test_a_request_that_was_lost_is_run_by_who_takes_it_up(
    python: Language, fake_backend: FakeBackend, running: Background
) -> None:
    left = [1]

    def behave(job: Job) -> JobResult:
        if left[0]:
            left[0] -= 1
            raise ContainerLost("broken")
        return succeed(job)

    fake_backend.behave = behave
    row = services.execute(submission=submission(python), origin=origin(1), client=Client())
    assert (row.status, row.outcome, row.attempt) == (Status.FINISHED, Outcome.OK, 2)
    assert row.door == API


def test_transitions_compare_the_attempt(python: Language, fake_backend: FakeBackend) -> None:
    (row,) = queue(python, 1)
    Execution.objects.update(worker=workers.own_id(), attempt=2)
    row.worker = workers.own_id()
    assert not transitions.start(row, queue_ms=1.0)
    assert states(row) == [(Status.QUEUED, "")]
