"""What every backend of dispatch promises: inline on a fake engine, inline on Docker, over NATS, and the fake one."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dispatch.backends.inline import Inline
from dispatch.backends.nats import Nats
from dispatch.base import Backend, Event, Finished, Reservation, Started, Task, result_of
from dispatch.testing import FakeBackend
from sandbox.docker import BASE_IMAGE, DockerEngine
from sandbox.errors import Cancelled, EngineUnavailable, ImageMissing, PoolBusy, PoolClosed
from sandbox.policy import SandboxPolicy
from sandbox.pool import Pool, PoolConfig
from sandbox.testing import FakeEngine
from sandbox.types import (
    ArtifactRequest,
    ArtifactsCollected,
    Check,
    Companion,
    Interaction,
    Job,
    Limits,
    Outcome,
    Output,
    Profile,
    Step,
    StepFinished,
    WarmTarget,
)
from testkit.hosts import Fleet, fleet
from testkit.waiting import eventually

MIB = 1024 * 1024
PROFILE = Profile(
    image=BASE_IMAGE,
    memory_bytes=64 * MIB,
    cpu_quota_us=100_000,
    processes=16,
    tmpfs_bytes=16 * MIB,
    runs_per_container=1,
)
LIMITS = Limits(wall_ms=20_000, output_bytes=MIB)
PATH = {"PATH": "/usr/bin:/bin"}
SLOTS = 2
CANCELLED_WITHIN_S = 2.0
"""The promise is a second; the machine may be busy."""


def _pool(engine: FakeEngine | DockerEngine, owner: str) -> Pool:
    pool = Pool(engine, PoolConfig(slots=SLOTS, queue=4, wait_ms=20_000), owner=owner)
    pool.start()
    return pool


def _inline_on_docker() -> Inline:
    owner = f"test-{secrets.token_hex(4)}"
    return Inline(lambda: _pool(DockerEngine(SandboxPolicy(), owner=owner, base_image=BASE_IMAGE), owner))


def on_a_fake_engine(slots: int, queue: int) -> Inline:
    def make() -> Pool:
        pool = Pool(FakeEngine(images={BASE_IMAGE}), PoolConfig(slots=slots, queue=queue, wait_ms=20_000), owner="test")
        pool.start()
        return pool

    return Inline(make)


@pytest.fixture(scope="module")
def hosts(prepared_data_dir: Path) -> Iterator[Fleet]:
    """One host with more slots than any test needs: what a backend allows itself is looked at."""
    with fleet("contract", slots=6) as made:
        yield made


def over_nats(hosts: Fleet, slots: int, queue: int) -> Nats:
    made = Nats(hosts.url, slots=slots, queue=queue, wait_ms=20_000)
    eventually(made.link.hosts)
    return made


FAIR: dict[str, Callable[[pytest.FixtureRequest, int, int], Backend]] = {
    "inline on a fake engine": lambda _, slots, queue: on_a_fake_engine(slots, queue),
    "fake": lambda _, slots, queue: FakeBackend(slots, queue=queue),
    "nats": lambda request, slots, queue: over_nats(request.getfixturevalue("hosts"), slots, queue),
}


@pytest.fixture(params=FAIR)
def fair(request: pytest.FixtureRequest) -> Iterator[Callable[[int, int], Backend]]:
    """Makes a backend of each kind with so many slots and places in line."""
    made: list[Backend] = []

    def make(slots: int, queue: int) -> Backend:
        made.append(FAIR[request.param](request, slots, queue))
        made[0].keep_warm({PROFILE: WarmTarget(1, slots)})
        return made[0]

    yield make
    made[0].close(grace_s=0.0)


MAKERS: dict[str, Callable[[pytest.FixtureRequest], Backend]] = {
    "inline on a fake engine": lambda _: Inline(lambda: _pool(FakeEngine(images={BASE_IMAGE}), "test")),
    "inline on Docker": lambda _: _inline_on_docker(),
    "fake": lambda _: FakeBackend(slots=SLOTS),
    "nats": lambda request: over_nats(request.getfixturevalue("hosts"), SLOTS, 4),
}


@pytest.fixture(params=MAKERS)
def backend(request: pytest.FixtureRequest, prepared_data_dir: Path) -> Iterator[Backend]:
    """A backend of each kind, with a container of PROFILE kept warm."""
    made = MAKERS[request.param](request)
    made.prepare(lambda _line: None)
    made.keep_warm({PROFILE: WarmTarget(1, SLOTS)})
    yield made
    made.close(grace_s=0.0)


def reserve(backend: Backend, **asked: Any) -> Reservation:
    """What a task can start in at once; of hosts nothing is held ahead."""
    reservation = backend.reserve(asked.pop("profile", PROFILE), tenant=None, **asked)
    if isinstance(backend, Nats):
        assert reservation is None
        pytest.skip("a job goes to whichever host asks for it")
    assert reservation is not None
    return reservation


def task(*commands: tuple[str, ...], **fields: object) -> Task:
    """A task of steps with these commands; those that every backend of the tests knows are true and sleep."""
    steps = tuple(Step(f"step {number}", argv, LIMITS, PATH) for number, argv in enumerate(commands))
    defaults = Task(id=secrets.token_hex(8), profile=PROFILE, job=Job((), steps))
    return replace(defaults, **fields)  # type: ignore[arg-type]  # any field


class Reader(threading.Thread):
    """Reads a run's events beside the test."""

    def __init__(self, backend: Backend, what: Task) -> None:
        super().__init__(daemon=True)
        self.events: list[Event] = []
        self.error: BaseException | None = None
        self.task_id = what.id
        self.done = False
        self.submitted = backend.submit(what)
        self.start()

    def run(self) -> None:
        try:
            for event in self.submitted.events():
                self.events.append(event)
        except BaseException as error:  # noqa: BLE001 (the test looks at it)
            self.error = error
        self.done = True

    @property
    def started(self) -> bool:
        return any(isinstance(event, Started) for event in self.events)


