"""A backend that runs nothing: slots are counted, results are what a test gives.

It passes the contract tests of the real ones.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import replace

from dispatch.base import Capacity, Event, Finished, Report, Reservation, Started, Task
from sandbox.engine import Images
from sandbox.pool import Withdrawal
from sandbox.pool.permits import OwnPermits
from sandbox.pool.slots import Slots
from sandbox.types import (
    ArtifactsCollected,
    Job,
    JobResult,
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
    """Every step ends well; the last prints the first file."""
    printed = job.files[0].content if job.files else b""
    last = len(job.steps) - 1
    return JobResult(
        tuple(
            StepResult(
                step.name, Outcome.OK, stdout=printed if number == last else b"", exit_code=0, wall_ms=5.0, cpu_ms=4.0
            )
            for number, step in enumerate(job.steps)
        )
    )


class FakeBackend:
    """As many tasks as slots. `refuse` is raised before a task starts; `behave` makes the result of a job."""

    def __init__(self, slots: int = 4, *, queue: int = 1000, caller_share: float = 0.5) -> None:
        self.behave: Behaviour = succeed
        self.refuse: Exception | None = None
        self.warm = True
        """Whether a free slot has a container at once, so that it can be reserved."""
        self.jobs: list[Job] = []
        """The jobs that were started, in order."""
        self.tenants: list[str | None] = []
        self.targets: Mapping[Profile, WarmTarget] = {}
        self._total = slots
        self._slots = Slots(OwnPermits(slots), queue_limit=queue, caller_share=caller_share)
        self._changed = threading.Condition()
        self._in_flight: dict[str, _FakeRun] = {}

    def prepare(self, report: Report) -> None:
        report("nothing to prepare")

    def reserve(self, profile: Profile, *, tenant: str | None, caller: str | None = None) -> Reservation | None:
        del profile, tenant
        if self.refuse or not self.warm or not self._slots.try_acquire(caller):
            return None
        return _FakeReservation(self, caller)

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

    def capacity(self) -> Capacity:
        return Capacity(
            self._total, self._slots.in_use, self._slots.waiting, dict.fromkeys(self.targets, int(self.warm))
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
        self._slots.acquire(wait_s, run.withdrawal, run.task.caller)

    def give_back(self, caller: str | None) -> None:
        self._slots.release(caller, held_s=0.0)

    def is_cancelled_within(self, run: _FakeRun, wait_s: float) -> bool:
        """Wait like a program that sleeps."""
        with self._changed:
            return self._changed.wait_for(lambda: run.cancelled, wait_s)


class _FakeReservation:
    """A slot that is taken."""

    def __init__(self, backend: FakeBackend, caller: str | None) -> None:
        self._backend = backend
        self._caller = caller
        self._used = False

    def take(self) -> None:
        self._used = True

    def release(self) -> None:
        if not self._used:
            self._used = True
            self._backend.give_back(self._caller)


class _FakeRun:
    """One task. A step whose command is `sleep SECONDS` takes so long, and can be cancelled meanwhile."""

    def __init__(self, backend: FakeBackend, task: Task, reservation: _FakeReservation | None) -> None:
        self.task = task
        self.cancelled = False
        self.withdrawal = Withdrawal()
        self._skipped: set[str] = set()
        self._backend = backend
        self._reservation = reservation

    def events(self) -> Generator[Event, None, None]:
        self._backend.began(self)
        began = time.monotonic()
        try:
            if self._reservation is None:
                self._backend.take(self)
            else:
                self._reservation.take()
            try:
                yield Started((time.monotonic() - began) * 1000)
                result = self._result()
                told = yield from self._steps(result)
            finally:
                self._backend.give_back(self.task.caller)
            yield Finished(replace(result, steps=told))
        finally:
            self._backend.ended(self)

    def skip(self, names: Iterable[str]) -> None:
        self._skipped.update(names)

    def _result(self) -> JobResult:
        self._backend.jobs.append(self.task.job)
        self._backend.tenants.append(self.task.tenant)
        for step in self.task.job.steps:
            sleeps = step.argv[0] == "sleep" and step.name not in self._skipped
            if sleeps and self._backend.is_cancelled_within(self, float(step.argv[1])):
                return JobResult((StepResult(step.name, Outcome.CANCELLED),))
        return self._backend.behave(self.task.job)

    def _steps(self, result: JobResult) -> Generator[Event, None, tuple[StepResult, ...]]:
        """The results of those steps that were not skipped before their turn."""
        told = []
        for step in result.steps:
            if step.name in self._skipped:
                continue
            if self.task.stream_output and step.stdout:
                yield Output(step.name, 1, step.stdout)
            told.append(step)
            yield StepFinished(step)
        ours = (Outcome.SANDBOX_ERROR, Outcome.CANCELLED)
        if self.task.job.artifacts is not None and told and told[-1].outcome not in ours:
            yield ArtifactsCollected(result.artifacts)
        return tuple(told)
