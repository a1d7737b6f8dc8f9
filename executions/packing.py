"""Putting contents apart: what ended executions were sent and have printed, compressed, and once where it is the same.

Theory of operation. Nobody who submits, and no run, has to do with it: a row is written whole, and some minutes after
it has ended the periodic task puts what is large or known already apart and its number into the row. Whether somebody
else has sent the same can be seen by nobody: no answer waits for it, and what a client has brought is shared with its
own executions alone (a caller without a key: with those of its address). What is the server's own of a job, the same
for everybody, is shared by all.

A content counts the rows that have its number, and goes with the last of them. Only this module adds to the count, for
a batch at once. Where rows are deleted or emptied, whoever does so, a trigger writes lines, which wait for nobody;
`settle` takes them off, in the transaction of whoever erases, else from time to time. One lock of a transaction is held
by whoever changes counts: none of those who accept or end an execution.

Contents are of one part of the history (executions.partitions): where that is dropped, so are they.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from hashlib import blake2b
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from dispatch.models import Worker
from executions import partitions
from executions.apart import COLUMNS, NUMBERS, OF_THE_ROW, packed
from executions.dropping import first_open, since_of
from executions.jobs import brought_by, caller_of
from executions.models import Execution, RetentionMark
from executions.ranges import LOWEST
from periodic.tasks import Stop
from rest.connections import release_connection
from rest.disk import Room, room
from rest.ids import first_at

AFTER = timedelta(minutes=10)
"""Most of who asks for an execution has done so by then, and what is not kept for long need not be put apart."""
_AT_THE_LATEST = timedelta(days=1)
"""One that is open for so long is passed by, and stays as it is."""
_MARK = "contents apart"
_MIGRATION = "0027_contents_apart"
_LOCK = 0x67657863
"""Of PostgreSQL's advisory locks: who has it changes counts of contents."""
_TARGET_S = 0.1
"""A batch takes about so long: who erases waits for it."""
_FIRST_BATCH, _SMALLEST_BATCH, _LARGEST_BATCH = 100, 10, 1_000
_MOST_BYTES = 16 * 1024 * 1024
"""Of a batch, in memory, except where one row has more."""
# Measured: a content without its bytes, and its entries in two indexes; a number in a row.
_OF_A_CONTENT, _OF_A_NUMBER = 190, 8
_LEAST_BYTES = 32
_LINES_AT_ONCE = 10_000

