"""Containers on their way out: closed, waited for, removed by force where they do not go, and dead servers' swept."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

from sandbox.container import Container
from sandbox.engine import Engine
from sandbox.errors import EngineUnavailable
from sandbox.pool.config import PoolConfig

logger = logging.getLogger(__name__)

_GONE_POLL_S = 0.05
"""Between two looks whether the pool's last containers are gone: a listing takes milliseconds, a removal tenths."""


@dataclass(frozen=True, slots=True)
class _Closing:
    """A container on its way out; times are monotonic."""

    container: Container
    force_at: float
    """When it is removed by force, unless it is gone."""
    look_at: float
    """When the engine is first asked for it."""
    when_gone: Callable[[], None] | None


class Reaper:
    """Sees to it that no container outlives its use. Callable from many threads."""

    def __init__(
        self,
        engine: Engine,
        config: PoolConfig,
        *,
        owner: str,
        is_alive: Callable[[str], bool],
        known: Callable[[], set[str]],
    ) -> None:
        """`owner` labels this pool's containers; `is_alive` says whether another owner still exists.

        `known` gives the ids of the containers that the pool has use for.
        """
        self._engine = engine
        self._config = config
        self._owner = owner
        self._is_alive = is_alive
        self._known = known
        self._unknown_since: dict[str, float] = {}
        """Containers of ours that the books did not have at the last sweep, and since when. The upkeep's alone."""
        self._lock = threading.Lock()
        self._closing: dict[str, _Closing] = {}
        """Containers that were closed, by id."""

    def evict(self, containers: Iterable[Container], *, when_gone: Callable[[], None] | None = None) -> None:
        """Close containers; `reap` sees to it that they are gone, and calls `when_gone` then, for each."""
        for container in containers:
            container.close()
            now = time.monotonic()
            force_at = now + self._config.gone_after_s
            # Who is waited for is looked for at once; the others are given their time, since a look costs something.
            closing = _Closing(container, force_at, now if when_gone else force_at, when_gone)
            with self._lock:
                self._closing[container.id] = closing

    def reap(self, now: float) -> None:
        """Remove by force what was closed and is not gone in time. Raises EngineUnavailable."""
        with self._lock:
            closing = dict(self._closing)
        if not closing or now < min(each.look_at for each in closing.values()):
            return
        present = self._engine.owned()
        for container_id, each in closing.items():
            if container_id not in present:
                self._gone(container_id)
            elif now >= each.force_at:
                self._force(container_id)

    def _force(self, container_id: str) -> None:
        """What the engine fails to remove is tried again at the next look, and keeps none of the others."""
        try:
            self._remove(container_id)
        except EngineUnavailable as error:
            logger.warning("container %s could not be removed now: %s", container_id[:12], error)
        else:
            self._gone(container_id)

    def _remove(self, container_id: str) -> None:
        """Raises EngineUnavailable."""
        with self._lock:
            closing = self._closing.get(container_id)
        if closing is not None and closing.container.may_be_throttled:
            # It can neither end nor be killed meanwhile. Where this fails, the removal may yet do.
            with suppress(EngineUnavailable):
                self._engine.unthrottle(container_id)
        self._engine.remove(container_id)

    def _gone(self, container_id: str) -> None:
        with self._lock:
            closing = self._closing.pop(container_id, None)
        if closing is not None and closing.when_gone is not None:
            closing.when_gone()

    def sweep(self) -> None:
        """Remove the containers of owners that are no more, and those of ours that the pool has lost sight of.

        Raises EngineUnavailable, and what `is_alive` raises.
        """
        owned = self._engine.owned()
        for container_id in self._lost_sight_of({key for key, owner in owned.items() if owner == self._owner}):
            logger.warning("removing container %s, which is not in the pool's books", container_id[:12])
            self._force(container_id)
        for container_id, owner in owned.items():
            if owner != self._owner and not self._is_alive(owner):
                logger.info("removing container %s that a dead server left", container_id[:12])
                self._force(container_id)

    def _lost_sight_of(self, own: set[str]) -> list[str]:
        """Those whose creation was answered too late, or whose removal failed without a word."""
        now = time.monotonic()
        # After the list: whatever was in the books when it was made is there still, or its time begins anew.
        with self._lock:
            own -= self._closing.keys()
        own -= self._known()
        self._unknown_since = {key: self._unknown_since.get(key, now) for key in own}
        return [key for key, since in self._unknown_since.items() if now - since >= self._config.unknown_after_s]

    def finish(self) -> None:
        """At the pool's end: leave no container of ours behind, and none of a server that died."""
        if self._remove_own():
            self._sweep_last()

    def _remove_own(self) -> bool:
        """Wait for what was closed to be gone; remove by force what takes too long, and wait for that too.

        False where the engine does not answer.
        """
        began = time.monotonic()
        forced: set[str] = set()
        try:
            while own := {key for key, owner in self._engine.owned().items() if owner == self._owner}:
                waited_s = time.monotonic() - began
                if waited_s > self._config.forced_gone_after_s:
                    logger.warning("%d containers are still being removed by Docker", len(own))
                    break
                if waited_s > self._config.gone_after_s:
                    for container_id in own - forced:
                        self._remove(container_id)
                        forced.add(container_id)
                time.sleep(_GONE_POLL_S)
        except EngineUnavailable as error:
            logger.warning("containers may be left for the next start to remove: %s", str(error))
            return False
        return True

    def _sweep_last(self) -> None:
        # The upkeep has swept, but a killed server's last start may have ended after that, and the next server may be
        # far off.
        try:
            self.sweep()
        except Exception as error:  # noqa: BLE001 - the closing goes on, whoever cannot tell who lives
            logger.warning("containers of dead servers may be left: %s", error)
