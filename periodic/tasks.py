"""What is done from time to time: each room names its own tasks when the applications are loaded."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

MAX_NAME = 40


class Stop(Protocol):
    """Tells work in batches when to end. A threading.Event is one."""

    def is_set(self) -> bool:
        """Whether no further batch is to begin."""

    def wait(self, timeout: float | None = None, /) -> bool:
        """Wait so many seconds, or until it is set; whether it is."""


class Turn:
    """One run of a task: over when the process stops, or when it has taken as long as it may."""

    def __init__(self, stop: threading.Event, longest_s: float, *, is_lost: Callable[[], bool] = lambda: False) -> None:
        """`is_lost` tells that another process may do the same by now."""
        self._stop = stop
        self._until = time.monotonic() + longest_s
        self._is_lost = is_lost

    def is_set(self) -> bool:
        """Whether no further batch is to begin."""
        return self._stop.is_set() or self.is_late or self._is_lost()

    def wait(self, timeout: float | None = None, /) -> bool:
        """Wait so many seconds, or until the turn is over; whether it is."""
        left_s = max(0.0, self._until - time.monotonic())
        self._stop.wait(left_s if timeout is None else min(timeout, left_s))
        return self.is_set()

    @property
    def is_late(self) -> bool:
        """Whether it took as long as it may: what is left is for the next turn, at once."""
        return time.monotonic() >= self._until


@dataclass(frozen=True, slots=True)
class Task:
    """Idempotent, in batches that commit by themselves: it may be cut after any of them, and begun again."""

    name: str
    what: str
    """For a person: what it does."""
    every_s: float
    """From the end of one run to the next."""
    work: Callable[[Stop], int]
    """Does what there is to do until nothing is left or it is told to stop; how much that was."""
    longest_s: float = 60.0
    """Of one turn. What is left then is gone on with at once, by whichever process comes first."""
    is_quiet: bool = False
    """Whether the log need not tell that it did something: it always does."""
    by_age: bool = False
    """Whether it deletes what this host's clock says is old, of which nothing comes back: see periodic.clock."""


_tasks: dict[str, Task] = {}


def register(*tasks: Task) -> None:
    """Have these done. Called when the applications are loaded."""
    for task in tasks:
        if len(task.name) > MAX_NAME:
            raise ValueError(f"{task.name!r} is too long for a task's name")
        _tasks[task.name] = task


def registered() -> dict[str, Task]:
    """All tasks, by name."""
    return dict(sorted(_tasks.items()))
