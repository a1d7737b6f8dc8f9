"""Ending executions that somebody does not want any more: waiting or running, in this process or another.

Theory of operation. The wish is written into the rows, with its reason, and so outlives whoever runs them. What waits
in the backlog is finished by whichever process takes its row first, as what has waited for too long is. Every process
looks at the rows that its threads have twice a second, and ends those of which it is wanted, as well as those that are
another's now: this process was taken for ended. What runs in this one is told at once.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet
from django.utils import timezone

from dispatch import active, workers
from executions import in_flight, transitions, waiting
from executions.models import OPEN, Execution
from executions.results import cancelled_fields
from rest.connections import release_connection
from rest.text import encodable

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 0.5
"""Half of the second within which what is cancelled has ended."""
WAIT_S = 1.0
"""How long the one who cancels waits for the end."""
ON_REQUEST = "on request"
MAX_REASON = 200
_TAKEN_OVER = "another server process has taken it over"
_AT_ONCE = 50
"""Rows of the backlog that are finished in one go, at about a millisecond each."""

_TAKE_OVER = """
UPDATE executions_execution SET worker = %(worker)s WHERE id = ANY (ARRAY(
    SELECT id FROM executions_execution
    WHERE status = 'queued' AND background AND worker IS NULL AND queue_until <= %(now)s
    ORDER BY queue_until LIMIT %(rows)s FOR UPDATE SKIP LOCKED))
RETURNING id
"""


def cancel(execution: Execution, *, reason: str = "") -> Execution:
    """Have it end, and wait a second for that; its row as it is then. One that has ended stays as it is."""
    if execution.status in OPEN:
        ask(Execution.objects.filter(pk=execution.pk), reason=reason)
        waiting.wait_for([execution.pk], WAIT_S)
        execution.refresh_from_db()
    return execution


def ask(rows: QuerySet[Execution], *, reason: str = "") -> int:
    """Have all of these end that are open; how many nobody had asked for yet. Those of this process end at once."""
    cause = encodable(reason.strip())[:MAX_REASON] or ON_REQUEST
    asked = rows.filter(status__in=OPEN, cancel_cause__isnull=True).update(
        cancel_cause=cause, queue_until=timezone.now()
    )
    look()
    return asked


def look() -> None:
    """End what is not wanted of what this process runs; then take from the backlog, once, what is over there."""
    end_unwanted()
    end_waits()


def end_unwanted() -> None:
    """End what this process's threads have, and should not."""
    if not (ids := in_flight.all_ids()):
        return
    own = workers.own_id()
    taken_over = Q(worker__isnull=True) | ~Q(worker=own)
    found = Execution.objects.filter(Q(cancel_cause__isnull=False) | taken_over, pk__in=ids, status__in=OPEN)
    for execution_id, cause in found.values_list("id", "cancel_cause"):
        if in_flight.end(execution_id, _TAKEN_OVER if cause is None else cause):
            active.backend().cancel(str(execution_id))


def end_waits() -> int:
    """Finish some of what waits in the backlog and is over: cancelled, or for longer than it may; how many."""
    # Who waits for its turn holds no connection: the one whose turn it is might find none.
    release_connection()
    ids = in_flight.taken(_take_over)
    for execution_id in ids:
        with in_flight.marked(execution_id):
            execution = Execution.objects.filter(pk=execution_id).first()
            if execution is not None:
                end_wait(execution)
    return len(ids)


def end_wait(execution: Execution) -> None:
    """Finish a queued row that is this process's, and whose wait is over."""
    if execution.cancel_cause is not None:
        transitions.finish(execution, cancelled_fields(execution.cancel_cause))
    else:
        queue_ms = execution.queue_limit_ms or 0
        message = f"it did not get its turn within the {queue_ms} ms that it was to wait: the server is busy"
        transitions.reject(execution, error=message, queue_ms=queue_ms)


def is_over(execution: Execution) -> bool:
    """Whether a row that was just taken up is not to be run any more."""
    if execution.cancel_cause is not None:
        return True
    return execution.queue_until is not None and waiting.left_ms(execution.queue_until) <= 0


def _take_over() -> Sequence[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_OVER, {"worker": workers.own_id(), "now": timezone.now(), "rows": _AT_ONCE})
        return [row[0] for row in cursor.fetchall()]
