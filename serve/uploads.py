"""Uploads of files: a request that is too large for memory waits on the disk until it is whole.

It waits in a file without a name, which is gone with its process, however that ends. What they all take together is
bounded, and told at the beginning of each: a client whose upload has no room yet is not read meanwhile.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryFile

from serve.memory import Budget

LARGEST_AT_ONCE = 16
"""So many of the largest files have room at once; half of them of one address."""
COUNTED_AT_LEAST = 1 << 20
"""Of the room, for one upload: each has an open file, however small it is."""
WAIT_S = 60.0
"""How long an upload waits for room, which is not its client's doing; then it is given up as late."""
PROGRESS_BYTES = 512 * 1024
"""A client may go on while it sends so much in serve.sockets.READ_S: 0.4 Mbit/s."""

_KEY = re.compile(rb"(?i)\n(?:authorization|x-api-key)[ \t]*:[ \t]*[^\s]")


class Upload:
    """The part of one request that is on the disk."""

    def __init__(self, directory: Path) -> None:
        """Raises OSError."""
        self._file = TemporaryFile(dir=directory, buffering=0)  # noqa: SIM115 (closed with the request)
        self.size = 0
        self._read = 0

    def write(self, data: memoryview) -> None:
        """Raises OSError where the disk is full."""
        while data:
            written = os.write(self._file.fileno(), data)
            self.size += written
            data = data[written:]

    def read(self, size: int) -> bytes:
        """What comes next."""
        data = os.pread(self._file.fileno(), size, self._read)
        self._read += len(data)
        return data

    @property
    def is_read(self) -> bool:
        """Whether nothing is left."""
        return self._read >= self.size

    def close(self) -> None:
        """Give its place on the disk back."""
        self._file.close()


class Uploads:
    """What requests may be uploads, and how many bytes of them have room in `directory`."""

    def __init__(
        self, *, path: str, max_bytes: int, directory: Path, forms: Iterable[str] = (), form_bytes: int = 0
    ) -> None:
        """A file is put to `path`; forms with files, of `form_bytes` each, are posted to `forms`."""
        self._sizes = {_beginnings("PUT", path): max_bytes}
        self._sizes |= {_beginnings("POST", form): form_bytes for form in forms}
        self._beginnings = tuple(each for both in self._sizes for each in both)
        self._directory = directory
        self.room = Budget(LARGEST_AT_ONCE * max_bytes, share=0.5)

    def bytes_for(self, head: bytes) -> int:
        """How large a body this request may have; 0 where it is no upload. Without a key nothing is stored anyway."""
        line = head.lstrip(b"\r\n")
        if not line.startswith(self._beginnings) or not _KEY.search(head):
            return 0
        return next(size for beginnings, size in self._sizes.items() if line.startswith(beginnings))

    def begin(self) -> Upload:
        """Room for one. Raises OSError."""
        return Upload(self._directory)


def _beginnings(method: str, path: str) -> tuple[bytes, bytes]:
    """Of such a request's first line, with a query or without."""
    return f"{method} {path} ".encode(), f"{method} {path}?".encode()
