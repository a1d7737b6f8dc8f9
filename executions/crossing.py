"""Executions that lie in several ranges at once, newest first, without a look at what lies in one alone.

Theory of operation. Each range is asked for its newest id that is not above the one that the range before it has found.
Where all of them answer with the same id, it lies in all; else the search goes on below the last answer. So what lies
between two answers is passed by in one step of an index, however much it is: rows of a language that hardly occurs
beside a tag that all have cost as little as the other way round. What costs many steps are two ranges of which each is
rare and none meets the other; a statement's time bounds that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import BooleanField, F, Func
from django.db.models.expressions import RawSQL

from executions.ranges import NOT_EMPTY, PARTIAL, Range, columns_of

Place = Sequence[Range]
"""What lies in any of these ranges: all finished ones are those of each outcome."""

_TABLES = {"id": "executions_execution", "execution_id": "executions_executiontag"}

# `next` is where the search goes on, itself included: behind a match that is what the first range has below it.
_LEAP = """
WITH RECURSIVE leap (id, is_match, next) AS (
    SELECT NULL::uuid, false, %s::uuid
    UNION ALL
    SELECT place{last}.id, place{last}.id = place0.id,
        CASE WHEN place{last}.id = place0.id THEN ({below}) ELSE place{last}.id END
    FROM leap, {places} WHERE leap.next IS NOT NULL
)
SELECT id FROM leap WHERE is_match LIMIT %s
"""


def lies_in(places: Sequence[Place], high: UUID, limit: int) -> Func:
    """A condition on executions: it is one of the newest `limit` below `high` that lie in all these places."""
    if len(places) == 1:
        sql, parameters = _newest(places[0], "%s::uuid", [UUID(int=high.int - 1)], limit=limit)
    else:
        sql, parameters = _leap(places, high, limit)
    # As an array, so that each row is found by its key.
    return Func(
        F("id"),
        RawSQL(sql, parameters),  # noqa: S611 (made of the names of columns; values are parameters)
        template="%(expressions)s)",
        arg_joiner=" = ANY (ARRAY",
        output_field=BooleanField(),
    )


def _leap(places: Sequence[Place], high: UUID, limit: int) -> tuple[str, list[Any]]:
    last, joined = len(places) - 1, []
    below, parameters = _newest(places[0], f"place{last}.id", [], is_strict=True)
    for number, place in enumerate(places):
        sql, asked = _newest(place, f"place{number - 1}.id" if number else "leap.next", [])
        joined.append(f"LATERAL ({sql}) place{number}")
        parameters += asked
    sql = _LEAP.format(last=last, below=below, places=", ".join(joined))
    return sql, [UUID(int=high.int - 1), *parameters, limit]


def _newest(
    place: Place, bound: str, bound_values: list[Any], *, is_strict: bool = False, limit: int = 1
) -> tuple[str, list[Any]]:
    """SQL for the newest ids of a place up to `bound`, or below it."""
    parts, parameters = [], []
    for each in place:
        sql, asked = _of_range(each, bound, bound_values, limit, is_strict=is_strict)
        parts.append(sql)
        parameters += asked
    if len(parts) == 1:
        return parts[0], parameters
    each_of = " UNION ALL ".join(f"({part})" for part in parts)
    return f"SELECT id FROM ({each_of}) one ORDER BY id DESC LIMIT {limit}", parameters  # noqa: S608 (as below)


def _of_range(one: Range, bound: str, bound_values: list[Any], limit: int, *, is_strict: bool) -> tuple[str, list[Any]]:
    columns = columns_of(one)
    values = [one.values[name] for name in columns]
    named = ", ".join([*columns, one.key])
    given = "".join("%s, " for _ in columns)
    there = "".join(f" AND {name} IS NOT NULL" for name in columns if name in PARTIAL)
    there += "".join(f" AND NOT ({name} = '')" for name in columns if name in NOT_EMPTY)
    order = ", ".join(f"{name} DESC" for name in [*columns, one.key])
    # The row of the bound itself is passed by afterwards: see executions.ranges.Range.of.
    there += f" AND {one.key} < {bound}" if is_strict else ""
    sql = (
        f"SELECT {one.key} AS id FROM {_TABLES[one.key]} WHERE ({named}) <= ({given}{bound})"  # noqa: S608 (names of columns)
        f" AND ({named}) >= ({given}%s::uuid){there} ORDER BY {order} LIMIT {limit}"
    )
    return sql, [*values, *bound_values, *values, one.low, *(bound_values if is_strict else [])]
