"""What is said to a task on a host: what is typed, signals, the size of its window, and how much of it was read.

The other end is sandbox.host.talked. What the host has not named yet is kept, and said again every second.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from sandbox import bus
from sandbox.console import WINDOW_BYTES, Console
from sandbox.messages import Heard, Said
from sandbox.types import TerminalSize

_MOST_SIGNALS = 64
"""That no host has named: one that hears nothing needs no more of them."""
_SAY_READ_BYTES = bus.UNREAD_BYTES // 4


class Keyboard:
    """The step that a console talks to, where it runs on a host. Safe for threads."""

    def __init__(self, console: Console, say: Callable[[Said], None]) -> None:
        """`say` must not wait."""
        self._console = console
        self._say = say
        self._lock = threading.RLock()
        """Always taken inside of the console's."""
        self._typed = bytearray()
        self._typed_from = self._taken = 0
        self._closed = False
        self._signals: list[int] = []
        self._signals_from = 0
        self._size: TerminalSize | None = None
        self._read = self._said_read = 0
        self._begun = False

    def feed(self) -> None:
        with self._lock:
            data, last = self._console.take(WINDOW_BYTES)
            self._typed += data
            newly_closed, self._closed = last and not self._closed, self._closed or last
            if data or newly_closed:
                self._speak(self._typed_from + len(self._typed) - len(data))

    def signal(self, number: int) -> None:
        with self._lock:
            if len(self._signals) < _MOST_SIGNALS:
                self._signals.append(number)
            self.repeat()

    def resize(self, size: TerminalSize) -> None:
        with self._lock:
            self._size = size
            self.repeat()

    def read(self, size: int) -> None:
        """So much more of its output was read."""
        with self._lock:
            self._read += size
            if self._read - self._said_read >= _SAY_READ_BYTES:
                self.repeat()

    def repeat(self) -> None:
        """Say all that the host has not named. Callable from any thread, and often."""
        with self._lock:
            self._speak(self._typed_from)

    def heard(self, heard: Heard) -> None:
        """What the host has of it. It is believed no more than what can be."""
        with self._lock:
            typed_to = self._typed_from + len(self._typed)
            known = max(0, min(heard.typed, typed_to) - self._typed_from)
            del self._typed[:known]
            self._typed_from += known
            known = max(0, min(heard.signals - self._signals_from, len(self._signals)))
            del self._signals[:known]
            self._signals_from += known
            taken = max(0, min(heard.taken, typed_to) - self._taken)
            self._taken += taken
            begins, self._begun = heard.begun and not self._begun, self._begun or heard.begun
        if begins:
            self._console.begun(self)
        if taken:
            self._console.taken(taken)

    def _speak(self, typed_from: int) -> None:
        self._said_read = self._read
        typed = bytes(self._typed[typed_from - self._typed_from :])
        self._say(
            Said(self._read, typed_from, typed, self._closed, self._signals_from, tuple(self._signals), self._size)
        )
