"""How many executions a language had, for those who ask the languages, and a tag of a client, for its usage."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from django.db import connection

from clients.usage import GROUPS, MAX_GROUPS, MAX_TAGGED, Row
from executions.apart import STORED_BYTES
from executions.models import Execution
from rest.ids import first_at


def rows_of(slug: str, at_most: int) -> int:
    """Rows that carry this language's name; `at_most` where there are more."""
    return Execution.objects.filter(language_slug=slug).order_by()[:at_most].count()


_TAGGED = """
WITH chosen AS (
    SELECT tags ->> %(tag)s AS tag, language_slug AS language, coalesce(api_key_id, '') AS key, door,
        CASE status WHEN 'rejected' THEN 'rejected' ELSE outcome END AS outcome,
        (finished_at AT TIME ZONE 'UTC')::date AS day, steps, cpu_ms, wall_ms,
        {stored_bytes} AS stored_bytes
    FROM executions_execution
    WHERE client_id = %(client)s AND id >= %(low)s AND id < %(high)s AND tags ? %(tag)s AND finished_at IS NOT NULL
    ORDER BY client_id, id LIMIT %(most)s + 1)
SELECT {names}, count(*) AS executions, sum(coalesce(used.cpu_ms, chosen.cpu_ms, 0)) AS cpu_ms,
    sum(coalesce(used.wall_ms, chosen.wall_ms, 0)) AS wall_ms, sum(stored_bytes)::bigint AS stored_bytes,
    sum(count(*)) OVER () > %(most)s AS too_many
FROM chosen, LATERAL (
    SELECT sum((step ->> 'cpu_ms')::float) AS cpu_ms, sum((step ->> 'wall_ms')::float) AS wall_ms
    FROM jsonb_array_elements(chosen.steps) step) used
GROUP BY {names} ORDER BY {names} LIMIT %(groups)s
"""


_DAY_OF_IDS = 86_400_000 << 80
"""How much ids grow in a day: they begin with the time in milliseconds."""


def by_tag(client_id: UUID, first: date, last: date, tag: str, groups: Sequence[str]) -> list[Row] | None:
    """See clients.usage.by_tag. The days are those on which the executions came."""
    names = ", ".join(["tag", *(name for name in GROUPS if name in groups)])
    low, high = first_at(_midnight(first)), UUID(int=first_at(_midnight(last)).int + _DAY_OF_IDS)
    asked: dict[str, Any] = {
        "client": client_id,
        "tag": tag,
        "low": low,
        "high": high,
        "most": MAX_TAGGED,
        "groups": MAX_GROUPS + 1,
    }
    with connection.cursor() as cursor:
        cursor.execute(_TAGGED.format(names=names, stored_bytes=STORED_BYTES), asked)
        columns = [column.name for column in cursor.description or ()]
        rows: list[dict[str, Any]] = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
    if any(row.pop("too_many") for row in rows):
        return None
    return list[Row](rows)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
