"""Columns of an execution that may stand apart from its row: what is read is the same in either case.

Beside such a column there is the number of its content; where that is set, the column itself is empty. Of `job`, what
is of this row alone stays there. See executions.packing, which puts them apart.
"""

from __future__ import annotations

import json
import zlib
from typing import Any, TypeVar

from django.db import connection, models
from django.db.models.query_utils import DeferredAttribute

F = TypeVar("F", bound="models.Field[Any, Any]")

COLUMNS = ("source", "stdin", "output", "job")
NUMBERS = tuple(f"{name}_apart" for name in COLUMNS)
NOT_APART: dict[str, None] = dict.fromkeys(NUMBERS)
"""As columns of a row in which all of them stand."""
OF_THE_ROW = ("request_id", "traceparent", "again_of", "again_by")
"""Keys of a job that are never shared: see executions.lifecycle and executions.again."""
# Measured on programs of 0.1 to 12 kB: zlib at 6 makes less of them than zstd at 3, in 0.03 to 1 ms.
_LEVEL, _LARGE, _LEVEL_OF_LARGE = 6, 64 * 1024, 1
_AS_IT_IS, _SMALLER = b"=", b"z"
_READ = "SELECT data FROM executions_keptcontent WHERE id = %s"
_SIZES = f"SELECT coalesce(sum(size), 0) FROM executions_keptcontent WHERE id IN ({', '.join(NUMBERS[:3])})"  # noqa: S608 (constants)
STORED_BYTES = f"octet_length(source) + octet_length(stdin) + octet_length(output) + ({_SIZES})"
"""In SQL: what a row has of source, input and output, wherever it stands."""


def packed(data: bytes) -> bytes:
    """As it is stored."""
    smaller = zlib.compress(data, _LEVEL if len(data) < _LARGE else _LEVEL_OF_LARGE)
    return _SMALLER + smaller if len(smaller) < len(data) else _AS_IT_IS + data


def unpacked(stored: bytes) -> bytes:
    """What `packed` was given."""
    return zlib.decompress(stored[1:]) if stored[:1] == _SMALLER else stored[1:]


def with_own(shared: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """A job that stood apart, with what of it stood in the row: in the order in which PostgreSQL has its keys."""
    return dict(sorted((shared | own).items(), key=lambda item: (len(item[0].encode()), item[0].encode())))


class _Apart(DeferredAttribute):
    """Reads what stands apart when it is asked for, and once."""

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        if instance is None:
            return self
        name, values = self.field.attname, instance.__dict__
        number = f"{name}_apart"
        if name not in values or number not in values:
            # Both at once: it may be put apart in between.
            instance.refresh_from_db(fields=[number, name])
        if values[number] is None:
            return values[name]
        known = values.setdefault("_read_apart", {})
        if known.get(name, (None,))[0] != values[number]:
            known[name] = (values[number], self._read(values[number], values[name]))
        return known[name][1]

    def __set__(self, instance: Any, value: Any) -> None:
        instance.__dict__[self.field.attname] = value

    def _read(self, number: int, in_the_row: Any) -> Any:
        with connection.cursor() as cursor:
            cursor.execute(_READ, [number])
            found = cursor.fetchone()
        # It goes with its last row: then this one has been deleted since it was read.
        data = unpacked(bytes(found[0])) if found else b""
        if isinstance(self.field, models.JSONField):
            return with_own(json.loads(data or b"{}"), in_the_row)
        return data.decode() if isinstance(self.field, models.TextField) else data


def may_stand_apart(one: F) -> F:
    """A field of text, bytes or JSON, which is read as if its values stood in the row."""
    one.descriptor_class = _Apart
    return one
