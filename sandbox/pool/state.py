"""The pool's bookkeeping under its one lock: each method is one decision, and gives back what is to be done outside.

No method calls the engine, sends, receives or closes anything; two wait on the lock's condition, as they say.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from enum import IntEnum

from sandbox.container import Container
from sandbox.errors import PoolBusy, PoolClosed, SandboxError
from sandbox.pool.config import PoolConfig
from sandbox.pool.inventory import Inventory, ProfileInventory
from sandbox.pool.lease import Lease
from sandbox.pool.snapshot import Counters, ProfileSnapshot
from sandbox.pool.withdrawal import Withdrawal
from sandbox.types import Profile, WarmTarget

_START_RETRY_AFTER_S = 2
"""For a caller that no start was ready for in time: a few starts later there may be one."""


class Phase(IntEnum):
    """How far the pool is on its way to its end."""

    OPEN = 0
    CLOSING = 1
    """Containers are made only for leases that wait already, and none is kept."""
    STOPPED = 2
    """Nothing is made any more, and nobody waits."""


class PoolState:
    """What the threads of a pool share."""

    def __init__(self, config: PoolConfig) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        """Something that a builder or a waiting lease looks for may have changed."""
        self._phase = Phase.OPEN
        self._inventory = Inventory()
        self._leases: set[Lease] = set()
        self._counters = Counters()

    # Leases.

    def take(self, profile: Profile, tenant: str | None) -> Container | None:
        """A container that waits, or None. Nobody else has it now; whether it still lives is not known yet."""
        # A profile of one run has nothing that was used before, so there is nothing to look through.
        reuses = tenant if profile.cells or profile.runs_per_container > 1 else None
        with self._lock:
            return self._inventory.of(profile).take(reuses)

    def await_idle(
        self, profile: Profile, deadline: float, withdrawal: Withdrawal, *, besides: Sequence[Profile] = ()
    ) -> None:
        """Wait until the profile may have an idle container; others, one of each in `besides`, are made meanwhile.

        Raises what the starts met with, PoolBusy at the monotonic `deadline`, PoolClosed, Cancelled.
        """
        with withdrawal.waking(self._notice), self._lock:
            entry = self._inventory.of(profile)
            if entry.error is not None and entry.hopeless(time.monotonic()):
                raise entry.error.renewed()
            failures_before = entry.failures_ever
            entries = [entry, *map(self._inventory.of, besides)]
            for each in entries:
                each.waiting += 1
            entry.note_shortage()
            self._changed.notify_all()
            try:
                while not entry.idle:
                    withdrawal.check()
                    self._check_wait(entry, failures_before, deadline)
                    self._changed.wait(max(0.0, deadline - time.monotonic()))
            finally:
                for each in entries:
                    each.waiting -= 1

    def _notice(self) -> None:
        """Let the waiters look again."""
        with self._lock:
            self._changed.notify_all()

    def _check_wait(self, entry: ProfileInventory, failures_before: int, deadline: float) -> None:
        if self._phase is Phase.STOPPED:
            raise PoolClosed("the server is shutting down")
        overdue = time.monotonic() >= deadline
        if entry.error is not None and (overdue or entry.failed_since(failures_before)):
            raise entry.error.renewed()
        if overdue:
            raise PoolBusy("no container became ready in time", retry_after_s=_START_RETRY_AFTER_S)

    def granted(self, lease: Lease, *, waited_s: float | None) -> None:
        """A lease has its slot and its container; `waited_s` is None where both were there at once."""
        with self._lock:
            self._leases.add(lease)
            self._counters.leases_granted += 1
            if waited_s is not None:
                self._counters.leases_waited += 1
                self._counters.waited_ms += waited_s * 1000
            if lease.container.runs:
                self._counters.leases_reused += 1
            for container in lease.containers:
                self._note_taken(container)

    def replaced(self, container: Container) -> None:
        """A lease has got this container in the place of one that was lost."""
        with self._lock:
            self._note_taken(container)

    def _note_taken(self, container: Container) -> None:
        # One idle container less is the demand that the builders answer. Who reuses asks nothing of them.
        if not container.runs:
            self._inventory.of(container.profile).arrivals += 1
            self._changed.notify_all()

    def refused(self) -> None:
        """A lease was refused because the pool is busy."""
        with self._lock:
            self._counters.refused_busy += 1

    def lost(self) -> None:
        """A container that waited, or was just leased, has ended by itself."""
        with self._lock:
            self._counters.containers_lost += 1

    def give_back(self, lease: Lease, *, may_stay: Collection[Container]) -> list[Container]:
        """A lease has ended, and those in `may_stay` could be leased again. Gives what is to be evicted."""
        with self._lock:
            self._leases.discard(lease)
            self._counters.containers_lost += sum(container.lost for container in lease.containers)
            return [each for each in lease.containers if not (each in may_stay and self._put_back(each))]

    def untaken(self, container: Container) -> list[Container]:
        """A container that was taken was not used after all. Gives what is to be evicted."""
        with self._lock:
            kept = self._put_back(container)
            # Others may wait for one.
            self._changed.notify_all()
        return [] if kept else [container]

    def _put_back(self, container: Container) -> bool:
        """Keep it for another lease, where there is use for it."""
        entry = self._inventory.of(container.profile)
        wanted = self._phase is Phase.OPEN and self._inventory.keeps(container.profile)
        if wanted:
            entry.put_back(container)
        return wanted

    def leases(self) -> list[Lease]:
        """Those that are out."""
        with self._lock:
            return list(self._leases)

    # Builders.

    def next_build(self, *, programs_run: Callable[[], bool]) -> ProfileInventory | None:
        """Wait for a profile that needs a container, and count it as being built there; None when the pool stops.

        A start that nobody waits for yields to running programs, but only for a while.
        """
        with self._lock:
            yields_since = time.monotonic()
            while self._phase is not Phase.STOPPED:
                now = time.monotonic()
                entry = self._inventory.next_build(now)
                if entry is not None and not entry.urgent and self._phase is Phase.CLOSING:
                    entry = None
                if entry is None:
                    # What is needed next yields from the time on at which it is needed. Back-off times end without a
                    # word, so there is a look now and then.
                    yields_since = now
                    self._changed.wait(self._config.upkeep_s)
                elif entry.urgent or now - yields_since >= self._config.yield_s or not programs_run():
                    entry.building += 1
                    return entry
                else:
                    self._changed.wait(self._config.yield_s)
        return None

    def is_waited_for(self, entry: ProfileInventory) -> bool:
        """Whether a lease waits for what is being built."""
        with self._lock:
            return entry.waiting > 0

    def build_succeeded(self, entry: ProfileInventory, container: Container, *, took_s: float) -> list[Container]:
        """A builder has made a container. Gives what is to be evicted: it, where nobody wants it any more."""
        with self._lock:
            entry.building -= 1
            self._counters.containers_started += 1
            warm = self._phase is Phase.OPEN and self._inventory.keeps(entry.profile)
            wanted = warm or entry.waiting > len(entry.idle)
            if wanted:
                entry.build_succeeded(container, took_s=took_s)
            self._changed.notify_all()
        return [] if wanted else [container]

    def build_failed(self, entry: ProfileInventory, error: SandboxError) -> None:
        """A builder has failed to; who waits is told."""
        with self._lock:
            entry.building -= 1
            self._counters.start_failures += 1
            kind = type(error).__name__
            self._counters.failures = {**self._counters.failures, kind: self._counters.failures.get(kind, 0) + 1}
            # Without the frames that it came through: they would hold whatever those hold, until the next failure.
            entry.build_failed(error.renewed(), time.monotonic())
            self._changed.notify_all()

    # Upkeep.

    def retarget(self, targets: Mapping[Profile, WarmTarget]) -> list[Container]:
        """Replace what is kept warm. Gives what is to be evicted."""
        with self._lock:
            drained = self._inventory.retarget(dict(targets))
            self._changed.notify_all()
        return drained

    def trim(self, now: float, *, elapsed_s: float) -> list[Container]:
        """Learn from the demand since the last call, and take out what is too much for it. Gives what to evict."""
        surplus = []
        with self._lock:
            for entry in self._inventory.profiles.values():
                entry.note_demand(elapsed_s)
                surplus += entry.surplus()
                room = max(entry.warm.maximum, self._config.slots)
                surplus += entry.expired(now, idle_s=self._config.keep_idle_s, room=room)
            self._changed.notify_all()
        return surplus

    def take_out_dead(self) -> list[Container]:
        """Take out idle containers that have ended while they waited. Gives what is to be evicted.

        The look at a stream never waits. It has to be under the lock: a lease that took the container meanwhile polls
        the same stream, and two threads may not.
        """
        dead = []
        with self._lock:
            for entry in self._inventory.profiles.values():
                ended = [container for container in entry.idle if not container.usable(0.0)]
                for container in ended:
                    entry.idle.remove(container)
                dead += ended
            self._counters.containers_lost += len(dead)
        return dead

    def known(self) -> set[str]:
        """The ids of all containers that wait or are leased."""
        with self._lock:
            leased = {container.id for lease in self._leases for container in lease.containers}
            entries = self._inventory.profiles.values()
            return leased | {each.id for entry in entries for each in (*entry.idle, *entry.reusable)}

    # The end.

    def close(self) -> None:
        """Make nothing any more that nobody waits for."""
        with self._lock:
            self._phase = max(self._phase, Phase.CLOSING)

    def stop(self) -> None:
        """Make nothing any more, and end the waiting."""
        with self._lock:
            self._phase = Phase.STOPPED
            self._changed.notify_all()

    def drain(self) -> list[Container]:
        """Take out every container there is. Gives what is to be evicted, with those that are leased still."""
        with self._lock:
            waiting = [container for entry in self._inventory.profiles.values() for container in entry.drain()]
            return waiting + [container for lease in self._leases for container in lease.containers]

    # The view from outside.

    def profiles(self) -> dict[Profile, ProfileSnapshot]:
        """Each profile's containers right now."""
        with self._lock:
            return {
                profile: ProfileSnapshot(
                    idle=len(entry.idle),
                    reusable=len(entry.reusable),
                    building=entry.building,
                    waiting=entry.waiting,
                    error=str(entry.error or ""),
                    in_cells=entry.in_cells,
                )
                for profile, entry in self._inventory.profiles.items()
            }

    def counters(self) -> Counters:
        """What has happened until now."""
        with self._lock:
            return replace(self._counters)
