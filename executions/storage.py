"""How much one caller may have stored on one day: one counter for each, and no look at the executions themselves.

A caller is an API key or, without one, an address (of IPv6 its /64). What counts is what the caller decides about:
source, input and output. Once its share of a day (UTC) is used up, its executions are answered as ever and their rows
are kept, without source, input and output, until the day ends.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection
from django.db.models import Count, Q, Sum
from django.utils import timezone

from executions.apart import NOT_APART
from executions.jobs import brought_by, caller_of, without_contents
from executions.models import CallerStorage, Execution, ExecutionTag, Store
from executions.results import without_output
from languages.options import MIB
from periodic.tasks import Stop
from rest.disk import Room, room

KEPT_DAYS = 35
"""Of counters: long enough to look back at a month."""
_FORGOTTEN_AT_ONCE = 1000
_UNBOUNDED = 1 << 62
_TOLD = ("tests", "artifacts")
"""Columns with a checker's messages, files, and names of files: a thousand names may have megabytes."""

# The table is unlogged: adding to a counter waits for no disk, and a crash of the database starts the count again.
# Nearly all are within their share, and not the first of the day: this takes half of what the other statement does.
_ADD_WITHIN = """
UPDATE executions_callerstorage SET executions = executions + 1, kept_bytes = kept_bytes + %(bytes)s
WHERE day = %(day)s AND caller = %(caller)s AND unkept_bytes = 0
    AND kept_bytes + %(bytes)s <= coalesce((SELECT storage_bytes FROM clients_client WHERE id = %(client)s), %(most)s)
"""
_ADD = """
WITH share AS (
    SELECT coalesce((SELECT storage_bytes FROM clients_client WHERE id = %(client)s), %(most)s) AS most)
INSERT INTO executions_callerstorage AS storage (day, caller, executions, kept_bytes, unkept_bytes)
SELECT %(day)s::date, %(caller)s, 1, CASE WHEN %(bytes)s <= most THEN %(bytes)s ELSE 0 END,
    CASE WHEN %(bytes)s <= most THEN 0 ELSE %(bytes)s END FROM share
ON CONFLICT (day, caller) DO UPDATE SET executions = storage.executions + 1,
    kept_bytes = storage.kept_bytes
        + CASE WHEN storage.unkept_bytes = 0 AND storage.kept_bytes + %(bytes)s <= (SELECT most FROM share)
            THEN %(bytes)s ELSE 0 END,
    unkept_bytes = storage.unkept_bytes
        + CASE WHEN storage.unkept_bytes = 0 AND storage.kept_bytes + %(bytes)s <= (SELECT most FROM share)
            THEN 0 ELSE %(bytes)s END
RETURNING unkept_bytes
"""
# A part that is dropped meanwhile has no size.
_ON_DISK = """
SELECT coalesce(sum(pg_total_relation_size(relid)), 0) + pg_total_relation_size('executions_keptcontent')
FROM pg_partition_tree('executions_execution') WHERE isleaf
"""


class Today(NamedTuple):
    """Of all callers together."""

    kept_bytes: int
    unkept_bytes: int
    callers_over: int
    """Whose share is used up."""


def as_kept(execution: Execution, fields: dict[str, Any]) -> dict[str, Any]:
    """Count an execution that ends with these columns; those that are written in place of what is not kept.

    They are for the row alone: the caller is answered with what there was.
    """
    if execution.store != Store.ALL:
        return _as_wished(execution, fields)
    if room() is not Room.OK:
        # Counted for nobody: it is no caller's fault.
        return _without_what_is_large(execution, fields) | {"store": Store.NO_DISK}
    own = len(execution.source.encode()) + len(execution.stdin) + brought_by(execution.job)
    brought = own + len(fields.get("output", b"")) + sum(map(_json_bytes, map(fields.get, _TOLD)))
    if not brought or _counts(execution, brought):
        return {}
    return _without_what_is_large(execution, fields) | {"unkept_bytes": brought}


