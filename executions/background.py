"""Running what waits in the backlog, beside the requests of a server process.

Theory of operation. One thread takes rows up, in the order that executions.backlog has, and gives each a thread of its
own, which stands in the pool's line for a slot like a request does. There are a few more of these than slots, so that
who waits for a slot keeps nobody else from being taken up; but of one caller few wait at a time, and the rest stays in
the backlog, where other processes find it too, and where it is not lost with this one.

What cannot be started now goes back into the backlog: where all places in line are taken, where the engine is away,
where this process stops.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import Counter
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db import Error

from dispatch import active, workers
from executions import backlog, cancel, in_flight, transitions
from executions.models import Execution, Lane, Status
from executions.results import failed_fields
from executions.run import attempt, reason_of
from executions.waiting import left_ms
from rest.connections import release_connection
from rest.exceptions import Unavailable
from sandbox.errors import Cancelled, EngineUnavailable, PoolBusy, PoolClosed, SandboxError

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
"""What another process has accepted is found within this. Of its own this process knows at once."""
_PAUSE_S = 1.0
"""After something that could not be started: a line that is full, or an engine that is away, is so a moment later."""
_LINE_MS = 60_000
"""How long one stands in the pool's line before it goes back: others of its caller may have got on elsewhere."""
_NOT_STARTED_PER_CALLER = 2
"""One that starts, and one behind it."""
_KEPT_FROM_BATCH = 2
"""Threads that batch leaves to what somebody waits for."""


@dataclass
class _Run:
    """A row that was taken up, with its thread."""

    taken: backlog.Taken
    thread: threading.Thread
    started_at: float = 0.0
    """In time.monotonic(); 0 until it has a slot."""

    @property
    def has_started(self) -> bool:
        return self.started_at > 0