def test_a_task_starts_reports_each_step_and_finishes(backend: Backend) -> None:
    events = list(backend.submit(task(("true",), ("true",))).events())
    assert isinstance(events[0], Started)
    assert events[0].queue_ms >= 0.0
    steps = [event.result for event in events[1:-1] if isinstance(event, StepFinished)]
    assert [(step.name, step.outcome) for step in steps] == [("step 0", Outcome.OK), ("step 1", Outcome.OK)]
    assert isinstance(events[-1], Finished)
    assert events[-1].result.steps == tuple(steps)


def test_steps_that_are_skipped_before_they_begin_have_no_result(backend: Backend) -> None:
    run = backend.submit(task(*[("true",)] * 5))
    run.skip(["step 0", "no such step"])
    names = []
    for event in run.events():
        if isinstance(event, StepFinished):
            names.append(event.result.name)
            # The first of these is over, and stays what it was.
            run.skip(["step 1", "step 2", "step 4"])
        if isinstance(event, Finished):
            assert [step.name for step in event.result.steps] == names
    assert names == ["step 1", "step 3"]
    assert backend.capacity().in_use == 0


def test_a_task_of_which_every_step_is_skipped_finishes(backend: Backend) -> None:
    run = backend.submit(task(("true",), ("true",)))
    run.skip(iter(["step 0", "step 1"]))
    *_, last = run.events()
    assert isinstance(last, Finished)
    assert last.result.steps == ()


def test_steps_are_skipped_from_another_thread(backend: Backend) -> None:
    run = backend.submit(task(("true",), ("sleep", "20"), ("true",)))
    thread = threading.Thread(target=run.skip, args=(["step 1"],))
    thread.start()
    thread.join()
    assert [step.name for step in result_of(run).steps] == ["step 0", "step 2"]


def test_files_that_were_asked_for_come_between_the_last_step_and_the_end(backend: Backend) -> None:
    what = task(("true",), ("true",))
    request = ArtifactRequest(("**",), max_files=1, max_bytes=1)
    asking = replace(what, job=replace(what.job, artifacts=request))
    kinds = [type(event) for event in backend.submit(asking).events()]
    assert kinds == [Started, StepFinished, StepFinished, ArtifactsCollected, Finished]
    assert result_of(backend.submit(asking)).artifacts == ()


def test_output_is_an_event_only_where_it_is_asked_for(backend: Backend) -> None:
    quiet = backend.submit(task(("true",))).events()
    assert not [event for event in quiet if isinstance(event, Output)]


JUDGED = Job(
    (),
    (
        Step("a", ("true",), LIMITS, PATH, check=Check(("true",), LIMITS, PATH, output_file="output")),
        Step("b", ("true",), LIMITS, PATH, interaction=Interaction(("true",), LIMITS, PATH)),
        Step("c", ("true",), LIMITS, PATH, check=Check(("true",), LIMITS, PATH)),
    ),
    companion=Companion(PROFILE, (), (Step("own", ("true",), LIMITS, PATH),)),
)


