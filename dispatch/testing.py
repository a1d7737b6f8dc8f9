"""A backend that runs nothing: slots are counted, results are what a test gives.

It passes the contract tests of the real ones.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import replace
from uuid import UUID

from dispatch.base import Capacity, Event, Finished, Happened, InProcess, Report, Reservation, Started, Task
from sandbox.engine import Images
from sandbox.pool import Place, Withdrawal
from sandbox.pool.permits import OwnPermits
from sandbox.pool.slots import Slots
from sandbox.types import (
    ArtifactsCollected,
    Job,
    JobResult,
    Lane,
    Outcome,
    Output,
    Profile,
    StepFinished,
    StepResult,
    WarmTarget,
)

Behaviour = Callable[[Job], JobResult]

_WAIT_MS = 5_000
"""Where the task has no wait of its own: longer than any test should need."""


def succeed(job: Job) -> JobResult:
    """Every step ends well, those of a companion too; the job's last prints the first file."""
    printed = job.files[0].content if job.files else b""
    results = [_ended_well(f"companion/{step.name}") for step in (job.companion.steps if job.companion else ())]
    last = len(job.steps) - 1
    for number, step in enumerate(job.steps):
        results.append(_ended_well(step.name, printed if number == last else b""))
        if step.interaction is not None:
            results.append(_ended_well(f"{step.name}/interact"))
        elif step.check is not None:
            results.append(_ended_well(f"{step.name}/check"))
    return JobResult(tuple(results))


def _ended_well(name: str, stdout: bytes = b"") -> StepResult:
    return StepResult(name, Outcome.OK, stdout=stdout, exit_code=0, wall_ms=5.0, cpu_ms=4.0)


class FakeBackend(InProcess):
    """As many tasks as slots. `refuse` is raised before a task starts; `behave` makes the result of a job."""

    def __init__(self, slots: int = 4, *, queue: int = 1000, caller_share: float = 0.5) -> None:
        self.behave: Behaviour = succeed
        self.refuse: Exception | None = None
        self.warm = True
        """Whether a free slot has a container at once, so that it can be reserved."""
        self.is_brief = False
        """Whether tasks are over before their start is told."""
        self.jobs: list[Job] = []
        """The jobs that were started, in order."""
        self.tenants: list[str | None] = []
        self.left: set[UUID] = set()
        """Processes whose containers are there still."""
        self.targets: Mapping[Profile, WarmTarget] = {}
        self.in_cells: dict[Profile, bool] = {}
        self.happened = Happened()
        """What it says has become of containers."""
        self._total = slots
        self._slots = Slots(OwnPermits(slots), queue_limit=queue, caller_share=caller_share)
        self._changed = threading.Condition()
        self._in_flight: dict[str, _FakeRun] = {}

    def prepare(self, report: Report) -> None:
        report("nothing to prepare")

    def reserve(
        self,
        profile: Profile,
        *,
        tenant: str | None,
        caller: str | None = None,
        lane: Lane = "interactive",
        companion: Profile | None = None,
    ) -> Reservation | None:
        del profile, tenant, companion
        if self.refuse or not self.warm or not self._slots.try_acquire(caller, lane):
            return None
        return _FakeReservation(self, caller, lane)

    def submit(self, task: Task, *, reservation: Reservation | None = None) -> _FakeRun:
        return _FakeRun(self, task, reservation if isinstance(reservation, _FakeReservation) else None)

    def cancel(self, task_id: str) -> bool:
        with self._changed:
            run = self._in_flight.get(task_id)
            if run is not None:
                run.cancelled = True
                self._changed.notify_all()
        if run is not None:
            run.withdrawal.withdraw()
        return run is not None

    def left_by(self, worker: UUID) -> bool:
        return worker in self.left

    def check(self, *, timeout_s: float) -> None:
        self.images(timeout_s=timeout_s).ping()

    def capacity(self) -> Capacity:
        return Capacity(
            self._total,
            self._slots.in_use,
            self._slots.waiting,
            dict.fromkeys(self.targets, int(self.warm)),
            self._slots.waiting_batch,
            self.happened,
            self.in_cells,
        )

    def keep_warm(self, targets: Mapping[Profile, WarmTarget]) -> None:
        self.targets = dict(targets)

    def images(self, *, timeout_s: float) -> Images:
        raise NotImplementedError("a fake backend has no images")

    def close(self, *, grace_s: float) -> None:
        deadline = time.monotonic() + grace_s
        self._slots.close()
        with self._changed:
            self._changed.wait_for(lambda: not self._in_flight, max(0.0, deadline - time.monotonic()))
            for run in self._in_flight.values():
                run.cancelled = True
            self._changed.notify_all()
        self._slots.refuse_waiting()

    @property
    def in_use(self) -> int:
        """Slots that are taken."""
        return self._slots.in_use

    def began(self, run: _FakeRun) -> None:
        with self._changed:
            self._in_flight[run.task.id] = run

    def ended(self, run: _FakeRun) -> None:
        with self._changed:
            self._in_flight.pop(run.task.id, None)
            self._changed.notify_all()

    def take(self, run: _FakeRun) -> None:
        """Wait for a slot. Raises what a pool raises."""
        if self.refuse:
            raise self.refuse
        wait_s = (_WAIT_MS if run.task.wait_ms is None else run.task.wait_ms) / 1000
        self._slots.acquire(wait_s, run.withdrawal, run.task.caller, run.task.lane)

    def give_back(self, caller: str | None, lane: Lane) -> None:
        self._slots.release(caller, lane, held_s=0.0)

    def place(self, withdrawal: Withdrawal) -> Place | None:
        return self._slots.place(withdrawal)

    def newcomers_place(self, task: Task) -> Place:
        return self._slots.newcomers_place(task.caller, task.lane)

    def is_cancelled_within(self, run: _FakeRun, wait_s: float) -> bool:
        """Wait like a program that sleeps."""
        with self._changed:
            return self._changed.wait_for(lambda: run.cancelled, wait_s)


