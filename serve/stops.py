"""SIGTERM and SIGINT, as the supervisor understands them."""

from __future__ import annotations

import signal
from types import FrameType


class Stopped(BaseException):
    """A stop was asked for before there was anything to shut down gracefully."""


class Stops:
    """Remembers the signals that came. Until `graceful` is set, the first one raises Stopped in the main thread."""

    def __init__(self) -> None:
        self.asked: list[signal.Signals] = []
        self.graceful = False

    def install(self) -> None:
        """From now on, in this process."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self.asked.append(signal.Signals(number))
        # Another one must not interrupt what cleans up after the first.
        if not self.graceful and len(self.asked) == 1:
            raise Stopped
