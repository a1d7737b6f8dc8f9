"""A client's executions: found by what it asks for, in the order of their ids, a page at a time.

Theory of operation. Each thing that is asked for is a range of an index (see executions.ranges), or language and ending
together, or all outcomes where it is everything that has finished. One range is read as it is; of several, what lies in
all of them is looked for (executions.crossing).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from uuid import UUID

from executions.crossing import lies_in
from executions.models import Execution, Status
from executions.outcomes import Outcome
from executions.ranges import HIGHEST, LOWEST, Range
from rest.connections import release_connection

EXPORTED_AT_ONCE = 1_000
_LARGE = ("source", "stdin", "output", "job", "steps", "tests", "artifacts")
"""Columns that a list does not show."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which executions of a client; what is empty is not asked for."""

    client_id: UUID
    language: str = ""
    status: str = ""
    outcome: str = ""
    verdict: str = ""
    door: str = ""
    batch_id: UUID | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    low: UUID = LOWEST
    high: UUID = HIGHEST
    """Ids from `low` on, below `high`: of times and of a cursor."""

    def page(self, limit: int) -> list[Execution]:
        """The newest of them, without what a list does not show."""
        return self._rows(self.high, limit)

    def all(self) -> Iterator[Execution]:
        """All of them, newest first, read in pieces; no connection is held between two of them."""
        high = self.high
        while rows := self._rows(high, EXPORTED_AT_ONCE):
            release_connection()
            yield from rows
            if len(rows) < EXPORTED_AT_ONCE:
                return
            high = rows[-1].pk

    def _rows(self, high: UUID, limit: int) -> list[Execution]:
        if self.outcome and self.status not in ("", Status.FINISHED):
            return []
        places = self._places()
        rows = Execution.objects.defer(*_LARGE)
        if len(places) == 1 and len(places[0]) == 1 and not self.tags:
            (one,) = places[0]
            # The client once more, beside its own index, would have that read from the end of all that it has.
            own = rows if "client_id" in one.values else rows.filter(client_id=self.client_id)
            return list(replace(one, high=high).of(own, descending=True)[:limit])
        return list(rows.filter(lies_in(places, high, limit), client_id=self.client_id).order_by("-id")[:limit])

    def _places(self) -> list[list[Range]]:
        """What is asked for, each a range or several of which one is enough."""
        places = [
            [self._range({"client_id": self.client_id, "name": n, "value": v}, "execution_id")]
            for n, v in self.tags.items()
        ]
        if self.batch_id is not None:
            places.append([self._range({"batch_id": self.batch_id})])
        if self.verdict:
            places.append([self._range({"client_id": self.client_id, "verdict": self.verdict})])
        if self.door:
            places.append([self._range({"client_id": self.client_id, "door": self.door})])
        if self.language or self.status or self.outcome or not places:
            mine = {"client_id": self.client_id} | ({"language_slug": self.language} if self.language else {})
            places.append([self._range(mine | ending) for ending in self._endings()])
        return places

    def _endings(self) -> list[dict[str, object]]:
        """Status and outcome; of what has finished each outcome, since no index has all of them in one order."""
        if self.outcome:
            return [{"status": Status.FINISHED, "outcome": self.outcome}]
        if self.status == Status.FINISHED:
            return [{"status": Status.FINISHED, "outcome": outcome.value} for outcome in Outcome]
        return [{"status": self.status, "outcome": ""}] if self.status else [{}]

    def _range(self, values: Mapping[str, object], key: str = "id") -> Range:
        return Range(values, self.low, key=key)
