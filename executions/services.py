"""What can be done to executions: what the API, commands and pages call."""

from __future__ import annotations

from executions import waiting
from executions.accept import accepted, queued, refused
from executions.idempotency import Claim
from executions.models import OPEN, Execution
from executions.run import run
from executions.submission import Origin, Submission
from executions.watched import WatchedRun
from rest.disconnect import Client
from rest.exceptions import Refusal

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
    if execution.status in OPEN and waiting.wait_for([execution.pk], BEGUN_AGAIN_WAIT_S, client):
        execution.refresh_from_db()
    return execution


def enqueue(*, submission: Submission, origin: Origin, claim: Claim | None = None) -> Execution:
    """Take it in for whichever process takes it up; its row, queued. Raises Taken."""
    return queued(submission, origin, claim)


def execute_watched(
    *, submission: Submission, origin: Origin, arrived_at: float, claim: Claim | None = None
) -> WatchedRun:
    """Begin to run it, with its events told as they come; the caller has to `leave` it. Raises what `execute` does."""
    watched = WatchedRun(submission, origin, arrived_at=arrived_at, claim=claim)
    watched.begin()
    return watched


def record_refusal(*, refusal: Refusal, origin: Origin) -> Execution:
    """Keep a row of a request that was refused for what it asked."""
    return refused(refusal, origin)
