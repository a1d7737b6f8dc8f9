"""The two statements that every execution takes, its row's insert and each change of it, put together once.

Django puts a statement together anew whenever it is used: a sixth of the CPU time that a run took in its process.
Values go the way that Django's go, through the fields, but for those that a field would send as they are. They are sent
beside the statement, where Django has psycopg write each of them into its text, which is done in Python.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache, lru_cache
from typing import Any, cast
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connection, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.postgresql.base import ServerBindingCursor
from django.db.backends.utils import CursorWrapper

from executions.models import Execution

_KINDS_OF_CHANGES = 64
"""Sets of columns that are written together: about a dozen."""
_UNFLUSHED = " RETURNING set_config('synchronous_commit', 'off', true)"
"""For this transaction alone, which may be the statement's own; a statement more would be another round trip."""
_SENT_AS_IT_IS: Mapping[type[models.Field[Any, Any]], type] = {
    models.BigIntegerField: int,
    models.BooleanField: bool,
    models.CharField: str,
    models.DateTimeField: datetime,
    models.FloatField: float,
    models.IntegerField: int,
    models.PositiveIntegerField: int,
    models.PositiveSmallIntegerField: int,
    models.TextField: str,
    models.UUIDField: UUID,
}
"""What fields of these very classes do nothing to, where it is of this very class."""


def insert(execution: Execution, *, flushed: bool = True) -> None:
    """Write the row of one that has none. Raises what `save` with `force_insert` does, whose signals nobody awaits.

    Unless `flushed`, its transaction is not waited for until it is on the disk: everybody sees the row, and only a
    database that ends within a second forgets it.
    """
    ours = _connection()
    values = [_as_sent(field, field.pre_save(execution, add=True), ours) for field in _fields()]
    with _cursor(ours) as cursor:
        cursor.execute(_insert_of() if flushed else _insert_of() + _UNFLUSHED, values)
    execution._state.adding, execution._state.db = False, ours.alias


def change(execution: Execution, expected: str, values: Mapping[str, Any]) -> bool:
    """Write plain values into columns of its row, if it has the status `expected` and is still whose it was; whether it
    was so. `execution` itself stays as it is."""
    ours = _connection()
    written = [_as_sent(_field(name), value, ours) for name, value in values.items()]
    compared = [execution.pk, expected, execution.worker, execution.attempt]
    with _cursor(ours) as cursor:
        cursor.execute(_change_of(tuple(values)), written + compared)
        return bool(cursor.rowcount)


def _connection() -> BaseDatabaseWrapper:
    """This thread's own: the one that all share looks for it at every touch, and each column touches it."""
    return connections[DEFAULT_DB_ALIAS]


def _cursor(ours: BaseDatabaseWrapper) -> CursorWrapper:
    """Django's, which takes part in its log of queries as any other, and sends values beside the statement."""
    ours.ensure_connection()
    return cast("CursorWrapper", ours._prepare_cursor(ServerBindingCursor(ours.connection)))  # type: ignore[attr-defined, call-arg]  # not in its stubs


def _as_sent(field: models.Field[Any, Any], value: object, ours: BaseDatabaseWrapper) -> Any:
    # NULL is the same in every field, and most columns of a row that has not run.
    if value is None or type(value) is _SENT_AS_IT_IS.get(type(field)):
        return value
    return field.get_db_prep_save(value, ours)


def _fields() -> Sequence[models.Field[Any, Any]]:
    return Execution._meta.local_concrete_fields


@cache
def _field(name: str) -> models.Field[Any, Any]:
    return next(field for field in _fields() if field.name == name)


@cache
def _insert_of() -> str:
    columns = ", ".join(_quoted(field) for field in _fields())
    places = ", ".join("%s" for _ in _fields())
    return f"INSERT INTO {_table()} ({columns}) VALUES ({places})"  # noqa: S608 (names of the schema)


@lru_cache(_KINDS_OF_CHANGES)
def _change_of(names: Sequence[str]) -> str:
    columns = ", ".join(f"{_quoted(_field(name))} = %s" for name in names)
    compared = "id = %s AND status = %s AND worker IS NOT DISTINCT FROM %s AND attempt = %s"
    return f"UPDATE {_table()} SET {columns} WHERE {compared}"  # noqa: S608 (names of the schema)


def _table() -> str:
    return connection.ops.quote_name(Execution._meta.db_table)


def _quoted(field: models.Field[Any, Any]) -> str:
    return connection.ops.quote_name(str(field.column))
