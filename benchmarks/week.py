"""`python -m benchmarks.week [--minutes 60] [--seed 1]`: a week in an hour.

Callers send programs of every ending all the time, over both APIs, while the server is reloaded, purged, and its
languages are built anew. Exit code 1 where an answer was wrong, a request was lost, the totals are not those of the
answers, or something grew: memory, descriptors, threads, containers, volumes, rows.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from functools import partial
from itertools import pairwise

from benchmarks.server import bench_server
from benchmarks.soak import PROGRAMS, Holdings, grown, settled
from testkit.servers import RunningServer, ServerFailed
from testkit.waiting import last_seen

KEPT_ROWS = 200
"""What a purge leaves."""
EVENTS = 40
"""In the whole time; in the last third no reload is among them, or what a worker gathers could not be seen."""
_REST_S = 8.0
"""What was let go has time to be gone."""
_WARM_SHARE, _RELOADS_SHARE = 0.1, 0.67
_LIMITED_MS, _PATIENT_MS = 1_000, 30_000
"""Of programs that are to meet the limit, and of all others, on however busy a machine."""
_WAIT_MS = 120_000
"""For a slot: a refusal would say how busy the machine is, and nothing of what grows or is lost."""
_HAS_LEFT = "gunicorn of before a reload has ended"
_API = "/api/v1/executions"
_say = partial(print, flush=True)


@dataclass
class Week:
    """One run: what was asked, and what came of it."""

    server: RunningServer
    key: str
    seed: int
    callers: int
    language: str
    endings: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def run(self, seconds: float) -> list[tuple[str, Holdings]]:
        """Load and events for so long; what was held when all was warm, after the last reload, and at the end."""
        chance = random.Random(self.seed)
        seen = []
        began = time.monotonic()
        for share, kinds in (
            (_WARM_SHARE, [self._reload]),
            (_RELOADS_SHARE, [self._reload, self._purge, self._rebuild]),
            (1.0, [self._purge, self._rebuild]),
        ):
            self._load(began + seconds * share, chance, kinds, every_s=seconds / EVENTS)
            self._purge()
            seen.append((f"after {share:.0%}", self._held()))
        return seen

    @property
    def asked(self) -> int:
        """How many executions there have been."""
        return sum(self.endings.values())

    def _held(self) -> Holdings:
        return settled(self.server.pids, self.server.data_dir, wait_s=_REST_S)

    def _load(self, until: float, chance: random.Random, kinds: list[Callable[[], None]], *, every_s: float) -> None:
        over = threading.Event()
        seeds = [chance.random() for _ in range(self.callers)]
        threads = [threading.Thread(target=self._call, args=(over, random.Random(seed))) for seed in seeds]
        for thread in threads:
            thread.start()
        try:
            while (left_s := until - time.monotonic()) > 0:
                chance.choice(kinds)()
                time.sleep(max(0.0, min(every_s, left_s)))
        finally:
            over.set()
            for thread in threads:
                thread.join()

    def _call(self, over: threading.Event, chance: random.Random) -> None:
        while not over.is_set():
            name, source, exit_code = chance.choice((PROGRAMS[0], *PROGRAMS))
            ask = chance.choice((self._execute, self._execute, self._queue))
            try:
                got = ask(source, _LIMITED_MS if name == "time limit" else _PATIENT_MS)
            except (OSError, ValueError, KeyError) as error:
                self.wrong.append(f"{name}: {error!r}")
                continue
            self.endings[name] += 1
            if exit_code is not None and got != exit_code:
                self.wrong.append(f"{name}: {got!r} in place of exit code {exit_code}")

    def _execute(self, source: str, limit_ms: int) -> object:
        answer = self.server.execute(source, timeout_ms=limit_ms)
        return answer.json()["exit_code"] if answer.status == 200 else f"{answer.status} {answer.body[:200]!r}"

    def _queue(self, source: str, limit_ms: int) -> object:
        body = {"language": "python", "source_code": source, "limits": {"wall_ms": limit_ms}, "wait": False}
        headers = {"Authorization": f"Api-Key {self.key}", "Content-Type": "application/json"}
        answer = self.server.request(_API, json.dumps(body).encode(), headers=headers)
        if answer.status != 202:
            return f"{answer.status} {answer.body[:200]!r}"
        path = f"{_API}/{answer.json()['id']}"

        def look() -> dict[str, object]:
            found: dict[str, object] = self.server.request(path, headers=headers).json()
            return found

        ended = last_seen(look, until=lambda found: found["status"] == "finished", within_s=120, every_s=0.25)
        ran = ended["run"]
        if not isinstance(ran, dict):
            return f"{ended['status']} {ended.get('outcome')}"
        return 128 + ran["signal"] if ran["signal"] else ran["exit_code"]

    def _reload(self) -> None:
        so_far = self.server.log.count(_HAS_LEFT)
        self.server.process.send_signal(signal.SIGHUP)
        if not last_seen(lambda: self.server.log.count(_HAS_LEFT) > so_far, within_s=300, every_s=0.5):
            self.wrong.append("a reload did not come to its end")
        self.events["reload"] += 1

    def _purge(self) -> None:
        self._manage("purge", "--keep", str(KEPT_ROWS))

    def _rebuild(self) -> None:
        self._manage("languages", "install", self.language, "--refresh")

    def _manage(self, *arguments: str) -> None:
        done = self.server.manage(*arguments)
        self.events[arguments[0]] += 1
        if done.returncode:
            self.wrong.append(f"manage.py {' '.join(arguments)}: {done.stderr.strip()[-300:]}")


def finished(server: RunningServer) -> int:
    """How many executions have ended, as /metrics has it."""
    lines = server.request("/metrics", headers={"Accept": "text/plain"}).body.decode().splitlines()
    return sum(int(float(line.split()[-1])) for line in lines if line.startswith("gexec_executions_total{"))


def rows(server: RunningServer) -> int:
    """How many executions a purge of all would delete."""
    said = server.manage("purge", "--older-than", "0d", "--dry-run").stdout
    return int("".join(filter(str.isdigit, said.split("execution")[0])) or 0)


def faults(week: Week, seen: list[tuple[str, Holdings]], *, counted: int, left: int) -> list[str]:
    """What is not as it has to be."""
    held = [(name, line) for (_, before), (name, after) in pairwise(seen) for line in grown(before, after)]
    # Control groups are those of everybody on the machine: the containers of this server are counted by their label.
    found = [f"{line} ({name})" for name, line in held if not line.startswith("cgroups")]
    if counted != week.asked:
        found.append(f"{week.asked} executions were answered, and {counted} are counted")
    if left != KEPT_ROWS:
        found.append(f"{left} rows are left in place of {KEPT_ROWS}")
    return found + week.wrong[:20]


def main() -> int:
    """Run it, report, and say whether all was well."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.week", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1, help="the same one gives the same programs and events")
    parser.add_argument("--callers", type=int, default=4)
    parser.add_argument("--language", default="lua", help="the one that is built anew")
    options = parser.parse_args()
    try:
        with bench_server(GEXEC_WAIT_MS=str(_WAIT_MS)) as server:
            server.set_language("python", runs_per_container=20)
            week = Week(server, server.create_api_key("week"), options.seed, options.callers, options.language)
            seen = week.run(options.minutes * 60)
            found = faults(week, seen, counted=finished(server), left=rows(server))
    except ServerFailed as error:
        _say(error)
        return 1
    _say(f"{week.asked} executions: {dict(week.endings)}\nevents: {dict(week.events)}\n")
    _say(f"{'':18}" + "".join(f"{name:>12}" for name, _ in seen))
    for each in fields(Holdings):
        _say(f"{each.name:18}" + "".join(f"{getattr(held, each.name):12}" for _, held in seen))
    _say("\n".join(found) or "\nnothing grew, nothing was lost, and every answer was right")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
