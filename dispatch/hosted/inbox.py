"""What is told of one run and was not read yet: put there by NATS' thread, read by the run's own."""

from __future__ import annotations

import queue
import time
from contextlib import suppress

from dispatch.base import Task
from sandbox.errors import ContainerLost
from sandbox.messages import MAX_BYTES, Ended, Heard, MessageError, Numbered, decode

LOOK_S = 1.0
"""Between two looks of one that waits for its host's next word."""
_UNREAD_BYTES = 2 * MAX_BYTES
"""Of one run, that its reader has not read: more than any may print."""

Word = Numbered | Ended | Heard


class Inbox:
    """`put` and `wake` are callable from any thread; the rest is its reader's."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._words: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()
        self._unread = 0
        self._parts = bytearray()
        self.heard_at = 0.0
        """When its host, or a look at what is stored, said the last word."""

    def put(self, kind: str, data: bytes) -> None:
        """What came for it; the reader makes sense of it."""
        self._unread += len(data)
        if self._unread <= _UNREAD_BYTES:
            self._words.put((kind, data))

    def wake(self) -> None:
        """Have its reader look around now."""
        self._words.put(("", b""))

    def next(self, within_s: float = LOOK_S) -> Word | None:
        """The next word; None where it is time to look around. Raises ContainerLost where it is not understood."""
        while True:
            try:
                kind, data = self._words.get(timeout=within_s)
            except queue.Empty:
                return None
            if not kind:
                return None
            self._unread -= len(data)
            self.heard_at = time.monotonic()
            try:
                word = self._word(kind, data)
            except MessageError as error:
                raise ContainerLost(f"what its host told is not understood: {error}") from error
            if word is not None:
                return word

    def forget(self) -> None:
        """Drop what was not read."""
        self._parts.clear()
        with suppress(queue.Empty):
            while True:
                self._unread -= len(self._words.get_nowait()[1])

    def is_empty(self) -> bool:
        return self._words.empty()

    def _word(self, kind: str, data: bytes) -> Word | None:
        if kind == "heard":
            return decode(data, Heard)
        return end_in(data, self._task) if kind == "end" else self._numbered(data)

    def _numbered(self, data: bytes) -> Numbered | None:
        """The event that these bytes are the last of; None where more of them come."""
        self._parts += data[1:]
        if data[:1] == b"+" and len(self._parts) <= MAX_BYTES:
            return None
        whole = bytes(self._parts)
        self._parts.clear()
        return decode(whole, Numbered)


def end_in(data: bytes, task: Task) -> Ended:
    """The end of this attempt of the task. Raises MessageError."""
    ended = decode(data, Ended)
    if (ended.id, ended.attempt) != (task.id, task.attempt):
        raise MessageError("the end of another")
    return ended
