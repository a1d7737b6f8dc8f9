"""Server-sent events out of bytes as they come (the HTML standard, 9.2.6)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from gexec_client.errors import UnexpectedAnswer

MAX_EVENT_BYTES = 256 * 1024 * 1024
"""The last event has the whole execution: tests, both outputs, in base64 as well."""
# Lines end with these alone: a program may well print what Python's splitlines takes for an end.
_LINE_END = re.compile(rb"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class Message:
    """One event, before anybody knows what it means."""

    event: str
    data: str
    id: str


class Decoder:
    """Feed it what arrives; it gives the events that are whole."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._searched = 0
        self._event, self._id = "", ""
        self._data: list[str] = []
        self._held_bytes = 0

    def feed(self, chunk: bytes) -> Iterator[Message]:
        """Raises UnexpectedAnswer for an event without an end."""
        self._buffer += chunk
        for line in self._lines():
            if (message := self._take(line.decode("utf-8", "replace"))) is not None:
                yield message
        if len(self._buffer) + self._held_bytes > MAX_EVENT_BYTES:
            raise UnexpectedAnswer(f"an event has more than {MAX_EVENT_BYTES} bytes")

    def _lines(self) -> Iterator[bytes]:
        start = 0
        while found := _LINE_END.search(self._buffer, max(start, self._searched)):
            if found.group() == b"\r" and found.end() == len(self._buffer):
                break  # The line feed that belongs to it may be under way.
            yield bytes(self._buffer[start : found.start()])
            start = found.end()
            self._searched = 0
        del self._buffer[:start]
        # What was looked at once is not looked at with each chunk that comes behind it.
        self._searched = max(0, len(self._buffer) - 1)

    def _take(self, line: str) -> Message | None:
        if not line:
            return self._whole()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            self._event = value
        elif name == "data":
            self._data.append(value)
            self._held_bytes += len(value)
        elif name == "id" and "\0" not in value:
            self._id = value
        return None

    def _whole(self) -> Message | None:
        event, data = self._event, self._data
        self._event, self._data, self._held_bytes = "", [], 0
        return Message(event, "\n".join(data), self._id) if data else None