def _without_what_is_large(execution: Execution, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Columns that take the place of source, input, output and what tests and artifacts hold of them."""
    kept: dict[str, Any] = {"source": "", "stdin": b""}
    kept |= {"job": without_contents(execution.job)} if brought_by(execution.job) else {}
    if "steps" in fields:
        kept |= {"output": b"", "steps": without_output(fields["steps"])}
    if fields.get("artifacts"):
        kept["artifacts"] = None
    return kept | _tests_without_contents(fields)


def _json_bytes(value: Any) -> int:
    return len(json.dumps(value)) if value else 0


def emptied(execution: Execution, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Columns with nothing of what the client sent or got: numbers, and in what it ran."""
    kept: dict[str, Any] = {"source": "", "stdin": b"", "output": b"", "job": without_contents(execution.job)}
    kept |= NOT_APART
    if "steps" in fields:
        kept["steps"] = [step | {"detail": ""} for step in without_output(fields["steps"])]
    if fields.get("artifacts"):
        kept["artifacts"] = None
    return kept | _tests_without_contents(fields)


def _as_wished(execution: Execution, fields: dict[str, Any]) -> dict[str, Any]:
    """What stays where the client wants nothing kept that it sent or got: with `no_code` its tags besides."""
    kept = emptied(execution, fields)
    if execution.store == Store.NOTHING:
        kept |= {"tags": None, "client_address": None}
        ExecutionTag.objects.filter(execution_id=execution.pk).delete()
    return kept


def _tests_without_contents(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Verdicts alone: a difference is a piece of what was printed, and of what was expected."""
    tests = fields.get("tests")
    nothing = {"first_difference": None, "checker_message": ""}
    return {"tests": [test | nothing for test in tests]} if tests else {}


def today() -> Today:
    """What this day has brought until now."""
    is_over = Q(unkept_bytes__gt=0)
    sums = CallerStorage.objects.filter(day=_day()).aggregate(
        kept=Sum("kept_bytes"), unkept=Sum("unkept_bytes"), over=Count("pk", filter=is_over)
    )
    return Today(int(sums["kept"] or 0), int(sums["unkept"] or 0), int(sums["over"]))


def bytes_on_disk() -> int:
    """What the executions take there, indexes and long values included."""
    with connection.cursor() as cursor:
        cursor.execute(_ON_DISK)
        return int(cursor.fetchone()[0])


def forget_old(stop: Stop) -> int:
    """Take away counters of more than KEPT_DAYS ago, some at a time, until none is left or `stop` is set; how many.

    A day has as many as there were callers, which are addresses too: of a flood more than one statement may take time.
    """
    old = CallerStorage.objects.filter(day__lt=_day() - timedelta(days=KEPT_DAYS))
    forgotten = 0
    while not stop.is_set():
        ids = list(old.values_list("pk", flat=True)[:_FORGOTTEN_AT_ONCE])
        forgotten += old.filter(pk__in=ids).delete()[0]
        if len(ids) < _FORGOTTEN_AT_ONCE:
            break
    return forgotten


def _counts(execution: Execution, brought: int) -> bool:
    """Add to the caller's counter; whether the execution is within its share."""
    has_key = execution.api_key_id is not None
    most_mb = settings.GEXEC_KEY_STORAGE_MB_PER_DAY if has_key else settings.GEXEC_STORAGE_MB_PER_DAY
    asked: dict[str, Any] = {"day": _day(), "caller": caller_of(execution), "bytes": brought}
    asked |= {"most": most_mb * MIB or _UNBOUNDED, "client": execution.client_id}
    with connection.cursor() as cursor:
        cursor.execute(_ADD_WITHIN, asked)
        if cursor.rowcount:
            return True
        cursor.execute(_ADD, asked)
        (unkept_bytes,) = cursor.fetchone()
    return bool(unkept_bytes == 0)


def _day() -> date:
    return timezone.now().date()
