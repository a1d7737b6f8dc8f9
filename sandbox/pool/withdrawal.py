"""How another thread ends the wait for a lease."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sandbox.errors import Cancelled


class Withdrawal:
    """One wait that may be ended. A wait that is over does not notice it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._withdrawn = False
        self._wake: Callable[[], None] = _no_waiter

    def withdraw(self) -> None:
        """End the wait, or the next one. Callable from any thread, and again."""
        with self._lock:
            self._withdrawn = True
            wake = self._wake
        # Outside the lock: it takes the lock of the waiter, which may be about to ask for this one.
        wake()

    def check(self) -> None:
        """Raises Cancelled once it was withdrawn."""
        if self._withdrawn:
            raise Cancelled("cancelled while it waited")

    @contextmanager
    def waking(self, wake: Callable[[], None]) -> Iterator[None]:
        """Inside, `withdraw` calls `wake`; at once where it came before."""
        with self._lock:
            self._wake = wake
            withdrawn = self._withdrawn
        if withdrawn:
            wake()
        try:
            yield
        finally:
            self._wake = _no_waiter


def _no_waiter() -> None:
    """What is woken between two waits."""
