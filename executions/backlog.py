"""Executions that wait for a process to take them up: whose turn is next, and how many may wait.

Theory of operation. What waits are rows, so that any process may take them up, and nothing is lost with one. A row is
taken by writing this process's id into it, in one short statement that passes over what others are taking just now.
Within a lane, callers have turns: the next row is the oldest of the caller behind the one that was served last, by
name, so that a thousand rows of one caller keep none of another waiting; one step in an index finds it, however many
rows there are. Batch is served whenever nothing interactive waits, and after some turns of that in any case.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection

from executions.models import IN_BACKLOG, Execution, Lane
from rest.exceptions import Limited
from rest.snapshot import Snapshot

INTERACTIVE_IN_A_ROW = 4
"""So many interactive rows are taken up while batch waits as well; then comes one of batch."""
FULL_RETRY_AFTER_S = 5
"""A place in a full backlog is free again after one run; but everybody wants it."""

_FIRST_RUN_MS = 1000.0
"""What a run is taken to last before one has ended."""
_WEIGHT = 0.1

_IN_BACKLOG = "status = 'queued' AND background AND worker IS NULL"
_TAKE = f"""
UPDATE executions_execution SET worker = %(worker)s WHERE id = (
    SELECT id FROM executions_execution
    WHERE {_IN_BACKLOG} AND lane = %(lane)s AND caller > %(above)s AND (%(below)s IS NULL OR caller < %(below)s)
    ORDER BY caller, id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id, caller
"""  # noqa: S608 (made of constants)
_COUNT = f"SELECT lane, caller, count(*) FROM executions_execution WHERE {_IN_BACKLOG} GROUP BY lane, caller"  # noqa: S608

_woken = threading.Event()


class Taken(NamedTuple):
    """A row that is this process's now."""

    id: UUID
    caller: str
    lane: Lane


def wake() -> None:
    """Have this process look for rows at once; others look by themselves."""
    _woken.set()


def wait(timeout_s: float) -> None:
    """Wait to be woken."""
    _woken.wait(timeout_s)
    _woken.clear()


class Turns:
    """Whose turn is next. For one thread."""

    def __init__(self) -> None:
        self._served: dict[Lane, str] = dict.fromkeys(Lane, "")
        """The caller that was served last; every name is above an empty one."""
        self._interactive_in_a_row = 0

    def take(self, worker: UUID, *, full: Collection[str] = (), batch: bool = True) -> Taken | None:
        """Take the next row up, of none of the callers that have their `full` share; without `batch`, of no batch."""
        for lane in self._lanes(batch=batch):
            for above, below in _between(self._served[lane], full):
                if (taken := _take(worker, lane, above, below)) is not None:
                    self._serve(taken)
                    return taken
        return None

    def _lanes(self, *, batch: bool) -> tuple[Lane, ...]:
        if not batch:
            return (Lane.INTERACTIVE,)
        if self._interactive_in_a_row < INTERACTIVE_IN_A_ROW:
            return (Lane.INTERACTIVE, Lane.BATCH)
        return (Lane.BATCH, Lane.INTERACTIVE)

    def _serve(self, taken: Taken) -> None:
        self._served[taken.lane] = taken.caller
        self._interactive_in_a_row = 0 if taken.lane is Lane.BATCH else self._interactive_in_a_row + 1


def _between(served: str, full: Collection[str]) -> Iterator[tuple[str, str | None]]:
    """Stretches of names, the first one behind `served`, that leave out those of `full`; both bounds are left out."""
    names = sorted(full)
    later = [name for name in names if name > served]
    yield from zip([served, *later], [*later, None], strict=True)
    # From the beginning; with the one that was served last among them, who may be the only one.
    earlier = [name for name in names if name <= served]
    if served:
        end = later[0] if later else None
        bounds = ["", *earlier]
        yield from zip(bounds, [*earlier, end], strict=True)


def _take(worker: UUID, lane: Lane, above: str, below: str | None) -> Taken | None:
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, {"worker": worker, "lane": lane, "above": above, "below": below})
        found = cursor.fetchone()
    return Taken(found[0], found[1], lane) if found else None


def _counted() -> Mapping[tuple[str, str], int]:
    with connection.cursor() as cursor:
        cursor.execute(_COUNT)
        return Counter({(lane, caller): int(rows) for lane, caller, rows in cursor.fetchall()})


_counts = Snapshot(_counted)


class _Since:
    """What this process has let in since the rows were counted: the count may be a second old."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of: Mapping[tuple[str, str], int] = {}
        self._by_caller: Counter[str] = Counter()

    def enter(self, counts: Mapping[tuple[str, str], int], caller: str, rows: int) -> None:
        """Raises Limited."""
        with self._lock:
            if self._of is not counts:
                self._of, self._by_caller = counts, Counter()
            own = sum(number for (_, name), number in counts.items() if name == caller) + self._by_caller[caller]
            everybody = sum(counts.values()) + self._by_caller.total()
            if own + rows > settings.GEXEC_CALLER_BACKLOG:
                raise _full("too many executions of this caller wait already")
            if everybody + rows > settings.GEXEC_BACKLOG:
                raise _full("too many executions wait already")
            self._by_caller[caller] += rows


def _full(message: str) -> Limited:
    return Limited(message, code="queue_full", policy="backlog", retry_after_s=FULL_RETRY_AFTER_S)


_since = _Since()


def enter(caller: str, rows: int = 1) -> None:
    """Raise Limited where so many more of this caller are too many, GEXEC_CALLER_BACKLOG, or of all, GEXEC_BACKLOG.

    Several processes may together let in some more than that: each knows of the others' rows what was so a second ago.
    """
    _since.enter(_counts.current(), caller, rows)


def waiting() -> int:
    """How many rows wait, as of a second ago at the most."""
    return sum(_counts.current().values())


def waiting_in(lane: Lane) -> int:
    """The same, of one lane."""
    return sum(rows for (name, _), rows in _counts.current().items() if name == lane)


def forget() -> None:
    """Count again at the next question: for tests, whose rows come and go otherwise."""
    _counts.forget()


def before(execution: Execution) -> int:
    """How many rows should be taken up before this one, as things are now."""
    own = Execution.objects.filter(
        IN_BACKLOG, lane=execution.lane, caller=execution.caller, pk__lt=execution.pk
    ).count()
    found = own
    for (lane, caller), rows in _counts.current().items():
        if lane == execution.lane and caller != execution.caller:
            # One of each other caller for each of this one, and for this row itself.
            found += min(rows, own + 1)
    interactive = sum(rows for (lane, _), rows in _counts.current().items() if lane == Lane.INTERACTIVE)
    if execution.lane == Lane.BATCH:
        found += min(interactive, (found + 1) * INTERACTIVE_IN_A_ROW)
    return found


class _Typical:
    """How long runs take of late: about the last ten count."""

    def __init__(self) -> None:
        self.run_ms = _FIRST_RUN_MS

    def note(self, run_ms: float) -> None:
        self.run_ms += _WEIGHT * (run_ms - self.run_ms)


_typical = _Typical()


def note_run(run_ms: float) -> None:
    """That one held its slot so long."""
    _typical.note(run_ms)


def typical_ms() -> float:
    """How long one holds its slot, by those that this process ran of late."""
    return _typical.run_ms
