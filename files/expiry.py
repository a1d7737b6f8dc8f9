"""Deleting files that nobody has used for long, and bytes that nobody has: in small batches, beside the requests."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from files.models import File
from files.store import LIFE
from periodic.tasks import Stop
from rest.connections import release_connection

GRACE = timedelta(hours=1)
"""How long bytes stay that are nobody's: an upload or a download of them may still be going on."""
_FILES, _CONTENTS, _PIECES = 500, 20, 32
"""At once. So many pieces are 32 MiB, deleted within a tenth of a second."""

_UNUSED = """
SELECT id FROM files_content AS content WHERE touched_at < %s
    AND NOT EXISTS (SELECT FROM files_file WHERE content_id = content.id)
ORDER BY touched_at LIMIT %s FOR UPDATE SKIP LOCKED
"""
# A second statement, which sees what has been committed since: with its row locked, nobody gets a content any more.
_STILL_UNUSED = """
SELECT id FROM unnest(%s::uuid[]) AS chosen (id)
WHERE NOT EXISTS (SELECT FROM files_file WHERE content_id = chosen.id)
"""
_DELETE_PIECES = """
DELETE FROM files_piece WHERE (content_id, number) IN
    (SELECT content_id, number FROM files_piece WHERE content_id = ANY(%s) LIMIT %s)
"""


def carry_out(stop: Stop) -> int:
    """Delete what is over until nothing is left or `stop` is set; how many files and contents that were."""
    now, deleted = timezone.now(), 0
    for batch, before in ((_expire, now - LIFE), (_finish_deleted, now - GRACE), (_collect, now - GRACE)):
        while done := batch(before):
            deleted += done
            release_connection()
            if stop.wait(0.05):
                return deleted
    return deleted


def _expire(before: datetime) -> int:
    return _delete(File.objects.filter(last_used_at__lt=before).order_by("last_used_at"))


def _finish_deleted(before: datetime) -> int:
    return _delete(File.objects.filter(deleted_at__lt=before).order_by("deleted_at"))


def _delete(files: QuerySet[File]) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        # Aliases go with their file, which a plain DELETE would not see to.
        ids = list(files.select_for_update(skip_locked=True).values_list("id", flat=True)[:_FILES])
        cursor.execute("DELETE FROM files_alias WHERE file_id = ANY(%s)", [ids])
        cursor.execute("DELETE FROM files_file WHERE id = ANY(%s)", [ids])
        return len(ids)


def _collect(before: datetime) -> int:
    """Some contents, or some pieces of one: a batch is bounded whatever their size."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_UNUSED, [before, _CONTENTS])
        locked = [row[0] for row in cursor.fetchall()]
        cursor.execute(_STILL_UNUSED, [locked])
        unused = [row[0] for row in cursor.fetchall()]
        cursor.execute(_DELETE_PIECES, [unused, _PIECES])
        if cursor.rowcount < _PIECES:
            cursor.execute("DELETE FROM files_content WHERE id = ANY(%s)", [unused])
        return len(unused)