_NEAR = f"""
SELECT id, octet_length(source) + octet_length(stdin) + octet_length(output) + pg_column_size(job)
FROM executions_execution WHERE id >= %(low)s AND id < %(high)s AND status IN ('finished', 'rejected')
    AND num_nonnulls({", ".join(NUMBERS)}) = 0 ORDER BY id LIMIT %(rows)s
"""  # noqa: S608 (made of constants)
_ROWS = f"""
SELECT id, (SELECT relname FROM pg_class WHERE pg_class.oid = executions_execution.tableoid), client_id, api_key_id,
    host(client_address), convert_to(source, 'UTF8'), stdin, output,
    convert_to((job - %(own)s::text[])::text, 'UTF8'), {", ".join(f"pg_column_size({name})" for name in COLUMNS)}
FROM executions_execution WHERE id = ANY (%(ids)s) AND status IN ('finished', 'rejected')
    AND num_nonnulls({", ".join(NUMBERS)}) = 0 FOR UPDATE SKIP LOCKED
"""  # noqa: S608 (made of constants)
_KNOWN = "SELECT digest, id FROM executions_keptcontent WHERE digest = ANY (%s)"
_MORE = """
UPDATE executions_keptcontent SET rows = executions_keptcontent.rows + more.rows
FROM unnest(%s::bigint[], %s::int[]) AS more (id, rows) WHERE executions_keptcontent.id = more.id
"""
_NEW = """
INSERT INTO executions_keptcontent (part, rows, size, digest, data)
SELECT * FROM unnest(%s::date[], %s::int[], %s::int[], %s::bytea[], %s::bytea[]) RETURNING digest, id
"""
_OWN = "coalesce((SELECT jsonb_object_agg(key, value) FROM jsonb_each(whole.job) WHERE key = ANY (%(own)s)), '{}')"
_EMPTY = {"source": "''", "stdin": "''", "output": "''", "job": _OWN}
_PUT = f"""
UPDATE executions_execution AS whole SET {", ".join(f"{name}_apart = numbers.{name}" for name in COLUMNS)},
    {", ".join(f"{n} = CASE WHEN numbers.{n} IS NULL THEN whole.{n} ELSE {e} END" for n, e in _EMPTY.items())}
FROM unnest(%(ids)s::uuid[], {", ".join(f"%({name})s::bigint[]" for name in COLUMNS)})
    AS numbers (id, {", ".join(COLUMNS)})
WHERE whole.id = numbers.id AND whole.id = ANY (%(ids)s)
"""  # noqa: S608 (made of constants)
_SETTLE = f"""
WITH gone AS (
    DELETE FROM executions_contentleft
    WHERE ctid = ANY (ARRAY(SELECT ctid FROM executions_contentleft LIMIT {_LINES_AT_ONCE}))
    RETURNING content_id, rows
), lines AS (SELECT content_id, sum(rows) AS rows FROM gone GROUP BY content_id)
UPDATE executions_keptcontent SET rows = executions_keptcontent.rows - lines.rows FROM lines
WHERE id = lines.content_id RETURNING id, executions_keptcontent.rows
"""  # noqa: S608 (made of constants)
_HAS_LINES = "SELECT EXISTS (SELECT FROM executions_contentleft)"
_DELETE = "DELETE FROM executions_keptcontent WHERE id = ANY (%s)"


class _Piece(NamedTuple):
    """A column of a row that may be put apart."""

    row: UUID
    column: str
    stored_bytes: int
    """What it takes in the row."""


@dataclass(slots=True)
class _Same:
    """Pieces with the same content, of one part and one caller."""

    data: bytes
    part: date | None
    pieces: list[_Piece] = field(default_factory=list)


def carry_out(stop: Stop) -> int:
    """Go on putting contents apart, half of the time at most, and take off what has gone; how many rows it was."""
    while settle():
        release_connection()
    if _may_be_read_by_older() or room() is not Room.OK:
        return 0
    done, high, rows = 0, _high(), _FIRST_BATCH
    upto = LOWEST
    while upto < high and not stop.is_set():
        began = time.monotonic()
        with transaction.atomic():
            upto, changed = _go_on(high, rows)
        done += changed
        release_connection()
        took_s = max(time.monotonic() - began, 0.001)
        rows = min(max(int(rows * min(2.0, _TARGET_S / took_s)), _SMALLEST_BATCH), _LARGEST_BATCH)
        stop.wait(took_s)
    return done


def _go_on(high: UUID, rows: int) -> tuple[UUID, int]:
    """A batch from where the last one ended, whoever has done it; up to where, and how many rows have changed."""
    lock()
    mark = RetentionMark.objects.filter(pk=_MARK).first() or RetentionMark(rule=_MARK, upto=LOWEST)
    if mark.upto >= high:
        return high, 0
    near = _near(mark.upto, high, rows)
    mark.upto = UUID(int=near[-1].int + 1) if near else high
    mark.save()
    return mark.upto, pack(near)


def pack(ids: Sequence[UUID]) -> int:
    """Put apart what is worth it of those of these that have ended; in how many rows. Call it in a transaction."""
    if not ids:
        return 0
    lock()
    groups = _groups(_fetched(_ROWS, {"ids": list(ids), "own": list(OF_THE_ROW)}))
    numbers = _numbers(groups)
    placed: dict[UUID, dict[str, int]] = {}
    for digest, number in numbers.items():
        for piece in groups[digest].pieces:
            placed.setdefault(piece.row, {})[piece.column] = number
    if placed:
        columns = {name: [each.get(name) for each in placed.values()] for name in COLUMNS}
        _execute(_PUT, {"ids": list(placed), "own": list(OF_THE_ROW)} | columns)
    return len(placed)


