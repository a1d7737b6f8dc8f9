"""Which containers are ready, which are being made, and how many there should be. Plain bookkeeping: no lock of its
own, no engine, no waiting; `state` calls it under its lock.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

from sandbox.container import Container
from sandbox.errors import ImageMissing, SandboxError
from sandbox.types import Profile, WarmTarget

_RATE_MEMORY_S = 10.0
"""How fast the rate of arrivals forgets: long enough to bridge the gaps of a few requests a second."""
_SHORTAGE_MEMORY_S = 30.0
"""How long one wait for a container keeps one more: a burst often has a second one, as when a class is told to run."""
_BUILD_TIME_WEIGHT = 0.2
"""Of the newest start in the average: about the last five count."""
_FIRST_BUILD_S = 0.5
"""What a start is taken to last before one was seen: a slow one, so that the first burst finds enough."""
_BUILDS_AHEAD = 2.0
"""While one start goes on, what it should have served arrives; the next is to be ready by then too."""
_ROUNDS_TO_NOTHING = 0.05
"""A rate or shortage that has faded to this little does not keep a container."""
_WORTH_WAITING_S = 1.0
"""A lease does not wait for a start that is tried again later than this: who asked had better be told at once."""


@dataclass
class Backoff:
    """When to try again after failures: after a time that doubles from 0.1 to 10 seconds.

    A tenth of a second bridges an engine that is busy, and an engine that restarts is back within ten.
    """

    FIRST_S = 0.1
    LONGEST_S = 10.0

    failures: int = 0
    """Since the last success."""
    not_before: float = 0.0
    """Monotonic time before which nothing is tried."""

    def failed(self, now: float) -> None:
        """Wait twice as long as before."""
        self.not_before = now + min(self.LONGEST_S, self.FIRST_S * 2.0 ** min(self.failures, 10))
        self.failures += 1

    def succeeded(self) -> None:
        """Wait no longer."""
        self.failures = 0
        self.not_before = 0.0


@dataclass
class ProfileInventory:
    """The containers of one profile."""

    profile: Profile
    warm: WarmTarget
    idle: deque[Container] = field(default_factory=deque)
    """Started and never used."""
    reusable: deque[Container] = field(default_factory=deque)
    """Used before, and kept for their tenants, the most recent last."""
    building: int = 0
    waiting: int = 0
    """Leases that hold a slot and wait for a container."""
    backoff: Backoff = field(default_factory=Backoff)
    failures_ever: int = 0
    error: SandboxError | None = None
    """Why the last start failed. It is never raised: `SandboxError.renewed` makes what is."""
    in_cells: bool | None = None
    """Whether the container that was made last has a cell for each job; None before the first."""
    build_s: float = _FIRST_BUILD_S
    """How long a start takes, as lately seen."""
    arrivals: int = 0
    """Idle containers that were taken since the rate was last updated."""
    rate_per_s: float = 0.0
    shortage: float = 0.0
    """How many more would lately have spared a lease the wait."""

    def take(self, tenant: str | None) -> Container | None:
        """The best container for this tenant: one that it used before, else an idle one."""
        if tenant is not None:
            for container in reversed(self.reusable):
                if container.tenant == tenant:
                    self.reusable.remove(container)
                    return container
        return self.idle.popleft() if self.idle else None

    def put_back(self, container: Container) -> None:
        """A leased container may be leased again; one that saw no job is as good as new."""
        (self.reusable if container.runs else self.idle).append(container)

    def build_succeeded(self, container: Container, *, took_s: float) -> None:
        """A start has succeeded."""
        self.build_s += _BUILD_TIME_WEIGHT * (took_s - self.build_s)
        self.error = None
        self.in_cells = container.in_cell
        self.backoff.succeeded()
        self.idle.append(container)

    def build_failed(self, error: SandboxError, now: float) -> None:
        """A start has failed."""
        self.backoff.failed(now)
        self.failures_ever += 1
        self.error = error

    def note_demand(self, elapsed_s: float) -> None:
        """Fold the arrivals since the last call into the rate, and let a shortage be forgotten."""
        self.shortage = max(0.0, self.shortage - elapsed_s / _SHORTAGE_MEMORY_S)
        weight = min(1.0, elapsed_s / _RATE_MEMORY_S)
        self.rate_per_s += weight * (self.arrivals / max(elapsed_s, 0.001) - self.rate_per_s)
        self.arrivals = 0

    def note_shortage(self) -> None:
        """A lease found no container waiting."""
        self.shortage = min(self.shortage + 1.0, float(self.warm.maximum))

    @property
    def target(self) -> int:
        """How many idle containers to keep, within the operator's bounds: what arrives while two are made, or the
        minimum and what was short of late.
        """
        expected = math.ceil(self.rate_per_s * self.build_s * _BUILDS_AHEAD - _ROUNDS_TO_NOTHING)
        missed = self.warm.minimum + math.ceil(self.shortage - _ROUNDS_TO_NOTHING)
        return max(self.warm.minimum, min(self.warm.maximum, max(expected, missed)))

    @property
    def missing(self) -> int:
        """How many starts the target is away."""
        return self.target - len(self.idle) - self.building

    @property
    def urgent(self) -> bool:
        """Whether a lease waits for a container that is not even being made yet."""
        return self.waiting > len(self.idle) + self.building

    def needs_build(self, now: float) -> bool:
        """Whether another start should begin now."""
        return now >= self.backoff.not_before and (self.urgent or self.missing > 0)

    def hopeless(self, now: float) -> bool:
        """Whether starts fail, and the next try is too far off to wait for it."""
        return self.error is not None and self.backoff.not_before > now + _WORTH_WAITING_S

    def failed_since(self, failures_ever: int) -> bool:
        """Whether enough starts failed since then to give up waiting: a missing image is missing, and anything else is
        tried twice, since an engine that restarts fails what was under way.
        """
        tries = 1 if isinstance(self.error, ImageMissing) else 2
        return self.error is not None and self.failures_ever - failures_ever >= tries

    def surplus(self) -> list[Container]:
        """Take out idle containers above the target, one at a call, so that a dip in demand costs little."""
        if len(self.idle) > max(self.target, self.waiting):
            return [self.idle.popleft()]
        return []

    def expired(self, now: float, *, idle_s: float, room: int) -> list[Container]:
        """Take out used containers whose tenants did not come back, and the oldest where there are more than `room`."""
        gone = []
        while self.reusable and (len(self.reusable) > room or now - self.reusable[0].idle_since > idle_s):
            gone.append(self.reusable.popleft())
        return gone

    def drain(self) -> list[Container]:
        """Take out everything."""
        everything = [*self.idle, *self.reusable]
        self.idle.clear()
        self.reusable.clear()
        return everything


class Inventory:
    """The containers of all profiles."""

    def __init__(self) -> None:
        self.profiles: dict[Profile, ProfileInventory] = {}
        self._targets: dict[Profile, WarmTarget] = {}

    def of(self, profile: Profile) -> ProfileInventory:
        """The profile's part, made at first use. A profile without a warm target keeps nothing."""
        if profile not in self.profiles:
            self.profiles[profile] = ProfileInventory(profile, self._targets.get(profile, WarmTarget(0, 0)))
        return self.profiles[profile]

    def retarget(self, targets: dict[Profile, WarmTarget]) -> list[Container]:
        """Replace the warm targets; gives the containers of profiles that have none any more."""
        self._targets = dict(targets)
        drained = []
        for profile, entry in list(self.profiles.items()):
            entry.warm = targets.get(profile, WarmTarget(0, 0))
            if profile not in targets:
                drained += entry.drain()
                # A waiter or a builder for it holds on to this entry and counts in it.
                if not (entry.waiting or entry.building):
                    del self.profiles[profile]
        for profile in targets:
            self.of(profile)
        return drained

    def keeps(self, profile: Profile) -> bool:
        """Whether containers of this profile are to be kept at all."""
        return profile in self._targets

    def next_build(self, now: float) -> ProfileInventory | None:
        """Where a container is missing most: first where a lease waits, then where the most are missing."""
        candidates = [entry for entry in self.profiles.values() if entry.needs_build(now)]
        return max(candidates, key=lambda entry: (entry.urgent, entry.missing), default=None)
