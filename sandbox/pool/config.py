"""How large the pool is, and how patient. Times are in the unit of their name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


def _none_of_its_own(_caller: str) -> None:
    return None


@dataclass(frozen=True, slots=True)
class PoolConfig:
    """The operator's three numbers, and the pool's own with the reason for each."""

    slots: int
    """Programs at once; with `slots_folder` those of all processes that name it."""
    queue: int
    """Callers that may wait for a slot; one more is refused at once."""
    wait_ms: int
    """How long a lease may take to be granted, slot and container together."""
    caller_share: float = 0.5
    """What one caller may have of this process's slots and places in line while others wait. 1.0: everything."""
    share_of: Callable[[str], float | None] = _none_of_its_own
    """The share of a caller that has one of its own, in place of that."""
    slots_folder: Path | None = None
    processes: int = 1
    """How many are expected to share the slots of `slots_folder`."""

    builders: int = 2
    """Starts at once: one goes on while another's runner is waited for. Each more takes CPU from running programs."""
    start_timeout_s: float = 15.0
    """From a started container to its runner's word. It takes milliseconds; on a host under heavy load, seconds."""
    yield_s: float = 0.1
    """How long a start that nobody waits for yields to running programs: as long as most of them take. Longer, and a
    server that is never idle would never refill what it keeps warm."""
    keep_idle_s: float = 60.0
    """How long a used container waits for its tenant to come back: a person who edits and runs again."""
    upkeep_s: float = 1.0
    """Between two looks at what waits. A look costs one poll(2) a container, and demand is measured in seconds."""
    sweep_s: float = 60.0
    """Between two looks for containers of dead servers: each lists all containers of the host."""
    unknown_after_s: float = 240.0
    """How long a container of this pool may be on the engine's list alone: a start has a few calls of 20 seconds each,
    twice where another runtime has to be tried, and only then is it in the books."""
    gone_after_s: float = 3.0
    """How long a container that was closed may take to disappear before it is removed by force. Its runner kills
    everything and exits within milliseconds; the engine takes tenths of a second to clear away."""
    forced_gone_after_s: float = 10.0
    """How long closing the pool waits for the engine to be done with that; half of it is for removals by force."""
    cancel_s: float = 3.0
    """How long closing the pool cancels what outlasted its grace, before it ends the containers themselves."""
    cancel_again_s: float = 0.2
    """Between two cancellations: a lease may have been about to start its program when it was first told."""
