"""What a client has sent, and where the request in it ends: told before anything reads the request, which then need not
wait for its client.

Only the ends are told apart here; what is allowed is gunicorn's to say. A request of which no end can be told is given
to gunicorn as far as it has come: it finds what is wrong in that much, or the end of the stream.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum
from typing import Protocol

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


class Upload(Protocol):
    """Where a body is kept that is too large for memory; serve/uploads.py has the real one."""

    @property
    def size(self) -> int:
        """Bytes that were written."""

    @property
    def is_read(self) -> bool:
        """Whether nothing is left to be read."""

    def write(self, data: memoryview) -> None: ...

    def read(self, size: int) -> bytes: ...

    def close(self) -> None: ...


def no_upload(_head: bytes) -> int:
    """No request may have more than fits into memory."""
    return 0


class Incoming:
    """One request and what is behind it."""

    def __init__(self, max_bytes: int, *, upload_bytes: Callable[[bytes], int] = no_upload) -> None:
        """`max_bytes` is what is kept of a request, head and body as they are on the wire.

        `upload_bytes` tells of a head how large its body may be where that is kept in an Upload.
        """
        self.end: End | None = None
        self.head_bytes = 0
        """Of the whole head; 0 while it is not."""
        self.asks_to_go_on = False
        """The client waits to be told that its body is wanted."""
        self.bytes = 0
        """All that has come, what was thrown away included."""
        self.max_bytes = max_bytes
        self.awaits_upload = 0
        """So many bytes need room in an Upload before more of the request may come."""
        self._in_memory = max_bytes
        self._upload_bytes = upload_bytes
        self._upload: Upload | None = None
        self._behind = bytearray()
        """Of the next request, where the body of this one is in an Upload."""
        self._kept = bytearray()
        self._ends_at: int | None = None
        self._chunks: _Chunks | None = None
        self._read = 0

    @property
    def kept_bytes(self) -> int:
        """What is held in memory."""
        return len(self._kept) + len(self._behind)

    @property
    def is_upload(self) -> bool:
        """Whether what comes goes into an Upload."""
        return self._upload is not None

    def begin_upload(self, upload: Upload) -> None:
        """Keep in it what comes from now on. It is closed when it is read, or with `release`."""
        self.awaits_upload = 0
        self._upload = upload

    def release(self) -> None:
        """Give back what is on the disk."""
        if self._upload is not None:
            self._upload.close()
            self._upload = None
            self._kept, self._behind = self._behind, bytearray()
            self._read = self._ends_at = 0

    def feed(self, data: bytes) -> None:
        """More has come. Only before the end. Raises OSError where it has no place on the disk."""
        begins = self.bytes
        self.bytes += len(data)
        if self._upload is not None:
            self._follow_body(begins, data)
            self._write(self._upload, begins, data)
        else:
            if len(self._kept) < self.max_bytes:
                self._kept += data
            if self.head_bytes:
                self._follow_body(begins, data)
            elif self._has_head(begins):
                self._follow_body(self.head_bytes, bytes(memoryview(self._kept)[self.head_bytes :]))
        drained = MAX_DRAINED_BYTES if self.max_bytes == self._in_memory else self.max_bytes + MAX_DRAINED_BYTES
        if self.end is None and self.bytes > drained:
            self.end = End.TOO_MUCH

    def close(self, end: End) -> None:
        """Nothing more is waited for."""
        self.end = self.end or end

    def read(self, size: int) -> bytes:
        """At most so many bytes of the request that were not read yet; none where what was kept of it is read."""
        if self._upload is not None:
            return self._read_upload(self._upload, size)
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

    def take_rest(self) -> bytes:
        """What has come and was not read yet, of the request and behind it; nothing is left of it here."""
        rest = bytes(memoryview(self._kept)[self._read :]) + bytes(self._behind)
        self._kept, self._behind, self._read = bytearray(), bytearray(), 0
        self._ends_at = 0 if self._ends_at is not None else None
        return rest

    @property
    def has_more_behind(self) -> bool:
        """Whether a part of the next request has come too."""
        if self._upload is not None:
            return bool(self._behind)
        return self.end is End.WHOLE and self._ends_at is not None and len(self._kept) > self._ends_at

    def following(self) -> Incoming:
        """The next request on the connection, with what has come of it."""
        following = Incoming(self._in_memory, upload_bytes=self._upload_bytes)
        self.release()
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
        if self._ends_at is None or self._ends_at > self.max_bytes:
            self._expect_upload(self._upload_bytes(head))
        expectation = fields.get(b"expect", b"").lower()
        if expectation not in (b"", b"100-continue"):
            self.end = End.UNCLEAR
        elif expectation and self._ends_at is not None and self._ends_at > self.max_bytes:
            # It has not sent its body yet, and is told not to.
            self.end = End.TOO_MUCH
        self.asks_to_go_on = bool(expectation) and head[: head.find(b"\r\n")].endswith(b"HTTP/1.1")

    def _expect_upload(self, most: int) -> None:
        if self._ends_at is not None and self._ends_at <= self.head_bytes + most:
            self.awaits_upload = self._ends_at - self.head_bytes
        elif self._chunks is not None and most:
            # What it will be is not known. A sixteenth for the lines between small chunks.
            self.awaits_upload = most + most // 16
        if self.awaits_upload:
            self.max_bytes = max(self.max_bytes, self.head_bytes + self.awaits_upload)

    def _write(self, upload: Upload, begins: int, data: bytes) -> None:
        """What of it is of this request; and what is behind that, which is of the next."""
        own = len(data) if self._ends_at is None else min(len(data), self._ends_at - begins)
        if upload.size + own <= self.max_bytes:
            upload.write(memoryview(data)[:own])
        self._behind += memoryview(data)[own:]

    def _read_upload(self, upload: Upload, size: int) -> bytes:
        data = bytes(memoryview(self._kept)[self._read : self._read + size])
        if data:
            self._read += len(data)
            return data
        data = upload.read(size)
        if upload.is_read:
            self.release()
        return data

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
