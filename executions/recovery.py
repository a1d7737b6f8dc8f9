"""Finding executions whose server process has ended, and queueing them again, or finishing them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from uuid import UUID

from clients import last_used
from clients.caller import sharing
from clients.policy import own_shares
from dispatch import active, shares, workers
from executions import batch_ends, in_flight, transitions
from executions.jobs import is_talked_to
from executions.models import Execution, Status
from executions.results import cancelled_fields, failed_fields
from languages import tasks
from sandbox.errors import SandboxError

logger = logging.getLogger(__name__)

TASK = "lost-executions"
"""The name of `sweep_ended` among periodic work."""
SERVER_DIED = "the server process that ran this execution ended before its result was known"


_COLUMNS = ("id", "status", "worker", "attempt", "door", "cancel_cause", "client_id", "api_key_id", "client_address")


def sweep() -> int:
    """See to what ended processes left open, and what this one lost; return how many."""
    return sweep_own() + sweep_ended()


def sweep_own() -> int:
    """What this process alone can tell, beside its heartbeat: the rows that it lost, and what it keeps in memory."""
    seen_to = _see_to_lost(_of_a_process(worker=workers.own_id()), ended=[])
    tasks.sweep([])
    last_used.write()
    shares.replace({sharing(client, None): share for client, share in own_shares()})
    return seen_to


def sweep_ended() -> int:
    """See to what ended processes left open; return how many rows that were.

    What came through a door that promises it is queued again, once; the rest is finished. Several processes may sweep
    at once: each row is seen to by one of them.
    """
    ended = workers.stale()
    seen_to = _see_to_lost(_of_a_process(), ended=ended)
    batch_ends.sweep()
    tasks.sweep(ended)
    if ended:
        workers.remove(ended)
    return seen_to


def _see_to_lost(rows: Iterable[Execution], *, ended: list[UUID]) -> int:
    lost = workers.orphans(rows, ended=ended, is_in_flight=in_flight.contains)
    return sum(_see_to(row) for row in lost)


def _of_a_process(**asked: UUID) -> Iterator[Execution]:
    """Open rows that a process has, or had; those in the backlog may be many, and none of these is looked at."""
    rows = Execution.objects.only(*_COLUMNS).filter(**asked)
    yield from rows.filter(status=Status.RUNNING)
    yield from rows.filter(status=Status.QUEUED, worker__isnull=False)


def _see_to(row: Execution) -> bool:
    """Whether it was left behind, and could be seen to now."""
    was = row.status
    if _goes_on(row):
        return False
    if row.cancel_cause is not None:
        moved = transitions.finish(row, cancelled_fields(row.cancel_cause))
    elif not transitions.may_begin_again(row):
        reason = transitions.RESULT_LOST if row.worker == workers.own_id() else SERVER_DIED
        moved = transitions.finish(row, failed_fields(reason if row.attempt == 1 else f"{reason}, for the second time"))
    else:
        moved = not (was == Status.RUNNING and _may_run_still(row)) and transitions.begin_again(row)
    if moved:
        logger.warning("execution %s was left %s by a process that is gone; it is %s now", row.pk, was, row.status)
    return moved


def _goes_on(row: Execution) -> bool:
    """Whether hosts have it, or its end is stored: then `finisher` sees to its row."""
    backend = active.backend()
    if not backend.remote:
        return False
    try:
        goes_on = backend.goes_on(str(row.pk), row.attempt)
    except SandboxError as error:
        logger.warning("execution %s waits for hosts that tell what runs: %s", row.pk, error)
        return True
    # Nobody can type to it any more, nor come back to it.
    if goes_on and (row.cancel_cause is not None or is_talked_to(row.job)):
        backend.abandon(str(row.pk), row.attempt)
    return goes_on


def _may_run_still(row: Execution) -> bool:
    """Whether containers of a process that has ended are there: two of the same must never run at the same time."""
    if row.worker is None or row.worker == workers.own_id():
        # No thread of this process has it: its container was closed with the thread's end.
        return False
    try:
        return active.backend().left_by(row.worker)
    except SandboxError as error:
        logger.warning("execution %s waits for an engine that tells what runs: %s", row.pk, error)
        return True
