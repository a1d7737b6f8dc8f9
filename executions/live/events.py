"""The events of an execution. Each stands at places of its own: `seq` is the last of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from executions.results import StepRecord

ATTEMPT_PLACES = 1 << 40
"""More than one attempt can fill; a number below 2^53, which every JSON parser keeps exactly."""
_OVERHEAD_BYTES = 256
"""What an event takes beside its output."""


def first_place(attempt: int) -> int:
    """Where an attempt's events begin."""
    return (attempt - 1) * ATTEMPT_PLACES


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something happened."""

    seq: int

    @property
    def before(self) -> int:
        """The place before its first one."""
        return self.seq - 1

    @property
    def size_bytes(self) -> int:
        """What it takes in memory, about."""
        return _OVERHEAD_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued(Event):
    """The execution was accepted."""

    position: int | None = None
    """How many are before it in line; None where that is not known."""
    estimate_ms: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Restarted(Event):
    """Its run was lost, and it is begun again: what was told of the attempt before does not count."""

    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Began(Event):
    """It runs."""

    attempt: int
    queue_ms: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepBegan(Event):
    step: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed(Event):
    """A step has printed something; its places are as many as its bytes."""

    step: str
    stream: int
    """1 for stdout, 2 for stderr."""
    data: bytes
    t_ms: float | None = None
    """Since the step began; None where that is not known any more."""

    @property
    def before(self) -> int:
        return self.seq - len(self.data)

    @property
    def size_bytes(self) -> int:
        return _OVERHEAD_BYTES + len(self.data)

    def after(self, place: int) -> Printed:
        """What of it stands behind that place."""
        return self if place <= self.before else replace(self, data=self.data[place - self.before :])


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEnded(Event):
    """A step has ended; the record has nothing that it printed, only how much that was."""

    record: StepRecord
    stdout_bytes: int
    stderr_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TestEnded(Event):
    """A test has its verdict. Tests are told in their order, those that are skipped in their place."""

    index: int
    told: Mapping[str, Any]
    """What everybody may read."""

    __test__ = False
    """Nothing that pytest should collect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected(Event):
    """A file that was left behind was looked at."""

    name: str
    bytes: int | None
    skipped: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended(Event):
    """Its row has its final status. Nothing comes behind it."""


@dataclass(frozen=True, slots=True)
class Gap:
    """What stands from one place to another is not there any more for one who comes, or reads, so late."""

    first: int
    last: int


def step_ended(record: StepRecord, *, seq: int) -> StepEnded:
    """The event of a step, from a record that has its output."""
    without = replace(record, stdout=b"", stderr=b"", order=())
    return StepEnded(seq=seq, record=without, stdout_bytes=len(record.stdout), stderr_bytes=len(record.stderr))
