"""What a client has sent, and where the request in it ends: told before anything reads the request, which then need not
wait for its client.

Only the ends are told apart here; what is allowed is gunicorn's to say. A request of which no end can be told is given
to gunicorn as far as it has come: it finds what is wrong in that much, or the end of the stream.
"""

from __future__ import annotations

import re
from enum import Enum

MAX_HEAD_BYTES = 1024 * 1024
"""Of the head, and of the fields behind a chunked body: more than gunicorn reads before it refuses them."""
MAX_SIZE_LINE_BYTES = 16 * 1024
"""Of the line with a chunk's size, likewise."""
MAX_CHUNKS = 20_000
"""Each takes a few microseconds in the thread that all clients wait for; 80 bytes a chunk make a body of the default
size, and clients send thousands."""
MAX_DRAINED_BYTES = 32 * 1024 * 1024
"""A client that sends too much reads the answer only if it was let finish; beyond this it is cut off."""

_FIELDS = re.compile(rb"(?i)\n(content-length|transfer-encoding|expect)[ \t]*:[ \t]*([^\r\n]*)")
_SIZE = re.compile(rb"([0-9A-Fa-f]+)[ \t]*(?:;.*)?", re.DOTALL)


class End(Enum):
    """Why nothing more of a request is waited for."""

    WHOLE = "whole"
    TOO_MUCH = "too much"
    """More than a request may be; what was too much has come and is gone, or is not waited for."""
    UNCLEAR = "unclear"
    """It is malformed, or asks for what is not known here."""
    ENDED = "ended"
    """The client will send no more."""
    LATE = "late"
    """The client had its time."""


class Incoming:
    """One request and what is behind it."""

    def __init__(self, max_bytes: int) -> None:
        """`max_bytes` is what is kept of a request, head and body as they are on the wire."""
        self.end: End | None = None
        self.head_bytes = 0
        """Of the whole head; 0 while it is not."""
        self.asks_to_go_on = False
        """The client waits to be told that its body is wanted."""
        self.bytes = 0
        """All that has come, what was thrown away included."""
        self.max_bytes = max_bytes
        self._kept = bytearray()
        self._ends_at: int | None = None
        self._chunks: _Chunks | None = None
        self._read = 0

    @property
    def kept_bytes(self) -> int:
        """What is held in memory."""
        return len(self._kept)

    def feed(self, data: bytes) -> None:
        """More has come. Only before the end."""
        if len(self._kept) < self.max_bytes:
            self._kept += data
        begins = self.bytes
        self.bytes += len(data)
        if self.head_bytes:
            self._follow_body(begins, data)
        elif self._has_head(begins):
            self._follow_body(self.head_bytes, bytes(memoryview(self._kept)[self.head_bytes :]))
        if self.end is None and self.bytes > MAX_DRAINED_BYTES:
            self.end = End.TOO_MUCH

    def close(self, end: End) -> None:
        """Nothing more is waited for."""
        self.end = self.end or end

    def read(self, size: int) -> bytes:
        """At most so many bytes of the request that were not read yet; none where what was kept of it is read."""
        last = self._ends_at if self.end is End.WHOLE and self._ends_at is not None else len(self._kept)
        upto = min(self._read + size, last)
        data = bytes(memoryview(self._kept)[self._read : upto])
        if upto < last:
            self._read = upto
        else:
            # A program may run for minutes now, and what it was sent with is not needed any more.
            self._kept = self._kept[last:]
            self._read = self._ends_at = 0
        return data

    @property
    def has_more_behind(self) -> bool:
        """Whether a part of the next request has come too."""
        return self.end is End.WHOLE and self._ends_at is not None and len(self._kept) > self._ends_at

    def following(self) -> Incoming:
        """The next request on the connection, with what has come of it."""
        following = Incoming(self.max_bytes)
        if self.has_more_behind:
            following.feed(bytes(memoryview(self._kept)[self._ends_at :]))
        return following

    def _has_head(self, begins: int) -> bool:
        """Look for its end in what has come from `begins` on."""
        found = self._kept.find(b"\r\n\r\n", max(0, begins - 3))
        if found >= 0:
            self.head_bytes = found + 4
            self._expect_body()
            return True
        # A line that ends with LF alone is refused at once, and not only when the head is whole.
        odd = self._kept.count(b"\n", begins) != self._kept.count(b"\r\n", max(0, begins - 1))
        if odd or len(self._kept) > MAX_HEAD_BYTES:
            self.end = End.UNCLEAR
        return False

    def _expect_body(self) -> None:
        head = bytes(memoryview(self._kept)[: self.head_bytes])
        fields = {name.lower(): value.strip() for name, value in _FIELDS.findall(head)}
        length = fields.get(b"content-length", b"0")
        if b"transfer-encoding" in fields:
            self._chunks = _Chunks()
        elif length.isdigit() and len(length) < 20:
            self._ends_at = self.head_bytes + int(length)
        else:
            self.end = End.UNCLEAR
        expectation = fields.get(b"expect", b"").lower()
        if expectation not in (b"", b"100-continue"):
            self.end = End.UNCLEAR
        elif expectation and self._ends_at is not None and self._ends_at > self.max_bytes:
            # It has not sent its body yet, and is told not to.
            self.end = End.TOO_MUCH
        self.asks_to_go_on = bool(expectation) and head[: head.find(b"\r\n")].endswith(b"HTTP/1.1")

    def _follow_body(self, begins: int, data: bytes) -> None:
        if self.end is not None:
            return
        if self._chunks is not None:
            ended = self._chunks.feed(data)
            if ended is not None:
                self._ends_at = begins + ended
            elif self._chunks.malformed:
                self.end = End.UNCLEAR
            elif self._chunks.count > MAX_CHUNKS:
                self.end = End.TOO_MUCH
        if self._ends_at is not None and self.bytes >= self._ends_at:
            self.end = End.WHOLE if self._ends_at <= self.max_bytes else End.TOO_MUCH


