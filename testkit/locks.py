"""Locks between processes of tests: what there is once is made once, and a test is alone where it asks to be."""

from __future__ import annotations

import fcntl
import math
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from serve.locks import FileLock

MACHINE = Path(tempfile.gettempdir())
"""Where the lock lies of what there is once on a machine, as an image."""


@contextmanager
def one_at_a_time(path: Path) -> Iterator[None]:
    """Hold the lock at this path."""
    lock = FileLock(path)
    lock.acquire(wait_s=math.inf)
    try:
        yield
    finally:
        lock.release()


class Room:
    """Where the tests of a run are: any number of them, or one alone. Each process has an object of its own."""

    def __init__(self, directory: Path) -> None:
        self._door = _opened(directory / "door.lock")
        self._floor = _opened(directory / "floor.lock")

    @contextmanager
    def entered(self, *, alone: bool) -> Iterator[None]:
        """Be there. Who waits for others to leave keeps the door, or they would be back first."""
        fcntl.flock(self._door, fcntl.LOCK_EX)
        fcntl.flock(self._floor, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(self._door, fcntl.LOCK_UN)
        try:
            yield
        finally:
            # Closing would not do where a process that a test has forked has the file open still.
            fcntl.flock(self._floor, fcntl.LOCK_UN)

    def close(self) -> None:
        """Let the files go."""
        os.close(self._door)
        os.close(self._floor)


def _opened(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
