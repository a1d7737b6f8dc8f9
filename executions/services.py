"""Running what was submitted: a row before, the sandbox, the row after. The only writer besides recovery."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn
from uuid import UUID

from django.utils import timezone

from dispatch import runtime, workers
from executions import transitions
from executions.jobs import failed_fields, finished_fields, job_of, limits_of, sandbox_error
from executions.models import Execution, Status
from executions.submission import Origin, Submission
from languages import programs
from rest.connections import release_connection
from rest.exceptions import Refusal, Unavailable
from rest.ids import uuid7
from sandbox.errors import EngineUnavailable, ImageMissing, PoolBusy, PoolClosed, SandboxError
from sandbox.pool import Lease
from sandbox.types import Profile

logger = logging.getLogger(__name__)

ENGINE_RETRY_AFTER_S = 5
SHUTDOWN_RETRY_AFTER_S = 10
_in_flight: set[UUID] = set()
"""Executions that a thread of this process is at work on; set operations are atomic."""


def is_in_flight(execution_id: UUID) -> bool:
    """Whether a thread of this process will finish this execution."""
    return execution_id in _in_flight


def execute(*, submission: Submission, origin: Origin) -> Execution:
    """Run it and return its finished row, which may tell of a sandbox error.

    Raises Unavailable, with the row kept, where there is no slot, no Docker engine, or the server shuts down.
    """
    execution = _new_row(submission, origin)
    with _flight(execution):
        with _leased(execution, submission, origin) as lease:
            fields = _run(execution, submission, lease)
        if fields:
            transitions.finish(execution, fields)
            logger.info("execution %s: %s in %.0f ms", execution.pk, execution.outcome, execution.wall_ms or 0.0)
    return execution


def record_refusal(*, refusal: Refusal, origin: Origin) -> Execution:
    """Keep a row of a request that was refused for what it asked."""
    now = timezone.now()
    return Execution.objects.create(
        status=Status.REJECTED,
        error=refusal.message,
        client_address=origin.address,
        api_key_id=origin.api_key_id,
        created_at=now,
        finished_at=now,
    )


def _new_row(submission: Submission, origin: Origin) -> Execution:
    language = submission.language
    return Execution(
        id=uuid7(),
        status=Status.QUEUED,
        language_id=language.pk,
        language_slug=language.slug,
        language_version=language.version,
        image_digest=language.image_digest,
        source=submission.source,
        limits=limits_of(submission),
        client_address=origin.address,
        api_key_id=origin.api_key_id,
        worker=workers.current(),
        created_at=timezone.now(),
    )


@contextmanager
def _flight(execution: Execution) -> Iterator[None]:
    _in_flight.add(execution.pk)
    try:
        yield
    finally:
        _in_flight.discard(execution.pk)


@contextmanager
def _leased(execution: Execution, submission: Submission, origin: Origin) -> Iterator[Lease]:
    """A slot, with the row running. Where one is free at once the row was never queued: one commit less."""
    profile = programs.profile_of(submission.language)
    try:
        lease = runtime.pool().try_lease(profile, tenant=origin.api_key_id)
    except SandboxError as error:
        _insert(execution)
        _no_lease(execution, error, queue_ms=0.0)
    if lease is None:
        lease = _wait_for_lease(execution, profile, origin)
        with lease:
            yield lease
        return
    with lease:
        execution.status, execution.started_at, execution.queue_ms = Status.RUNNING, timezone.now(), 0.0
        _insert(execution)
        yield lease


def _wait_for_lease(execution: Execution, profile: Profile, origin: Origin) -> Lease:
    _insert(execution)
    waiting_since = time.monotonic()
    release_connection()
    try:
        lease = runtime.pool().lease(profile, tenant=origin.api_key_id)
    except SandboxError as error:
        _no_lease(execution, error, queue_ms=_ms_since(waiting_since))
    with _released_on_error(lease):
        transitions.start(execution, queue_ms=_ms_since(waiting_since))
    return lease


@contextmanager
def _released_on_error(lease: Lease) -> Iterator[None]:
    try:
        yield
    except BaseException:
        with lease:
            raise


def _run(execution: Execution, submission: Submission, lease: Lease) -> dict[str, Any]:
    """The columns of the finished row; none where the row is finished already."""
    if execution.status != Status.RUNNING:
        # Another process took this one for dead and finished the row: nothing may run for it any more.
        return {}
    release_connection()
    try:
        return finished_fields(submission, lease.run(job_of(submission)))
    except SandboxError as error:
        logger.exception("execution %s: the sandbox failed", execution.pk)
        return failed_fields(_reason(error))


def _insert(execution: Execution) -> None:
    execution.save(force_insert=True)


def _no_lease(execution: Execution, error: SandboxError, *, queue_ms: float) -> NoReturn:
    """Finish the queued row and say 503: rejected for want of room, sandbox_error for want of an engine or image."""
    if isinstance(error, PoolBusy):
        message, retry_after_s = "no free slot: the server is busy", error.retry_after_s
    elif isinstance(error, PoolClosed):
        message, retry_after_s = "the server is shutting down", SHUTDOWN_RETRY_AFTER_S
    else:
        logger.error("execution %s: no container: %s", execution.pk, error)
        message, retry_after_s = sandbox_error(_reason(error)), ENGINE_RETRY_AFTER_S
    if isinstance(error, (PoolBusy, PoolClosed)):
        transitions.reject(execution, error=message, queue_ms=queue_ms)
    else:
        transitions.finish(execution, failed_fields(_reason(error)))
    raise Unavailable(message, retry_after_s=retry_after_s, execution_id=execution.pk) from error


def _reason(error: SandboxError) -> str:
    """What a client may know of a fault of ours; the rest is in the log."""
    if isinstance(error, EngineUnavailable):
        return "the Docker engine is not available"
    if isinstance(error, ImageMissing):
        return "the language's image is missing"
    return "the container was lost before the result was whole"


def _ms_since(moment: float) -> float:
    return (time.monotonic() - moment) * 1000
