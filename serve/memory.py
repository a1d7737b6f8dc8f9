"""A bound on memory that many share."""

from __future__ import annotations

import threading
from collections import Counter


class Budget:
    """So many bytes, and of them a share for each owner. Every method may be called in any thread."""

    def __init__(self, total: int, *, share: float = 1.0) -> None:
        self.total = total
        """May be changed before the first is taken."""
        self._share = share
        self._lock = threading.Lock()
        self._taken: Counter[str] = Counter()
        self._all = 0

    @property
    def taken(self) -> int:
        """By all together."""
        return self._all

    def left(self, owner: str) -> int:
        """What this owner could take now."""
        with self._lock:
            return self._left(owner)

    def taken_by(self, owner: str) -> int:
        """What this owner has."""
        return self._taken[owner]

    def take(self, owner: str, count: int, *, beyond: bool = False) -> bool:
        """Whether it was taken: all of it, or nothing. `beyond` takes it although there may be less."""
        with self._lock:
            # Where nothing is taken, the largest can have its turn, however little there is.
            if not beyond and self._all and count > self._left(owner):
                return False
            self._taken[owner] += count
            self._all += count
            return True

    def give(self, owner: str, count: int) -> None:
        """Give back what was taken."""
        with self._lock:
            self._all -= count
            self._taken[owner] -= count
            if not self._taken[owner]:
                # Owners come and go: none is remembered for longer than it has something.
                del self._taken[owner]

    def _left(self, owner: str) -> int:
        return max(0, min(self.total - self._all, int(self.total * self._share) - self._taken.get(owner, 0)))
