"""A lock on a file that the kernel releases when its holder dies, however it dies."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

POLL_S = 0.05
"""flock(2) has no time-out, so a wait asks again and again: few of them are long, and none is on a request's path."""


class Unwritable(Exception):
    """The directory of a lock, which is the data directory, cannot be written; the message says what to do."""

    def __init__(self, directory: Path, error: OSError) -> None:
        super().__init__(
            f"The data directory {directory} cannot be written ({error.strerror}). Give it to user {os.geteuid()}, or "
            f"set GEXEC_DATA_DIR to a directory that this user may write."
        )


class Held(Exception):
    """Another process holds the lock; `pid` is what it wrote into the file, or 0."""

    def __init__(self, path: Path, pid: int) -> None:
        super().__init__(f"{path} is held by process {pid}")
        self.pid = pid


class FileLock:
    """flock(2) on `path`, with the holder's pid in the file. Children do not inherit it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1

    def acquire(self, *, shared: bool = False, wait_s: float = 0.0) -> None:
        """Take the lock or raise Held after `wait_s` seconds. Raises Unwritable where there can be no lock."""
        try:
            self._path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise Unwritable(self._path.parent, error) from None
        deadline = time.monotonic() + wait_s
        while True:
            try:
                fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    pid = _pid_in(descriptor)
                    os.close(descriptor)
                    raise Held(self._path, pid) from None
                time.sleep(POLL_S)
        if not shared:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._descriptor >= 0

    def release(self) -> None:
        """Give the lock back; harmless when it is not held."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _pid_in(descriptor: int) -> int:
    text = os.pread(descriptor, 20, 0).decode(errors="replace").strip()
    return int(text) if text.isdigit() else 0
