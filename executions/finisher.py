"""Committing what hosts have come to for processes that have ended: a row has its result once, whoever asked for it.

Theory of operation. Hosts store how each task ended, and every server process takes a share of these ends. The thread
that asked for a task has written its row by then, or does so in a moment: of that the row tells, and the end is
dropped, or told again later. What nobody will write is written here. A row changes only from the status, process and
attempt that it was found with, so that of two who write it one has lost.

What has tests is not told apart from its output, which no end has room for: it begins again, or is a sandbox error.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from uuid import UUID

from django.db import Error
from django.utils import timezone

from dispatch import active, workers
from dispatch.base import Leftover
from executions import in_flight, transitions
from executions.jobs import is_talked_to
from executions.models import OPEN, Execution
from executions.results import SHUTTING_DOWN, TALKER_GONE, cancelled_fields, failed_fields, finished_fields
from rest.connections import release_connection
from rest.exceptions import Unavailable
from sandbox.errors import SandboxError
from sandbox.types import JobResult

logger = logging.getLogger(__name__)

_AT_ONCE = 100
_WAIT_S = 1.0
_PAUSE_S = 1.0
"""After something that failed."""
HOST_LOST = "the host that ran it was lost before its result was known"


class Finisher:
    """The thread. One for a server process whose tasks run on hosts."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="finisher", daemon=True)

    def start(self) -> None:
        """Begin to take ends."""
        self._thread.start()

    def stop(self) -> None:
        """Take none any more."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                if ends := active.backend().leftovers(most=_AT_ONCE, timeout_s=_WAIT_S):
                    see_to(ends)
            except (SandboxError, Error, Unavailable) as error:
                logger.info("no ends can be taken now: %s", error)
                self._stop.wait(_PAUSE_S)
            except Exception:
                logger.exception("taking ends failed and goes on")
                self._stop.wait(_PAUSE_S)
            finally:
                release_connection()


def see_to(ends: Sequence[Leftover]) -> None:
    """Write the rows of those that nobody else will; drop, or leave for later, all others."""
    by_id = {UUID(each.task_id): each for each in ends if _is_uuid(each.task_id)}
    rows = list(Execution.objects.only("id", "worker", "attempt").filter(pk__in=by_id, status__in=OPEN))
    lost = {row.pk for row in workers.orphans(rows, ended=workers.stale(), is_in_flight=in_flight.contains)}
    attempts = {row.pk: row.attempt for row in rows}
    for each in ends:
        execution_id = UUID(each.task_id) if _is_uuid(each.task_id) else None
        if execution_id is None or attempts.get(execution_id) != each.attempt:
            # It is written already, or was begun again since; or no row ever was.
            each.done()
        elif execution_id not in lost or each.goes_on or not _is_written(execution_id, each):
            each.later()
        else:
            each.done()


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def _is_written(execution_id: UUID, end: Leftover) -> bool:
    try:
        return _written(execution_id, end)
    except (Error, Unavailable):
        raise
    except Exception:
        # One end must not keep all others from their rows.
        logger.exception("execution %s could not be finished", execution_id)
        return False


def _written(execution_id: UUID, end: Leftover) -> bool:
    """Whether the row, or whoever has it by now, needs this end no more."""
    execution = Execution.objects.filter(pk=execution_id, attempt=end.attempt, status__in=OPEN).first()
    if execution is None:
        return True
    if end.result is not None and "grading" not in execution.job:
        return _finish(execution, end.result)
    if execution.cancel_cause is not None:
        return transitions.finish(execution, cancelled_fields(execution.cancel_cause))
    if execution.worker is None and not end.lost:
        # Nothing has run, and it waits for whichever process takes it up.
        return True
    if transitions.may_begin_again(execution):
        moved = transitions.begin_again(execution)
    else:
        moved = transitions.finish(execution, failed_fields(HOST_LOST))
    logger.warning("execution %s was left without a result; it is %s now", execution.pk, execution.status)
    return moved


def _finish(execution: Execution, result: JobResult) -> bool:
    without_process = TALKER_GONE if is_talked_to(execution.job) else SHUTTING_DOWN
    fields = finished_fields(execution, result, cause=execution.cancel_cause or without_process)
    if execution.started_at is None:
        # When exactly, only the process knew that has ended.
        fields["started_at"] = timezone.now()
    moved = transitions.finish(execution, fields)
    if moved:
        logger.info("execution %s was finished for a process that is gone", execution.pk)
    return moved
