"""One trial: a town, its load, the faults of a schedule, and all that was not as promised at the end."""

from __future__ import annotations

import re
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp

import psycopg

from chaos.hosts.faults import NAMED, Fault, Undo
from chaos.hosts.load import Load, Sent, send
from chaos.hosts.town import Town, town
from chaos.schedule import Round, schedule
from testkit.servers import ServerFailed
from testkit.sightings import Sightings, watched_programs
from testkit.waiting import last_seen

RECOVERY_S = 60.0
"""From the end of a fault until every part takes part again, and both web servers have answered a program rightly."""
_AFTERMATH_S = 20.0
REST_S = 90.0
"""Until one more row has ended, of those that have not: what waits in the background, and what begins again."""
_STREAMS_S = 60.0
_ENDED_BY_S = 12.0
"""After a host goes on, until it has ended what it had."""
_MOST_ATTEMPTS = 2
_REFUSED = {"no free slot: the server is busy", "sandbox error: no host that runs programs can be reached"}
_OF_A_SERVER = "the server process that ran this execution ended"
_NEVER_LOGGED = re.compile(r".*(Exception ignored in|Exception in thread)")
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_SHOWN = 40
_LATE_SHOWN = 3
_QUERY = """
SELECT id::text, status, outcome, error, attempt, door, convert_from(output, 'UTF8'),
    substring(source FROM 'mark-[0-9]+-[0-9]+'), extract(epoch FROM now() - created_at)::float, started_at IS NOT NULL,
    coalesce(wall_ms, 0)::float
FROM executions_execution
"""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is to be done."""

    seed: int
    seconds: float
    faults: Sequence[str]
    rate: float = 5.0


@dataclass(frozen=True, slots=True)
class Row:
    """An execution's."""

    id: str
    status: str
    outcome: str
    error: str
    attempt: int
    door: str
    output: str
    mark: str
    age_s: float
    has_begun: bool
    wall_ms: float


@dataclass
class Happened:
    """One round. Times are monotonic."""

    faults: Sequence[Fault]
    began: float
    ended: float = 0.0
    recovered: float | None = None

    def overlaps(self, began: float, ended: float) -> bool:
        """Whether what happened in that time may be of this round."""
        over = self.ended + RECOVERY_S if self.recovered is None else self.recovered
        return began <= over + _AFTERMATH_S and ended >= self.began

    def __str__(self) -> str:
        names = " + ".join(fault.name for fault in self.faults)
        over = "did not recover" if self.recovered is None else f"whole after {self.recovered - self.ended:.1f} s"
        return f"{names}, {self.ended - self.began:.0f} s: {over}"


@dataclass
class Outcome:
    """What came of it."""

    rounds: list[Happened] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    summary: list[str] = field(default_factory=list)
    logs: list[str] = field(default_factory=list)
    """Of what was not as promised."""


def run(
    wishes: Wishes, *, environment: Mapping[str, str], tell: Callable[[str], None], data_dir: Path | None = None
) -> Outcome:
    """Do it. `data_dir` has a prepared database to be copied; without, one is made. Raises ServerFailed."""
    outcome = Outcome()
    planned = schedule(wishes.seed, seconds=wishes.seconds, kinds=[NAMED[name] for name in wishes.faults])
    with town(environment, data_dir=data_dir) as here:
        if here.copies() != {3}:
            outcome.problems.append(f"streams are on {here.copies()} servers, and there are three")
        began = time.monotonic()
        with watched_programs(every_s=0.05) as sightings:
            load = Load(lambda: list(here.webs.values()), rate=wishes.rate, seed=wishes.seed)
            with load:
                for each in planned:
                    happened = _happen(here, each, load)
                    outcome.rounds.append(happened)
                    tell(f"{happened.began - began:6.1f} s  {happened}")
            tell("The load has ended; waiting until all of it has ...")
            _come_to_rest(here)
        outcome.problems += _compared(here, load.sent, sightings, outcome.rounds)
        outcome.summary = list(_summary(here, load.sent, sightings, outcome.rounds))
        outcome.problems += _left(here)
        outcome.logs = list(_told_of(outcome.problems, here))
        if outcome.problems:
            outcome.logs.insert(0, f"the logs are in {_kept(here)}")
    return outcome


