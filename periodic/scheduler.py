"""The thread of each server process that looks for what is due, and gives each task that it finds a thread."""

from __future__ import annotations

import logging
import threading
import time

import psycopg
from django.db import Error

from periodic import running
from periodic.locks import Locks
from periodic.tasks import Task, registered
from rest.connections import release_connection
from rest.exceptions import Unavailable

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
_AGAIN_S = 5.0
"""After a look that failed."""
STOP_S = 5.0
"""A batch that is under way when the process stops has so long; it is a transaction, and nothing of it is lost."""


class Scheduler:
    """Started in each server process. Whichever finds a task due first does it."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._locks = Locks()
        self._running: dict[str, threading.Thread] = {}
        self._lock = threading.Lock()
        self._has_rows = False
        self._thread = threading.Thread(target=self._run, name="periodic", daemon=True)

    def start(self, *, first: str = "") -> None:
        """Do the task of this name at once, before this returns; then look for what is due."""
        if first:
            self._try(registered()[first], only_if_due=False)
        self._thread.start()

    def stop(self) -> None:
        """Begin nothing more, and wait a little for the batches that are under way."""
        self._stop.set()
        until = time.monotonic() + STOP_S
        # The one that looks first: what it has just begun is in `_running` once it has ended.
        if self._thread.ident is not None:
            self._thread.join(STOP_S)
        with self._lock:
            running_now = list(self._running.values())
        for thread in running_now:
            if thread.ident is not None:
                thread.join(max(0.0, until - time.monotonic()))
        self._locks.close()

    def _run(self) -> None:
        pause_s = 0.0
        while not self._stop.wait(pause_s):
            pause_s = LOOK_EVERY_S
            try:
                self._locks.check()
                if not self._has_rows:
                    running.make_rows()
                    self._has_rows = True
                self._start_due()
            except (Error, psycopg.Error, Unavailable) as error:
                logger.warning("what is due cannot be asked now: %s", error)
                pause_s = _AGAIN_S
            except Exception:
                logger.exception("looking for what is due failed and goes on")
                pause_s = _AGAIN_S
            finally:
                release_connection()

    def _start_due(self) -> None:
        for task in running.due():
            with self._lock:
                if task.name in self._running:
                    continue
                thread = threading.Thread(target=self._work, args=[task], name=f"periodic {task.name}", daemon=True)
                self._running[task.name] = thread
            thread.start()

    def _work(self, task: Task) -> None:
        try:
            self._try(task, only_if_due=True)
        finally:
            with self._lock:
                del self._running[task.name]

    def _try(self, task: Task, *, only_if_due: bool) -> None:
        try:
            running.run(task, self._locks, self._stop, only_if_due=only_if_due)
        except (Error, psycopg.Error, Unavailable) as error:
            logger.warning("periodic work: %s cannot begin now: %s", task.name, error)
        except Exception:
            logger.exception("periodic work: %s could not begin", task.name)
        finally:
            release_connection()
