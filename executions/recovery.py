"""Finding executions that nobody will finish, and the heartbeat by which a living process is known."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from django.db import Error

from executions import finishing, language_tasks, services, workers
from executions.jobs import failed_fields
from executions.models import OPEN, Execution, Worker

logger = logging.getLogger(__name__)

BEAT_S = 5.0
SERVER_DIED = "the server process that ran this execution ended before its result was known"


def sweep() -> int:
    """Finish what dead processes left open, and what this one lost; return how many. Call it at start, and often.

    Several processes may sweep at once: each row is finished by one of them.
    """
    # The open rows are read before the processes: whoever opened one of them had its own row before.
    left_open = list(Execution.objects.filter(status__in=OPEN).only("id", "status", "worker"))
    dead = workers.dead()
    living = set(Worker.objects.exclude(pk__in=dead).values_list("pk", flat=True))
    own = workers.current()
    lost = [row for row in left_open if row.worker not in living or _dropped(row, own)]
    for row in lost:
        logger.warning("execution %s was left %s by a process that is gone", row.pk, row.status)
        finishing.finish(row, failed_fields(SERVER_DIED))
    language_tasks.sweep()
    if dead:
        workers.remove(dead)
    return len(lost)


def _dropped(row: Execution, own: object) -> bool:
    """Whether this process opened the row and no thread of it is at work on it: the database was away at its end."""
    return row.worker == own and not services.is_in_flight(row.pk)


class Heartbeat:
    """A thread that says every few seconds that this process lives, and sweeps. Started in each server process."""

    def __init__(self, *, beat_s: float = BEAT_S, on_beat: Callable[[], None] | None = None) -> None:
        self._beat_s = beat_s
        self._on_beat = on_beat
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Sweep once at once, so that a restart leaves nothing open; then start the thread."""
        self._beat()
        self._thread.start()

    def stop(self) -> None:
        """End the thread and take this process's row away. Call it when nothing runs any more."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()
        try:
            workers.retire()
        except Error:
            logger.warning("the database is away: this process's row stays for others to sweep")
        finishing.release_connection()

    def _run(self) -> None:
        while not self._stop.wait(self._beat_s):
            self._beat()

    def _beat(self) -> None:
        try:
            if not workers.beat():
                logger.warning("this process was taken for dead: it was suspended, or the database was away")
            sweep()
            if self._on_beat:
                self._on_beat()
        except Error as error:
            logger.warning("heartbeat: the database is away: %s", error)
        finally:
            finishing.release_connection()
