"""Deleting executions: in small batches, each a statement that commits by itself, so that nobody waits for it.

The totals of /metrics stay: they count what was received. Open executions are never deleted.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from executions.models import Batch as Batches
from executions.models import Execution, Status
from executions.ranges import HIGHEST, LOWEST
from periodic.tasks import Stop
from rest.connections import release_connection
from rest.ids import first_at

_TARGET_S = 0.1
"""A batch takes about so long: short beside GEXEC_DATABASE_TIMEOUT_MS, and beside a second, in which Ctrl-C ends it."""
_FIRST_BATCH, _SMALLEST_BATCH, _LARGEST_BATCH = 100, 10, 5_000
_LONGEST = timedelta(days=36_500)
"""No calendar begins so long ago that more would make a difference."""
_LOCK = 0x67657865
"""Of PostgreSQL's advisory locks: the process that has it deletes what GEXEC_RETENTION_DAYS is over for."""

# The sizes are those on disk, compressed; what a row takes besides its long columns is about the same for all.
_BYTES = "250 + " + " + ".join(
    f"pg_column_size({name})" for name in ("source", "stdin", "job", "steps", "output", "error")
)
_CHOSEN = """
SELECT id FROM executions_execution
WHERE {range} AND status IN ('finished', 'rejected') AND created_at < %(before)s ORDER BY {order} LIMIT %(rows)s
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
_ALL = ("id > %(low)s AND id < %(high)s", "id")
_OF_ENDING = (
    """(status, outcome, id) > (%(status)s, %(outcome)s, %(low)s)
    AND (status, outcome, id) < (%(status)s, %(outcome)s, %(high)s)""",
    "status, outcome, id",
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

    def batches(self, *, dry_run: bool = False, alone: bool = False) -> Iterator[Batch]:
        """Delete them, oldest first, a batch for each turn; with `dry_run` only count them.

        With `alone`, it ends where another process does the same just now. It holds no connection between two batches.
        """
        before = timezone.now() - min(self.older_than or timedelta(), _LONGEST)
        high = min(first_at(before) if self.older_than else HIGHEST, self._first_kept())
        statement = _COUNT if dry_run else _DELETE
        for walk in self._walks():
            yield from walk.batches(statement, before, high, alone=alone)

    def _walks(self) -> list[_Walk]:
        if not self.endings:
            return [_Walk(*_ALL)]
        pairs = [(Status.REJECTED, "") if each == Status.REJECTED else (Status.FINISHED, each) for each in self.endings]
        return [_Walk(*_OF_ENDING, status, outcome) for status, outcome in pairs]

    def _first_kept(self) -> UUID:
        """The oldest of those that are kept by number; what is older is not."""
        if not self.keep:
            return HIGHEST
        newest = Execution.objects.order_by("-id").values_list("id", flat=True)
        kept = next(iter(newest[self.keep - 1 : self.keep]), None)
        return LOWEST if kept is None else kept


@dataclass(frozen=True, slots=True)
class _Walk:
    """Through one index from its beginning on, so that no batch passes again by what others have deleted."""

    range: str
    order: str
    status: str = ""
    outcome: str = ""

    def batches(self, statement: str, before: datetime, high: UUID, *, alone: bool) -> Iterator[Batch]:
        chosen = _CHOSEN.format(range=self.range, order=self.order)
        asked: dict[str, Any] = {
            "high": high,
            "before": before,
            "status": self.status,
            "outcome": self.outcome,
        }
        rows, low = _FIRST_BATCH, LOWEST
        while True:
            began = time.monotonic()
            found = _run(statement.format(chosen=chosen), asked | {"low": low, "rows": rows}, alone=alone)
            if found is None or not found[0]:
                return
            took_s = time.monotonic() - began
            low = UUID(found[2])
            yield Batch(int(found[0]), int(found[1]), took_s)
            # Rows of two megabytes take longer than those of two hundred bytes.
            rows = min(max(int(rows * min(2.0, _TARGET_S / took_s)), _SMALLEST_BATCH), _LARGEST_BATCH)


def carry_out(stop: Stop) -> int:
    """Delete executions that GEXEC_RETENTION_DAYS is over for; return how many.

    It goes on until nothing is left or `stop` is set, half of the time at most. Of several processes one works.
    """
    if not settings.GEXEC_RETENTION_DAYS:
        return 0
    Batches.objects.filter(created_at__lt=timezone.now() - timedelta(days=settings.GEXEC_RETENTION_DAYS)).delete()
    deleted = 0
    for batch in Old(timedelta(days=settings.GEXEC_RETENTION_DAYS)).batches(alone=True):
        deleted += batch.rows
        release_connection()
        if stop.wait(batch.took_s):
            break
    return deleted


def vacuum(*, full: bool = False) -> None:
    """Let new rows use the space of what was deleted; `full` gives it back to the disk and locks everybody out."""
    with connection.cursor() as cursor:
        cursor.execute(f"VACUUM {'(FULL, ANALYZE)' if full else '(ANALYZE)'} executions_execution")


def _run(statement: str, asked: dict[str, Any], *, alone: bool) -> tuple[int, int, str] | None:
    """One batch; None where another process has the lock."""
    with transaction.atomic(), connection.cursor() as cursor:
        if alone:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
            if not cursor.fetchone()[0]:
                return None
        cursor.execute(statement, asked)
        found: tuple[int, int, str] = cursor.fetchone()
        return found
