"""Deleting for good what a client asks for: one execution, or all with a tag, and a tombstone that says so.

A tag may name a million rows, so they go in small batches beside the requests, over restarts, until none is left that
was there when it was asked for. Open ones are waited for. Of an execution nothing stays but the numbers in totals.
"""

from __future__ import annotations

from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from executions import again, announcements, artifacts, packing
from executions.models import OPEN, Erasure, Execution, ExecutionTag, Status
from executions.ranges import Range
from executions.submission import Origin
from periodic.tasks import Stop
from rest.connections import release_connection
from rest.ids import first_at

ENDED = (Status.FINISHED, Status.REJECTED)
_AT_ONCE = 500
_LOCK = 0x67657866
"""Of PostgreSQL's advisory locks: the process that has it erases."""


def erase_one(execution: Execution, origin: Origin) -> Erasure | None:
    """Delete one that has ended, with what ran it again; None where any of them has not ended."""
    with transaction.atomic():
        ids = [execution.pk, *again.runs_of(execution).values_list("pk", flat=True)]
        files = artifacts.files_of(ids)
        if Execution.objects.filter(pk__in=ids, status__in=OPEN).exists():
            return None
        deleted, _ = Execution.objects.filter(pk__in=ids, status__in=ENDED).delete()
        if not deleted:
            return None
        artifacts.delete_files(files)
        announcements.take_back(ids)
        _settle()
        return _tombstone({"id": str(execution.pk)}, origin, erased=deleted)


def erase_tagged(name: str, value: str, origin: Origin) -> Erasure:
    """Have all executions of the client with this tag deleted."""
    return _tombstone({"tag": name, "value": value}, origin)


def carry_out(stop: Stop) -> int:
    """Go on with the erasures that were asked for; how many executions went. Of several processes one works.

    One whose rows are still open is gone on with at the next call.
    """
    gone = 0
    for erasure in Erasure.objects.filter(finished_at=None).order_by("id"):
        while not stop.is_set() and (deleted := _batch(erasure)):
            gone += deleted
            release_connection()
    return gone


def _batch(erasure: Erasure) -> int:
    """Delete some of them; 0 where nothing can be done now, or another process does it."""
    with transaction.atomic():
        if not _alone():
            return 0
        ids = _ids(erasure)
        if not ids:
            Erasure.objects.filter(pk=erasure.pk).update(finished_at=timezone.now())
            return 0
        files = artifacts.files_of(ids)
        deleted = Execution.objects.filter(pk__in=ids, status__in=ENDED)._raw_delete("default")
        artifacts.delete_files(files)
        gone = set(ids) - set(Execution.objects.filter(pk__in=ids).values_list("pk", flat=True))
        announcements.take_back(gone)
        _settle()
        erasure.erased += deleted
        Erasure.objects.filter(pk=erasure.pk).update(erased=erasure.erased)
        return deleted


def _ids(erasure: Erasure) -> list[UUID]:
    """The oldest that are left."""
    values = {"client_id": erasure.client_id, "name": erasure.what["tag"], "value": erasure.what["value"]}
    tagged = Range(values, high=first_at(erasure.created_at), key="execution_id").of(ExecutionTag.objects.all())
    return list(tagged.values_list("execution_id", flat=True)[:_AT_ONCE])


def _settle() -> None:
    """Contents that were the last one's go with it."""
    while packing.settle():
        pass


def _alone() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        return bool(cursor.fetchone()[0])


def _tombstone(what: dict[str, str], origin: Origin, *, erased: int = 0) -> Erasure:
    now = timezone.now()
    return Erasure.objects.create(
        client_id=origin.client_id,
        api_key_id=origin.api_key_id or "",
        what=what,
        erased=erased,
        created_at=now,
        finished_at=now if erased else None,
    )
