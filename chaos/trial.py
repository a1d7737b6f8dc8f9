"""One trial: a house, its load, the faults of a schedule, and all that did not reconcile at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from chaos import leftovers, rows
from chaos.answers import MARGIN_S, SLOT_WAIT_S, beyond_bound_s, wrong_answers
from chaos.campaign import Campaign, Happened
from chaos.faults import NAMED, RECOVERY_S
from chaos.house import House, furnished
from chaos.journal import Journal
from chaos.load import Load
from chaos.schedule import Round, schedule
from testkit.waiting import last_seen

_SETTINGS = {"GEXEC_SLOTS": "4", "GEXEC_THREADS": "64", "GEXEC_SHUTDOWN_GRACE_S": "5"}
"""Fewer slots than callers, so that some always wait; and a grace that some programs outlast."""
_KEYS = 2
_LATE_SHOWN = 3
_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is to be done."""

    seed: int
    seconds: float
    faults: Sequence[str]
    """Names; each may come again."""
    callers: int = 14
    strays_s: float = leftovers.STRAYS_S
    """How long containers that nobody knows of may be there at the end, before the stop; 0: they are not looked for."""


@dataclass
class Outcome:
    """What came of it."""

    rounds: list[Happened] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    summary: list[str] = field(default_factory=list)

    def check(self, found: Iterator[str]) -> None:
        """Keep what a check has found; one that cannot look has found something as well."""
        try:
            self.problems += found
        except (OSError, psycopg.Error) as error:
            self.problems.append(f"it could not be looked at: {error!r}")


def run(
    wishes: Wishes, *, environment: Mapping[str, str], tell: Callable[[str], None], data_dir: Path | None = None
) -> Outcome:
    """Do it. `data_dir` has a prepared database to be copied; without, one is made. Raises ServerFailed."""
    outcome, journal = Outcome(), Journal()
    planned = schedule(wishes.seed, seconds=wishes.seconds, kinds=[NAMED[name] for name in wishes.faults])
    with furnished(dict(environment) | _SETTINGS, data_dir=data_dir) as house:
        _harm(house, journal, planned, wishes, outcome, tell)
        tell("The load has ended; comparing what there is ...")
        _reconcile(house, journal, wishes, outcome)
    return outcome


def _harm(
    house: House,
    journal: Journal,
    planned: Sequence[Round],
    wishes: Wishes,
    outcome: Outcome,
    tell: Callable[[str], None],
) -> None:
    keys = [house.running.create_api_key(f"caller {number}") for number in range(_KEYS)]
    probe = house.running.create_api_key("probe")
    load = Load(house.port, journal, keys=[None, *keys], callers=wishes.callers, seed=wishes.seed)
    campaign = Campaign(house, journal, NAMED, probe, tell)
    with load:
        campaign.run(planned)
    if load.hanging:
        outcome.problems.append(f"{load.hanging} requests have had neither an answer nor an end of their connection")
    outcome.rounds = campaign.rounds
    outcome.problems += [f"not within {RECOVERY_S:.0f} s: {each}" for each in campaign.rounds if each.recovered is None]


def _reconcile(house: House, journal: Journal, wishes: Wishes, outcome: Outcome) -> None:
    if not last_seen(lambda: _is_at_rest(house), within_s=leftovers.REST_S, every_s=0.5):
        outcome.problems.append(f"it was not at rest within {leftovers.REST_S:.0f} s: {_unrest(house)}")
    asked = journal.all()
    outcome.check(wrong_answers(asked, outcome.rounds))
    outcome.check(_compared(house, journal))
    outcome.check(leftovers.grown_workers(house, threads=int(_SETTINGS["GEXEC_THREADS"])))
    if wishes.strays_s:
        outcome.check(leftovers.stray_containers(house, within_s=wishes.strays_s))
    outcome.check(leftovers.left_behind(house))
    outcome.check(leftovers.unexpected_lines(house))
    outcome.summary = list(_summary(house, journal, outcome.rounds))


def _compared(house: House, journal: Journal) -> Iterator[str]:
    found = rows.all_rows(house)
    yield from rows.unreconciled_rows(journal.all(), found)
    told = house.running.request("/metrics", timeout_s=30).json()["total_requests"]
    yield from rows.unreconciled_totals(house, found, told)


def _is_at_rest(house: House) -> bool:
    try:
        return leftovers.is_at_rest(house) and not rows.open_rows(house)
    except (OSError, psycopg.Error):
        return False


def _unrest(house: House) -> str:
    try:
        return f"{rows.open_rows(house)} open rows; {leftovers.exposition(house)}"
    except (OSError, psycopg.Error) as error:
        return repr(error)


def _summary(house: House, journal: Journal, rounds: Sequence[Happened]) -> Iterator[str]:
    asked = journal.all()
    kinds = Counter("right" if each.is_good else str(each.status or each.broken.split(":")[0]) for each in asked)
    yield f"{len(asked)} requests: {', '.join(f'{count} {kind}' for kind, count in kinds.most_common())}"
    yield f"{len(house.ends)} times the server ended and was started again"
    recoveries = sorted((each.recovery_s, str(each)) for each in rounds if each.recovery_s is not None)
    yield from (f"slow to recover: {text}" for _, text in reversed(recoveries[-_LATE_SHOWN:]))
    slowest = sorted(asked, key=lambda each: beyond_bound_s(each, rounds))[-_LATE_SHOWN:]
    for each in reversed(slowest):
        left_s = -beyond_bound_s(each, rounds)
        yield f"late answer, {left_s:.0f} of {SLOT_WAIT_S + MARGIN_S:.0f} s left: {each}"


def report(outcome: Outcome) -> Iterator[str]:
    """For a person, line by line."""
    yield from outcome.summary
    yield from (f"NOT RECONCILED  {each}" for each in outcome.problems[:_SHOWN])
    if len(outcome.problems) > _SHOWN:
        yield f"... and {len(outcome.problems) - _SHOWN} more"
    yield f"{len(outcome.problems)} things did not reconcile" if outcome.problems else "everything reconciled"
