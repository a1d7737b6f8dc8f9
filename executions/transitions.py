"""The transitions of a row that is open. Each compares the status that it expects; one that finds another has lost."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from django.db import transaction
from django.utils import timezone

from dispatch import workers
from executions import announcements, storage
from executions.models import OPEN, Execution, Status
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


def start(execution: Execution, *, queue_ms: float) -> None:
    """queued → running in this process, whichever accepted it, after `queue_ms` in the queue."""
    fields = {"status": Status.RUNNING, "started_at": timezone.now(), "queue_ms": queue_ms, "worker": workers.own_id()}
    _move(execution, Status.QUEUED, fields)


def reject(execution: Execution, *, error: str, queue_ms: float) -> None:
    """queued → rejected: it was accepted, and never got its turn."""
    fields = {"status": Status.REJECTED, "error": error, "finished_at": timezone.now(), "queue_ms": queue_ms}
    _move(execution, Status.QUEUED, fields, storage.as_kept(execution, fields))


def finish(execution: Execution, fields: dict[str, Any]) -> None:
    """queued or running → finished, trying again for FINISH_WAIT_S while the database is away.

    Where the race was lost, because another process took this one for ended, `execution` is read again from the row.
    Raises Unavailable when the database stays away; the sweep finishes the row when it is back.
    """
    fields = fields | {"status": Status.FINISHED, "finished_at": timezone.now()}
    deadline = time.monotonic() + FINISH_WAIT_S
    kept: dict[str, Any] | None = None
    while True:
        try:
            if kept is None:
                kept = storage.as_kept(execution, fields)
            return _move(execution, execution.status, fields, kept)
        except DATABASE_AWAY as error:
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
) -> None:
    """`in_the_row` replaces values there, and not in `execution`."""
    if _moved(execution, expected, fields, in_the_row):
        return
    # Another process took this one for ended and finished the row: what it wrote is what the client is told.
    execution.refresh_from_db()
    logger.warning(
        "execution %s was %s already when it should become %s", execution.pk, execution.status, fields["status"]
    )


def _moved(execution: Execution, expected: str, fields: dict[str, Any], in_the_row: Mapping[str, Any]) -> bool:
    """Whether it was as expected. Who wants to know of its end is told in the same transaction, or nobody is."""
    if fields["status"] in OPEN or not announcements.are_wanted(execution):
        return _written(execution, expected, fields, in_the_row)
    with transaction.atomic():
        moved = _written(execution, expected, fields, in_the_row)
        if moved:
            announcements.announce(execution)
    return moved


def _written(execution: Execution, expected: str, fields: dict[str, Any], in_the_row: Mapping[str, Any]) -> bool:
    if not Execution.objects.filter(pk=execution.pk, status=expected).update(**{**fields, **in_the_row}):
        return False
    for name, value in fields.items():
        setattr(execution, name, value)
    return True
