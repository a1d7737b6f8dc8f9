"""What other services cost, as multiples of a bare process: the table in the README, and what `make bench` sets beside.

Measured on two cores, each with its own defaults and over its own API, all in one run with a bare `python3 -c`
(November 2026), for Python's hello world. Ratios, since times tell of the machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Peer:
    """Multiples of the bare process's figure; less is better but for `runs`."""

    p50: float
    runs: float
    """Runs a second, four at once."""
    cpu: float
    """CPU time for each run, all that belongs to it."""


PEERS: Mapping[str, Peer] = MappingProxyType(
    {
        "go-judge": Peer(1.26, 0.68, 1.37),
        "isolate": Peer(1.57, 0.54, 1.64),
        "snekbox": Peer(2.7, 0.35, 2.2),
        "Piston": Peer(2.95, 0.33, 2.7),
        "Judge0": Peer(48, 0.01, 87),
    }
)