def settle() -> bool:
    """Take off the counts what rows have let go of, and delete what none has any more; whether there were any.

    What this transaction has let go of is settled with it.
    """
    with transaction.atomic():
        if not _fetched(_HAS_LINES)[0][0]:
            return False
        lock()
        if gone := [number for number, rows in _fetched(_SETTLE) if rows <= 0]:
            _execute(_DELETE, [gone])
    return True


def lock() -> None:
    """Nobody else changes counts, or puts anything apart, until the transaction ends."""
    _execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def _high() -> UUID:
    now = timezone.now()
    return max(first_open(first_at(now - AFTER)), first_at(now - AFTER - _AT_THE_LATEST))


def _may_be_read_by_older() -> bool:
    """Whether a server process lives that has begun before contents could be apart, and would find them empty."""
    applied = _fetched("SELECT applied FROM django_migrations WHERE app = 'executions' AND name = %s", [_MIGRATION])
    return not applied or Worker.objects.filter(pk__lt=first_at(applied[0][0])).exists()


def _near(low: UUID, high: UUID, rows: int) -> list[UUID]:
    """The next ones, not too many to be held at once."""
    found: list[UUID] = []
    sum_bytes = 0
    for pk, size in _fetched(_NEAR, {"low": low, "high": high, "rows": rows}):
        sum_bytes += size
        if found and sum_bytes > _MOST_BYTES:
            break
        found.append(pk)
    return found


def _groups(rows: Sequence[Sequence[Any]]) -> dict[bytes, _Same]:
    """By digest."""
    parts: Mapping[str, date] = {part.name: since_of(part.low) for part in partitions.parts()}
    groups: dict[bytes, _Same] = {}
    for pk, name, client_id, api_key_id, address, *rest in rows:
        whose = caller_of(Execution(client_id=client_id, api_key_id=api_key_id, client_address=address))
        for column, data, stored_bytes in zip(COLUMNS, rest[: len(COLUMNS)], rest[len(COLUMNS) :], strict=True):
            if stored_bytes < _LEAST_BYTES:
                continue
            is_ours = column == "job" and not brought_by(json.loads(data))
            digest = _digest("" if is_ours else whose, name, data)
            same = groups.setdefault(digest, _Same(data, parts.get(name)))
            same.pieces.append(_Piece(pk, column, stored_bytes))
    return groups


def _digest(whose: str, part: str, data: bytes) -> bytes:
    return blake2b(f"{whose}\0{part}\0".encode() + data, digest_size=32).digest()


def _numbers(groups: Mapping[bytes, _Same]) -> dict[bytes, int]:
    """Of those that are worth it, with their rows counted."""
    known = {bytes(digest): number for digest, number in _fetched(_KNOWN, [list(groups)])}
    if known:
        _execute(_MORE, [list(known.values()), [len(groups[digest].pieces) for digest in known]])
    new = [(digest, same, packed(same.data)) for digest, same in groups.items() if digest not in known]
    new = [(digest, same, data) for digest, same, data in new if _spared(same.pieces) > len(data) + _OF_A_CONTENT]
    if new:
        columns: list[list[Any]] = [
            [same.part for _, same, _ in new],
            [len(same.pieces) for _, same, _ in new],
            [len(same.data) for _, same, _ in new],
            [digest for digest, _, _ in new],
            [data for _, _, data in new],
        ]
        known |= {bytes(digest): number for digest, number in _fetched(_NEW, columns)}
    return known


def _spared(pieces: Sequence[_Piece]) -> int:
    return sum(piece.stored_bytes - _OF_A_NUMBER for piece in pieces)


def _execute(statement: str, asked: Any = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, asked)


def _fetched(statement: str, asked: Any = None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, asked)
        return list(cursor.fetchall())
