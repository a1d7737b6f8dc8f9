"""Counts and times of what leaves no row, over all server processes and restarts: for /metrics.

Theory of operation. Each process counts in memory, which costs a microsecond, and adds what it has counted to the rows
of all every few seconds, in one statement, and before it tells of them. What other processes have not written yet is
missing for as long; a process that is killed loses it. Only rows are told, so that no number ever goes back, whichever
process is asked.

A series is named by labels whose values are ours to choose, and of each name there are few: no request makes one.
"""

from __future__ import annotations

import json
import threading
from bisect import bisect_left
from collections import Counter as Sums
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.db import connection

MOST_SERIES = 300
"""Of one name, in one process. Whatever more there would be is counted as OTHER."""
OTHER = "other"
BOUNDS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
_SUM = "sum"
_ADD = """
INSERT INTO rest_observation AS seen (series, value)
SELECT * FROM unnest(%s::text[], %s::float8[]) AS counted (series, value) ORDER BY series
ON CONFLICT (series) DO UPDATE SET value = seen.value + EXCLUDED.value
"""

Series = tuple[str, ...]
"""A name, and the values of its labels."""


@dataclass(frozen=True, slots=True)
class Counter:
    """How often something has happened."""

    name: str
    what: str
    labels: tuple[str, ...] = ()

    def count(self, *values: str, by: float = 1) -> None:
        """Once more, with these values of its labels."""
        _unwritten.add({(self.name, *values): by})


@dataclass(frozen=True, slots=True)
class Histogram:
    """How long something took."""

    name: str
    what: str

    def observe(self, took_s: float) -> None:
        """One more."""
        bucket = str(bisect_left(BOUNDS_S, took_s))
        _unwritten.add({(self.name, bucket): 1, (self.name, _SUM): took_s})

    def of(self, counted: Mapping[Series, float]) -> tuple[Sequence[float], float]:
        """How many took at most each of BOUNDS_S, those with more last, each without the ones before; and the sum."""
        each = [counted.get((self.name, str(bucket)), 0.0) for bucket in range(len(BOUNDS_S) + 1)]
        return each, counted.get((self.name, _SUM), 0.0)


@dataclass(slots=True)
class _Unwritten:
    """What this process has counted since it last wrote."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    sums: Sums[Series] = field(default_factory=Sums)
    names: dict[str, set[Series]] = field(default_factory=dict)

    def add(self, more: Mapping[Series, float]) -> None:
        with self.lock:
            for series, value in more.items():
                if not value:
                    continue
                self.sums[self._bounded(series)] += value  # type: ignore[assignment]  # a Counter takes floats as well

    def _bounded(self, series: Series) -> Series:
        known = self.names.setdefault(series[0], set())
        if series not in known and len(known) >= MOST_SERIES:
            return (series[0], *(OTHER for _ in series[1:]))
        known.add(series)
        return series

    def take(self) -> Sums[Series]:
        with self.lock:
            taken, self.sums = self.sums, Sums()
        return taken


_unwritten = _Unwritten()
_writing = threading.Lock()
"""Held while what was counted moves into the rows: whoever asks meanwhile would not see it."""


def write() -> None:
    """Add what this process has counted to the rows of all."""
    with _writing:
        taken = _unwritten.take()
        if not taken:
            return
        try:
            with connection.cursor() as cursor:
                cursor.execute(
                    _ADD, [[json.dumps(series) for series in taken], [float(value) for value in taken.values()]]
                )
        except BaseException:
            _unwritten.add(taken)
            raise


def counted() -> Mapping[Series, float]:
    """All series that there are, with what this process has counted until now."""
    write()
    with connection.cursor() as cursor:
        cursor.execute("SELECT series, value FROM rest_observation")
        return {tuple(json.loads(series)): value for series, value in cursor.fetchall()}


REFUSALS = Counter("gexec_refusals", "Requests that were refused, by the problem's code.", ("code",))