def _happen(here: Town, planned: Round, load: Load) -> Happened:
    time.sleep(planned[0].pause_s)
    happened = Happened([NAMED[each.name] for each in planned], began=time.monotonic())
    undo: list[tuple[float, Undo]] = []
    try:
        for each in planned:
            if undo:
                # The second begins while the first one lasts.
                time.sleep(min(each.pause_s, planned[0].lasts_s))
            began = NAMED[each.name].begin(here, each.choice)
            undo.append((time.monotonic() + each.lasts_s, began))
        for ends_at, end in sorted(undo, key=lambda pair: pair[0]):
            time.sleep(max(0.0, ends_at - time.monotonic()))
            undo.remove((ends_at, end))
            end()
    finally:
        for _, end in undo:
            end()
    happened.ended = time.monotonic()
    while happened.recovered is None and time.monotonic() < happened.ended + RECOVERY_S:
        if _is_recovered(here, load):
            happened.recovered = time.monotonic()
    return happened


def _is_recovered(here: Town, load: Load) -> bool:
    if not here.is_whole():
        time.sleep(0.2)
        return False
    probes = [send(web, "execute", 0.4) for web in here.webs.values()]
    load.sent += probes
    return all(probe.is_good for probe in probes)


def _rows(here: Town) -> list[Row]:
    with here.rows() as connection:
        return [Row(*values) for values in connection.execute(_QUERY)]


def _open(here: Town) -> int:
    try:
        with here.rows() as connection:
            found = connection.execute(
                "SELECT count(*)::int FROM executions_execution WHERE status IN ('queued', 'running')"
            ).fetchone()
        return int(found[0]) if found else 0
    except psycopg.Error:
        return -1


def _come_to_rest(here: Town) -> None:
    """Return when nothing is open any more, or nothing has ended for too long."""
    left, since = _open(here), time.monotonic()
    while left and time.monotonic() - since < REST_S:
        time.sleep(0.5)
        now = _open(here)
        if now != left:
            left, since = now, time.monotonic()


# What is compared.


def _compared(here: Town, sent: Sequence[Sent], sightings: Sightings, rounds: Sequence[Happened]) -> Iterator[str]:
    rows, now = _rows(here), time.monotonic()
    by_id = {row.id: row for row in rows}
    for each in sent:
        yield from wrong_answer(each, rounds)
        if each.execution_id is not None and each.execution_id not in by_id:
            yield f"accepted, and lost: {each}"
    promised = {each.mark for each in sent if each.kind == "background" and each.execution_id}
    marks = Counter(row.mark for row in rows if row.mark)
    yield from (f"{mark} has {count} rows" for mark, count in marks.items() if count > 1)
    for row in rows:
        around = [each for each in rounds if each.overlaps(now - row.age_s, now)]
        yield from wrong_row(row, around, is_promised=row.mark in promised)
        yield from wrong_places(row, around, sightings)
    for twice in {each.mark: each for each in sightings.twice}.values():
        if not any(_leaves_programs(each, twice.at) for each in rounds) and twice.mark in marks:
            yield f"{twice.mark} ran in two places at once"


def wrong_answer(sent: Sent, rounds: Sequence[Happened]) -> Iterator[str]:
    """What no fault excuses, and what was refused without a reason or a time."""
    around = [each for each in rounds if each.overlaps(sent.began, sent.ended)]
    if sent.is_good:
        return
    if sent.status is None:
        if not any(fault.breaks_connections for each in around for fault in each.faults):
            yield f"wrong: {sent}"
    elif sent.status == 503:
        if not (sent.retry_after or "0").isdecimal() or int(sent.retry_after or 0) < 1 or not _reason(sent):
            yield f"refused without a reason, or without a time to come again: {sent}"
        elif not around and "slot" not in _reason(sent):
            yield f"refused though nothing was wrong: {sent}"
    elif not (around and _is_lost(sent)):
        yield f"wrong: {sent}"


def _reason(sent: Sent) -> str:
    return str(sent.told.get("error") or sent.told.get("code") or "")


def _is_lost(sent: Sent) -> bool:
    """Whether it says that its run was lost, or has not ended yet."""
    if sent.kind == "execute":
        return sent.status == 500 and _reason(sent).startswith("sandbox error: ")
    return sent.status == 202 or (sent.status == 200 and sent.told["outcome"] in {"sandbox_error", "cancelled"})


