"""Taking a submission in: the row that holds what is to be run, written before anything runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from clients.admission import admitted
from dispatch import active, workers
from dispatch.base import Reservation
from executions import again, backlog, in_flight, lifecycle, statements
from executions.grading.asked import CONTENT_BYTES_AT_MOST
from executions.idempotency import Claim
from executions.jobs import (
    OF_STRANGERS,
    brought_by_program,
    brought_by_tests,
    caller_of,
    companion_in,
    job_of,
    lane_of,
    profile_in,
    stored_files_in,
    tenant_of,
)
from executions.models import ADMIN, EXECUTE, CompatToken, Execution, ExecutionTag, Status
from executions.places import open_of
from executions.submission import Origin, Submission
from files import services as stored_files
from files.digests import id_of
from files.store import store
from rest import correlation, tracing
from rest.connections import DATABASE_AWAY, DATABASE_AWAY_MESSAGE, DATABASE_RETRY_AFTER_S
from rest.disk import require_room
from rest.exceptions import Refusal, Unavailable
from rest.ids import moment_of, uuid7
from sandbox.errors import PoolClosed

_THE_SAME = ("language_slug", "language_version", "image_digest", "source", "stdin", "client_id", "tags")
"""Of an execution that is run again."""


@contextmanager
def accepted(
    submission: Submission, origin: Origin, claim: Claim | None = None
) -> Iterator[tuple[Execution, Reservation | None]]:
    """The row, inserted, with what it can start in at once, which is given back at the end unless it was used.

    Where something was free at once the row was never queued: one commit less. Raises Taken, before anything is
    inserted, where another request has the claim's key.
    """
    execution = _row(submission, origin)
    _use_files(execution)
    with in_flight.marked(execution.pk), _reserved(execution) as reservation:
        if reservation is not None:
            execution.status, execution.started_at, execution.queue_ms = Status.RUNNING, timezone.now(), 0.0
        with tracing.now().part("accept", execution=execution.pk), admitted(origin.caller, open_of=open_of):
            _insert([execution], claim, _tokens_of([(execution, submission)]))
        lifecycle.accepted(execution)
        yield execution, reservation


def queued(submission: Submission, origin: Origin, claim: Claim | None = None) -> Execution:
    """The row, inserted, for whichever process takes it up: accepted means committed. Raises Limited and Taken."""
    return all_queued([submission], origin, claim)[0]


def all_queued(
    submissions: Iterable[Submission], origin: Origin, claim: Claim | None = None, *, batch_id: UUID | None = None
) -> list[Execution]:
    """The rows, inserted at once; all of them, or none. Raises Limited, and Taken where the claim's key is another's.

    The key is the first one's.
    """
    taken = [replace(each, background=True) for each in submissions]
    rows = [_row(each, origin) for each in taken]
    for row in rows:
        row.batch_id = batch_id
        row.caller = caller_of(row)
        _note_request(row.job)
        if row.queue_limit_ms is not None:
            row.queue_until = row.created_at + timedelta(milliseconds=row.queue_limit_ms)
        _use_files(row)
    if rows:
        backlog.enter(rows[0].caller, len(rows))
        with (
            tracing.now().part("accept", executions=len(rows)),
            admitted(origin.caller, open_of=open_of, background=True, count=len(rows)),
        ):
            _insert(rows, claim, _tokens_of(zip(rows, taken, strict=True)))
        transaction.on_commit(partial(_when_queued, rows))
    return rows


def _note_request(job: dict[str, Any]) -> None:
    """By what the log lines and the trace of whichever process takes it up are those of this request."""
    if request_id := correlation.current():
        job[lifecycle.REQUEST_ID] = request_id
    if traceparent := tracing.now().traceparent():
        job[lifecycle.TRACEPARENT] = traceparent


def _when_queued(rows: Sequence[Execution]) -> None:
    for row in rows:
        lifecycle.accepted(row)
    backlog.wake()


def queued_again(execution: Execution, *, address: str | None, by: str) -> Execution:
    """A row that runs the same once more: see executions.again. Raises Limited where the backlog is full."""
    require_room()
    execution_id = uuid7()
    job = {name: value for name, value in execution.job.items() if name not in lifecycle.OF_A_REQUEST}
    _note_request(job)
    row = Execution(
        id=execution_id,
        status=Status.QUEUED,
        job={**job, again.OF: str(execution.pk), again.BY: by},
        door=ADMIN,
        background=True,
        client_address=address,
        created_at=moment_of(execution_id),
        **{name: getattr(execution, name) for name in _THE_SAME},
    )
    row.caller = caller_of(row)
    _use_files(row)
    backlog.enter(row.caller, 1)
    with transaction.atomic():
        _insert([row], None, [])
        transaction.on_commit(partial(_when_queued, [row]))
    return row


def refused(refusal: Refusal, origin: Origin) -> Execution:
    """The row of a request that was refused for what it asked."""
    require_room()
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


def _insert(executions: Sequence[Execution], claim: Claim | None, tokens: Sequence[CompatToken]) -> None:
    tags = [tag for execution in executions for tag in _tags_of(execution)]
    # Where there is no connection nothing is sent.
    connection.ensure_connection()
    try:
        with transaction.atomic() if claim or tags or tokens else nullcontext():
            if claim is not None:
                claim.take(executions[0].pk)
            _save(executions)
            ExecutionTag.objects.bulk_create(tags)
            CompatToken.objects.bulk_create(tokens)
    except DATABASE_AWAY as error:
        if len(executions) > 1 or not _may_be_committed(error):
            raise
        raise Unavailable(
            DATABASE_AWAY_MESSAGE,
            retry_after_s=DATABASE_RETRY_AFTER_S,
            execution_id=executions[0].pk,
            code="database_unavailable",
        ) from error


def _may_be_committed(error: Exception) -> bool:
    """Whether it was the answer that was lost: no word from the database, or that its process has to end."""
    state = getattr(error.__cause__, "sqlstate", None)
    return state is None or state.startswith("57P")


def _save(executions: Sequence[Execution]) -> None:
    if len(executions) == 1:
        # Whoever asked POST /execute is told nothing before its end is on the disk, and everything before it is then
        # as well. All other doors promise a second attempt, or name the row to its client before.
        statements.insert(executions[0], flushed=executions[0].door != EXECUTE)
    else:
        Execution.objects.bulk_create(executions)


def _tokens_of(taken: Iterable[tuple[Execution, Submission]]) -> list[CompatToken]:
    return [
        CompatToken(
            token=submission.handle.token,
            execution=execution,
            door=execution.door,
            client_id=execution.client_id,
            asked=dict(submission.handle.asked),
        )
        for execution, submission in taken
        if submission.handle is not None
    ]


def _tags_of(execution: Execution) -> list[ExecutionTag]:
    if execution.client_id is None:
        return []
    client_id = execution.client_id
    return [
        ExecutionTag(execution=execution, client_id=client_id, name=name, value=value)
        for name, value in (execution.tags or {}).items()
    ]


@contextmanager
def _reserved(execution: Execution) -> Iterator[Reservation | None]:
    try:
        reservation = active.backend().reserve(
            profile_in(execution.job["profile"]),
            tenant=tenant_of(execution),
            caller=caller_of(execution),
            companion=companion_in(execution.job),
            lane=lane_of(execution),
        )
    except PoolClosed:
        # The run meets the same error, and writes it into the row.
        reservation = None
    try:
        yield reservation
    finally:
        if reservation is not None:
            reservation.release()


def check_files(submission: Submission, origin: Origin) -> None:
    """Raises Refusal where it refers to stored files that its client has not, or that are too much together."""
    _check_files(job_of(submission), None if _is_of_strangers(origin) else origin.client_id)


def _use_files(execution: Execution) -> None:
    """Raises what check_files does; else they stay for a while."""
    owner = None if execution.job.get(OF_STRANGERS) else execution.client_id
    if digests := _check_files(execution.job, owner):
        stored_files.use(cast("UUID", execution.client_id), digests)


def _is_of_strangers(origin: Origin) -> bool:
    """Whether it comes from a reader of a page, who has the client's key and nothing else of it."""
    return origin.caller is not None and origin.caller.publishable


