"""What a slot is made of: a number in this process, or a locked file that all processes of the machine share."""

from __future__ import annotations

import fcntl
import math
import os
from bisect import insort
from pathlib import Path
from typing import Protocol


class Permits(Protocol):
    """A fixed number of permits. Not safe for threads: the caller holds a lock."""

    @property
    def total(self) -> int:
        """How many there are."""

    @property
    def fair_share(self) -> int:
        """This process's part of them."""

    @property
    def held(self) -> int:
        """How many this process has taken."""

    @property
    def poll_s(self) -> float | None:
        """How often to try again while others hold all; None where nobody but this process holds any."""

    def take(self, *, leave_last: bool = False) -> bool:
        """Take one if one is free; with `leave_last` not the one that is the last for all processes together."""

    def give(self) -> None:
        """Give one back: the last one, where it is held."""

    @property
    def beside_last(self) -> int:
        """How many of those that this process holds are others than the last one; an only one is no last one."""

    @property
    def above_fair_share(self) -> bool:
        """Whether this process holds more than its part, and should let others have what it gives back."""


class OwnPermits:
    """Permits of this process alone."""

    poll_s = None
    above_fair_share = False

    def __init__(self, total: int) -> None:
        self.total = total
        self.fair_share = total
        self.held = 0

    def take(self, *, leave_last: bool = False) -> bool:
        # They are all alike: who takes fewer than there are has left the last one.
        del leave_last
        if self.held == self.total:
            return False
        self.held += 1
        return True

    def give(self) -> None:
        self.held -= 1

    @property
    def beside_last(self) -> int:
        return min(self.held, max(1, self.total - 1))


class SharedPermits:
    """Permits of all processes that name the same folder: one file each, locked while it is held.

    The kernel lets go of the locks of a process that dies, however it dies (flock(2)). The last one, which may be left,
    is the same file for all of them, so that it is left by all together.
    """

    poll_s = 0.01
    """A lock on a file wakes nobody when it is let go, so the first in line tries again: often enough to add little to
    a run of tenths of a second, and a hundred flock(2) a second are next to nothing."""

    def __init__(self, folder: Path, total: int, *, processes: int) -> None:
        """`processes` is how many are expected to share; each may take all permits while the others need none."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.total = total
        self.fair_share = math.ceil(total / processes)
        self._files = [
            os.open(folder / f"slot-{number}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600) for number in range(total)
        ]
        self._last = 0 if total > 1 else -1
        self._free = list(range(total))
        """In order: who may have the last one takes it first."""
        self._taken: list[int] = []

    @property
    def held(self) -> int:
        return len(self._taken)

    @property
    def above_fair_share(self) -> bool:
        return self.held > self.fair_share

    def take(self, *, leave_last: bool = False) -> bool:
        for number in self._free:
            if leave_last and number == self._last:
                continue
            try:
                fcntl.flock(self._files[number], fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            self._free.remove(number)
            self._taken.append(number)
            return True
        return False

    def give(self) -> None:
        number = self._last if self._last in self._taken else self._taken[-1]
        self._taken.remove(number)
        fcntl.flock(self._files[number], fcntl.LOCK_UN)
        insort(self._free, number)

    @property
    def beside_last(self) -> int:
        return len(self._taken) - (self._last in self._taken)

    def close(self) -> None:
        """Let go of everything."""
        for file in self._files:
            os.close(file)
        self._files.clear()
