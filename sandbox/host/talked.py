"""What a job that is talked to hears on this host, and how far it may be ahead of who reads it.

Theory of operation. All that is said comes as Said, whose parts tell where they begin: what has come before is passed
over, and what is missing between is waited for, since it is said again within a second. What is printed is told only
while less than a window of it is unread; then the job's thread waits here, nobody reads the runner, and the program
waits in its write. One to whom nothing is said any more, not even that there is nothing, has nobody.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from sandbox import bus
from sandbox.console import Console, Listener, TypedTooMuch
from sandbox.messages import Heard, Said
from sandbox.types import TerminalSize

_LOOK_S = 0.25
_MOST_SAID = 100
"""That wait for a container to take them: more come again."""


class TalkedTo:
    """The host's part of one conversation. Safe for threads."""

    def __init__(self, *, kept_bytes: int, answer: Callable[[Heard], None]) -> None:
        """`answer` must not wait."""
        self.console: Console = _HostedConsole(kept_bytes, on_room=self._taken, on_begun=self._begun)
        self._answer = answer
        self._typed = self._signals = self._took = 0
        self._size: TerminalSize | None = None
        self._begins = False
        self._said_at = math.inf
        self._inbox: deque[Said] = deque()
        self._hearing = threading.Lock()
        self._read = threading.Condition()
        self._unread = 0
        self._read_bytes = 0
        self._open = False

    @property
    def is_mute(self) -> bool:
        """Whether nobody talks to it any more."""
        return time.monotonic() - self._said_at > bus.MUTE_S

    def begin(self) -> None:
        """Whoever talks is about to be told where: before that nothing could be said, however long it waited here."""
        self._said_at = time.monotonic()

    def said(self, said: Said) -> None:
        """What was said; `hear` it. Does not wait."""
        self._said_at = time.monotonic()
        self._was_read(said.read_bytes)
        if len(self._inbox) < _MOST_SAID:
            self._inbox.append(said)

    def hear(self) -> None:
        """Pass on what was said. May wait for the container to take it."""
        with self._hearing:
            while self._inbox:
                said = self._inbox.popleft()
                if self._begins:
                    self._pass_on(said)
        self._tell()

    def printed(self, size: int) -> None:
        """So much is about to be told: wait until there is room for it."""
        with self._read:
            while self._unread >= bus.UNREAD_BYTES and not self._open:
                self._read.wait(_LOOK_S)
            self._unread += size

    def open(self) -> None:
        """Nobody waits any more."""
        with self._read:
            self._open = True
            self._read.notify_all()

    def _was_read(self, read_bytes: int) -> None:
        with self._read:
            newly = max(0, read_bytes - self._read_bytes)
            self._read_bytes += newly
            self._unread = max(0, self._unread - newly)
            self._read.notify_all()

    def _pass_on(self, said: Said) -> None:
        if said.size is not None and said.size != self._size:
            with suppress(ValueError):
                self.console.resize(said.size)
            self._size = said.size
        known = self._typed - said.typed_from
        if 0 <= known <= len(said.typed):
            self._type(said.typed[known:], closed=said.closed)
        known = self._signals - said.signals_from
        for number in said.signals[known:] if known >= 0 else ():
            self._signals += 1
            with suppress(ValueError):
                self.console.signal(number)

    def _type(self, data: bytes, *, closed: bool) -> None:
        try:
            self.console.type(data)
        except TypedTooMuch:
            # A web process that keeps to the room says it again when there is some.
            return
        self._typed += len(data)
        if closed:
            self.console.close_stdin()

    def _begun(self) -> None:
        self._begins = True
        self._tell()

    def _taken(self, size: int) -> None:
        self._took += size
        self._tell()

    def _tell(self) -> None:
        self._answer(Heard(self._begins, self._typed, self._signals, self._took))


class _HostedConsole(Console):
    """One that says when its step has begun."""

    def __init__(self, kept_bytes: int, *, on_room: Callable[[int], None], on_begun: Callable[[], None]) -> None:
        super().__init__(kept_bytes=kept_bytes, on_room=on_room)
        self._on_begun = on_begun

    def begun(self, listener: Listener) -> None:
        super().begun(listener)
        self._on_begun()
