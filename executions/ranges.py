"""Ranges of executions that one index has in order: by time, with an ending or a language or both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import UUID

from django.db.models import BooleanField, F, Func, Model, Q, QuerySet, Value

LOWEST, HIGHEST = UUID(int=0), UUID(int=(1 << 128) - 1)
"""Below and above every id: theirs begin with the time in milliseconds."""

_INDEXED = (
    ("language_slug", "status", "outcome"),
    ("status", "outcome"),
    ("language_slug",),
    ("client_id", "language_slug", "status", "outcome"),
    ("client_id", "language_slug"),
    ("client_id", "status", "outcome"),
    ("client_id", "verdict"),
    ("client_id", "door"),
    ("client_id", "name", "value"),
    ("client_id",),
    ("batch_id",),
    ("door",),
    (),
)
"""The columns that stand before the id in an index of executions or of their tags; the last is a primary key."""
PARTIAL = ("client_id", "batch_id")
"""Columns whose indexes have only rows in which they are not empty."""
NOT_EMPTY = ("verdict",)
"""The same of text. The planner uses such an index only where the query says so in these words."""

M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class Range:
    """Those with these values, and with an id from `low` on that is below `high`."""

    values: Mapping[str, object] = field(default_factory=dict)
    low: UUID = LOWEST
    high: UUID = HIGHEST
    key: str = "id"
    """The column of the execution's id."""

    def of(self, rows: QuerySet[M], *, descending: bool = False) -> QuerySet[M]:
        """The rows of the range in its order, so that its own index serves it and no other can.

        With `rows` that have a condition on the index's first column besides, it is read from where that one begins: of
        a column PostgreSQL takes an equality before a comparison of rows.

        The end is in it, as `last` has it: of a comparison of rows PostgreSQL reckons with the first column alone, and
        with `<` expects no row of this value at all, for which it would sort what there is in each part of the table.
        """
        columns = columns_of(self)
        named = [*columns, self.key]
        low, high = ([*(self.values[name] for name in columns), bound] for bound in (self.low, last(self.high)))
        sign = "-" if descending else ""
        there = [Q(**{f"{name}__isnull": False}) for name in columns if name in PARTIAL]
        there += [~Q(**{name: ""}) for name in columns if name in NOT_EMPTY]
        return rows.filter(_compared(named, ">=", low), _compared(named, "<=", high), *there).order_by(
            *(f"{sign}{name}" for name in named)
        )


def last(high: UUID) -> UUID:
    """The highest id below this one."""
    return UUID(int=max(high.int - 1, 0))


def columns_of(one: Range) -> tuple[str, ...]:
    """The columns that its index has before the id."""
    return next(each for each in _INDEXED if set(each) == set(one.values))


def _compared(columns: list[str], operator: str, values: list[object]) -> Func:
    """The columns as one row, compared with the values: an index begins to read where all of them say."""
    return Func(
        Func(*map(F, columns), function="ROW"),
        Func(*map(Value, values), function="ROW"),
        template="%(expressions)s",
        arg_joiner=f" {operator} ",
        output_field=BooleanField(),
    )
