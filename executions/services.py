"""What can be done to executions: what the API, commands and pages call."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from dispatch import active
from executions import accept, again, backlog, waiting
from executions import cancel as cancelling
from executions.accept import accepted, queued, refused
from executions.idempotency import Claim
from executions.models import IN_BACKLOG, OPEN, Execution, ExecutionTag, Status
from executions.results import CLIENT_GONE
from executions.run import run
from executions.submission import Origin, Submission
from executions.watched import WatchedRun
from rest.disconnect import Client
from rest.exceptions import Refusal


class Place(NamedTuple):
    """How many come before it, and when it should start."""

    position: int
    estimate_ms: float


class Standing(NamedTuple):
    """How busy the server is: programs of this process, and what waits for any."""

    slots: int
    in_use: int
    waiting: int


BY_OPERATOR = "by an operator"
BEGUN_AGAIN_WAIT_S = 60.0
"""How long the request of an execution that was queued again waits for its end."""


def execute(
    *, submission: Submission, origin: Origin, client: Client | None = None, claim: Claim | None = None
) -> Execution:
    """Run it and return its finished row, whose outcome may be a sandbox error. It is cancelled once `client` is gone.

    Where its run was lost it may be queued again: then it is waited for, and may be open still when this returns.

    Raises Unavailable, with the row kept, where there is no slot, no Docker engine, or the server shuts down, and
    Taken where another request has the claim's key.
    """
    with accepted(submission, origin, claim) as (execution, reservation):
        run(execution, reservation=reservation, client=client)
    if execution.status in OPEN and waiting.wait_for([execution.pk], BEGUN_AGAIN_WAIT_S, client, by=origin.sharing):
        execution.refresh_from_db()
    return execution


def enqueue(*, submission: Submission, origin: Origin, claim: Claim | None = None) -> Execution:
    """Take it in for whichever process takes it up; its row, queued. Raises Taken."""
    return queued(submission, origin, claim)


def check_files(*, submission: Submission, origin: Origin) -> None:
    """Raises Refusal where it refers to stored files that its client has not, or that are too much together."""
    accept.check_files(submission, origin)


def execute_watched(
    *, submission: Submission, origin: Origin, arrived_at: float, claim: Claim | None = None
) -> WatchedRun:
    """Begin to run it, with its events told as they come; the caller has to `leave` it. Raises what `execute` does."""
    watched = WatchedRun(submission, origin, arrived_at=arrived_at, claim=claim)
    watched.begin()
    return watched


def wait(
    *,
    execution: Execution,
    timeout_s: float,
    client: Client | None = None,
    cancel_if_gone: bool = False,
    by: str = waiting.OURSELVES,
) -> Execution:
    """Its row once it has ended, or as it is when the time is up. With `cancel_if_gone` it ends with its client.

    `by` is whose share of the places for those who wait it takes: an Origin's `sharing`.
    """
    if execution.status in OPEN:
        waiting.wait_for([execution.pk], timeout_s, client, by=by)
        if cancel_if_gone and client is not None and client.gone:
            cancelling.ask(Execution.objects.filter(pk=execution.pk), reason=CLIENT_GONE)
        execution.refresh_from_db()
    return execution


def cancel(*, execution: Execution, reason: str = "") -> Execution:
    """Have it end, and wait a second for that; its row as it is then. One that has ended stays as it is."""
    return cancelling.cancel(execution, reason=reason)


def cancel_tagged(*, client_id: UUID, name: str, value: str, reason: str = "") -> int:
    """Have all of the client end that have this tag and have not ended; how many."""
    tagged = ExecutionTag.objects.filter(client_id=client_id, name=name, value=value, execution_id=OuterRef("pk"))
    return cancelling.ask(Execution.objects.filter(Exists(tagged), client_id=client_id), reason=reason)


def cancel_all(*, rows: QuerySet[Execution]) -> int:
    """Have all of these end that have not ended, for an operator; how many."""
    return cancelling.ask(rows, reason=BY_OPERATOR)


def place_of(*, execution: Execution) -> Place | None:
    """Where a queued one stands, as things are now; None for any other."""
    if execution.status != Status.QUEUED:
        return None
    capacity = active.backend().capacity()
    position = capacity.waiting + (backlog.before(execution) if execution.worker is None else 0)
    return Place(position, round((position + 1) * backlog.typical_ms() / capacity.slots, 1))


def standing() -> Standing:
    """As things are now."""
    capacity = active.backend().capacity()
    waiting = capacity.waiting + Execution.objects.filter(IN_BACKLOG).count()
    return Standing(capacity.slots, capacity.in_use, waiting)


def run_again(*, execution: Execution, address: str | None, by: str) -> Execution:
    """Have it run once more, as it was, for the user `by`; its row, queued. Raises Refusal, Limited, Unavailable."""
    if why := again.why_not(execution):
        raise Refusal(why)
    return accept.queued_again(execution, address=address, by=by)


def record_refusal(*, refusal: Refusal, origin: Origin) -> Execution:
    """Keep a row of a request that was refused for what it asked."""
    return refused(refusal, origin)