class _Chunks:
    """Follows a chunked body to its end (RFC 9112, 7.1)."""

    def __init__(self) -> None:
        self.malformed = False
        self.count = 0
        self._line = bytearray()
        """What has come of a line, or of the fields at the end."""
        self._left = 0
        """Bytes of a chunk that are still to come, with the line's end behind it."""
        self._in_trailer = False

    def feed(self, data: bytes) -> int | None:
        """Where in `data` the body ends, if it does."""
        at = 0
        while at < len(data) and not self.malformed and self.count <= MAX_CHUNKS:
            if self._in_trailer:
                return self._trailer(data, at)
            if self._left:
                passed = min(self._left, len(data) - at)
                self._left -= passed
                at += passed
            else:
                at = self._size_line(data, at)
        return None

    def _size_line(self, data: bytes, at: int) -> int:
        end = data.find(b"\n", at)
        self._line += data[at : end if end >= 0 else len(data)]
        if end < 0:
            self.malformed = len(self._line) > MAX_SIZE_LINE_BYTES
            return len(data)
        size = _SIZE.fullmatch(self._line.removesuffix(b"\r"))
        if size is None or not self._line.endswith(b"\r"):
            self.malformed = True
            return len(data)
        self._line.clear()
        self.count += 1
        self._left = int(size[1], 16)
        if self._left:
            self._left += 2
        else:
            self._in_trailer = True
            # The end of the last size line may be that of the fields, when there are none.
            self._line += b"\r\n"
        return end + 1

    def _trailer(self, data: bytes, at: int) -> int | None:
        before = len(self._line)
        self._line += data[at:]
        end = self._line.find(b"\r\n\r\n", max(0, before - 3))
        if end >= 0:
            return at + end + 4 - before
        self.malformed = len(self._line) > MAX_HEAD_BYTES
        return None