def test_a_job_with_a_companion_tells_of_every_step_in_order(backend: Backend) -> None:
    events = list(backend.submit(task(job=JUDGED)).events())
    steps = [event.result for event in events if isinstance(event, StepFinished)]
    assert [(step.name, step.outcome) for step in steps] == [
        (name, Outcome.OK) for name in ("companion/own", "a", "a/check", "b", "b/interact", "c", "c/check")
    ]
    assert isinstance(events[-1], Finished)
    assert events[-1].result.steps == tuple(steps)
    assert backend.capacity().in_use == 0


def test_what_is_skipped_is_not_judged(backend: Backend) -> None:
    run = backend.submit(task(job=JUDGED))
    told = []
    for event in run.events():
        if isinstance(event, StepFinished):
            told.append(event.result.name)
            if event.result.name == "a/check":
                run.skip(["b", "c"])
    assert told == ["companion/own", "a", "a/check"]


def test_two_containers_are_reserved_for_a_job_with_a_companion(backend: Backend) -> None:
    other = replace(PROFILE, memory_bytes=65 * MIB)
    backend.keep_warm({PROFILE: WarmTarget(1, SLOTS), other: WarmTarget(1, SLOTS)})
    eventually(lambda: all(backend.capacity().warm.get(profile) for profile in (PROFILE, other)))
    reservation = reserve(backend, companion=other)
    assert backend.capacity().in_use == 1
    job = replace(JUDGED, companion=Companion(other, (), ()))
    result = result_of(backend.submit(task(job=job), reservation=reservation))
    assert result.steps[-1].name == "c/check"
    assert backend.capacity().in_use == 0


def test_what_is_free_is_reserved_and_used(backend: Backend) -> None:
    eventually(lambda: backend.capacity().warm.get(PROFILE))
    reservation = reserve(backend)
    assert backend.capacity().in_use == 1
    result = result_of(backend.submit(task(("true",)), reservation=reservation))
    assert result.steps[-1].outcome is Outcome.OK
    reservation.release()
    assert backend.capacity().in_use == 0


def test_a_reservation_that_is_not_used_is_given_back(backend: Backend) -> None:
    eventually(lambda: backend.capacity().warm.get(PROFILE))
    reservation = reserve(backend)
    reservation.release()
    reservation.release()
    assert backend.capacity().in_use == 0


def test_a_reservation_outlives_a_run_that_nobody_reads(backend: Backend) -> None:
    eventually(lambda: backend.capacity().warm.get(PROFILE))
    reservation = reserve(backend)
    backend.submit(task(("true",)), reservation=reservation).events().close()
    reservation.release()
    assert backend.capacity().in_use == 0


def test_the_slot_is_given_back_before_the_last_event(backend: Backend) -> None:
    events = backend.submit(task(("true",))).events()
    for event in events:
        assert backend.capacity().in_use == (0 if isinstance(event, Finished) else 1)


def test_closing_the_events_gives_the_slot_back(backend: Backend) -> None:
    events = backend.submit(task(("sleep", "20"))).events()
    assert isinstance(next(events), Started)
    events.close()
    assert backend.capacity().in_use == 0


def test_what_has_no_slot_in_time_is_refused(backend: Backend) -> None:
    sleeping = [Reader(backend, task(("sleep", "20"))) for _ in range(SLOTS)]
    eventually(lambda: all(reader.started for reader in sleeping))
    with pytest.raises(PoolBusy) as refusal:
        result_of(backend.submit(task(("true",), wait_ms=50)))
    assert refusal.value.retry_after_s >= 1


def test_a_running_task_is_cancelled(backend: Backend) -> None:
    what = task(("sleep", "20"))
    reader = Reader(backend, what)
    eventually(lambda: reader.started)
    began = time.monotonic()
    # The first step may not have begun yet.
    assert backend.cancel(what.id)
    reader.join(CANCELLED_WITHIN_S)
    assert time.monotonic() - began < CANCELLED_WITHIN_S
    assert isinstance(reader.events[-1], Finished)
    assert reader.events[-1].result.steps[-1].outcome is Outcome.CANCELLED
    assert backend.capacity().in_use == 0


def test_a_task_is_cancelled_between_its_start_and_its_first_step(backend: Backend) -> None:
    what = task(("sleep", "20"))
    events = backend.submit(what).events()
    assert isinstance(next(events), Started)
    assert backend.cancel(what.id)
    began = time.monotonic()
    *_, last = events
    assert time.monotonic() - began < CANCELLED_WITHIN_S
    assert isinstance(last, Finished)
    assert last.result.steps[-1].outcome is Outcome.CANCELLED


