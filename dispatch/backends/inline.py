"""Tasks run by this process, in containers of the Docker engine that it reaches.

A run is moved on by the thread that reads its events: it needs no thread of its own, and hands nothing over to another.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import closing, suppress
from typing import ParamSpec, TypeVar
from uuid import UUID

from django.conf import settings

from dispatch import shares, workers
from dispatch.base import Capacity, Event, Finished, Happened, InProcess, Report, Reservation, Started, Task
from rest.connections import release_connection
from rest.turns import Turns
from sandbox.docker import BASE_IMAGE, LABEL, DockerEngine, DockerImages, connect, install_runner
from sandbox.engine import Images
from sandbox.errors import PoolClosed
from sandbox.policy import SandboxPolicy
from sandbox.pool import Lease, Place, Pool, PoolConfig, Withdrawal
from sandbox.processes import place
from sandbox.types import Artifact, ArtifactsCollected, JobResult, Lane, Profile, StepFinished, StepResult, WarmTarget

logger = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")

_COMPILE_RUNNER_S = 600.0
"""Before the runner is compiled, a compiler is installed in a container."""


class Inline(InProcess):
    """The backend over one pool, which is made at first use: images are built where no program is ever run."""

    def __init__(self, make_pool: Callable[[], Pool]) -> None:
        self._make_pool = make_pool
        self._pool: Pool | None = None
        self._closed = False
        self._lock = threading.Lock()
        self._making = Turns()
        self._images: dict[float, Images] = {}
        self._in_flight: dict[str, _InlineRun] = {}

    @property
    def pool(self) -> Pool:
        """The pool, started at the first call. Raises PoolClosed, and Django's errors while the database is away."""
        if self._pool is None:
            with self._making.turn():
                if self._closed:
                    raise PoolClosed("the server is shutting down")
                if self._pool is None:
                    self._pool = self._make_pool()
        return self._pool

    def prepare(self, report: Report) -> None:
        """Compile and install the runner, unless it is there.

        Raises EngineUnavailable, ImageMissing, ImageBuildFailed.
        """

        def report_step(line: str) -> None:
            if line.startswith("Step "):
                report(f"Compiling the runner: {line}")

        client = connect(timeout_s=_COMPILE_RUNNER_S)
        try:
            # No pool's yet: this process may be one that only prepares, and has no row.
            labels = {LABEL: f"prepares/{os.getpid()}/{place()}"}
            install_runner(client, base_image=BASE_IMAGE, labels=labels, on_line=report_step)
        finally:
            client.close()

    def reserve(
        self,
        profile: Profile,
        *,
        tenant: str | None,
        caller: str | None = None,
        lane: Lane = "interactive",
        companion: Profile | None = None,
    ) -> Reservation | None:
        """A lease, where one is free at once."""
        lease = self.pool.try_lease(profile, tenant=tenant, caller=caller, lane=lane, companion=companion)
        return None if lease is None else _InlineReservation(lease)

    def submit(self, task: Task, *, reservation: Reservation | None = None) -> _InlineRun:
        reserved = reservation if isinstance(reservation, _InlineReservation) else None
        return _InlineRun(self, task, reserved, self._in_flight)

    def cancel(self, task_id: str) -> bool:
        run = self._in_flight.get(task_id)
        return run is not None and run.cancel()

    def left_by(self, worker: UUID) -> bool:
        owner = _asked(workers.owner, worker)
        return any(f"{label}/".startswith(f"{owner}/") for label in self.pool.owners().values())

    def check(self, *, timeout_s: float) -> None:
        self.images(timeout_s=timeout_s).ping()

    def capacity(self) -> Capacity:
        pool = self.pool.snapshot()
        warm = {profile: state.warm for profile, state in pool.profiles.items()}
        counters = pool.counters
        happened = Happened(
            counters.containers_started,
            counters.containers_lost,
            counters.failures,
            counters.leases_granted,
            counters.leases_waited,
            counters.leases_reused,
        )
        in_cells = {each: state.in_cells for each, state in pool.profiles.items() if state.in_cells is not None}
        return Capacity(pool.slots, pool.in_use, pool.waiting, warm, pool.waiting_batch, happened, in_cells)

    def keep_warm(self, targets: Mapping[Profile, WarmTarget]) -> None:
        self.pool.keep_warm(targets)

    def images(self, *, timeout_s: float) -> Images:
        """One client for each time-out: each keeps connections of its own. Raises EngineUnavailable."""
        with self._lock:
            if timeout_s not in self._images:
                self._images[timeout_s] = DockerImages(connect(timeout_s=timeout_s))
            return self._images[timeout_s]

    def place(self, withdrawal: Withdrawal) -> Place | None:
        """Where one that waits with this stands in line."""
        return None if self._pool is None else self._pool.place(withdrawal)

    def newcomers_place(self, task: Task) -> Place:
        """Where a task would stand that came now."""
        return Place(0, 0.0) if self._pool is None else self._pool.newcomers_place(caller=task.caller, lane=task.lane)

    def close(self, *, grace_s: float) -> None:
        """A pool that was never started is not started to be closed."""
        self._closed = True
        with self._lock:
            images = list(self._images.values())
            self._images.clear()
        for each in images:
            each.close()
        if (pool := self._made()) is not None:
            pool.close(grace_s=grace_s)

    def _made(self) -> Pool | None:
        """The pool, if there is one; none is made after `close`, and one that is being made is waited for."""
        with suppress(Exception), self._making.turn():
            pass
        return self._pool


