"""The warm pool: containers started ahead, slots that bound how many run, and the threads that keep both in order.

Theory of operation. A lease needs a slot, then a container. Slots are handed out first come, first served, with a
bounded queue. Containers are made only by the builder threads, for leases that wait first and to keep the warm stock
second, so that the number of simultaneous starts is bounded whatever arrives. One upkeep thread notices what died
while it waited, lets surplus go, and makes sure that every container that was let go is really gone. One lock guards
the bookkeeping, and no engine call is ever made under it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from sandbox.container import Container
from sandbox.engine import Engine
from sandbox.errors import (
    ContainerLost,
    EngineUnavailable,
    ImageMissing,
    PoolBusy,
    PoolClosed,
    ProtocolError,
    SandboxError,
)
from sandbox.permits import OwnPermits, Permits, SharedPermits
from sandbox.slots import Slots
from sandbox.stock import Shelf, Stock
from sandbox.types import Event, Job, JobResult, Profile, StepFinished, Warmth

logger = logging.getLogger(__name__)

_START_TIMEOUT_S = 15.0
_GONE_AFTER_S = 3.0
"""How long a container that was let go may take to disappear before it is removed by force."""
_FORCED_GONE_AFTER_S = 10.0
_CANCEL_S = 3.0
_CANCEL_AGAIN_S = 0.2
_UPKEEP_S = 1.0
_SWEEP_S = 60.0
_POLITE_S = 0.1
"""How long a start that nobody waits for gives way to programs that run."""


@dataclass(frozen=True, slots=True)
class PoolConfig:
    """How large the pool is. Times in the unit of their name."""

    slots: int
    """Programs at once; with `slots_folder` those of all processes that name it."""
    queue: int
    wait_ms: int
    builders: int = 2
    keep_idle_s: float = 60.0
    slots_folder: Path | None = None
    processes: int = 1


def _permits(config: PoolConfig) -> Permits:
    if config.slots_folder is None:
        return OwnPermits(config.slots)
    return SharedPermits(config.slots_folder, config.slots, processes=config.processes)


@dataclass(frozen=True, slots=True)
class ProfileSnapshot:
    """One profile's containers."""

    fresh: int
    kept: int
    building: int
    waiting: int
    error: str


@dataclass(frozen=True, slots=True)
class PoolSnapshot:
    """The pool at one moment."""

    slots: int
    in_use: int
    waiting: int
    profiles: Mapping[Profile, ProfileSnapshot]


