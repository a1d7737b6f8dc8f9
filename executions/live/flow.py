"""How far one who prints may be ahead of the one who reads.

Theory of operation. Whoever reads says up to which place it has shown what it got. Beyond a window the thread that
reads the program's output waits here, so nobody reads the runner: its buffer and the program's pipe fill, and the
program waits in its write. Nothing is dropped, and nothing piles up.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

WINDOW_BYTES = 256 * 1024
_LOOK_S = 0.25
"""How often one who waits looks whether the execution is to end: its end waits for the output before it."""


class Flow:
    """Of one execution. Safe for threads."""

    def __init__(self, is_ending: Callable[[], bool]) -> None:
        """Once `is_ending`, nobody waits any more."""
        self.shown = -1
        """The last place that the reader has shown."""
        self.printed_at = time.monotonic()
        self._is_ending = is_ending
        self._changed = threading.Condition()
        self._open = False

    @property
    def is_open(self) -> bool:
        """Whether nobody waits, and nothing has to be kept."""
        return self._open

    def show(self, place: int) -> None:
        """The reader has shown all up to there."""
        with self._changed:
            self.shown = max(self.shown, place)
            self._changed.notify_all()

    def open(self) -> None:
        """Let everything through from now on."""
        with self._changed:
            self._open = True
            self._changed.notify_all()

    def wait(self, place: int) -> None:
        """Wait until the reader is near that place."""
        self.printed_at = time.monotonic()
        with self._changed:
            while not self._open and place - self.shown > WINDOW_BYTES:
                self._changed.wait(_LOOK_S)
                if self._is_ending():
                    self._open = True
        self.printed_at = time.monotonic()
