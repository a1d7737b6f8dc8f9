"""Which executions a thread of this process is at work on, and which of them are to end.

The sweep leaves them alone; whoever wants one to end says so here, and its thread asks why.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID


class Flight:
    """What a thread of this process will finish."""

    def __init__(self) -> None:
        self.cause = ""
        """Why it is to end, once somebody wants that."""


_flights: dict[UUID, Flight] = {}
"""Its operations are atomic, so it needs no lock."""
_taking = threading.Lock()


@contextmanager
def marked(execution_id: UUID) -> Iterator[Flight]:
    """Inside, this thread will finish the execution. Begin before the row is there, or inside `taken`."""
    flight = _flights.setdefault(execution_id, Flight())
    try:
        yield flight
    finally:
        # It may be queued again, and another thread's by now.
        if _flights.get(execution_id) is flight:
            del _flights[execution_id]


def taken(take: Callable[[], Sequence[UUID]]) -> Sequence[UUID]:
    """Mark the rows that `take` makes this process's own; the thread that sees to one of them goes on in `marked`.

    Between the two nobody else is told that no thread has them. Threads take turns: call it without a connection.
    """
    with _taking:
        ids = take()
        for each in ids:
            _flights[each] = Flight()
    return ids


def contains(execution_id: UUID) -> bool:
    """Whether a thread of this process will finish this execution."""
    with _taking:
        return execution_id in _flights


def all_ids() -> list[UUID]:
    """All of them, as of now."""
    return list(_flights)


def end(execution_id: UUID, cause: str) -> bool:
    """Have its thread know why it is to end; the first cause stays. False where no thread of this process has it."""
    flight = _flights.get(execution_id)
    if flight is None:
        return False
    flight.cause = flight.cause or cause
    return True


def cause_of(execution_id: UUID) -> str:
    """Why it is to end; empty where nobody wants that."""
    flight = _flights.get(execution_id)
    return flight.cause if flight is not None else ""