class Pool:
    """Hands out containers; see the module's theory of operation."""

    def __init__(
        self, engine: Engine, config: PoolConfig, *, owner: str, is_alive: Callable[[str], bool] = lambda _owner: True
    ) -> None:
        """`owner` labels this pool's containers; `is_alive` says whether another owner still exists."""
        self._engine = engine
        self._config = config
        self._owner = owner
        self._is_alive = is_alive
        self._slots = Slots(_permits(config), queue_limit=config.queue)
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._stock = Stock()
        self._leases: set[Lease] = set()
        self._departed: dict[str, float] = {}
        self._closed = False
        self._prepared = threading.Event()
        self._preparing = threading.Lock()
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start the builders and the upkeep."""
        targets = [self._build_forever] * self._config.builders + [self._upkeep_forever]
        for number, target in enumerate(targets):
            thread = threading.Thread(target=target, name=f"gexec-pool-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def keep_warm(self, targets: Mapping[Profile, Warmth]) -> None:
        """Replace what is kept warm. Containers of profiles that are not named any more are let go; leases run on."""
        with self._lock:
            drained = self._stock.retarget(dict(targets))
            self._changed.notify_all()
        self._dismiss(drained)

    def try_lease(self, profile: Profile, *, owner: str | None) -> Lease | None:
        """A lease at once, or None where it would take waiting. Raises PoolClosed."""
        if not self._slots.try_acquire():
            return None
        began = time.monotonic()
        try:
            container = self._take_usable(profile, owner)
        except BaseException:
            self._slots.release(held_s=0.0)
            raise
        if container is None:
            self._slots.release(held_s=0.0)
            return None
        return self._lease(container, owner, began)

    def lease(self, profile: Profile, *, owner: str | None, wait_ms: int | None = None) -> Lease:
        """A slot and a container, after a bounded wait for both.

        Raises PoolBusy, PoolClosed, EngineUnavailable, ImageMissing.
        """
        deadline = time.monotonic() + (self._config.wait_ms if wait_ms is None else wait_ms) / 1000
        self._slots.acquire(max(0.0, deadline - time.monotonic()))
        began = time.monotonic()
        try:
            container = self._obtain(profile, owner, deadline)
        except BaseException:
            self._slots.release(held_s=0.0)
            raise
        return self._lease(container, owner, began)

    def snapshot(self) -> PoolSnapshot:
        """What is in use, waiting and warm right now."""
        with self._lock:
            profiles = {
                profile: ProfileSnapshot(
                    len(shelf.fresh), len(shelf.kept), shelf.building, shelf.waiting, str(shelf.error or "")
                )
                for profile, shelf in self._stock.shelves.items()
            }
        return PoolSnapshot(self._config.slots, self._slots.in_use, self._slots.waiting, profiles)

    def close(self, *, grace_s: float) -> None:
        """Refuse new leases, let those that run or wait end within `grace_s`, cancel the rest, leave nothing behind."""
        self._closed = True
        self._slots.close()
        if not self._slots.wait_until_unused(grace_s):
            self._stop_serving()
            self._slots.refuse_waiting()
            self._cancel_all()
        self._stop_serving()
        for thread in self._threads:
            thread.join(_START_TIMEOUT_S)
        with self._lock:
            remaining = [container for shelf in self._stock.shelves.values() for container in shelf.drain()]
            remaining += [lease.container for lease in self._leases]
        self._dismiss(remaining)
        self._engine.close()
        if self._remove_own_containers():
            self._sweep_at_close()
        # Looking for them has opened connections again.
        self._engine.close()

    # The way of a lease.

    def _obtain(self, profile: Profile, owner: str | None, deadline: float) -> Container:
        """A container that is there, or one as soon as it is made."""
        while (container := self._take_usable(profile, owner)) is None:
            self._await_fresh(profile, deadline)
        return container

    def _take_usable(self, profile: Profile, owner: str | None) -> Container | None:
        while True:
            with self._lock:
                shelf = self._stock.shelf(profile)
                reuse_owner = owner if profile.runs_per_container > 1 else None
                container = shelf.take(reuse_owner)
                if container is None:
                    return None
            if container.usable():
                if not container.runs:
                    # One less that is fresh: the demand that the builders answer. Who reuses asks nothing of them.
                    with self._lock:
                        shelf.arrivals += 1
                        self._changed.notify_all()
                return container
            self._dismiss([container])

    def _await_fresh(self, profile: Profile, deadline: float) -> None:
        """Wait until the profile's shelf may have a container. Raises what building met with, PoolBusy, PoolClosed."""
        with self._lock:
            shelf = self._stock.shelf(profile)
            if shelf.error is not None and shelf.not_before > time.monotonic() + 1.0:
                raise shelf.error.with_traceback(None)
            failures_before = shelf.failures_ever
            shelf.note_shortage()
            shelf.waiting += 1
            self._changed.notify_all()
            try:
                while not shelf.fresh:
                    self._check_wait(shelf, failures_before, deadline)
                    self._changed.wait(max(0.0, deadline - time.monotonic()))
            finally:
                shelf.waiting -= 1

    def _check_wait(self, shelf: Shelf, failures_before: int, deadline: float) -> None:
        if self._stop.is_set():
            raise PoolClosed("the server is shutting down")
        tries = 1 if isinstance(shelf.error, ImageMissing) else 2
        if shelf.error is not None and shelf.failures_ever - failures_before >= tries:
            raise shelf.error.with_traceback(None)
        if time.monotonic() >= deadline:
            raise shelf.error or PoolBusy("no container became ready in time", retry_after_s=2)

    def _lease(self, container: Container, owner: str | None, began: float) -> Lease:
        lease = Lease(self, container, owner, began)
        with self._lock:
            self._leases.add(lease)
        return lease

    def _replace(self, lease: Lease) -> Container:
        """Another container for a lease whose first one broke before anything ran."""
        self._dismiss([lease.container])
        deadline = time.monotonic() + self._config.wait_ms / 1000
        return self._obtain(lease.container.profile, lease.owner, deadline)

    def _give_back(self, lease: Lease) -> None:
        container = lease.container
        keep = not self._closed and self._can_stay(container)
        with self._lock:
            self._leases.discard(lease)
            keep = keep and self._stock.wanted(container.profile) and not self._closed
            if keep:
                shelf = self._stock.shelf(container.profile)
                (shelf.kept if container.runs else shelf.fresh).append(container)
        if not keep:
            self._dismiss([container])
        self._slots.release(held_s=time.monotonic() - lease.began)

    @staticmethod
    def _can_stay(container: Container) -> bool:
        """Whether the container may be leased again: it was never used, or it ended well and is being wiped."""
        if container.runs == 0:
            return True
        if not container.reusable:
            return False
        try:
            container.end_job()
        except ContainerLost:
            logger.info("container %s broke after its run", container.id[:12])
            return False
        return True

    def _dismiss(self, containers: list[Container]) -> None:
        """Let containers end; the upkeep sees to it that they are gone."""
        for container in containers:
            container.close()
            with self._lock:
                self._departed[container.id] = time.monotonic() + _GONE_AFTER_S

    def _stop_serving(self) -> None:
        """End the builders and the upkeep, and the waiting for containers that nobody makes any more."""
        self._stop.set()
        with self._lock:
            self._changed.notify_all()

    def _cancel_all(self) -> None:
        """Cancel until nothing runs, since a lease may be about to start its program when it is first told."""
        for _ in range(int(_CANCEL_S / _CANCEL_AGAIN_S)):
            with self._lock:
                leases = list(self._leases)
            for lease in leases:
                lease.cancel()
            if self._slots.wait_until_unused(_CANCEL_AGAIN_S):
                return

    # Builders.

    def _build_forever(self) -> None:
        while (shelf := self._next_build()) is not None:
            began = time.monotonic()
            try:
                self._prepare()
                container = self._start_container(shelf)
            except Exception as error:  # noqa: BLE001 - a builder outlives whatever a start meets with
                self._build_failed(shelf, error)
            else:
                self._build_succeeded(shelf, container, time.monotonic() - began)

    def _next_build(self) -> Shelf | None:
        """Wait for a shelf that needs a container; None when the pool closes."""
        polite_until = time.monotonic() + _POLITE_S
        with self._lock:
            while not self._stop.is_set():
                now = time.monotonic()
                shelf = self._stock.next_build(now)
                if shelf is not None and not shelf.urgent and self._closed:
                    shelf = None
                if shelf is not None and (shelf.urgent or now >= polite_until or not self._slots.in_use):
                    shelf.building += 1
                    return shelf
                if shelf is None:
                    polite_until = now + _POLITE_S
                self._changed.wait(_POLITE_S if shelf is not None else _UPKEEP_S)
        return None

    def _prepare(self) -> None:
        with self._preparing:
            if not self._prepared.is_set():
                self._engine.prepare()
                self._prepared.set()

    def _start_container(self, shelf: Shelf) -> Container:
        stream = self._engine.start(shelf.profile)
        container = Container(self._engine, stream, shelf.profile)
        try:
            container.wait_ready(_START_TIMEOUT_S)
            if not shelf.waiting:
                # Otherwise it gets its job now, and a start ahead of it would only be in the way.
                container.start_ahead()
        except (ContainerLost, ProtocolError) as error:
            self._dismiss([container])
            raise EngineUnavailable(f"a container did not become ready: {error}") from error
        return container

    def _build_succeeded(self, shelf: Shelf, container: Container, took_s: float) -> None:
        with self._lock:
            shelf.building -= 1
            wanted = shelf.waiting > len(shelf.fresh) or (not self._closed and self._stock.wanted(shelf.profile))
            if wanted:
                shelf.put_fresh(container, took_s=took_s)
            self._changed.notify_all()
        if not wanted:
            self._dismiss([container])

    def _build_failed(self, shelf: Shelf, error: Exception) -> None:
        known = error if isinstance(error, SandboxError) else EngineUnavailable(f"unexpected: {error!r}")
        # It is kept, and raised to several callers: without the frames that it came through, and what they hold.
        known.__cause__ = known.__context__ = None
        known.with_traceback(None)
        self._prepared.clear()
        with self._lock:
            shelf.building -= 1
            shelf.note_failure(known, time.monotonic())
            self._changed.notify_all()
        logger.warning("no container of %s could be started: %s", shelf.profile.image, str(known))

    # Upkeep.

    def _upkeep_forever(self) -> None:
        last = time.monotonic()
        next_sweep = last
        while not self._stop.wait(_UPKEEP_S):
            now = time.monotonic()
            try:
                self._discard_surplus(now, now - last)
                self._discard_dead()
                self._bury_departed(now)
                if now >= next_sweep:
                    self.sweep()
                    next_sweep = now + _SWEEP_S
            except EngineUnavailable as error:
                logger.warning("upkeep has to wait for Docker: %s", str(error))
            except Exception:
                logger.exception("upkeep failed and goes on")
            last = now

    def _discard_surplus(self, now: float, elapsed_s: float) -> None:
        surplus = []
        with self._lock:
            for shelf in self._stock.shelves.values():
                shelf.note_demand(elapsed_s)
                surplus += shelf.surplus()
                room = max(shelf.warmth.maximum, self._config.slots)
                surplus += shelf.expired(now, idle_s=self._config.keep_idle_s, room=room)
            self._changed.notify_all()
        self._dismiss(surplus)

    def _discard_dead(self) -> None:
        """Let go of fresh containers that ended while they waited: a look at each stream, which never waits."""
        for shelf in list(self._stock.shelves.values()):
            with self._lock:
                dead = [container for container in shelf.fresh if not container.usable(0.0)]
                for container in dead:
                    shelf.fresh.remove(container)
            if dead:
                logger.warning("%d waiting containers of %s had died", len(dead), shelf.profile.image)
                self._dismiss(dead)

    def _bury_departed(self, now: float) -> None:
        with self._lock:
            departed = dict(self._departed)
        # They are given their time before the engine is asked, which costs it something.
        if not departed or now < min(departed.values()):
            return
        present = self._engine.owned()
        for container_id, deadline in departed.items():
            if container_id in present:
                if now < deadline:
                    continue
                self._engine.remove(container_id)
            with self._lock:
                self._departed.pop(container_id, None)

    def sweep(self) -> None:
        """Remove the containers of owners that are no more. Raises EngineUnavailable."""
        for container_id, owner in self._engine.owned().items():
            if owner != self._owner and not self._is_alive(owner):
                logger.info("removing container %s that a dead server left", container_id[:12])
                self._engine.remove(container_id)

    def _sweep_at_close(self) -> None:
        """Once more, since the next may be far off: a killed server's last start may have ended after the first one."""
        try:
            self.sweep()
        except Exception as error:  # noqa: BLE001 - the closing goes on, whoever cannot tell who lives
            logger.warning("containers of dead servers may be left: %s", error)

    def _remove_own_containers(self) -> bool:
        """Wait for what was let go to be gone; remove by force what takes too long, and wait for that too.

        False where the engine does not answer.
        """
        began = time.monotonic()
        forced: set[str] = set()
        try:
            while own := [key for key, owner in self._engine.owned().items() if owner == self._owner]:
                waited_s = time.monotonic() - began
                if waited_s > _FORCED_GONE_AFTER_S:
                    logger.warning("%d containers are still being removed by Docker", len(own))
                    break
                if waited_s > _GONE_AFTER_S:
                    for container_id in set(own) - forced:
                        self._engine.remove(container_id)
                        forced.add(container_id)
                time.sleep(0.05)
        except EngineUnavailable as error:
            logger.warning("containers may be left for the next start to remove: %s", str(error))
            return False
        return True


