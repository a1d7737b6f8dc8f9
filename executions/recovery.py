"""Finding executions that nobody will finish."""

from __future__ import annotations

import logging

from dispatch import workers
from dispatch.models import Worker
from executions import run, transitions
from executions.models import OPEN, Execution
from executions.results import failed_fields
from languages import tasks

logger = logging.getLogger(__name__)

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
        transitions.finish(row, failed_fields(SERVER_DIED))
    tasks.sweep()
    if dead:
        workers.remove(dead)
    return len(lost)


def _dropped(row: Execution, own: object) -> bool:
    """Whether this process opened the row and no thread of it is at work on it: the database was away at its end."""
    return row.worker == own and not run.is_in_flight(row.pk)
