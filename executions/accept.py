"""Taking a submission in: the row that holds what is to be run, written before anything runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from django.utils import timezone

from clients.admission import admitted
from dispatch import active, workers
from dispatch.base import Reservation
from executions import in_flight
from executions.jobs import caller_of, job_of, profile_in
from executions.models import Execution, Status
from executions.places import open_of
from executions.submission import Origin, Submission
from rest.exceptions import Refusal
from rest.ids import uuid7
from sandbox.errors import PoolClosed


@contextmanager
def accepted(submission: Submission, origin: Origin) -> Iterator[tuple[Execution, Reservation | None]]:
    """The row, inserted, with what it can start in at once, which is given back at the end unless it was used.

    Where something was free at once the row was never queued: one commit less.
    """
    execution = _row(submission, origin)
    with in_flight.marked(execution.pk), _reserved(execution) as reservation:
        if reservation is not None:
            execution.status, execution.started_at, execution.queue_ms = Status.RUNNING, timezone.now(), 0.0
        with admitted(origin.caller, open_of=open_of):
            execution.save(force_insert=True)
        yield execution, reservation


def queued(submission: Submission, origin: Origin) -> Execution:
    """The row, inserted, for whichever process takes it up: accepted means committed."""
    execution = _row(replace(submission, background=True), origin)
    with admitted(origin.caller, open_of=open_of, background=True):
        execution.save(force_insert=True)
    return execution


def refused(refusal: Refusal, origin: Origin) -> Execution:
    """The row of a request that was refused for what it asked."""
    now = timezone.now()
    return Execution.objects.create(
        status=Status.REJECTED,
        error=refusal.message,
        client_address=origin.address,
        api_key_id=origin.api_key_id,
        client_id=origin.client_id,
        created_at=now,
        finished_at=now,
    )


@contextmanager
def _reserved(execution: Execution) -> Iterator[Reservation | None]:
    try:
        reservation = active.backend().reserve(
            profile_in(execution.job["profile"]), tenant=execution.api_key_id, caller=caller_of(execution)
        )
    except PoolClosed:
        # The run meets the same error, and writes it into the row.
        reservation = None
    try:
        yield reservation
    finally:
        if reservation is not None:
            reservation.release()


def _row(submission: Submission, origin: Origin) -> Execution:
    language = submission.language
    return Execution(
        id=uuid7(),
        status=Status.QUEUED,
        language_slug=language.slug,
        language_version=language.version,
        image_digest=language.image_digest,
        source=submission.source,
        stdin=submission.stdin.data,
        job=job_of(submission),
        client_address=origin.address,
        api_key_id=origin.api_key_id,
        client_id=origin.client_id,
        door=submission.door,
        lane=submission.lane,
        background=submission.background,
        queue_limit_ms=submission.queue_limit_ms,
        store=submission.store,
        tags=dict(submission.tags) if submission.tags else None,
        webhook_url=submission.webhook_url,
        worker=None if submission.background else workers.own_id(),
        created_at=timezone.now(),
    )