def test_a_waiting_task_is_cancelled(backend: Backend) -> None:
    sleeping = [Reader(backend, task(("sleep", "20"))) for _ in range(SLOTS)]
    eventually(lambda: all(reader.started for reader in sleeping))
    what = task(("true",))
    waiting = Reader(backend, what)
    eventually(lambda: backend.capacity().waiting == 1)
    began = time.monotonic()
    assert backend.cancel(what.id)
    waiting.join(CANCELLED_WITHIN_S)
    assert time.monotonic() - began < CANCELLED_WITHIN_S
    assert isinstance(waiting.error, Cancelled)
    assert (waiting.events, backend.capacity().waiting) == ([], 0)


def test_one_caller_never_has_the_last_slot(fair: Callable[[int, int], Backend]) -> None:
    backend = fair(4, 20)
    greedy = [Reader(backend, task(("sleep", "20"), caller="greedy")) for _ in range(8)]
    eventually(lambda: sum(reader.started for reader in greedy) == 3)
    eventually(lambda: backend.capacity().waiting == 5)
    assert backend.reserve(PROFILE, tenant=None, caller="greedy") is None
    began = time.monotonic()
    for _ in range(3):
        result_of(backend.submit(task(("true",), caller="modest")))
    # Long before any of those ends; how fast that is on a busy machine is no matter of this test.
    assert time.monotonic() - began < 10
    assert sum(reader.started for reader in greedy) == 3


def test_what_is_given_back_goes_to_who_has_less_than_its_share(fair: Callable[[int, int], Backend]) -> None:
    backend = fair(4, 20)
    tasks = [task(("sleep", "20"), caller="greedy") for _ in range(8)]
    greedy = [Reader(backend, each) for each in tasks]
    eventually(lambda: sum(reader.started for reader in greedy) == 3)
    modest = [Reader(backend, task(("sleep", "20"), caller="modest")) for _ in range(3)]
    eventually(lambda: sum(reader.started for reader in modest) == 1)
    running = next(each for each, reader in zip(tasks, greedy, strict=True) if reader.started)
    assert backend.cancel(running.id)
    eventually(lambda: sum(reader.started for reader in modest) == 2)
    assert backend.capacity().in_use == 4


def test_those_who_wait_are_served_in_turns_by_caller(fair: Callable[[int, int], Backend]) -> None:
    backend = fair(1, 20)
    blocking = task(("sleep", "20"), caller="first")
    Reader(backend, blocking)
    eventually(lambda: backend.capacity().in_use == 1)
    order: list[str] = []

    def read(caller: str) -> None:
        events = backend.submit(task(("true",), caller=caller)).events()
        if isinstance(next(events), Started):
            order.append(caller)
        events.close()

    threads = []
    for caller in ("a", "a", "a", "b", "c", "b"):
        threads.append(threading.Thread(target=read, args=(caller,)))
        threads[-1].start()
        eventually(lambda: backend.capacity().waiting == len(threads))
    backend.cancel(blocking.id)
    for thread in threads:
        thread.join(10)
    assert order == ["a", "b", "c", "a", "b", "a"]


def test_interactive_tasks_are_served_before_batch_which_gets_on(fair: Callable[[int, int], Backend]) -> None:
    backend = fair(1, 20)
    blocking = task(("sleep", "20"))
    Reader(backend, blocking)
    eventually(lambda: backend.capacity().in_use == 1)
    order: list[str] = []

    def read(lane: str) -> None:
        events = backend.submit(task(("true",), lane=lane)).events()
        if isinstance(next(events), Started):
            order.append(lane)
        events.close()

    threads = []
    for lane in ("batch", "batch", *["interactive"] * 4):
        threads.append(threading.Thread(target=read, args=(lane,)))
        threads[-1].start()
        eventually(lambda: backend.capacity().waiting == len(threads))
    backend.cancel(blocking.id)
    for thread in threads:
        thread.join(10)
    assert order == ["interactive"] * 3 + ["batch", "interactive", "batch"]


def test_batch_leaves_a_slot(fair: Callable[[int, int], Backend]) -> None:
    backend = fair(2, 20)
    batch = [Reader(backend, task(("sleep", "20"), lane="batch")) for _ in range(2)]
    eventually(lambda: backend.capacity().waiting == 1 and sum(reader.started for reader in batch) == 1)
    assert backend.reserve(PROFILE, tenant=None, lane="batch") is None
    result_of(backend.submit(task(("true",))))
    assert sum(reader.started for reader in batch) == 1


