"""The pool itself: grants leases, and ends in good order."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping

from sandbox.container import Container
from sandbox.engine import Engine
from sandbox.errors import ContainerLost, PoolBusy
from sandbox.pool.builders import Builders
from sandbox.pool.config import PoolConfig
from sandbox.pool.lease import Lease
from sandbox.pool.permits import OwnPermits, Permits, SharedPermits
from sandbox.pool.reaper import Reaper
from sandbox.pool.slots import Slots
from sandbox.pool.snapshot import PoolSnapshot
from sandbox.pool.state import PoolState
from sandbox.pool.upkeep import Upkeep
from sandbox.pool.withdrawal import Withdrawal
from sandbox.types import Profile, WarmTarget

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

    def try_lease(self, profile: Profile, *, tenant: str | None, caller: str | None = None) -> Lease | None:
        """A lease at once, or None where it would take waiting. Raises PoolClosed.

        `tenant` is who may find a container again that it used before; None never does. `caller` is who shares the
        slots with others; None is not bounded.
        """
        if not self._slots.try_acquire(caller):
            return None
        began = time.monotonic()
        try:
            container = self._take_usable(profile, tenant)
        except BaseException:
            self._slots.release(caller, held_s=0.0)
            raise
        if container is None:
            self._slots.release(caller, held_s=0.0)
            return None
        return self._grant(container, tenant, caller, began, waited_s=None)

    def lease(
        self,
        profile: Profile,
        *,
        tenant: str | None,
        caller: str | None = None,
        wait_ms: int | None = None,
        withdrawal: Withdrawal | None = None,
    ) -> Lease:
        """A slot and a container, after a bounded wait for both, which `withdrawal` ends; see `try_lease` for the rest.

        Raises PoolBusy, PoolClosed, Cancelled, EngineUnavailable, ImageMissing, ImageBuildFailed.
        """
        withdrawal = withdrawal or Withdrawal()
        asked = time.monotonic()
        deadline = asked + (self._config.wait_ms if wait_ms is None else wait_ms) / 1000
        try:
            waited = self._slots.acquire(max(0.0, deadline - asked), withdrawal, caller)
            began = time.monotonic()
            try:
                container = self._take_usable(profile, tenant)
                waited = waited or container is None
                if container is None:
                    container = self._await_usable(profile, tenant, deadline, withdrawal)
            except BaseException:
                self._slots.release(caller, held_s=0.0)
                raise
        except PoolBusy:
            self._state.refused()
            raise
        return self._grant(container, tenant, caller, began, waited_s=time.monotonic() - asked if waited else None)

    def snapshot(self) -> PoolSnapshot:
        """What is in use, waiting and warm right now, and what has happened until now."""
        return PoolSnapshot(
            slots=self._config.slots,
            in_use=self._slots.in_use,
            waiting=self._slots.waiting,
            profiles=self._state.profiles(),
            counters=self._state.counters(),
        )

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

    def _grant(
        self, container: Container, tenant: str | None, caller: str | None, began: float, *, waited_s: float | None
    ) -> Lease:
        lease = Lease(
            container, tenant=tenant, caller=caller, began=began, give_back=self._give_back, replace=self._replace
        )
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

    def _await_usable(self, profile: Profile, tenant: str | None, deadline: float, withdrawal: Withdrawal) -> Container:
        """A container as soon as one is made."""
        while True:
            self._state.await_idle(profile, deadline, withdrawal)
            # Another lease may have been quicker.
            if (container := self._take_usable(profile, tenant)) is not None:
                return container

    def _replace(self, lease: Lease) -> Container:
        """Another container for a lease whose first one broke before anything ran."""
        self._state.lost()
        self._reaper.evict([lease.container])
        profile, deadline = lease.container.profile, time.monotonic() + self._config.wait_ms / 1000
        container = self._take_usable(profile, lease.tenant) or self._await_usable(
            profile, lease.tenant, deadline, Withdrawal()
        )
        self._state.replaced(container)
        return container

    def _give_back(self, lease: Lease) -> None:
        def release() -> None:
            self._slots.release(lease.caller, held_s=time.monotonic() - lease.began)

        evicted = self._state.give_back(lease, may_stay=_can_stay(lease.container))
        if lease.container.unsettled:
            # What may still run there uses the host as much as another program would.
            self._reaper.evict(evicted, when_gone=release)
        else:
            self._reaper.evict(evicted)
            release()

    def _cancel_all(self) -> None:
        """Cancel until nothing runs, since a lease may be about to start its program when it is first told."""
        deadline = time.monotonic() + self._config.cancel_s
        while time.monotonic() < deadline:
            for lease in self._state.leases():
                lease.cancel()
            if self._slots.wait_until_unused(self._config.cancel_again_s):
                return


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
