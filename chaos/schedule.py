"""Which fault comes when: drawn from a seed, before anything is done."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

LONGEST_PAUSE_S = 4.0
"""Between the recovery from a fault and the next one: enough for the load to be in the middle of something again."""
_TOGETHER = 0.3
"""How often a fault begins while the one before it lasts."""
_SHORTEST_SHARE = 0.25
"""Of the longest that a kind of fault may last."""


class Kind(Protocol):
    """What is drawn from."""

    @property
    def name(self) -> str:
        """Under which it is chosen."""

    @property
    def longest_s(self) -> float:
        """How long it may last; 0 where it is done at once."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One fault to come."""

    name: str
    pause_s: float
    """How long after the recovery from what came before."""
    lasts_s: float
    choice: int
    """Which one of several targets, counted around."""


Round = tuple[Planned, ...]
"""Faults that are there together: all begin before the first one ends."""


def schedule(seed: int, *, seconds: float, kinds: Sequence[Kind]) -> list[Round]:
    """Rounds for about so many seconds without their recoveries. Every kind comes once before one comes again."""
    chance = random.Random(seed)
    kinds_drawn = _in_turns(kinds, chance)
    rounds: list[Round] = []
    left_s = seconds
    while left_s > 0:
        faults = [_planned(next(kinds_drawn), chance)]
        if chance.random() < _TOGETHER:
            faults.append(_planned(next(kinds_drawn), chance))
        rounds.append(tuple(faults))
        left_s -= sum(each.pause_s for each in faults) + max(each.lasts_s for each in faults)
    return rounds


def _in_turns(kinds: Sequence[Kind], chance: random.Random) -> Iterator[Kind]:
    while True:
        yield from chance.sample(kinds, len(kinds))


def _planned(kind: Kind, chance: random.Random) -> Planned:
    lasts_s = kind.longest_s * chance.uniform(_SHORTEST_SHARE, 1)
    return Planned(kind.name, chance.uniform(0, LONGEST_PAUSE_S), lasts_s, chance.randrange(1000))