class _FakeReservation:
    """A slot that is taken."""

    def __init__(self, backend: FakeBackend, caller: str | None, lane: Lane) -> None:
        self._backend = backend
        self._caller = caller
        self._lane: Lane = lane
        self._used = False

    def take(self) -> None:
        self._used = True

    def release(self) -> None:
        if not self._used:
            self._used = True
            self._backend.give_back(self._caller, self._lane)


class _FakeRun:
    """One task. A step whose command is `sleep SECONDS` takes so long, and can be cancelled meanwhile."""

    def __init__(self, backend: FakeBackend, task: Task, reservation: _FakeReservation | None) -> None:
        self.task = task
        self.cancelled = False
        self.withdrawal = Withdrawal()
        self._skipped: set[str] = set()
        self._backend = backend
        self._reservation = reservation
        self._asked = False
        self._waits = True

    def events(self) -> Generator[Event, None, None]:
        self._backend.began(self)
        self._asked = True
        began = time.monotonic()
        try:
            if self._reservation is None:
                self._backend.take(self)
            else:
                self._reservation.take()
            self._waits = False
            try:
                queue_ms = round((time.monotonic() - began) * 1000, 3)
                yield Started(queue_ms, over_after_ms=5.0 if self._backend.is_brief else None)
                result = self._result()
                told = yield from self._steps(result)
            finally:
                self._backend.give_back(self.task.caller, self.task.lane)
            yield Finished(replace(result, steps=told))
        finally:
            self._waits = False
            self._backend.ended(self)

    def skip(self, names: Iterable[str]) -> None:
        self._skipped.update(names)

    def position(self) -> int | None:
        place = self._place()
        return None if place is None else place.position

    def estimate_ms(self) -> float | None:
        place = self._place()
        return None if place is None else place.estimate_ms

    def _place(self) -> Place | None:
        if self._waits and not self._asked and self._reservation is None:
            return self._backend.newcomers_place(self.task)
        place = self._backend.place(self.withdrawal)
        return (place or Place(0, 0.0)) if self._waits else None

    def is_gone(self) -> bool:
        return True

    def _result(self) -> JobResult:
        self._backend.jobs.append(self.task.job)
        self._backend.tenants.append(self.task.tenant)
        for step in self.task.job.steps:
            sleeps = step.argv[0] == "sleep" and step.name not in self._skipped
            if sleeps and self._backend.is_cancelled_within(self, float(step.argv[1])):
                return JobResult((StepResult(step.name, Outcome.CANCELLED),))
        return self._backend.behave(self.task.job)

    def _steps(self, result: JobResult) -> Generator[Event, None, tuple[StepResult, ...]]:
        """The results of those steps that were not skipped before their turn, with what judges them."""
        told: list[StepResult] = []
        own, left_out = {step.name for step in self.task.job.steps}, set()
        for step in result.steps:
            if step.name in self._skipped:
                left_out.add(step.name)
            if step.name in left_out or step.name.rpartition("/")[0] in left_out:
                continue
            if self.task.stream_output and step.stdout and step.name in own:
                yield Output(step.name, 1, step.stdout)
            told.append(step)
            yield StepFinished(step)
        ours = (Outcome.SANDBOX_ERROR, Outcome.CANCELLED)
        if self.task.job.artifacts is not None and told and told[-1].outcome not in ours:
            yield ArtifactsCollected(result.artifacts)
        return tuple(told)
