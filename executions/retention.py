"""Deleting executions by hand: in small batches, each a statement that commits by itself, so that nobody waits for it.

The totals of /metrics stay: they count what was received. Open executions are never deleted.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from executions import packing
from executions.models import Execution, Status
from executions.ranges import HIGHEST, LOWEST, Range, last
from rest.ids import first_at

_TARGET_S = 0.1
"""A batch takes about so long: short beside GEXEC_DATABASE_TIMEOUT_MS, and beside a second, in which Ctrl-C ends it."""
_FIRST_BATCH, _SMALLEST_BATCH, _LARGEST_BATCH = 100, 10, 5_000
_LONGEST = timedelta(days=36_500)
"""No calendar begins so long ago that more would make a difference."""

# The sizes are those on disk, compressed; what a row takes besides its long columns is about the same for all.
# What stands apart from it may be others' as well, and is not counted.
_BYTES = "250 + " + " + ".join(
    f"pg_column_size({name})" for name in ("source", "stdin", "job", "steps", "output", "error")
)
_CHOSEN = """
SELECT id FROM executions_execution
WHERE {range} AND created_at < %(before)s ORDER BY {order} LIMIT %(rows)s
"""
_COUNT = f"""
SELECT count(*), coalesce(sum(bytes), 0), max(id::text) FROM
    (SELECT id, {_BYTES} AS bytes FROM executions_execution WHERE id = ANY (ARRAY({{chosen}}))) each
"""  # noqa: S608 (made of constants)
# As an array, so that each row is found by its key: joined, they might be looked for in the whole table.
_DELETE = f"""
WITH gone AS (DELETE FROM executions_execution WHERE id = ANY (ARRAY({{chosen}} FOR UPDATE SKIP LOCKED))
    RETURNING id, {_BYTES} AS bytes)
SELECT count(*), coalesce(sum(bytes), 0), max(id::text) FROM gone
"""  # noqa: S608 (made of constants)
# Where the range has the status in it, no more is said of that: see executions.ranges.Range.of.
_ENDED = "status IN ('finished', 'rejected')"
_ALL = (f"id >= %(first)s AND id <= %(last)s AND {_ENDED}", "id")
_OF_ENDING = (
    """(status, outcome, id) >= (%(status)s, %(outcome)s, %(first)s)
    AND (status, outcome, id) <= (%(status)s, %(outcome)s, %(last)s)""",
    "status, outcome, id",
)
# Their indexes have the rows of clients alone, and are taken where a query says so.
_ALL_OF_CLIENT = (
    f"""(client_id, id) >= (%(client)s, %(first)s) AND (client_id, id) <= (%(client)s, %(last)s)
    AND client_id IS NOT NULL AND {_ENDED}""",
    "client_id, id",
)
_OF_ENDING_OF_CLIENT = (
    """(client_id, status, outcome, id) >= (%(client)s, %(status)s, %(outcome)s, %(first)s)
    AND (client_id, status, outcome, id) <= (%(client)s, %(status)s, %(outcome)s, %(last)s)
    AND client_id IS NOT NULL""",
    "client_id, status, outcome, id",
)


class Batch(NamedTuple):
    """What was deleted at once, or would have been."""

    rows: int
    bytes: int
    """What the rows took on disk, without their entries in indexes."""
    took_s: float


@dataclass(frozen=True, slots=True)
class Old:
    """Which executions may go: those of which everything that is given here holds."""

    older_than: timedelta | None = None
    keep: int | None = None
    """So many of the newest stay, however they ended."""
    endings: tuple[str, ...] = ()
    """Outcomes, or `rejected`; without any, all."""
    client_id: UUID | None = None
    """Of this client alone."""

    def batches(self, *, dry_run: bool = False) -> Iterator[Batch]:
        """Delete them, oldest first, a batch for each turn; with `dry_run` only count them."""
        before = timezone.now() - min(self.older_than or timedelta(), _LONGEST)
        high = min(first_at(before) if self.older_than else HIGHEST, self._first_kept())
        statement = _COUNT if dry_run else _DELETE
        for walk in self._walks():
            yield from walk.batches(statement, before, high)

    def _walks(self) -> list[_Walk]:
        all_, of_ending = (_ALL, _OF_ENDING) if self.client_id is None else (_ALL_OF_CLIENT, _OF_ENDING_OF_CLIENT)
        if not self.endings:
            return [_Walk(*all_, client_id=self.client_id)]
        pairs = [(Status.REJECTED, "") if each == Status.REJECTED else (Status.FINISHED, each) for each in self.endings]
        return [_Walk(*of_ending, status, outcome, self.client_id) for status, outcome in pairs]

    def _first_kept(self) -> UUID:
        """The oldest of those that are kept by number; what is older is not."""
        if not self.keep:
            return HIGHEST
        own = {} if self.client_id is None else {"client_id": self.client_id}
        newest = Range(own).of(Execution.objects.all(), descending=True).values_list("id", flat=True)
        kept = next(iter(newest[self.keep - 1 : self.keep]), None)
        return LOWEST if kept is None else kept


@dataclass(frozen=True, slots=True)
class _Walk:
    """Through one index from its beginning on, so that no batch passes again by what others have deleted."""

    range: str
    order: str
    status: str = ""
    outcome: str = ""
    client_id: UUID | None = None

    def batches(self, statement: str, before: datetime, high: UUID) -> Iterator[Batch]:
        chosen = _CHOSEN.format(range=self.range, order=self.order)
        asked: dict[str, Any] = {
            "last": last(high),
            "before": before,
            "status": self.status,
            "outcome": self.outcome,
            "client": self.client_id,
        }
        rows, first = _FIRST_BATCH, LOWEST
        while True:
            began = time.monotonic()
            found = _run(statement.format(chosen=chosen), asked | {"first": first, "rows": rows})
            if not found[0]:
                return
            took_s = time.monotonic() - began
            first = UUID(int=UUID(found[2]).int + 1)
            yield Batch(int(found[0]), int(found[1]), took_s)
            # Rows of two megabytes take longer than those of two hundred bytes.
            rows = min(max(int(rows * min(2.0, _TARGET_S / took_s)), _SMALLEST_BATCH), _LARGEST_BATCH)


def vacuum(*, full: bool = False) -> None:
    """Let new rows use the space of what was deleted; `full` gives it back to the disk and locks everybody out."""
    how = "(FULL, ANALYZE)" if full else "(ANALYZE)"
    with connection.cursor() as cursor:
        cursor.execute(f"VACUUM {how} executions_execution, executions_keptcontent")


def _run(statement: str, asked: dict[str, Any]) -> tuple[int, int, str]:
    with transaction.atomic(), connection.cursor() as cursor:
        # What is being put apart would be passed by.
        packing.lock()
        cursor.execute(statement, asked)
        found: tuple[int, int, str] = cursor.fetchone()
        packing.settle()
        return found
