"""The thread that keeps the warm pool in order while leases come and go."""

from __future__ import annotations

import logging
import threading
import time

from sandbox.errors import EngineUnavailable
from sandbox.pool.config import PoolConfig
from sandbox.pool.reaper import Reaper
from sandbox.pool.state import PoolState

logger = logging.getLogger(__name__)


class Upkeep:
    """Looks after what waits and what was closed, about once a second."""

    def __init__(self, config: PoolConfig, state: PoolState, reaper: Reaper) -> None:
        self._config = config
        self._state = state
        self._reaper = reaper
        self._stopped = threading.Event()

    def stop(self) -> None:
        """End `look_until_stopped` after the look that it is at."""
        self._stopped.set()

    def look_until_stopped(self) -> None:
        """Look again and again; an engine that does not answer only makes it wait. One thread's whole life."""
        last = next_sweep = time.monotonic()
        while not self._stopped.wait(self._config.upkeep_s):
            now = time.monotonic()
            try:
                self._look(now, elapsed_s=now - last)
                if now >= next_sweep:
                    self._reaper.sweep()
                    next_sweep = now + self._config.sweep_s
            except EngineUnavailable as error:
                logger.warning("upkeep has to wait for Docker: %s", str(error))
            except Exception:
                logger.exception("upkeep failed and goes on")
            last = now

    def _look(self, now: float, *, elapsed_s: float) -> None:
        self._reaper.evict(self._state.trim(now, elapsed_s=elapsed_s))
        dead = self._state.take_out_dead()
        if dead:
            logger.warning("%d waiting containers had died", len(dead))
        self._reaper.evict(dead)
        self._reaper.reap(now)
