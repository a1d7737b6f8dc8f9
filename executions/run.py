"""Running the job of a row, in whatever process took it up, and writing what came back."""

from __future__ import annotations

import logging
import time
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import Any, NoReturn

from django.conf import settings

from dispatch import active
from dispatch.base import Event, Finished, Reservation, Run, Started
from executions import in_flight, transitions
from executions.graded import GradedRun, failed, graded_run
from executions.grading.verdicts import Verdict
from executions.jobs import task_of
from executions.live.teller import Teller, told
from executions.models import Execution, Status
from executions.results import (
    CLIENT_GONE,
    CONTAINER_LOST,
    SHUTTING_DOWN,
    cancelled_fields,
    failed_fields,
    finished_fields,
    sandbox_error,
)
from files.store import FileMissing
from rest.connections import DATABASE_AWAY, DATABASE_RETRY_AFTER_S, release_connection
from rest.disconnect import Client
from rest.exceptions import Unavailable
from sandbox.errors import Cancelled, EngineUnavailable, ImageMissing, PoolBusy, PoolClosed, SandboxError
from sandbox.types import JobResult, StepFinished
from sandbox.types import Outcome as StepOutcome

logger = logging.getLogger(__name__)

ENGINE_RETRY_AFTER_S = 5
"""A Docker engine that is restarted answers again after a few seconds."""
SHUTDOWN_RETRY_AFTER_S = 10
"""A restart takes less where no program uses up the grace."""


def run(execution: Execution, *, reservation: Reservation | None = None, client: Client | None = None) -> None:
    """Run a row that is queued, or running in its reservation, and finish it; its outcome may be a sandbox error.

    Once `client` is gone it is cancelled, wherever it is. Without one it runs to its end.

    Raises Unavailable, with the row kept, where there was no slot, no Docker engine, no database any more, or the
    server shuts down.
    """
    client = client or Client()
    with in_flight.marked(execution.pk):
        try:
            _run(execution, reservation, client)
        except DATABASE_AWAY as error:
            # Its row is there, and the client can ask for it later.
            raise Unavailable(
                transitions.RESULT_LOST,
                retry_after_s=DATABASE_RETRY_AFTER_S,
                execution_id=execution.pk,
                code="database_unavailable",
            ) from error


def _run(execution: Execution, reservation: Reservation | None, client: Client) -> None:
    with told(execution) as teller:
        _attempt(execution, reservation, client, teller)


def _attempt(execution: Execution, reservation: Reservation | None, client: Client, teller: Teller) -> None:
    if client.gone:
        return transitions.finish(execution, cancelled_fields(CLIENT_GONE))
    # What it stood before the threads, it may not stand in line as well.
    waited_ms = int((time.monotonic() - client.arrived_at) * 1000)
    wait_ms = max(0, settings.GEXEC_WAIT_MS - waited_ms)
    try:
        task = replace(task_of(execution), wait_ms=wait_ms, stream_output=teller.wants_output)
        graded = graded_run(execution)
    except FileMissing:
        return transitions.finish(execution, failed_fields("a file that it refers to was deleted"))
    submitted = active.backend().submit(task, reservation=reservation)
    client.when_gone(partial(active.backend().cancel, task.id))
    teller.submitted(submitted)
    began = time.monotonic()
    try:
        _follow(execution, submitted, client, teller, graded)
    except Cancelled:
        transitions.finish(execution, cancelled_fields(_cause(client)) | failed(graded, Verdict.CANCELLED))
    except SandboxError as error:
        # Still queued means that nothing has run: the client is asked to come again.
        if execution.status == Status.QUEUED:
            _not_started(execution, error, queue_ms=(time.monotonic() - began) * 1000)
        logger.exception("execution %s: the sandbox failed", execution.pk)
        transitions.finish(execution, failed_fields(_reason(error)) | failed(graded, Verdict.SANDBOX_ERROR))


def _follow(execution: Execution, submitted: Run, client: Client, teller: Teller, graded: GradedRun | None) -> None:
    """Read the run's events, and write what they mean for the row; whoever watches is told. Leaving early ends it."""
    # No connection of the database is kept while a slot is waited for, or a program runs: there are more threads than
    # connections.
    release_connection()
    with closing(submitted.events()) as events:
        for event in events:
            if isinstance(event, Started) and not _started(execution, event):
                return
            teller.take(event)
            if graded is not None:
                _grade(graded, event, submitted, teller)
            if isinstance(event, Finished):
                transitions.finish(execution, _finished_fields(execution, event.result, _cause(client), graded))
                for step in event.result.steps:
                    if step.outcome is StepOutcome.SANDBOX_ERROR:
                        logger.error("execution %s: %s: %r", execution.pk, step.name, step.detail)
                logger.info("execution %s: %s in %.0f ms", execution.pk, execution.outcome, execution.wall_ms or 0.0)


def _finished_fields(execution: Execution, result: JobResult, cause: str, graded: GradedRun | None) -> dict[str, Any]:
    return finished_fields(execution, result, cause=cause) if graded is None else graded.finished_fields(cause)


def _grade(graded: GradedRun, event: Event, submitted: Run, teller: Teller) -> None:
    """Give verdicts as they are known, and tell who watches."""
    ended = graded.take(event, submitted) if isinstance(event, StepFinished) else None
    if ended is not None or isinstance(event, Finished):
        for each in graded.in_order(ended):
            teller.test_ended(each.index, each.to_json(), wall_ms=each.result.wall_ms if each.result else None)


def _started(execution: Execution, event: Started) -> bool:
    """Whether the row is running now. Another process may have taken this one for ended, and finished it."""
    if execution.status == Status.QUEUED:
        transitions.start(execution, queue_ms=event.queue_ms)
        release_connection()
    return execution.status == Status.RUNNING


def _not_started(execution: Execution, error: SandboxError, *, queue_ms: float) -> NoReturn:
    """Finish the queued row and answer 503: rejected for want of room, sandbox_error for want of an engine or image."""
    if isinstance(error, PoolBusy):
        code, message, retry_after_s = "no_slot", "no free slot: the server is busy", error.retry_after_s
    elif isinstance(error, PoolClosed):
        code, message, retry_after_s = "shutting_down", SHUTTING_DOWN, SHUTDOWN_RETRY_AFTER_S
    else:
        logger.error("execution %s: no container: %s", execution.pk, error)
        code = "image_missing" if isinstance(error, ImageMissing) else "engine_unavailable"
        message, retry_after_s = sandbox_error(_reason(error)), ENGINE_RETRY_AFTER_S
    if isinstance(error, (PoolBusy, PoolClosed)):
        transitions.reject(execution, error=message, queue_ms=queue_ms)
    else:
        transitions.finish(execution, failed_fields(_reason(error)))
    raise Unavailable(message, retry_after_s=retry_after_s, execution_id=execution.pk, code=code) from error


def _cause(client: Client) -> str:
    """Why it was cancelled, if it was: nothing else does that."""
    return CLIENT_GONE if client.gone else SHUTTING_DOWN


def _reason(error: SandboxError) -> str:
    """What a client may know of a fault of ours; the rest is in the log."""
    if isinstance(error, EngineUnavailable):
        return "the Docker engine is not available"
    if isinstance(error, ImageMissing):
        return "the language's image is missing"
    return CONTAINER_LOST
