"""Containers on their way out: closed, waited for, removed by force where they do not go, and dead servers' swept."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable

from sandbox.container import Container
from sandbox.engine import Engine
from sandbox.errors import EngineUnavailable
from sandbox.pool.config import PoolConfig

logger = logging.getLogger(__name__)

_GONE_POLL_S = 0.05
"""Between two looks whether the pool's last containers are gone: a listing takes milliseconds, a removal tenths."""


class Reaper:
    """Sees to it that no container outlives its use. Callable from many threads."""

    def __init__(self, engine: Engine, config: PoolConfig, *, owner: str, is_alive: Callable[[str], bool]) -> None:
        """`owner` labels this pool's containers; `is_alive` says whether another owner still exists."""
        self._engine = engine
        self._config = config
        self._owner = owner
        self._is_alive = is_alive
        self._lock = threading.Lock()
        self._closing: dict[str, float] = {}
        """Containers that were closed, and the monotonic time by which each should be gone."""

    def evict(self, containers: Iterable[Container]) -> None:
        """Close containers; `reap` sees to it that they are gone."""
        for container in containers:
            container.close()
            with self._lock:
                self._closing[container.id] = time.monotonic() + self._config.gone_after_s

    def reap(self, now: float) -> None:
        """Remove by force what was closed and is not gone in time. Raises EngineUnavailable."""
        with self._lock:
            closing = dict(self._closing)
        # They are given their time before the engine is asked, which costs it something.
        if not closing or now < min(closing.values()):
            return
        present = self._engine.owned()
        for container_id, deadline in closing.items():
            if container_id in present:
                if now < deadline:
                    continue
                self._engine.remove(container_id)
            with self._lock:
                self._closing.pop(container_id, None)

    def sweep(self) -> None:
        """Remove the containers of owners that are no more. Raises EngineUnavailable, and what `is_alive` raises."""
        for container_id, owner in self._engine.owned().items():
            if owner != self._owner and not self._is_alive(owner):
                logger.info("removing container %s that a dead server left", container_id[:12])
                self._engine.remove(container_id)

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
                        self._engine.remove(container_id)
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
