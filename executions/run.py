"""Running the job of a row, in whatever process took it up, and writing what came back."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import Any, NoReturn

from django.conf import settings

from dispatch import active
from dispatch.base import Event, Finished, Reservation, Run, Started
from executions import in_flight, lifecycle, transitions
from executions.graded import GradedRun, failed, graded_run
from executions.grading.verdicts import Verdict
from executions.jobs import task_of
from executions.live.teller import Teller, told
from executions.models import Execution, Status
from executions.outcomes import Outcome
from executions.results import (
    CLIENT_GONE,
    CONTAINER_LOST,
    SHUTTING_DOWN,
    cancelled_fields,
    failed_fields,
    finished_fields,
    sandbox_error,
)
from executions.traced import Trace, traced
from files.store import FileMissing
from rest import correlation, observed
from rest.connections import DATABASE_AWAY, DATABASE_RETRY_AFTER_S, release_connection
from rest.disconnect import Client
from rest.exceptions import Unavailable
from sandbox.console import Console
from sandbox.errors import (
    Cancelled,
    EngineUnavailable,
    HostsUnavailable,
    ImageMissing,
    NotCarried,
    PoolBusy,
    PoolClosed,
    SandboxError,
)
from sandbox.types import JobResult, StepFinished
from sandbox.types import Outcome as StepOutcome

logger = logging.getLogger(__name__)

ENGINE_RETRY_AFTER_S = 5
"""A Docker engine that is restarted answers again after a few seconds."""
SHUTDOWN_RETRY_AFTER_S = 10
"""A restart takes less where no program uses up the grace."""
NOT_CARRIED_RETRY_AFTER_S = 3600
"""It is not carried either until this server is another release, or is told to run programs itself."""
_CODES = {ImageMissing: "image_missing", NotCarried: "not_carried"}
START = observed.Histogram("gexec_execution_start_seconds", "From having a slot to having a container.")
GONE_WAIT_S = 20.0
"""How long it is waited for the container of a run that was lost: removed by force, it goes within half of that."""
_GONE_POLL_S = 0.1


def run(
    execution: Execution,
    *,
    reservation: Reservation | None = None,
    client: Client | None = None,
    console: Console | None = None,
) -> None:
    """Run a row that is queued, or running in its reservation, and finish it; its outcome may be a sandbox error.

    Once `client` is gone it is cancelled, wherever it is. Without one it runs to its end. `console` is for its last
    step.

    Raises Unavailable, with the row kept, where there was no slot, no Docker engine, no database any more, or the
    server shuts down.
    """
    client = client or Client()
    with in_flight.marked(execution.pk):
        try:
            _run(execution, reservation, client, console)
        except DATABASE_AWAY as error:
            # Its row is there, and the client can ask for it later.
            raise Unavailable(
                transitions.RESULT_LOST,
                retry_after_s=DATABASE_RETRY_AFTER_S,
                execution_id=execution.pk,
                code="database_unavailable",
            ) from error


def attempt(execution: Execution, *, wait_ms: int, on_start: Callable[[], None]) -> None:
    """Run a row that this process has taken up, and write what came of it; `on_start` is called once it runs.

    Raises SandboxError where nothing has run, with the row as it was; and what the database raises.
    """
    with correlation.within(execution.job.get(lifecycle.REQUEST_ID, "")), traced(execution), told(execution) as teller:
        _attempt(execution, wait_ms, None, Client(), teller, on_start)


def _attempt(
    execution: Execution,
    wait_ms: int,
    reservation: Reservation | None,
    client: Client,
    teller: Teller,
    on_start: Callable[[], None] = lambda: None,
    console: Console | None = None,
) -> None:
    try:
        task = replace(task_of(execution), wait_ms=wait_ms, stream_output=teller.wants_output, console=console)
        graded = graded_run(execution)
    except FileMissing:
        transitions.finish(execution, failed_fields("a file that it refers to was deleted"))
        return
    submitted = active.backend().submit(task, reservation=reservation)
    client.when_gone(partial(active.backend().cancel, task.id))
    teller.submitted(submitted)
    started: dict[str, Any] = {}
    try:
        result = _follow(execution, submitted, teller, graded, on_start, started)
    except SandboxError as error:
        cause = _cause(execution, client)
        if isinstance(error, Cancelled) and cause:
            transitions.finish(execution, started | cancelled_fields(cause) | failed(graded, Verdict.CANCELLED))
            return
        # Still queued means that nothing has run, or that it was over before its start was written.
        if execution.status == Status.QUEUED and not started:
            raise
        if isinstance(error, Cancelled):
            fields = cancelled_fields(SHUTTING_DOWN) | failed(graded, Verdict.CANCELLED)
        else:
            logger.exception("execution %s: the sandbox failed", execution.pk)
            fields = failed_fields(reason_of(error)) | failed(graded, Verdict.SANDBOX_ERROR)
        _end(execution, submitted, started | fields, is_lost=True)
    else:
        if result is not None:
            fields = _finished_fields(execution, result, _cause(execution, client) or SHUTTING_DOWN, graded)
            _finished(execution, submitted, result, started | fields, is_wanted=not _cause(execution, client))


def _run(execution: Execution, reservation: Reservation | None, client: Client, console: Console | None) -> None:
    # Until the row is written: who watches is told of that as well.
    with traced(execution), told(execution) as teller:
        _run_told(execution, reservation, client, teller, console)


def _run_told(
    execution: Execution, reservation: Reservation | None, client: Client, teller: Teller, console: Console | None
) -> None:
    if cause := _cause(execution, client):
        transitions.finish(execution, cancelled_fields(cause))
        return
    # What it stood before the threads, it may not stand in line as well.
    waited_ms = int((time.monotonic() - client.arrived_at) * 1000)
    wait_ms = max(0, settings.GEXEC_WAIT_MS - waited_ms)
    began = time.monotonic()
    try:
        _attempt(execution, wait_ms, reservation, client, teller, console=console)
    except SandboxError as error:
        # The client is asked to come again.
        _not_started(execution, error, queue_ms=(time.monotonic() - began) * 1000)


def _follow(
    execution: Execution,
    submitted: Run,
    teller: Teller,
    graded: GradedRun | None,
    on_start: Callable[[], None],
    started: dict[str, Any],
) -> JobResult | None:
    """Read the run's events to its result, and tell who watches; None where the row is not this process's.

    Leaving early ends the program. Of one that is over already nothing is written before its end: what the row is to
    have of its start goes into `started`.
    """
    # No connection of the database is kept while a slot is waited for, or a program runs: there are more threads than
    # connections.
    release_connection()
    trace = Trace(execution)
    with closing(submitted.events()) as events:
        for event in events:
            trace.take(event)
            if isinstance(event, Started):
                if event.over_after_ms is not None and execution.status == Status.QUEUED:
                    started |= transitions.as_started(queue_ms=event.queue_ms, ms_ago=event.over_after_ms)
                elif not _started(execution, event):
                    return None
                START.observe(event.container_ms / 1000)
                lifecycle.started(execution, queue_ms=event.queue_ms, container_ms=event.container_ms)
                on_start()
            teller.take(event)
            if graded is not None:
                _grade(graded, event, submitted, teller)
            if isinstance(event, Finished):
                return event.result
    raise RuntimeError("a run ended without its last event")


def _finished_fields(execution: Execution, result: JobResult, cause: str, graded: GradedRun | None) -> dict[str, Any]:
    return finished_fields(execution, result, cause=cause) if graded is None else graded.finished_fields(cause)


def _grade(graded: GradedRun, event: Event, submitted: Run, teller: Teller) -> None:
    """Give verdicts as they are known, and tell who watches."""
    ended = graded.take(event, submitted) if isinstance(event, StepFinished) else None
    if ended is not None or isinstance(event, Finished):
        for each in graded.in_order(ended):
            teller.test_ended(each.index, each.to_json(), wall_ms=each.result.wall_ms if each.result else None)


def _started(execution: Execution, event: Started) -> bool:
    """Whether the row is running here now. Another process may have taken this one for ended, and the row over."""
    if execution.status != Status.QUEUED:
        return execution.status == Status.RUNNING
    try:
        return transitions.start(execution, queue_ms=event.queue_ms)
    finally:
        release_connection()


def _finished(
    execution: Execution, submitted: Run, result: JobResult, fields: dict[str, Any], *, is_wanted: bool
) -> None:
    """`is_wanted`: nobody has asked for its end, so that one that was cancelled was ended by a server that stops."""
    faults = [step for step in result.steps if step.outcome is StepOutcome.SANDBOX_ERROR]
    # With tests, one whose checker cannot be compiled is cancelled too, and none of its steps is.
    was_ended = any(step.outcome is StepOutcome.CANCELLED for step in result.steps)
    stopped = fields["outcome"] == Outcome.CANCELLED and was_ended and is_wanted
    # A command that there is not would not be there the next time either.
    failed_here = fields["outcome"] == Outcome.SANDBOX_ERROR and any(step.started for step in faults)
    _end(execution, submitted, fields, is_lost=stopped or failed_here)
    for step in faults:
        logger.error("execution %s: %s: %r", execution.pk, step.name, step.detail)


def _end(execution: Execution, submitted: Run, fields: dict[str, Any], *, is_lost: bool) -> None:
    """Finish the row; or, where we have lost its run, or stop, have it begun again if that is still possible."""
    if is_lost and transitions.may_begin_again(execution) and _is_gone(submitted):
        logger.warning("execution %s was lost in its run, and is queued again", execution.pk)
        transitions.begin_again(execution)
    else:
        transitions.finish(execution, fields)


def _is_gone(submitted: Run) -> bool:
    """Whether nothing of it runs any more, once that is so: two of the same must never run at the same time."""
    release_connection()
    deadline = time.monotonic() + GONE_WAIT_S
    while time.monotonic() < deadline:
        try:
            if submitted.is_gone():
                return True
        except SandboxError as error:
            logger.info("the engine does not tell what runs: %s", error)
        time.sleep(_GONE_POLL_S)
    return False


def _not_started(execution: Execution, error: SandboxError, *, queue_ms: float) -> NoReturn:
    """Finish the queued row and answer 503: rejected for want of room, sandbox_error for want of an engine or image."""
    if isinstance(error, PoolBusy):
        code, message, retry_after_s = "no_slot", "no free slot: the server is busy", error.retry_after_s
    elif isinstance(error, (Cancelled, PoolClosed)):
        code, message, retry_after_s = "shutting_down", SHUTTING_DOWN, SHUTDOWN_RETRY_AFTER_S
    else:
        logger.error("execution %s: no container: %s", execution.pk, error)
        code = _CODES.get(type(error), "engine_unavailable")
        message = sandbox_error(reason_of(error))
        retry_after_s = NOT_CARRIED_RETRY_AFTER_S if isinstance(error, NotCarried) else ENGINE_RETRY_AFTER_S
    if isinstance(error, (Cancelled, PoolBusy, PoolClosed)):
        transitions.reject(execution, error=message, queue_ms=queue_ms)
    else:
        transitions.finish(execution, failed_fields(reason_of(error)))
    raise Unavailable(message, retry_after_s=retry_after_s, execution_id=execution.pk, code=code) from error


def _cause(execution: Execution, client: Client) -> str:
    """Why it is to end; empty where nobody has asked for it: then it is the server that stops."""
    return in_flight.cause_of(execution.pk) or (CLIENT_GONE if client.gone else "")


def reason_of(error: SandboxError) -> str:
    """What a client may know of a fault of ours; the rest is in the log."""
    if isinstance(error, NotCarried):
        return f"it cannot be passed on to the hosts that run programs: {error}"
    if isinstance(error, HostsUnavailable):
        return "no host that runs programs can be reached"
    if isinstance(error, EngineUnavailable):
        return "the Docker engine is not available"
    if isinstance(error, ImageMissing):
        return "the language's image is missing"
    return CONTAINER_LOST