class _InlineReservation:
    """A lease that no task uses yet."""

    def __init__(self, lease: Lease) -> None:
        self._lease: Lease | None = lease

    def take(self) -> Lease | None:
        """The lease, at the first call; then None."""
        lease, self._lease = self._lease, None
        return lease

    def release(self) -> None:
        if (lease := self.take()) is not None:
            with lease:
                pass


class _InlineRun:
    """One task of this process."""

    def __init__(
        self, backend: Inline, task: Task, reservation: _InlineReservation | None, in_flight: dict[str, _InlineRun]
    ) -> None:
        self._backend = backend
        self._task = task
        self._reservation = reservation
        self._lease: Lease | None = None
        self._in_flight = in_flight
        self._withdrawal = Withdrawal()
        self._skipped: set[str] = set()
        self._asked = False
        self._waits = True
        """Until it has its lease, or will never have one."""

    def events(self) -> Generator[Event, None, None]:
        """The slot is given back before the last event: writing the result into the row needs none."""
        task = self._task
        # From here, and not from `submit`: events that are never read would leave the run in flight for ever.
        self._in_flight[task.id] = self
        self._asked = True
        try:
            began = time.monotonic()
            # Taken only now: a run whose events are not read leaves its reservation to the one that made it.
            reserved = self._reservation.take() if self._reservation else None
            lease = reserved or self._backend.pool.lease(
                task.profile,
                tenant=task.tenant,
                caller=task.caller,
                lane=task.lane,
                companion=task.job.companion.profile if task.job.companion else None,
                wait_ms=task.wait_ms,
                withdrawal=self._withdrawal,
            )
            self._waits = False
            results: list[StepResult] = []
            artifacts: tuple[Artifact, ...] = ()
            with lease:
                # In this order: a cancel that comes before the lease is known here is found by the check after it, and
                # one that comes later ends the lease itself. The same of a skip.
                self._lease = lease
                self._withdrawal.check()
                lease.skip(self._skipped)
                yield Started(round((time.monotonic() - began) * 1000, 3), round(lease.container_wait_s * 1000, 3))
                if task.start_ahead:
                    lease.start_ahead()
                told = lease.events(task.job, stream_output=task.stream_output, console=task.console)
                with closing(told) as events:
                    for event in events:
                        if isinstance(event, StepFinished):
                            results.append(event.result.bare() if task.bare_results else event.result)
                        if isinstance(event, ArtifactsCollected):
                            artifacts = event.artifacts
                        yield event
            yield Finished(JobResult(tuple(results), artifacts))
        finally:
            self._waits = False
            self._in_flight.pop(task.id, None)

    def skip(self, names: Iterable[str]) -> None:
        names = tuple(names)
        self._skipped.update(names)
        lease = self._lease
        if lease is not None:
            lease.skip(names)

    def position(self) -> int | None:
        place = self._place()
        return None if place is None else place.position

    def estimate_ms(self) -> float | None:
        place = self._place()
        return None if place is None else place.estimate_ms

    def _place(self) -> Place | None:
        """None once it does not wait any more. One that has its slot and waits for a container is the first."""
        if self._waits and not self._asked and self._reservation is None:
            return self._backend.newcomers_place(self._task)
        place = self._backend.place(self._withdrawal)
        # Looked at after the line, which it leaves before.
        return (place or Place(0, 0.0)) if self._waits else None

    def is_gone(self) -> bool:
        lease = self._lease
        return lease is None or self._backend.pool.owners().keys().isdisjoint(each.id for each in lease.containers)

    def cancel(self) -> bool:
        """End it, wherever it is. Callable from any thread."""
        self._withdrawal.withdraw()
        lease = self._lease
        if lease is not None:
            lease.cancel()
        return True


def make_backend() -> Inline:
    """The backend that the settings describe."""
    return Inline(make_pool)


def make_pool() -> Pool:
    """A started pool of this process, as the settings describe it."""
    owner = _asked(workers.own_label)
    policy = SandboxPolicy(runtime=settings.GEXEC_DOCKER_RUNTIME)
    config = PoolConfig(
        slots=settings.GEXEC_SLOTS,
        queue=settings.GEXEC_QUEUE,
        wait_ms=settings.GEXEC_WAIT_MS,
        caller_share=settings.GEXEC_CALLER_SHARE,
        share_of=shares.of,
        slots_folder=settings.GEXEC_DATA_DIR / "slots",
        processes=settings.GEXEC_WORKERS,
    )
    labels = {"gexec.data_dir": str(settings.GEXEC_DATA_DIR)}
    engine = DockerEngine(policy, owner=owner, base_image=BASE_IMAGE, labels=labels)
    made = Pool(engine, config, owner=owner, is_alive=lambda label: _asked(workers.owner_is_alive, label))
    made.start()
    return made


def _asked(question: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """What the database says, without keeping a connection for it."""
    try:
        return question(*args, **kwargs)
    finally:
        release_connection()