class Background:
    """The threads. One for a server process."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._ended = threading.Event()
        self._runs: dict[UUID, _Run] = {}
        self._lock = threading.Lock()
        self._turns = backlog.Turns()
        self._not_before = 0.0
        """When something may be taken up again, in time.monotonic()."""
        self._taker = threading.Thread(target=self._take_up, name="backlog", daemon=True)
        self._canceller = threading.Thread(target=self._cancel, name="cancel", daemon=True)

    def start(self) -> None:
        """Begin to take rows up."""
        self._taker.start()
        self._canceller.start()

    def stop(self) -> None:
        """Take nothing up any more, and give back what has not started. What runs goes on."""
        self._stop.set()
        backlog.wake()
        self._withdraw()

    def join(self) -> None:
        """Wait until every row is written. Call it when nothing runs any more."""
        self._ended.set()
        for thread in (self._taker, self._canceller):
            if thread.ident is not None:
                thread.join()
        with self._lock:
            threads = [run.thread for run in self._runs.values()]
        for thread in threads:
            thread.join()

    @property
    def running(self) -> int:
        """How many threads are at work."""
        return len(self._runs)

    def _withdraw(self) -> None:
        """Take what waits for a slot out of the line. One that is just about to stand there is not found yet."""
        with self._lock:
            waiting = [run.taken.id for run in self._runs.values() if not run.has_started]
        for execution_id in waiting:
            active.backend().cancel(str(execution_id))

    def _take_up(self) -> None:
        while not self._stop.is_set():
            try:
                took = self._take_next()
            except (Error, Unavailable) as error:
                logger.warning("nothing can be taken from the backlog now: %s", error)
                took = False
            except Exception:
                logger.exception("taking from the backlog failed and goes on")
                took = False
            if not took:
                release_connection()
                backlog.wait(LOOK_EVERY_S)
        release_connection()

    def _take_next(self) -> bool:
        """Whether a row was taken up."""
        if time.monotonic() < self._not_before:
            return False
        found: list[backlog.Taken] = []

        def take() -> list[UUID]:
            with self._lock:
                runs = list(self._runs.values())
            if self._stop.is_set() or len(runs) >= most():
                return []
            taken = self._turns.take(workers.own_id(), full=_full(runs), batch=_has_room_for_batch(runs))
            found.extend([taken] if taken else [])
            return [each.id for each in found]

        # Who waits for its turn holds no connection: the one whose turn it is might find none.
        release_connection()
        in_flight.taken(take)
        for each in found:
            self._hand_over(each)
        return bool(found)

    def _hand_over(self, taken: backlog.Taken) -> None:
        run = _Run(taken, threading.Thread(target=self._carry_out, args=(taken.id,), name="background", daemon=True))
        with self._lock:
            self._runs[taken.id] = run
        run.thread.start()

    def _carry_out(self, execution_id: UUID) -> None:
        with in_flight.marked(execution_id):
            try:
                if (execution := Execution.objects.filter(pk=execution_id).first()) is not None:
                    self._run(execution)
            except (Error, Unavailable) as error:
                logger.warning("execution %s is left to the sweep: %s", execution_id, error)
            except Exception:
                logger.exception("execution %s failed for a reason of ours, and is left to the sweep", execution_id)
            finally:
                release_connection()
        with self._lock:
            run = self._runs[execution_id]
            # Where it was given back, another thread may have it by now.
            if run.thread is threading.current_thread():
                del self._runs[execution_id]
        if run.has_started:
            backlog.note_run((time.monotonic() - run.started_at) * 1000)
        backlog.wake()

    def _run(self, execution: Execution) -> None:
        if cancel.is_over(execution):
            return cancel.end_wait(execution)
        until = execution.queue_until
        wait_ms = _LINE_MS if until is None else max(0, min(_LINE_MS, int(left_ms(until))))
        try:
            attempt(execution, wait_ms=wait_ms, on_start=lambda: self._note_start(execution.pk))
        except (Cancelled, PoolClosed):
            transitions.give_back(execution)
        except (PoolBusy, EngineUnavailable) as error:
            if execution.status != Status.QUEUED:
                raise
            logger.info("execution %s goes back into the backlog: %s", execution.pk, error)
            self._not_before = time.monotonic() + _PAUSE_S
            transitions.give_back(execution)
        except SandboxError as error:
            logger.error("execution %s: no container: %s", execution.pk, error)
            transitions.finish(execution, failed_fields(reason_of(error)))

    def _note_start(self, execution_id: UUID) -> None:
        self._runs[execution_id].started_at = time.monotonic()
        backlog.wake()

    def _cancel(self) -> None:
        while not self._ended.wait(cancel.LOOK_EVERY_S):
            if self._stop.is_set():
                self._withdraw()
            try:
                cancel.look()
                while cancel.end_waits():
                    cancel.end_unwanted()
            except (Error, Unavailable) as error:
                logger.warning("what is to be cancelled cannot be asked now: %s", error)
            except Exception:
                logger.exception("cancelling failed and goes on")
            finally:
                release_connection()


def most() -> int:
    """How many rows one process may have taken up: all slots' worth, and some that wait for one.

    A caller that has its share of the slots has those that wait for one in vain, while others might start.
    """
    callers_at_their_share = min(settings.GEXEC_SLOTS, math.ceil(1 / settings.GEXEC_CALLER_SHARE))
    return int(settings.GEXEC_SLOTS) + _NOT_STARTED_PER_CALLER * callers_at_their_share + _KEPT_FROM_BATCH


def _full(runs: list[_Run]) -> list[str]:
    """Callers of whom enough wait to start."""
    waiting = Counter(run.taken.caller for run in runs if not run.has_started)
    return [caller for caller, rows in waiting.items() if rows >= _NOT_STARTED_PER_CALLER]


def _has_room_for_batch(runs: list[_Run]) -> bool:
    return sum(run.taken.lane is Lane.BATCH for run in runs) < most() - _KEPT_FROM_BATCH
