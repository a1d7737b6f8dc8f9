"""The transitions of a row that is open: each compares what it expects, and one that finds something else has lost.

That is the status, and whose the row is: a process that was taken for dead, and lives, changes nothing that another one
has taken up since.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from datetime import timedelta
from functools import partial
from types import MappingProxyType
from typing import Any

from django.db import transaction
from django.utils import timezone

from dispatch import workers
from executions import announcements, backlog, batch_ends, lifecycle, statements, storage, told
from executions.jobs import caller_of, is_talked_to
from executions.models import EXECUTE, INTERACTIVE, MAX_ATTEMPTS, OPEN, Erasure, Execution, Status
from rest import tracing
from rest.connections import DATABASE_AWAY, DATABASE_RETRY_AFTER_S, release_connection
from rest.exceptions import Unavailable

logger = logging.getLogger(__name__)

FINISH_WAIT_S = 10.0
"""How long a result waits for a database that went away while its program ran."""
RESULT_LOST = "the database is not available; the result is lost"
"""Why a row of a living process stays open: the client was told so, and the sweep says the same."""
_RETRY_S = 0.25
"""Between tries; one that finds no connection takes the pool's time-out besides."""
_AS_THEY_ARE: Mapping[str, Any] = MappingProxyType({})


class _Together(threading.local):
    """Of this thread: what is to be done once all that it moves together is committed."""

    afterwards: list[Callable[[], object]] | None = None


_together = _Together()


@contextmanager
def together() -> Iterator[None]:
    """Inside, whatever moves is committed at once, at the end, or none of it is; who waits for it is told then.

    Nothing is tried again inside: an error of the database ends all of it, and is raised.
    """
    afterwards: list[Callable[[], object]] = []
    _together.afterwards = afterwards
    try:
        with transaction.atomic():
            yield
    finally:
        _together.afterwards = None
    for each in afterwards:
        each()


def _once_committed(call: Callable[[], object]) -> None:
    if _together.afterwards is None:
        call()
    else:
        _together.afterwards.append(call)


def start(execution: Execution, *, queue_ms: float) -> bool:
    """queued → running in this process, whichever accepted it, after `queue_ms` in the queue; whether it was so."""
    return _move(execution, Status.QUEUED, {"status": Status.RUNNING, **as_started(queue_ms=queue_ms)})


def as_started(*, queue_ms: float, ms_ago: float = 0.0) -> dict[str, Any]:
    """What a row has of one that has started here: for `finish`, where it was over before that was written."""
    started_at = timezone.now() - timedelta(milliseconds=ms_ago)
    return {"started_at": started_at, "queue_ms": queue_ms, "worker": workers.own_id()}


def reject(execution: Execution, *, error: str, queue_ms: float) -> None:
    """queued → rejected: it was accepted, and never got its turn."""
    fields = {"status": Status.REJECTED, "error": error, "finished_at": timezone.now(), "queue_ms": queue_ms}
    if _move(execution, Status.QUEUED, fields, storage.as_kept(execution, fields)):
        lifecycle.ended(execution, reason=error)


def may_begin_again(execution: Execution) -> bool:
    """Whether an execution that was lost in its run gets another: once, and only through a door that says so.

    None that somebody talked to, who could not type the same again.
    """
    may = execution.door not in {EXECUTE, INTERACTIVE} and execution.attempt < MAX_ATTEMPTS
    return may and not is_talked_to(execution.job)


def give_back(execution: Execution) -> None:
    """queued → queued, for whichever process takes it up: this one did, and cannot start it now."""
    _move(execution, Status.QUEUED, {"status": Status.QUEUED, "worker": None})


def begin_again(execution: Execution) -> bool:
    """queued or running → queued, for whichever process takes it up. Only where `may_begin_again`, and nothing runs.

    Whether the row was as expected. Tries again while the database is away, as `finish` does.
    """
    fields = {
        "status": Status.QUEUED,
        "background": True,
        "caller": caller_of(execution),
        "worker": None,
        "attempt": execution.attempt + 1,
        "started_at": None,
        "queue_ms": None,
        # It had its turn: how long it may wait for that says nothing of the second.
        "queue_until": None,
    }
    moved = _persist(execution, lambda: _move(execution, execution.status, fields))
    if moved:
        _once_committed(partial(lifecycle.queued, execution))
    _once_committed(backlog.wake)
    return moved


