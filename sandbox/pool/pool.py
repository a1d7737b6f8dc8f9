"""The pool itself: grants leases, and ends in good order."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from sandbox.container import EVERYBODY, Container
from sandbox.engine import Engine
from sandbox.errors import ContainerLost, PoolBusy
from sandbox.pool.builders import Builders
from sandbox.pool.config import PoolConfig
from sandbox.pool.lease import Lease
from sandbox.pool.permits import OwnPermits, Permits, SharedPermits
from sandbox.pool.reaper import Reaper
from sandbox.pool.slots import Place, Slots
from sandbox.pool.snapshot import PoolSnapshot
from sandbox.pool.state import PoolState
from sandbox.pool.upkeep import Upkeep
from sandbox.pool.withdrawal import Withdrawal
from sandbox.types import Lane, Profile, WarmTarget

logger = logging.getLogger(__name__)


class Pool:
    """Hands out containers; see the package's theory of operation."""

    def __init__(
        self, engine: Engine, config: PoolConfig, *, owner: str, is_alive: Callable[[str], bool] = lambda _owner: True
    ) -> None:
        """`owner` labels this pool's containers; `is_alive` says whether another owner still exists."""
        self._engine = engine
        self._config = config
        self._slots = Slots(
            _permits(config), queue_limit=config.queue, caller_share=config.caller_share, share_of=config.share_of
        )
        self._state = PoolState(config)
        self._reaper = Reaper(engine, config, owner=owner, is_alive=is_alive, known=self._state.known)
        self._builders = Builders(engine, config, self._state, self._slots, self._reaper)
        self._upkeep = Upkeep(config, self._state, self._reaper)
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start the builders and the upkeep."""
        targets = [self._builders.build_until_stopped] * self._config.builders + [self._upkeep.look_until_stopped]
        for number, target in enumerate(targets):
            thread = threading.Thread(target=target, name=f"gexec-pool-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def keep_warm(self, targets: Mapping[Profile, WarmTarget]) -> None:
        """Replace what is kept warm. Containers of profiles that are not named any more are evicted; leases run on."""
        self._reaper.evict(self._state.retarget(targets))

    def try_lease(
        self,
        profile: Profile,
        *,
        tenant: str | None,
        caller: str | None = None,
        lane: Lane = "interactive",
        companion: Profile | None = None,
    ) -> Lease | None:
        """A lease at once, or None where it would take waiting. Raises PoolClosed.

        `tenant` is who may find a container again that it used before; None never does. `caller` is who shares the
        slots with others; None is not bounded. With `companion` there is a second container, of that profile.
        """
        if not self._slots.try_acquire(caller, lane):
            return None
        tenant = EVERYBODY if profile.share else tenant
        ask = _Ask(_wanted(profile, tenant, companion), tenant, caller, lane, began=time.monotonic())
        try:
            if self._take(ask):
                return self._grant(ask, waited_s=None)
        except BaseException:
            self._let_go(ask)
            raise
        self._let_go(ask)
        return None

    def lease(
        self,
        profile: Profile,
        *,
        tenant: str | None,
        caller: str | None = None,
        lane: Lane = "interactive",
        companion: Profile | None = None,
        wait_ms: int | None = None,
        withdrawal: Withdrawal | None = None,
    ) -> Lease:
        """A slot and its containers, after a bounded wait for all, which `withdrawal` ends; see `try_lease`.

        Raises PoolBusy, PoolClosed, Cancelled, EngineUnavailable, ImageMissing, ImageBuildFailed.
        """
        withdrawal = withdrawal or Withdrawal()
        tenant = EVERYBODY if profile.share else tenant
        asked = time.monotonic()
        deadline = asked + (self._config.wait_ms if wait_ms is None else wait_ms) / 1000
        try:
            waited = self._slots.acquire(max(0.0, deadline - asked), withdrawal, caller, lane)
            ask = _Ask(_wanted(profile, tenant, companion), tenant, caller, lane, began=time.monotonic())
            try:
                while not self._take(ask):
                    waited = True
                    self._await_one(ask, deadline, withdrawal)
            except BaseException:
                self._let_go(ask)
                raise
        except PoolBusy:
            self._state.refused()
            raise
        return self._grant(ask, waited_s=time.monotonic() - asked if waited else None)

    def place(self, withdrawal: Withdrawal) -> Place | None:
        """Where the lease stands in line that waits with this; None where it does not wait for a slot."""
        return self._slots.place(withdrawal)

    def newcomers_place(self, *, caller: str | None, lane: Lane) -> Place:
        """Where a lease would stand in line that was asked for now."""
        return self._slots.newcomers_place(caller, lane)

    def snapshot(self) -> PoolSnapshot:
        """What is in use, waiting and warm right now, and what has happened until now."""
        return PoolSnapshot(
            slots=self._config.slots,
            in_use=self._slots.in_use,
            waiting=self._slots.waiting,
            profiles=self._state.profiles(),
            counters=self._state.counters(),
            waiting_batch=self._slots.waiting_batch,
        )

    def owners(self) -> dict[str, str]:
        """Every sandbox container there is, of any pool: id → owner. Raises EngineUnavailable."""
        return self._engine.owned()

    def close(self, *, grace_s: float) -> None:
        """Refuse new leases, let those that run or wait end within `grace_s`, cancel the rest, leave nothing behind."""
        self._state.close()
        self._slots.close()
        if not self._slots.wait_until_unused(grace_s):
            # Before the programs: a slot that a cancelled one gives back must not start another.
            self._state.stop()
            self._slots.refuse_waiting()
            self._cancel_all()
        self._state.stop()
        self._upkeep.stop()
        for thread in self._threads:
            thread.join(self._config.start_timeout_s)
        self._reaper.evict(self._state.drain())
        # The engine's holder of the network namespace goes here, or it would be waited for as one of ours.
        self._engine.close()
        self._reaper.finish()
        # Looking for them has opened connections again.
        self._engine.close()

    def _take(self, ask: _Ask) -> bool:
        """Take the containers that wait; whether that is all that was asked for."""
        for profile, tenant in ask.missing:
            container = self._take_usable(profile, tenant)
            if container is None:
                return False
            ask.containers.append(container)
        return True

    def _await_one(self, ask: _Ask, deadline: float, withdrawal: Withdrawal) -> None:
        """Wait until the first that is missing may be there; the others are made meanwhile.

        Containers are made for whoever waits, so that one that is held keeps nobody from another.
        """
        profile, *others = (profile for profile, _ in ask.missing)
        self._state.await_idle(profile, deadline, withdrawal, besides=others)

    def _let_go(self, ask: _Ask) -> None:
        """No lease came of it."""
        for container in ask.containers:
            self._reaper.evict(self._state.untaken(container))
        self._slots.release(ask.caller, ask.lane, held_s=0.0)

    def _grant(self, ask: _Ask, *, waited_s: float | None) -> Lease:
        lease = Lease(
            *ask.containers,
            tenant=ask.tenant,
            caller=ask.caller,
            lane=ask.lane,
            began=ask.began,
            give_back=self._give_back,
            replace=self._replace,
        )
        lease.container_wait_s = time.monotonic() - ask.began
        self._state.granted(lease, waited_s=waited_s)
        return lease

    def _take_usable(self, profile: Profile, tenant: str | None) -> Container | None:
        """A container that waits and is alive, if there is one."""
        while (container := self._state.take(profile, tenant)) is not None:
            if container.usable():
                return container
            self._state.lost()
            self._reaper.evict([container])
        return None

    def _replace(self, lease: Lease, lost: Container) -> Container:
        """Another container for a lease, in the place of one that broke before anything ran there."""
        self._state.lost()
        self._reaper.evict([lost])
        profile, deadline = lost.profile, time.monotonic() + self._config.wait_ms / 1000
        tenant = None if lost is lease.companion else lease.tenant
        # Another lease may be quicker with what was made.
        while (container := self._take_usable(profile, tenant)) is None:
            self._state.await_idle(profile, deadline, Withdrawal())
        self._state.replaced(container)
        return container

    def _give_back(self, lease: Lease) -> None:
        stays = [container for container in lease.containers if _can_stay(container)]
        evicted = self._state.give_back(lease, may_stay=stays)

        def release() -> None:
            self._slots.release(lease.caller, lease.lane, held_s=time.monotonic() - lease.began)

        # What may still run there uses the host as much as another program would.
        unsettled = [container for container in evicted if container.unsettled]
        if not unsettled:
            self._reaper.evict(evicted)
            release()
            return
        when_gone = _at_the_last(len(unsettled), release)
        self._reaper.evict(unsettled, when_gone=when_gone)
        self._reaper.evict(container for container in evicted if container not in unsettled)

    def _cancel_all(self) -> None:
        """Cancel until nothing runs, since a lease may be about to start its program when it is first told."""
        deadline = time.monotonic() + self._config.cancel_s
        while time.monotonic() < deadline:
            for lease in self._state.leases():
                lease.cancel()
            if self._slots.wait_until_unused(self._config.cancel_again_s):
                return


@dataclass(slots=True)
class _Ask:
    """What was asked for by one that has a slot, and what it has of it."""

    wanted: Sequence[tuple[Profile, str | None]]
    """For each container what it is made of, and who may have used it before."""
    tenant: str | None
    caller: str | None
    lane: Lane
    began: float
    containers: list[Container] = field(default_factory=list)

    @property
    def missing(self) -> Sequence[tuple[Profile, str | None]]:
        return self.wanted[len(self.containers) :]


def _wanted(profile: Profile, tenant: str | None, companion: Profile | None) -> Sequence[tuple[Profile, str | None]]:
    # A companion has no tenant: what one has seen is for no program, and the other way round.
    return [(profile, tenant)] if companion is None else [(profile, tenant), (companion, None)]


def _at_the_last(calls: int, then: Callable[[], None]) -> Callable[[], None]:
    """Calls `then` when it is called for the last of so many times, from whatever threads."""
    left = itertools.count(calls - 1, -1)

    def call() -> None:
        # One step of the interpreter, so no two get the same number.
        if next(left) == 0:
            then()

    return call


def _permits(config: PoolConfig) -> Permits:
    if config.slots_folder is None:
        return OwnPermits(config.slots)
    return SharedPermits(config.slots_folder, config.slots, processes=config.processes)


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
