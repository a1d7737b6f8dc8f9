"""The heartbeat by which a living server process is known."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from django.db import Error

from dispatch import workers
from rest.connections import release_connection
from rest.exceptions import Unavailable

logger = logging.getLogger(__name__)

INTERVAL_S = 5.0
"""A sixth of workers.STALE_AFTER_S: several heartbeats may fail before others take this process for ended."""


class Heartbeat:
    """A thread that records every few seconds that this process lives, and sweeps. Started in each server process."""

    def __init__(self, sweep: Callable[[], object], *, interval_s: float = INTERVAL_S) -> None:
        self._interval_s = interval_s
        self._sweep = sweep
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Sweep once at once, so that a restart leaves nothing open; then start the thread."""
        self._record_and_sweep()
        self._thread.start()

    def stop(self) -> None:
        """End the thread and take this process's row away. Call it when nothing runs any more."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()
        try:
            workers.deregister()
        except Error:
            logger.warning("the database is away: this process's row stays for others to sweep")
        release_connection()

    def _run(self) -> None:
        while not self._stop.wait(self._interval_s):
            self._record_and_sweep()

    def _record_and_sweep(self) -> None:
        try:
            if not workers.record_heartbeat():
                logger.warning("this process was taken for dead: it was suspended, or the database was away")
            self._sweep()
        except (Error, Unavailable) as error:
            logger.warning("heartbeat: the database is away: %s", error)
        except Exception:
            # Without this thread others would take the process for ended, and nobody would finish what it lost.
            logger.exception("the heartbeat failed and goes on")
        finally:
            release_connection()