def _check_files(job: Mapping[str, Any], owner: UUID | None) -> list[str]:
    digests = sorted(stored_files_in(job))
    if not digests:
        return digests
    missing = digests if owner is None else store.missing(owner, digests)
    if missing or owner is None:
        names = [id_of(digest) for digest in missing]
        raise Refusal("files are missing: upload them first", status=422, code="file_missing", missing=names)
    sizes, most = stored_files.sizes(owner, digests), max(CONTENT_BYTES_AT_MOST, settings.GEXEC_MAX_FILE_BYTES)
    if brought_by_tests(job, sizes) > CONTENT_BYTES_AT_MOST:
        raise Refusal(f"tests: bring more than {CONTENT_BYTES_AT_MOST} bytes", code="limit_exceeded")
    if brought_by_program(job, sizes) > most:
        raise Refusal(f"files and stdin: stored files are more than {most} bytes together", code="limit_exceeded")
    return digests


def _row(submission: Submission, origin: Origin) -> Execution:
    require_room()
    language, execution_id = submission.language, uuid7()
    return Execution(
        id=execution_id,
        status=Status.QUEUED,
        language_slug=language.slug,
        language_version=language.version,
        image_digest=language.image_digest,
        source=submission.source,
        stdin=submission.stdin.data,
        job=job_of(submission) | ({OF_STRANGERS: True} if _is_of_strangers(origin) else {}),
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
        # By the id, so that a range of times is a range of ids.
        created_at=moment_of(execution_id),
    )
