"""SIGTERM, SIGINT and SIGHUP, as the supervisor understands them."""

from __future__ import annotations

import os
import signal
from types import FrameType

_STDIN = 0


class Stopped(BaseException):
    """A stop was asked for before there was anything to shut down gracefully."""


class Stops:
    """Remembers the signals that came. Until `graceful` is set, the first one raises Stopped in the main thread."""

    def __init__(self) -> None:
        self.asked: list[signal.Signals] = []
        self.graceful = False
        self._reload_asked = False

    def install(self) -> None:
        """From now on, in this process. SIGHUP asks for a reload; of a terminal it says that the terminal is gone."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        signal.signal(signal.SIGHUP, self._on_signal if os.isatty(_STDIN) else self._on_reload)

    def take_reload(self) -> bool:
        """Whether a reload was asked for since this was asked last."""
        asked, self._reload_asked = self._reload_asked, False
        return asked

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self.asked.append(signal.Signals(number))
        # Another one must not interrupt what cleans up after the first.
        if not self.graceful and len(self.asked) == 1:
            raise Stopped

    def _on_reload(self, _number: int, _frame: FrameType | None) -> None:
        # A start begins with the newest code anyway.
        self._reload_asked = self.graceful
