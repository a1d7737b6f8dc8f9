"""The pool as seen from outside: how full it is, and what has happened since it was made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sandbox.types import Profile


@dataclass(slots=True)
class Counters:
    """What has happened since the pool was made. They only grow."""

    leases_granted: int = 0
    leases_waited: int = 0
    """Of the granted: how many had to wait for a slot or a container."""
    waited_ms: float = 0.0
    """How long those waited in all."""
    leases_reused: int = 0
    """Of the granted: how many got a container that their tenant had used before."""
    refused_busy: int = 0
    """Leases that were refused because nothing became free in time, or the queue was full."""
    containers_started: int = 0
    start_failures: int = 0
    failures: Mapping[str, int] = field(default_factory=dict)
    """The same, by what went wrong: names of SandboxError's kinds."""
    containers_lost: int = 0
    """That ended by themselves, or whose stream broke: while they waited, or under a job."""


@dataclass(frozen=True, slots=True)
class ProfileSnapshot:
    """One profile's containers."""

    idle: int
    """Started and never used."""
    reusable: int
    """Used before, and kept for their tenants."""
    building: int
    waiting: int
    """Leases that hold a slot and wait for a container."""
    error: str
    """Why the last start failed; empty where it did not."""
    in_cells: bool | None = None
    """Whether the last container has a cell for each job; None where none was started."""

    @property
    def warm(self) -> int:
        """How many are started and wait for a job."""
        return self.idle + self.reusable


@dataclass(frozen=True, slots=True)
class PoolSnapshot:
    """The pool at one moment."""

    slots: int
    in_use: int
    waiting: int
    """Callers that wait for a slot."""
    profiles: Mapping[Profile, ProfileSnapshot]
    counters: Counters = field(default_factory=Counters)
    waiting_batch: int = 0
    """Of those who wait for a slot: in the lane of batch."""
