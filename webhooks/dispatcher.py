"""The thread of each server process that sends what is to be sent for the first time: at once, and also what a process
announced that has ended since. What is sent again is periodic work: see webhooks.retries.
"""

from __future__ import annotations

import logging
import threading
import time

from django.db import Error

from rest.connections import release_connection
from rest.exceptions import Unavailable
from webhooks import sender, waking

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
"""For what other processes have announced."""
AGAIN_S = 5.0
"""After a look that failed."""
STOP_S = 5.0
"""Requests that are under way when the process stops have so long; the rest is sent again by another one."""


class Dispatcher:
    """Started in each server process."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._sending = sender.of_this_process()
        self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Start nothing more, and wait a little for what is under way, also of what is sent again."""
        self._stop.set()
        waking.wake()
        until = time.monotonic() + STOP_S
        # The one that looks first: what it has just claimed is under way once it has ended.
        if self._thread.ident is not None:
            self._thread.join(STOP_S)
        self._sending.join(until)

    def _run(self) -> None:
        while not self._stop.is_set():
            pause_s = LOOK_EVERY_S
            try:
                while not self._stop.is_set() and self._sending.start_next(again=False):
                    pass
            except (Error, Unavailable) as error:
                logger.warning("webhooks cannot be sent now: %s", error)
                pause_s = AGAIN_S
            except Exception:
                logger.exception("looking for webhooks failed and goes on")
                pause_s = AGAIN_S
            finally:
                release_connection()
            waking.wait(pause_s)