def wrong_row(row: Row, around: Sequence[Happened], *, is_promised: bool) -> Iterator[str]:
    """What no execution may come to with these faults around it. `is_promised`: it was accepted, to run later."""
    said = f"row {row.id} ({row.door}, {row.mark}): {row.status} {row.outcome} {row.error!r}, attempt {row.attempt}"
    faults = {fault.name for each in around for fault in each.faults}
    if row.status in {"queued", "running"}:
        yield f"never ended: {said}"
    elif row.attempt > _MOST_ATTEMPTS:
        yield f"too many attempts: {said}"
    elif row.outcome == "ok":
        if not row.output.startswith("begun\n"):
            yield f"its output is lost: {said}"
    elif not row.has_begun and row.attempt == 1:
        # It was refused, and its caller was told so.
        if is_promised or not (row.error in _REFUSED or _OF_A_SERVER in row.error):
            yield f"accepted, and refused: {said}"
    elif row.outcome != "sandbox_error" or not faults:
        yield f"wrong: {said}"
    elif row.door == "api" and row.attempt < _MOST_ATTEMPTS:
        yield f"not begun again: {said}"
    if _OF_A_SERVER in row.error and not any(name.startswith("web-") for name in faults):
        yield f"no server process ended: {said}"


def wrong_places(row: Row, around: Sequence[Happened], sightings: Sightings) -> Iterator[str]:
    """Where it ran too often, or not at all."""
    places = len(sightings.containers.get(row.mark, ()))
    unheard = any(fault.hides_begins for each in around for fault in each.faults)
    if places > _MOST_ATTEMPTS + unheard:
        yield f"row {row.id} ({row.mark}), attempt {row.attempt}, ran in {places} places"
    if row.outcome == "ok" and row.mark and not places and row.wall_ms / 1000 > sightings.longest_s:
        yield f"row {row.id} ({row.mark}) says ok, and nobody saw it run"


def _leaves_programs(happened: Happened, at: float) -> bool:
    leaves = any(fault.leaves_programs for fault in happened.faults)
    return leaves and happened.began <= at <= happened.ended + _ENDED_BY_S


def _left(here: Town) -> Iterator[str]:
    try:
        counts = last_seen(
            here.left_in_streams, until=lambda found: not any(found.values()), within_s=_STREAMS_S, every_s=0.5
        )
        yield from (f"{count} messages are left in {name}" for name, count in counts.items() if count)
    except ServerFailed as error:
        yield str(error)
    logs = {name: each.log for name, each in (here.hosts | here.webs).items()}
    yield from here.stop()
    for name, log in logs.items():
        yield from (f"log of {name}: {line[:200]}" for line in log.splitlines() if _NEVER_LOGGED.match(line))


def _kept(here: Town) -> Path:
    kept = Path(mkdtemp(prefix="gexec-chaos-logs-"))
    for file in (*here.directory.glob("*.log"), *here.directory.glob("web-*/*.log")):
        shutil.copy2(file, kept / "-".join(file.relative_to(here.directory).parts))
    return kept


def _told_of(problems: Sequence[str], here: Town) -> Iterator[str]:
    """What the logs say of the rows that something is wrong with."""
    ids = {found for each in problems for found in _ID.findall(each)}
    for name, each in (here.hosts | here.webs).items():
        yield from (f"{name}: {line[:200]}" for line in each.log.splitlines() if ids.intersection(_ID.findall(line)))


def _summary(here: Town, sent: Sequence[Sent], sightings: Sightings, rounds: Sequence[Happened]) -> Iterator[str]:
    kinds = Counter("good" if each.is_good else str(each.status or each.broken.split(":")[0]) for each in sent)
    yield f"{len(sent)} executions asked for: {', '.join(f'{count} {kind}' for kind, count in kinds.most_common())}"
    refused = Counter(_reason(each) for each in sent if each.status == 503)
    yield from (f"refused with 503: {count} times {reason}" for reason, count in refused.most_common())
    rows = _rows(here)
    endings = Counter(f"{row.outcome or row.status} at attempt {row.attempt}" for row in rows)
    yield f"{len(rows)} rows: {', '.join(f'{count} {ending}' for ending, count in endings.most_common())}"
    yield f"the recorder looked at least every {sightings.longest_s:.1f} s"
    beside = {each.mark for each in sightings.twice}
    yield f"{len(beside)} programs computed on beside their second attempt, where their host was frozen"
    slow = sorted((each.recovered - each.ended, str(each)) for each in rounds if each.recovered is not None)
    yield from (f"slow to recover: {text}" for _, text in reversed(slow[-_LATE_SHOWN:]))


def report(outcome: Outcome) -> Iterator[str]:
    """For a person, line by line."""
    yield from outcome.summary
    late = [f"not within {RECOVERY_S:.0f} s: {each}" for each in outcome.rounds if each.recovered is None]
    problems = [*late, *outcome.problems]
    yield from (f"NOT AS PROMISED  {each}" for each in problems[:_SHOWN])
    yield from outcome.logs[:_SHOWN]
    if len(problems) > _SHOWN:
        yield f"... and {len(problems) - _SHOWN} more"
    yield f"{len(problems)} things were not as promised" if problems else "all of it was as promised"
