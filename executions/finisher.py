"""Committing what hosts have come to for processes that have ended: a row has its result once, whoever asked for it.

Theory of operation. Hosts store how each task ended, and every server process takes a share of these ends. The thread
that asked for a task has written its row by then, or does so in a moment: of that the row tells, and the end is
dropped, or told again later. What nobody will write is written here. A row changes only from the status, process and
attempt that it was found with, so that of two who write it one has lost.

What a web process with hundreds of executions leaves behind is written in one commit. Where that fails, each row has a
commit of its own, and what cannot be written at all is a sandbox error: nothing is tried for ever.

What has tests is not told apart from its output, which no end has room for: it begins again, or is a sandbox error.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from copy import copy
from uuid import UUID

from django.db import Error
from django.utils import timezone

from dispatch import active, workers
from dispatch.base import Leftover
from executions import in_flight, transitions
from executions.jobs import caller_of, is_talked_to
from executions.models import OPEN, Execution
from executions.results import SHUTTING_DOWN, TALKER_GONE, cancelled_fields, failed_fields, finished_fields
from rest.connections import DATABASE_AWAY, release_connection
from rest.exceptions import Unavailable
from sandbox.errors import SandboxError
from sandbox.outcomes import Outcome as StepOutcome
from sandbox.types import JobResult

logger = logging.getLogger(__name__)

_AT_ONCE = 100
_WAIT_S = 1.0
_PAUSE_S = 1.0
"""After something that failed."""
_FEW = 2
"""With fewer there is nothing to commit together."""
HOST_LOST = "the host that ran it was lost before its result was known"
NOT_WRITTEN = "what its host told of it cannot be stored"


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
    mine: dict[UUID, Leftover] = {}
    for each in ends:
        execution_id = UUID(each.task_id) if _is_uuid(each.task_id) else None
        if execution_id is None or attempts.get(execution_id) != each.attempt:
            # It is written already, or was begun again since; or no row ever was.
            each.done()
        elif execution_id not in lost or each.goes_on or execution_id in mine:
            each.later()
        else:
            mine[execution_id] = each
    for execution_id, is_written in _write(mine).items():
        (mine[execution_id].done if is_written else mine[execution_id].later)()


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def _write(ends: Mapping[UUID, Leftover]) -> dict[UUID, bool]:
    """Whether the row of each, or whoever has it by now, needs this end no more."""
    rows = Execution.objects.filter(pk__in=ends, status__in=OPEN).in_bulk()
    # Two who write at once count for callers in the same order, and so never wait for each other.
    order = sorted(ends, key=lambda each: (caller_of(rows[each]) if each in rows else "", each))
    # What is large takes its time, in which no other row is to wait for its commit.
    light = [each for each in order if not _is_large(ends[each])]
    written = _written_together({each: ends[each] for each in light}, rows)
    for each in order:
        if each not in written:
            written[each] = _is_written(rows.get(each), ends[each].whole())
    return written


def _is_large(end: Leftover) -> bool:
    return end.more is not None or (end.result is not None and bool(end.result.artifacts))


def _written_together(ends: Mapping[UUID, Leftover], rows: Mapping[UUID, Execution]) -> dict[UUID, bool]:
    """All of them in one commit; nothing where one of them could not be written."""
    if len(ends) < _FEW:
        return {}
    try:
        with transitions.together():
            return {each: _written(copy(rows.get(each)), end) for each, end in ends.items()}
    except (*DATABASE_AWAY, Unavailable):
        raise
    except Exception:
        logger.exception("%d ends could not be written together; each is written alone", len(ends))
        return {}


def _is_written(execution: Execution | None, end: Leftover) -> bool:
    """Alone. One that cannot be written must keep no other from its row, and does not come again for ever."""
    try:
        with transitions.together():
            return _written(copy(execution), end)
    except (*DATABASE_AWAY, Unavailable):
        raise
    except Exception:
        logger.exception("execution %s could not be finished with what its host told", end.task_id)
    assert execution is not None  # noqa: S101 (of none nothing was written)
    return transitions.finish(execution, failed_fields(NOT_WRITTEN))


def _written(execution: Execution | None, end: Leftover) -> bool:
    if execution is None or execution.attempt != end.attempt:
        return True
    given_up = execution.worker is None and execution.cancel_cause is None and _was_ended(end.result)
    if end.result is not None and "grading" not in execution.job and not given_up:
        return _finish(execution, end.result)
    if execution.cancel_cause is not None:
        return transitions.finish(execution, cancelled_fields(execution.cancel_cause))
    if execution.worker is None and not end.lost and not given_up:
        # Nothing has run, and it waits for whichever process takes it up.
        return True
    if transitions.may_begin_again(execution):
        moved = transitions.begin_again(execution)
    else:
        moved = transitions.finish(execution, failed_fields(HOST_LOST))
    logger.warning("execution %s was left without a result; it is %s now", execution.pk, execution.status)
    return moved


def _was_ended(result: JobResult | None) -> bool:
    """Whether its host was told to end it. Of a row that waits, it was us who gave a run up, and not its caller."""
    return result is not None and bool(result.steps) and result.steps[-1].outcome is StepOutcome.CANCELLED


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
