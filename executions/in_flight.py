"""Which executions a thread of this process is at work on: of its open rows, those that the sweep leaves alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

_ids: set[UUID] = set()
"""Its operations are atomic, so it needs no lock."""


@contextmanager
def marked(execution_id: UUID) -> Iterator[None]:
    """Inside, this thread will finish the execution. Begin before the row is there."""
    _ids.add(execution_id)
    try:
        yield
    finally:
        _ids.discard(execution_id)


def contains(execution_id: UUID) -> bool:
    """Whether a thread of this process will finish this execution."""
    return execution_id in _ids