def finish(execution: Execution, fields: dict[str, Any]) -> bool:
    """queued or running → finished, trying again for FINISH_WAIT_S while the database is away; whether it was so.

    Where the race was lost, because another process took this one for ended, `execution` is read again from the row.
    Raises Unavailable when the database stays away; the sweep finishes the row when it is back.
    """
    fields = fields | {"status": Status.FINISHED, "finished_at": timezone.now()}
    kept: dict[str, Any] | None = None

    def write() -> bool:
        nonlocal kept
        if kept is None:
            kept = storage.as_kept(execution, fields)
        return _move(execution, execution.status, fields, kept)

    with tracing.now().part("commit"):
        moved = _persist(execution, write)
    if moved:
        _once_committed(partial(lifecycle.ended, execution))
    return moved


def _persist(execution: Execution, write: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + FINISH_WAIT_S
    while True:
        try:
            return write()
        except DATABASE_AWAY as error:
            if _together.afterwards is not None:
                raise
            logger.warning("execution %s: the database is away: %s", execution.pk, error)
            release_connection()
            if time.monotonic() > deadline:
                raise Unavailable(
                    RESULT_LOST,
                    retry_after_s=DATABASE_RETRY_AFTER_S,
                    execution_id=execution.pk,
                    code="database_unavailable",
                ) from error
            time.sleep(_RETRY_S)


def _move(
    execution: Execution, expected: str, fields: dict[str, Any], in_the_row: Mapping[str, Any] = _AS_THEY_ARE
) -> bool:
    """Whether the row was as expected. `in_the_row` replaces values there, and not in `execution`."""
    moved = _moved(execution, expected, fields, in_the_row)
    if not moved:
        # Another process took this one for ended, or it was cancelled: what the row says is what the client is told.
        execution.refresh_from_db()
        logger.warning(
            "execution %s was %s already when it should become %s", execution.pk, execution.status, fields["status"]
        )
    if execution.status not in OPEN:
        _once_committed(partial(_tell_of_end, execution))
    return moved


def _tell_of_end(execution: Execution) -> None:
    told.ended(execution.pk)
    if execution.batch_id is not None:
        batch_ends.look(execution.batch_id)


def _moved(execution: Execution, expected: str, fields: dict[str, Any], in_the_row: Mapping[str, Any]) -> bool:
    """As `_move`. Who wants to know of its end is told in the same transaction, or nobody is."""
    if fields["status"] in OPEN or not announcements.are_wanted(execution):
        return _written(execution, expected, fields, in_the_row)
    with transaction.atomic():
        moved = _written(execution, expected, fields, in_the_row)
        if moved:
            announcements.announce(execution)
    return moved


def _written_anew(execution: Execution, values: Mapping[str, Any]) -> bool:
    """Insert it whole where the database has ended and forgotten its row; whether that was so.

    Only a row that was inserted without waiting for the disk can be (executions.accept), and only who runs it has all
    of it. Nobody deletes one that is open; but this process may have been frozen for so long that another has ended it,
    and its client erased it: that has left a tombstone.
    """
    if execution.door != EXECUTE or execution.get_deferred_fields():
        return False
    is_there = Execution.objects.filter(pk=execution.pk)
    is_erased = Erasure.objects.filter(what={"id": str(execution.pk)})
    if is_there.exists() or is_erased.exists():
        return False
    row = copy(execution)
    for name, value in values.items():
        setattr(row, name, value)
    statements.insert(row)
    logger.warning("execution %s was forgotten by the database, and is written anew", execution.pk)
    return True


def _written(execution: Execution, expected: str, fields: dict[str, Any], in_the_row: Mapping[str, Any]) -> bool:
    values = {**fields, **in_the_row}
    if not statements.change(execution, expected, values) and not _written_anew(execution, values):
        return False
    for name, value in fields.items():
        setattr(execution, name, value)
    return True
