"""Batches: up to a hundred executions that are submitted, waited for and cancelled together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from executions import accept, cancel, waiting
from executions.idempotency import Claim
from executions.models import OPEN, Batch, Execution, Lane, Status
from executions.submission import Origin, Submission
from rest.disconnect import Client
from rest.disk import require_room
from rest.ids import uuid7

MAX_ITEMS = 100
DELETED = "deleted"
"""What stands for the status of an execution that is there no more."""


@dataclass(frozen=True, slots=True)
class Refused:
    """An item that was refused for what it asks: the problem, as a request of its own would be answered."""

    problem: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a batch is."""

    statuses: Sequence[str]
    """Of each item, in order; `rejected` for one that was refused."""
    counts: Mapping[str, int]
    is_finished: bool


def submit(
    items: Sequence[Submission | Refused], origin: Origin, *, webhook_url: str = "", claim: Claim | None = None
) -> Batch:
    """Take in what was not refused, all in one statement. The first of them has the claim's key.

    Raises Limited and Taken, and then nothing was accepted.
    """
    require_room()
    submissions = [replace(each, lane=Lane.BATCH) for each in items if isinstance(each, Submission)]
    batch = Batch(
        id=uuid7(), client_id=origin.client_id, created_at=timezone.now(), webhook_url=webhook_url, size=len(items)
    )
    with transaction.atomic():
        rows = iter(accept.all_queued(submissions, origin, claim, batch_id=batch.pk))
        batch.items = [
            {"error": dict(each.problem)} if isinstance(each, Refused) else {"id": str(next(rows).pk)} for each in items
        ]
        batch.save(force_insert=True)
    return batch


def ids_of(batch: Batch) -> list[UUID]:
    """Its executions, in order."""
    return [UUID(item["id"]) for item in batch.items if "id" in item]


def execution_of(batch: Batch, execution_id: UUID) -> Execution | None:
    """One of its executions, unless it is there no more."""
    return Execution.objects.filter(pk=execution_id, batch_id=batch.pk).first()


def first_of(batch: Batch) -> Execution:
    """Its first execution."""
    return Execution.objects.get(pk=ids_of(batch)[0])


def batch_with(execution: Execution) -> Batch:
    """The batch that it belongs to."""
    return Batch.objects.get(pk=cast("UUID", execution.batch_id))


def progress(batch: Batch) -> Progress:
    """As of now."""
    found = dict(Execution.objects.filter(batch_id=batch.pk).values_list("id", "status"))
    statuses = [found.get(UUID(item["id"]), DELETED) if "id" in item else Status.REJECTED.value for item in batch.items]
    counted = Counter(statuses)
    return Progress(
        statuses,
        {status: counted[status] for status in Status.values},
        not any(counted[status] for status in OPEN),
    )


def wait(batch: Batch, timeout_s: float, client: Client | None = None, *, by: str = waiting.OURSELVES) -> None:
    """Wait until all of it has ended, the time is up, or the client is gone; in the places of the caller named `by`."""
    if timeout_s:
        waiting.wait_for(ids_of(batch), timeout_s, client, by=by)


def cancel_all(batch: Batch, *, reason: str = "") -> None:
    """Have all of it end, and wait a second for that."""
    if batch.cancelled_at is None:
        batch.cancelled_at = timezone.now()
        batch.save(update_fields=["cancelled_at"])
    cancel.ask(Execution.objects.filter(batch_id=batch.pk), reason=reason)
    waiting.wait_for(ids_of(batch), cancel.WAIT_S)
