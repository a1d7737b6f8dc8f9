"""A lock for what may fail, and take its time to do so: who waited for one that failed fails with it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """Lets one thread at a time try.

    With a plain lock, threads that wait for a database that does not answer would find that out one after another: the
    last of them after as many time-outs as there are threads. Here each waits for one try at the most.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failed: Exception | None = None
        self._failed_at = 0.0

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Inside, this thread alone tries. Raises what another one has met with since this one asked for its turn."""
        asked = time.monotonic()
        with self._lock:
            if self._failed is not None and self._failed_at >= asked:
                raise _again(self._failed)
            try:
                yield
            except Exception as error:
                self._failed, self._failed_at = _again(error), time.monotonic()
                raise
            self._failed = None


def _again(error: Exception) -> Exception:
    """The same error without a traceback, which would keep the frames it passed, and is one thread's own."""
    again = type(error).__new__(type(error), *error.args)
    again.__dict__.update(error.__dict__)
    return again
