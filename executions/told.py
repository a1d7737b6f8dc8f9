"""Telling threads of this process that an execution has ended, in the moment in which its row says so."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from uuid import UUID


class Listener:
    """Waits for the ends of some executions."""

    def __init__(self, ids: Iterable[UUID]) -> None:
        self.open = set(ids)
        self._changed = threading.Condition()
        self._stopped = False

    def ended(self, execution_id: UUID) -> None:
        """Take note that this one has ended."""
        with self._changed:
            self.open.discard(execution_id)
            if not self.open:
                self._changed.notify_all()

    def stop(self) -> None:
        """End the wait: nobody is there for the answer any more."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def wait(self, timeout_s: float) -> bool:
        """Wait for the last of them; whether all have ended."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or not self.open, timeout_s)
            return not self.open


_lock = threading.Lock()
_listeners: dict[UUID, set[Listener]] = {}


@contextmanager
def listening(ids: Iterable[UUID]) -> Iterator[Listener]:
    """Inside, the ends of these are told to the listener. Look at their rows after that: some may have ended before."""
    listener = Listener(ids)
    wanted = frozenset(listener.open)
    with _lock:
        for each in wanted:
            _listeners.setdefault(each, set()).add(listener)
    try:
        yield listener
    finally:
        with _lock:
            for each in wanted:
                _listeners[each].discard(listener)
                if not _listeners[each]:
                    del _listeners[each]


def ended(execution_id: UUID) -> None:
    """Tell whoever listens. Call it once the row is committed."""
    with _lock:
        listeners = list(_listeners.get(execution_id, ()))
    for each in listeners:
        each.ended(execution_id)


def awaited() -> list[UUID]:
    """Those that somebody waits for."""
    with _lock:
        return list(_listeners)


def stop_all() -> None:
    """End every wait of now."""
    with _lock:
        listeners = {each for several in _listeners.values() for each in several}
    for each in listeners:
        each.stop()