class Lease:
    """A slot and a container for one job. A context manager; leaving it gives both back."""

    def __init__(self, pool: Pool, container: Container, owner: str | None, began: float) -> None:
        self.container = container
        self.owner = owner
        self.began = began
        self._pool = pool

    def __enter__(self) -> Lease:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool._give_back(self)

    def run(self, job: Job) -> JobResult:
        """Run the job; whatever happens to the program or the container is in the result.

        Raises ValueError for a job that cannot be passed on (NUL in an argument, a bad file name), and
        EngineUnavailable, PoolBusy or ContainerLost where no container would take it.
        """
        return JobResult(tuple(event.result for event in self.events(job) if isinstance(event, StepFinished)))

    def events(self, job: Job, *, stream_output: bool = False) -> Generator[Event, None, None]:
        """Run the job and tell of it as it goes; see Container.events. Raises what `run` does, at the first `next`."""
        try:
            yield from self.container.events(job, owner=self.owner, stream_output=stream_output)
        except ContainerLost:
            logger.info("container %s was lost before its run", self.container.id[:12])
        else:
            return
        self.container = self._pool._replace(self)
        yield from self.container.events(job, owner=self.owner, stream_output=stream_output)

    def start_ahead(self) -> None:
        """Let its container start what it would have started while it waited. Call it before `run`."""
        try:
            self.container.start_ahead()
        except ContainerLost:
            logger.debug("container %s was lost before its run", self.container.id[:12])

    def cancel(self) -> None:
        """End the running step, whose outcome will be `cancelled`. Callable from any thread."""
        try:
            self.container.cancel()
        except ContainerLost:
            logger.debug("nothing left to cancel in %s", self.container.id[:12])
