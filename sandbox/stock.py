"""Which containers are ready, which are being made, and how many there should be. Plain bookkeeping: no lock of its
own, no engine, no waiting; the pool calls it under its lock.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

from sandbox.container import Container
from sandbox.types import Profile, Warmth

_LONGEST_BACKOFF_S = 10.0
_FIRST_BACKOFF_S = 0.1
_RATE_MEMORY_S = 10.0
_SHORTAGE_MEMORY_S = 30.0


@dataclass
class Shelf:
    """The containers of one profile."""

    profile: Profile
    warmth: Warmth
    fresh: deque[Container] = field(default_factory=deque)
    """Started and never used."""
    kept: deque[Container] = field(default_factory=deque)
    """Used before by their owner and to be used again, the most recent last."""
    building: int = 0
    waiting: int = 0
    """Leases that hold a slot and wait for a container."""
    failures: int = 0
    """Starts that failed since the last one that succeeded."""
    failures_ever: int = 0
    error: Exception | None = None
    not_before: float = 0.0
    """Monotonic time before which no further start is tried."""
    build_s: float = 0.5
    """How long a start takes, as lately seen."""
    arrivals: int = 0
    rate_per_s: float = 0.0
    shortage: float = 0.0
    """How many more would have spared somebody the wait lately."""

    def take(self, owner: str | None) -> Container | None:
        """The best container for this owner: one of its own, else a fresh one."""
        if owner is not None:
            for container in reversed(self.kept):
                if container.owner == owner:
                    self.kept.remove(container)
                    return container
        return self.fresh.popleft() if self.fresh else None

    def put_fresh(self, container: Container, *, took_s: float) -> None:
        """A start has succeeded."""
        self.build_s += 0.2 * (took_s - self.build_s)
        self.failures = 0
        self.error = None
        self.not_before = 0.0
        self.fresh.append(container)

    def note_failure(self, error: Exception, now: float) -> None:
        """A start has failed; the next is tried after a time that doubles from 0.1 to 10 seconds."""
        self.not_before = now + min(_LONGEST_BACKOFF_S, _FIRST_BACKOFF_S * 2.0 ** min(self.failures, 10))
        self.failures += 1
        self.failures_ever += 1
        self.error = error

    def note_demand(self, elapsed_s: float) -> None:
        """Fold the arrivals since the last call into the rate, which forgets within about ten seconds; let a shortage
        be forgotten in half a minute.
        """
        self.shortage = max(0.0, self.shortage - elapsed_s / _SHORTAGE_MEMORY_S)
        weight = min(1.0, elapsed_s / _RATE_MEMORY_S)
        self.rate_per_s += weight * (self.arrivals / max(elapsed_s, 0.001) - self.rate_per_s)
        self.arrivals = 0

    def note_shortage(self) -> None:
        """Somebody found no container waiting."""
        self.shortage = min(self.shortage + 1.0, float(self.warmth.maximum))

    @property
    def target(self) -> int:
        """How many fresh containers to keep, within the operator's bounds: what arrives while two are made, or the
        minimum and what was short of late.
        """
        expected = math.ceil(self.rate_per_s * self.build_s * 2.0 - 0.05)
        missed = self.warmth.minimum + math.ceil(self.shortage - 0.05)
        return max(self.warmth.minimum, min(self.warmth.maximum, max(expected, missed)))

    def needs_build(self, now: float) -> bool:
        """Whether another start should begin now."""
        if now < self.not_before:
            return False
        return self.urgent or len(self.fresh) + self.building < self.target

    @property
    def urgent(self) -> bool:
        """Whether somebody waits for a container that nobody is making yet."""
        return self.waiting > len(self.fresh) + self.building

    def surplus(self) -> list[Container]:
        """Take out fresh containers above the target, one at a call, so that a dip in demand costs little."""
        if len(self.fresh) > max(self.target, self.waiting):
            return [self.fresh.popleft()]
        return []

    def expired(self, now: float, *, idle_s: float, room: int) -> list[Container]:
        """Take out kept containers that nobody came back for, and the oldest where there are more than `room`."""
        gone = []
        while self.kept and (len(self.kept) > room or now - self.kept[0].idle_since > idle_s):
            gone.append(self.kept.popleft())
        return gone

    def drain(self) -> list[Container]:
        """Take out everything."""
        everything = [*self.fresh, *self.kept]
        self.fresh.clear()
        self.kept.clear()
        return everything


class Stock:
    """All shelves."""

    def __init__(self) -> None:
        self.shelves: dict[Profile, Shelf] = {}
        self._targets: dict[Profile, Warmth] = {}

    def shelf(self, profile: Profile) -> Shelf:
        """The profile's shelf, made at first use. One that nobody asked to keep warm keeps nothing."""
        if profile not in self.shelves:
            self.shelves[profile] = Shelf(profile, self._targets.get(profile, Warmth(0, 0)))
        return self.shelves[profile]

    def retarget(self, targets: dict[Profile, Warmth]) -> list[Container]:
        """Replace the warmths; gives the containers of profiles that are no longer wanted."""
        self._targets = dict(targets)
        drained = []
        for profile, shelf in list(self.shelves.items()):
            shelf.warmth = targets.get(profile, Warmth(0, 0))
            if profile not in targets:
                drained += shelf.drain()
                if not (shelf.waiting or shelf.building):
                    del self.shelves[profile]
        for profile in targets:
            self.shelf(profile)
        return drained

    def wanted(self, profile: Profile) -> bool:
        """Whether containers of this profile are to be kept at all."""
        return profile in self._targets

    def next_build(self, now: float) -> Shelf | None:
        """The shelf that needs a container most: first where somebody waits, then where the most are missing."""
        candidates = [shelf for shelf in self.shelves.values() if shelf.needs_build(now)]
        if not candidates:
            return None
        return max(candidates, key=lambda shelf: (shelf.urgent, shelf.target - len(shelf.fresh) - shelf.building))
