"""A client's executions: found by what it asks for, in the order of their ids, a page at a time.

Theory of operation. Of everything that is asked for one part chooses the range of an index that is read (see
executions.ranges), and the others are looked at row by row within it: a batch, a tag, a verdict, or else language and
ending together. A tag that all rows have beside something that hardly any has may still read many rows for few.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from executions.models import Execution, ExecutionTag, Status
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
        if self.tags:
            return self._tagged(high, limit)
        rows = Execution.objects.filter(**self._asked()).defer(*_LARGE)
        return list(self._range(high).of(rows, descending=True)[:limit])

    def _range(self, high: UUID) -> Range:
        values: dict[str, object]
        if self.batch_id is not None:
            values = {"batch_id": self.batch_id}
        elif self.verdict:
            values = {"client_id": self.client_id, "verdict": self.verdict}
        else:
            values = {"client_id": self.client_id} | self._language() | self._ending()
        return Range(values, self.low, high)

    def _language(self) -> dict[str, object]:
        return {"language_slug": self.language} if self.language else {}

    def _ending(self) -> dict[str, object]:
        """Status and outcome where they are one range: hardly anything is not finished, and no index is for that."""
        if self.outcome:
            return {"status": Status.FINISHED, "outcome": self.outcome}
        return {"status": self.status, "outcome": ""} if self.status not in ("", Status.FINISHED) else {}

    def _tagged(self, high: UUID, limit: int) -> list[Execution]:
        """By the first tag's range; other tags are looked at in the rows themselves."""
        (name, value), *others = self.tags.items()
        values: dict[str, Any] = {"client_id": self.client_id, "name": name, "value": value}
        asked: dict[str, object] = {f"execution__{column}": wanted for column, wanted in self._asked().items()}
        if others:
            asked["execution__tags__contains"] = dict(others)
        rows = ExecutionTag.objects.filter(**asked).select_related("execution")
        rows = rows.defer(*(f"execution__{column}" for column in _LARGE))
        tagged = Range(values, self.low, high, key="execution_id").of(rows, descending=True)[:limit]
        return [each.execution for each in tagged]

    def _asked(self) -> dict[str, object]:
        """What a row has to have."""
        asked = {
            "client_id": self.client_id,
            "language_slug": self.language,
            "status": self.status or (Status.FINISHED if self.outcome else ""),
            "outcome": self.outcome,
            "verdict": self.verdict,
            "door": self.door,
            "batch_id": self.batch_id,
        }
        return {name: value for name, value in asked.items() if value}
