"""The faults of a schedule, one round after another, on a house under load; and how long each took to recover from."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from chaos.faults import RECOVERY_S, Fault, Undo
from chaos.house import House
from chaos.journal import Journal
from chaos.load import ask
from chaos.programs import SHORT
from chaos.schedule import Planned, Round

_ASK_AGAIN_S = 0.2
AFTERMATH_S = 20.0
"""After the first right answer, others may yet meet what the fault has left: a language whose next container is tried
later, connections of the database that are found to be dead when they are used."""


@dataclass
class Happened:
    """One round. Times are monotonic."""

    faults: Sequence[Fault]
    planned: Round
    began: float
    ended: float = 0.0
    """When the last of its faults was over."""
    recovered: float | None = None
    """When the first program that was sent after that was answered rightly."""

    @property
    def recovery_s(self) -> float | None:
        """From the end of the faults to that answer."""
        return None if self.recovered is None else self.recovered - self.ended

    def overlaps(self, began: float, ended: float) -> bool:
        """Whether what happened in that time may be of this round."""
        over = self.ended + RECOVERY_S if self.recovered is None else self.recovered
        return began <= over + AFTERMATH_S and ended >= self.began

    def held_s(self, began: float, ended: float) -> float:
        """For how much of that time nobody could have been answered."""
        if not any(fault.holds_answers for fault in self.faults):
            return 0.0
        return max(0.0, min(ended, self.ended) - max(began, self.began))

    def __str__(self) -> str:
        names = " + ".join(f"{each.name} ({each.lasts_s:.0f} s)" for each in self.planned)
        took = "did not recover" if self.recovery_s is None else f"recovered after {self.recovery_s:.1f} s"
        return f"{names}: {took}"


@dataclass
class Campaign:
    """Runs rounds; what the probe asks is in the journal as well."""

    house: House
    journal: Journal
    faults: Mapping[str, Fault]
    key: str | None
    tell: Callable[[str], None]
    began: float = field(default_factory=time.monotonic)
    rounds: list[Happened] = field(default_factory=list)

    def run(self, rounds: Sequence[Round]) -> None:
        """All of them. Whatever happens, what was begun is ended."""
        for each in rounds:
            happened = self._happen(each)
            self.rounds.append(happened)
            self.tell(f"{happened.began - self.began:6.1f} s  {happened}")

    def _happen(self, planned: Round) -> Happened:
        time.sleep(planned[0].pause_s)
        happened = Happened([self.faults[each.name] for each in planned], planned, began=time.monotonic())
        undo: list[tuple[float, Undo]] = []
        try:
            for each in planned:
                # The second begins while the first one lasts.
                time.sleep(min(each.pause_s, planned[0].lasts_s) if undo else 0)
                undo.append(self._begin(each))
            while undo:
                undo.sort(key=lambda pair: pair[0], reverse=True)
                ends_at, end = undo[-1]
                time.sleep(max(0.0, ends_at - time.monotonic()))
                undo.pop()
                end()
        finally:
            for _, end in undo:
                end()
        happened.ended = time.monotonic()
        happened.recovered = self._recovered(happened.ended + RECOVERY_S)
        return happened

    def _begin(self, planned: Planned) -> tuple[float, Undo]:
        undo = self.faults[planned.name].begin(self.house, planned.choice)
        return time.monotonic() + planned.lasts_s, undo

    def _recovered(self, deadline: float) -> float | None:
        """When a program was answered rightly for the first time, or None where the time is up."""
        while time.monotonic() < deadline:
            # A worker without its arbiter answers what it has before it ends, and is not what comes back.
            is_whole = bool(self.house.workers)
            asked = ask(self.house.port, SHORT, key=self.key)
            self.journal.add(asked)
            if asked.is_good and is_whole:
                return asked.ended
            time.sleep(_ASK_AGAIN_S)
        return None
