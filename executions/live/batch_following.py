"""Following a batch: by the rows of its executions, whichever processes run them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from executions.live.channels import all_channels
from executions.live.events import Ended, Event
from executions.models import OPEN, Batch, Execution
from rest.connections import release_connection

POLL_S = 0.25
"""How often its rows are asked for: a short range of an index of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchBegan(Event):
    """It was accepted."""

    executions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemEnded(Event):
    """One of its executions has its final status."""

    index: int
    execution_id: UUID
    status: str
    outcome: str
    verdict: str


class BatchFollower:
    """Reads what stands behind a place, of one batch, for one reader. Items have places in the order of their ends.

    Two that end at one moment in two processes may change places while they are told; the last event has all of them.
    """

    reads_row = False

    def __init__(self, batch: Batch, *, after: int = -1) -> None:
        self.after = after
        self._batch = batch
        self._indexes = {UUID(item["id"]): index for index, item in enumerate(batch.items) if "id" in item}

    def is_at_end(self) -> bool:
        """Whether one who has read so far has read its end."""
        return self.after > len(self._indexes) and not self._new()

    def read(self, wait_s: float) -> list[Event] | None:
        """What comes next, an empty list where nothing does within `wait_s`; None in a process that is about to end."""
        until = time.monotonic() + wait_s
        while not (new := self._new()):
            if all_channels().closing:
                return None
            if time.monotonic() >= until:
                return []
            time.sleep(min(wait_s, POLL_S))
        self.after = max(event.seq for event in new)
        return new

    def _new(self) -> list[Event]:
        return [event for event in self._events() if event.seq > self.after]

    def _events(self) -> Iterator[Event]:
        yield BatchBegan(seq=0, executions=len(self._indexes))
        rows = self._rows()
        ended = [row for row in rows if row.status not in OPEN]
        for place, row in enumerate(ended, 1):
            yield ItemEnded(
                seq=place,
                index=self._indexes[row.pk],
                execution_id=row.pk,
                status=row.status,
                outcome=row.outcome,
                verdict=row.verdict,
            )
        if len(ended) == len(rows):
            # At a place of its own, whatever has been deleted meanwhile.
            yield Ended(seq=len(self._indexes) + 1)

    def _rows(self) -> list[Execution]:
        columns = ("id", "status", "outcome", "verdict", "finished_at")
        try:
            rows = Execution.objects.filter(batch_id=self._batch.pk).only(*columns).order_by("finished_at", "id")
            return list(rows)
        finally:
            release_connection()
