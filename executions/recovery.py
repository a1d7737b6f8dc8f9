"""Finding executions whose server process has ended, and finishing them."""

from __future__ import annotations

import logging

from clients import last_used
from clients.policy import own_shares
from dispatch import shares, workers
from executions import in_flight, jobs, transitions
from executions.models import OPEN, Execution
from executions.results import failed_fields
from languages import tasks

logger = logging.getLogger(__name__)

SERVER_DIED = "the server process that ran this execution ended before its result was known"


def sweep() -> int:
    """Finish what ended processes left open, and what this one lost; return how many. Call it at start, and often.

    Several processes may sweep at once: each row is finished by one of them.
    """
    ended = workers.stale()
    left_open = Execution.objects.filter(status__in=OPEN).only("id", "status", "worker")
    lost = workers.orphans(left_open, ended=ended, is_in_flight=in_flight.contains)
    for row in lost:
        logger.warning("execution %s was left %s by a process that is gone", row.pk, row.status)
        reason = transitions.RESULT_LOST if row.worker == workers.own_id() else SERVER_DIED
        transitions.finish(row, failed_fields(reason))
    tasks.sweep(ended)
    last_used.write()
    shares.replace({jobs.caller_of_client(client): share for client, share in own_shares()})
    if ended:
        workers.remove(ended)
    return len(lost)
