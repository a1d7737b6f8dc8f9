"""Marked programs as this machine's kernel lists them: in which containers each ran, and which in two at once."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PROGRAM = """
import os
print("begun", flush=True)
os.execv("/bin/sleep", ["{mark}", "{seconds}"])
"""
"""Its mark is what the host sees of it: the first word of its command line."""
MARK = b"mark-"


@dataclass(frozen=True, slots=True)
class Twice:
    """A program that was seen in two containers at the same time."""

    mark: str
    at: float
    """Monotonic."""


class Sightings:
    """In which containers each marked program was seen, and those that were seen in two at the same time."""

    def __init__(self) -> None:
        self.containers: dict[str, set[str]] = defaultdict(set)
        self.twice: list[Twice] = []
        self.longest_s = 0.0
        """Between two looks: what runs for longer has been seen."""
        self._looked_at = time.monotonic()

    def look(self) -> None:
        """See what runs now."""
        began = time.monotonic()
        now: dict[str, set[str]] = defaultdict(set)
        for process in Path("/proc").iterdir():
            # Processes come and go while they are looked at.
            with contextlib.suppress(OSError):
                words = (process / "cmdline").read_bytes() if process.name.isdecimal() else b""
                if words.startswith(MARK):
                    now[words.split(b"\0")[0].decode()].add(str((process / "ns" / "pid").readlink()))
        for mark, containers in now.items():
            self.containers[mark] |= containers
        # From the beginning of the one to the end of the other.
        self.longest_s, self._looked_at = max(self.longest_s, time.monotonic() - self._looked_at), began
        self.twice += [Twice(mark, time.monotonic()) for mark, containers in now.items() if len(containers) > 1]


@contextmanager
def watched_programs(*, every_s: float = 0.02) -> Iterator[Sightings]:
    """What is seen from now on, until the end."""
    sightings, over = Sightings(), threading.Event()

    def watch() -> None:
        while not over.wait(every_s):
            sightings.look()

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield sightings
    finally:
        over.set()
        thread.join()