def test_a_slot_of_batch_goes_back_to_batch(fair: Callable[[int, int], Backend]) -> None:
    backend = fair(2, 20)
    for _ in range(3):
        eventually(lambda: backend.capacity().warm.get(PROFILE))
        reservation = reserve(backend, lane="batch")
        reservation.release()
        result_of(backend.submit(task(("true",), lane="batch")))
    assert backend.capacity().in_use == 0


def test_a_run_knows_how_many_are_before_it(fair: Callable[[int, int], Backend]) -> None:
    backend = fair(1, 20)
    fresh = backend.submit(task(("true",)))
    assert fresh.position() == 0
    running = Reader(backend, task(("sleep", "20")))
    eventually(lambda: running.started)
    assert (running.submitted.position(), running.submitted.estimate_ms()) == (None, None)
    waiting = []
    for number in range(3):
        waiting.append(Reader(backend, task(("true",))))
        eventually(lambda number=number: backend.capacity().waiting == number + 1)  # type: ignore[misc]  # bound
    assert [reader.submitted.position() for reader in waiting] == [0, 1, 2]
    estimates = [reader.submitted.estimate_ms() or 0.0 for reader in waiting]
    assert 0 < estimates[0] < estimates[1] < estimates[2]
    assert backend.submit(task(("true",), lane="batch")).position() == 3
    backend.cancel(waiting[0].task_id)
    eventually(lambda: waiting[0].submitted.position() is None)
    assert [reader.submitted.position() for reader in waiting] == [None, 0, 1]
    backend.cancel(running.task_id)
    eventually(lambda: all(reader.done for reader in waiting))
    assert [reader.submitted.position() for reader in waiting] == [None, None, None]


def test_a_full_line_makes_place_for_who_has_less_than_its_share(fair: Callable[[int, int], Backend]) -> None:
    backend = fair(1, 4)
    Reader(backend, task(("sleep", "20"), caller="greedy"))
    eventually(lambda: backend.capacity().in_use == 1)
    greedy = []
    for number in range(4):
        greedy.append(Reader(backend, task(("true",), caller="greedy")))
        eventually(lambda number=number: backend.capacity().waiting == number + 1)  # type: ignore[misc]  # bound
    with pytest.raises(PoolBusy):
        result_of(backend.submit(task(("true",), caller="greedy")))
    modest = [Reader(backend, task(("true",), caller="modest")) for _ in range(2)]
    eventually(lambda: [isinstance(reader.error, PoolBusy) for reader in greedy] == [False, False, True, True])
    with pytest.raises(PoolBusy):
        result_of(backend.submit(task(("true",), caller="modest")))
    assert [reader.error for reader in modest] == [None, None]
    assert backend.capacity().waiting == 4


def test_a_task_that_nobody_knows_cannot_be_cancelled(backend: Backend) -> None:
    assert backend.cancel("no such task") is False
    what = task(("true",))
    result_of(backend.submit(what))
    assert backend.cancel(what.id) is False


def test_after_the_end_nothing_is_taken(backend: Backend) -> None:
    result_of(backend.submit(task(("true",))))
    backend.close(grace_s=0.0)
    with pytest.raises(PoolClosed):
        result_of(backend.submit(task(("true",))))
    with pytest.raises(PoolClosed):
        backend.reserve(PROFILE, tenant=None)


def test_one_that_ends_before_it_was_used_starts_nothing() -> None:
    """As of a server that is stopped while its database is away."""
    unused = Inline(_never_made)
    unused.close(grace_s=0.0)
    run = unused.submit(task(("true",)))
    with pytest.raises(PoolClosed):
        result_of(run)
    with pytest.raises(PoolClosed):
        unused.reserve(PROFILE, tenant=None)


def _never_made() -> Pool:
    raise AssertionError("a pool was made")


def test_the_end_waits_for_what_runs_and_then_cancels_it(backend: Backend) -> None:
    reader = Reader(backend, task(("sleep", "20")))
    eventually(lambda: reader.started)
    backend.close(grace_s=0.2)
    reader.join(10)
    assert isinstance(reader.events[-1], Finished)
    assert reader.events[-1].result.steps[-1].outcome is Outcome.CANCELLED


def test_an_image_that_is_missing(backend: Backend) -> None:
    if isinstance(backend, FakeBackend):
        backend.refuse = ImageMissing("gexec/none")
    with pytest.raises((ImageMissing, EngineUnavailable)) as error:
        result_of(backend.submit(task(("true",), profile=replace(PROFILE, image="gexec/none"))))
    assert backend.capacity().in_use == 0
    assert "gexec/none" in str(error.value)
