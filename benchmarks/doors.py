"""`python -m benchmarks.doors [--pairs 150]`: what one program costs over /api/v1 beside /execute, with the same key.

Both are asked in turn. Exit code 1 where /api/v1 takes more than MOST times as much, of CPU time or until its answer.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.tables import aligned
from testkit.servers import RunningServer, temporary_server

MOST = 1.3
_WARM_UP = 20
_DOORS = ("/execute", "/api/v1/executions")
_PROGRAM = json.dumps({"language": "python", "source_code": "print(1)"})


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one request: the median until its answer, and the mean of CPU time in the server's own processes."""

    p50_ms: float
    cpu_ms: float


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.doors")
    parser.add_argument("--pairs", type=int, default=150)
    options = parser.parse_args()
    kept = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    with temporary_server(kept | {"GEXEC_KEY_RATE_LIMIT": "1000000/m", "GEXEC_CALLER_SHARE": "1"}) as server:
        server.install("python")
        server.set_language("python", runs_per_container=1000)
        measured = costs(server, server.create_api_key("bench"), pairs=options.pairs)
    execute, api = (measured[door] for door in _DOORS)
    times = (api.p50_ms / execute.p50_ms, api.cpu_ms / execute.cpu_ms)
    lines = [("", "p50 ms", "CPU ms")]
    lines += [(door, f"{cost.p50_ms:.1f}", f"{cost.cpu_ms:.2f}") for door, cost in measured.items()]
    print(aligned([*lines, ("times as much", *(f"{each:.2f}" for each in times))], left=1))
    return int(max(times) > MOST)


def costs(server: RunningServer, key: str, *, pairs: int) -> dict[str, Cost]:
    """By door, as it is after some requests that are not counted."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    waited: dict[str, list[float]] = {door: [] for door in _DOORS}
    used = dict.fromkeys(_DOORS, 0.0)
    for number in range(-_WARM_UP, pairs):
        # Who goes first is in turn: the second of a pair may find more prepared.
        for door in _DOORS if number % 2 else _DOORS[::-1]:
            before, began = _cpu_ms(server), time.perf_counter()
            _post(connection, door, key)
            took = (time.perf_counter() - began) * 1000
            if number >= 0:
                waited[door].append(took)
                used[door] += _cpu_ms(server) - before
    connection.close()
    return {door: Cost(statistics.median(waited[door]), used[door] / pairs) for door in _DOORS}


def _post(connection: http.client.HTTPConnection, door: str, key: str) -> Any:
    headers = {"Authorization": f"Api-Key {key}", "Content-Type": "application/json"}
    connection.request("POST", door, _PROGRAM, headers)
    answer = connection.getresponse()
    told = json.loads(answer.read())
    if answer.status != 200:
        raise RuntimeError(f"{door}: {told}")
    return told


def _cpu_ms(server: RunningServer) -> float:
    """Of the server's processes, without the database's: by the scheduler's clock, in nanoseconds."""
    return sum(_thread_ns(pid) for pid in server.pids) / 1e6


def _thread_ns(pid: int) -> int:
    return sum(int((task / "schedstat").read_text().split()[0]) for task in Path(f"/proc/{pid}/task").iterdir())


if __name__ == "__main__":
    sys.exit(main())
