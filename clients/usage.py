"""What a client has used, day by day, exactly: what has ended counts at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

GROUPS = ("day", "language", "key", "outcome", "door")
SUMS = ("executions", "cpu_ms", "wall_ms", "stored_bytes")
MAX_GROUPS = 10_000
MAX_TAGGED = 20_000
"""Executions that are looked at for the sums of a tag: half a second."""

Row = Mapping[str, Any]
ByTag = Callable[[UUID, date, date, str, Sequence[str]], list[Row] | None]


# What is rolled up, and what has ended since: the view is made where the executions are counted.
_SUMS = """
SELECT {names} coalesce(sum(executions), 0)::bigint AS executions, coalesce(sum(cpu_ms), 0) AS cpu_ms,
    coalesce(sum(wall_ms), 0) AS wall_ms, coalesce(sum(stored_bytes), 0)::bigint AS stored_bytes
FROM clients_used WHERE client_id = %s AND day >= %s AND day <= %s {charged} {grouped}
"""
_CHARGED = "AND door <> 'admin'"
"""What the operator has had run again is told, and counts for no quota."""


def by_groups(client_id: UUID, first: date, last: date, groups: Sequence[str]) -> list[Row]:
    """The sums of each group between two days, both included, in the order of the groups; at most MAX_GROUPS + 1."""
    return _sums(client_id, first, last, groups)


def since(client_id: UUID, first: date) -> Row:
    """The sums of all from this day on that count for its quotas."""
    (sums,) = _sums(client_id, first, date.max, (), charged=True)
    return sums


class Recent(NamedTuple):
    """What counts for quotas of a client: today, in the last seven days with today, and this month."""

    executions_today: int = 0
    executions_week: int = 0
    cpu_ms_today: float = 0.0
    cpu_ms_month: float = 0.0


_RECENT = f"""
SELECT client_id, key, coalesce(sum(executions) FILTER (WHERE day = %(today)s), 0)::bigint,
    coalesce(sum(executions) FILTER (WHERE day >= %(week)s), 0)::bigint,
    coalesce(sum(cpu_ms) FILTER (WHERE day = %(today)s), 0), coalesce(sum(cpu_ms) FILTER (WHERE day >= %(month)s), 0)
FROM clients_used WHERE client_id = ANY(%(clients)s) AND day >= least(%(week)s, %(month)s) {_CHARGED}
GROUP BY GROUPING SETS ((client_id), (client_id, key))
"""  # noqa: S608 (made of constants)


@dataclass(frozen=True, slots=True)
class RecentUse:
    """That of some clients and all of their keys; who has used nothing is not in it."""

    clients: Mapping[UUID, Recent]
    keys: Mapping[str, Recent]
    """By their public part."""


def recent(client_ids: Collection[UUID], today: date) -> RecentUse:
    """In one statement, however many they are."""
    clients, keys = dict[UUID, Recent](), dict[str, Recent]()
    days = {"today": today, "week": today - timedelta(days=6), "month": today.replace(day=1)}
    with connection.cursor() as cursor:
        cursor.execute(_RECENT, {"clients": list(client_ids), **days})
        for client_id, key, *sums in cursor.fetchall():
            if key is None:
                clients[client_id] = Recent(*sums)
            else:
                keys[key] = Recent(*sums)
    return RecentUse(clients, keys)


def _sums(client_id: UUID, first: date, last: date, groups: Sequence[str], *, charged: bool = False) -> list[Row]:
    names = ", ".join(name for name in groups if name in GROUPS)
    grouped = f"GROUP BY {names} ORDER BY {names} LIMIT {MAX_GROUPS + 1}" if names else ""
    asked = _SUMS.format(names=names and f"{names},", charged=_CHARGED if charged else "", grouped=grouped)
    with connection.cursor() as cursor:
        cursor.execute(asked, [client_id, first, last])
        columns = [column.name for column in cursor.description or ()]
        return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]


def _nobody(_client: UUID, _first: date, _last: date, _tag: str, _groups: Sequence[str]) -> list[Row] | None:
    return []


_by_tag: ByTag = _nobody


def tagged_by(count: ByTag) -> None:
    """`count` groups by the values of a tag: the rows are another room's, which says here how they are counted."""
    global _by_tag  # noqa: PLW0603 (said once, when the applications are loaded)
    _by_tag = count


def by_tag(client_id: UUID, first: date, last: date, tag: str, groups: Sequence[str]) -> list[Row] | None:
    """As `by_groups`, with the tag's value as `tag` first, of the executions that are still there.

    None where more than MAX_TAGGED of them have the tag.
    """
    return _by_tag(client_id, first, last, tag, groups)
