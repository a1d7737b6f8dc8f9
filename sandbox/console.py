"""What is said to a step while it runs: what is typed, signals, the size of its terminal's window.

Theory of operation. A Console is made before its step has begun, by whoever speaks for the one at the keyboard, and is
safe for threads. What is typed before the step begins waits here, and so does what the runner has no room for: both
together are at most a full window, which is told to the one who types and grows again as the program reads.

One lock of the console's stands around all that is sent through it, so that bytes go in the order in which they came.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from sandbox import protocol
from sandbox.errors import ContainerLost
from sandbox.exchange import STDIN_CHUNK_BYTES, Exchange
from sandbox.types import Output, Step, TerminalSize

Send = Callable[[bytes], None]
"""Sends frames to a container. Raises ContainerLost."""

WINDOW_BYTES = protocol.STDIN_WINDOW
"""So much may be typed that no program has taken."""


class TypedTooMuch(Exception):
    """More than the window was typed."""


class Listener(Protocol):
    """The step that runs, here or on a host. All is called with the console's lock held."""

    def feed(self) -> None:
        """There may be more to `take`, or stdin may have been closed."""

    def signal(self, number: int) -> None:
        """For the program."""

    def resize(self, size: TerminalSize) -> None:
        """Of its terminal's window."""


class Console:
    """One keyboard, for one step."""

    def __init__(self, *, kept_bytes: int, on_room: Callable[[int], None] = lambda _: None) -> None:
        """`kept_bytes` of its output are in the step's result, at most; all of it is told as it comes.

        `on_room` is called, in the thread that moves the run on, with how much more may be typed.
        """
        self.kept_bytes = kept_bytes
        self.lock = threading.RLock()
        """Held while frames are made and sent."""
        self._on_room = on_room
        self._typed = bytearray()
        """What the runner had no room for yet."""
        self._room = WINDOW_BYTES
        self._closed = False
        self._size: TerminalSize | None = None
        self._listener: Listener | None = None
        self.has_begun = False
        """Whether the step runs, or has run."""

    def type(self, data: bytes) -> None:
        """What is typed after the step has ended, or its stdin is closed, goes nowhere. Raises TypedTooMuch."""
        with self.lock:
            if self._closed:
                return
            if len(data) > self._room:
                raise TypedTooMuch
            self._room -= len(data)
            self._typed += data
            self._feed()

    @property
    def room(self) -> int:
        """How much may be typed now."""
        return self._room

    def close_stdin(self) -> None:
        """Nothing more is typed. A terminal has no end of stdin: there, ^D is typed."""
        with self.lock:
            self._closed = True
            self._feed()

    def signal(self, number: int) -> None:
        """One of protocol.SIGNALS; nobody hears what comes before the step has begun, or after its end."""
        protocol.signal_frame(number)  # ValueError for one that is not passed on.
        with self.lock:
            if self._listener is not None:
                self._listener.signal(number)

    def resize(self, size: TerminalSize) -> None:
        """ValueError for no size."""
        protocol.resize_frame(size)
        with self.lock:
            self._size = size
            if self._listener is not None:
                self._listener.resize(size)

    def begun(self, listener: Listener) -> None:
        """The step runs; or another container has taken the place of one that was lost before it ran there."""
        with self.lock:
            self._listener, self.has_begun = listener, True
            if self._size is not None:
                self.resize(self._size)
            self._feed()

    def ended(self) -> None:
        """The step is over, or never began."""
        with self.lock:
            self._closed, self._listener = True, None
            self._typed.clear()

    def taken(self, size: int) -> None:
        """The program has taken so much of what was typed."""
        with self.lock:
            self._room += size
            self._feed()
        self._on_room(size)

    def take(self, size: int) -> tuple[bytes, bool]:
        """At most so much of what was typed, and whether that is the last of it. With the lock held."""
        data = bytes(self._typed[:size])
        del self._typed[:size]
        return data, self._closed and not self._typed

    def _feed(self) -> None:
        if self._listener is not None:
            self._listener.feed()


class ConsoleExchange(Exchange):
    """The conversation of a step that has a console."""

    def __init__(self, step: Step, console: Console, *, stream_output: bool, send: Send) -> None:
        super().__init__(step, stream_output=stream_output)
        self._console = console
        self._send = send
        self._kept_bytes = console.kept_bytes
        self._given = len(step.stdin)
        """What the step has from the start, and was not typed, as far as nothing has read it."""

    def begun(self) -> None:
        if self.result is None:
            self._console.begun(self)
        else:
            self._console.ended()

    def stdin_frames(self) -> bytes:
        """Nothing: what is typed is sent as it comes, and what the step has from the start before it."""
        self.stdin_due = False
        return b""

    def take(self, frame: protocol.RunnerFrame) -> Output | None:
        with self._console.lock:
            output = super().take(frame)
            self.stdin_due = False
        if isinstance(frame, protocol.Window):
            given = min(frame.size, self._given)
            self._given -= given
            self._console.taken(frame.size - given)
        elif self.result is not None:
            self._console.ended()
        return output

    def fail(self, detail: str, *, cpu_ms: float = 0.0) -> None:
        super().fail(detail, cpu_ms=cpu_ms)
        self._console.ended()

    def feed(self) -> None:
        """Send what the runner's window lets through. With the console's lock held."""
        if self._stdin_closed or self.result is not None:
            return
        frames, last = [], False
        while self._window and not last:
            size = min(self._window, STDIN_CHUNK_BYTES)
            if self._stdin:
                data, self._stdin = bytes(self._stdin[:size]), self._stdin[size:]
            else:
                data, last = self._console.take(size)
            if not data:
                break
            self._window -= len(data)
            frames.append(protocol.stdin_frame(data))
        if last:
            self._stdin_closed = True
            frames.append(protocol.stdin_frame(b""))
        if frames:
            self.say(b"".join(frames))

    def signal(self, number: int) -> None:
        self.say(protocol.signal_frame(number))

    def resize(self, size: TerminalSize) -> None:
        self.say(protocol.resize_frame(size))

    def say(self, frames: bytes) -> None:
        """Send them. Where the container is lost, the thread that reads from it finds out by itself."""
        with suppress(ContainerLost):
            self._send(frames)

    def _collect(self, frame: protocol.Output) -> Output | None:
        super()._collect(frame)
        return Output(self.step.name, frame.stream, frame.data) if self._stream_output else None
