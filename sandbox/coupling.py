"""Two steps in two containers that talk to each other: each reads on its stdin what the other prints to stdout.

Theory of operation. Each step has its own conversation, moved on by a thread of its own, as every step has. What one
prints is kept as its result's stdout, and that is the buffer from which the other is fed, as far as its runner's window
allows: no byte is kept twice, output_bytes bounds it, and neither ever waits for the other to read. So there is
nothing in which both could get stuck: each ends by itself or by its own limits, whatever the other does. When one has
ended, the other is given the rest, and then the end of its input. When one is lost with its container, the other is
ended too, since nobody could say what its end meant.

One lock stands around all of it, also around what is sent: a runner reads at any time (runner/PROTOCOL.md).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace

from sandbox import protocol
from sandbox.errors import ContainerLost
from sandbox.exchange import STDIN_CHUNK_BYTES, Exchange
from sandbox.types import Output, Step

KILLED_S = 3.0
"""How long a runner may take to end what was killed, which takes milliseconds; then it is overdue."""

Send = Callable[[bytes], None]
"""Sends frames to a container. Raises ContainerLost."""


class CoupledExchange(Exchange):
    """One of the two; `couple` makes both."""

    def __init__(self, step: Step, *, stream_output: bool, send: Send, lock: threading.RLock) -> None:
        super().__init__(step, stream_output=stream_output)
        self._send = send
        self._lock = lock
        self._other = self
        self._given = 0
        """How much of what the other has printed was passed on."""
        self._runs = False
        self._killed = False

    def hear(self, other: CoupledExchange) -> None:
        """Take from now on what the other prints. Before either has begun."""
        self._other = other

    def begun(self) -> None:
        with self._lock:
            self._runs = True
            if self._killed:
                self._send_kill()
            self._feed()

    def stdin_frames(self) -> bytes:
        """Nothing: what the other prints is sent as it comes."""
        self.stdin_due = False
        return b""

    def take(self, frame: protocol.RunnerFrame) -> Output | None:
        with self._lock:
            output = super().take(frame)
            self.stdin_due = False
            if isinstance(frame, protocol.Window):
                self._feed()
            else:
                self._told()
            return output

    def fail(self, detail: str, *, cpu_ms: float = 0.0) -> None:
        with self._lock:
            super().fail(detail, cpu_ms=cpu_ms)
            self._other.kill()
            self._told()

    def kill(self) -> None:
        """End this one alone, which says `cancelled` then. Callable from any thread."""
        with self._lock:
            if self._killed or self.result is not None:
                return
            self._killed = True
            self.deadline = min(self.deadline, time.monotonic() + KILLED_S)
            if self._runs:
                self._send_kill()

    def _told(self) -> None:
        """It has printed, or has ended: now, or before the other did."""
        if self.result is not None and self._other.result is not None:
            self.result = replace(self.result, after_other=True)
        self._other._feed()

    def _feed(self) -> None:
        """Pass on what the window lets through; after the last of one that has ended, the frame that closes stdin."""
        if not self._runs or self._stdin_closed or self.result is not None:
            return
        printed, frames = self._other.printed, []
        while size := min(len(printed) - self._given, self._window, STDIN_CHUNK_BYTES):
            frames.append(protocol.stdin_frame(bytes(printed[self._given : self._given + size])))
            self._given += size
            self._window -= size
        if self._other.result is not None and self._given == len(printed):
            self._stdin_closed = True
            frames.append(protocol.stdin_frame(b""))
        if frames:
            self._try_to_send(b"".join(frames))

    def _send_kill(self) -> None:
        self._try_to_send(protocol.kill_frame())

    def _try_to_send(self, data: bytes) -> None:
        try:
            self._send(data)
        except ContainerLost:
            # The thread that reads from this container finds out by itself; here may be the other's.
            self._stdin_closed = True


def couple(
    step: Step, send: Send, other: Step, send_to_other: Send, *, stream_output: bool
) -> tuple[CoupledExchange, CoupledExchange]:
    """The conversations of two steps that talk to each other. Output is told of the first alone, where it is asked."""
    lock = threading.RLock()
    first = CoupledExchange(step, stream_output=stream_output, send=send, lock=lock)
    second = CoupledExchange(other, stream_output=False, send=send_to_other, lock=lock)
    first.hear(second)
    second.hear(first)
    return first, second
