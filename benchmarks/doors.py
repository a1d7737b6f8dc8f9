"""`python -m benchmarks.doors [--rounds 150]`: what one program costs over each door, with the same key.

All are asked in turn: /api/v1, POST /execute, and the doors for clients of other services that there are; and so is a
bare process, so that a door stands beside the service for whose clients it is. Exit code 1 where /api/v1 takes more
than MOST times as much as /execute, or another service's door more than that of /api/v1, of CPU time or until its
answer.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import statistics
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any

from benchmarks import subjects
from benchmarks.peers import PEERS
from benchmarks.programs import Program
from benchmarks.tables import aligned
from testkit.servers import RunningServer, temporary_server

MOST = 1.3
_WARM_UP = 20
_CODE = "print(1)"
_BARE = Program("python", "bare.py", _CODE, "1\n", ("python3", "bare.py"))
_EXECUTE, _API = "/execute", "/api/v1/executions"
_OWN = {"language": "python", "source_code": _CODE}
_FILES = {"files": [{"content": _CODE}]}
_RUN = {"run_spec": {"language_id": "python3", "sourcecode": _CODE}}
ASKED: Mapping[str, Mapping[str, Any]] = MappingProxyType({_EXECUTE: _OWN, _API: _OWN})
"""By path, what asks for the program."""
COMPAT: Mapping[str, tuple[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "piston": ("/api/v2/execute", {"language": "python", "version": "*", **_FILES}),
        "judge0": ("/judge0/submissions?wait=true", {"language_id": 71, "source_code": _CODE}),
        "jobe": ("/jobe/index.php/restapi/runs", _RUN),
        "dify": ("/v1/sandbox/run", {"language": "python3", "code": _CODE, "enable_network": True}),
        "sandboxfusion": ("/run_code", {"language": "python", "code": _CODE}),
        "librechat": ("/v1/exec", {"lang": "py", "code": _CODE}),
    }
)
"""The same of each door of another service."""
_SERVICES = MappingProxyType({COMPAT[name.lower()][0]: name for name in PEERS if name.lower() in COMPAT})
"""By path, for whose clients it is, where that service was measured."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one request: the median until its answer, and the mean of CPU time in the server's own processes."""

    p50_ms: float
    cpu_ms: float


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.doors")
    parser.add_argument("--rounds", type=int, default=150)
    options = parser.parse_args()
    open_doors = [name for name in COMPAT if find_spec(f"executions.compat.{name}") is not None]
    kept = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    kept |= {"GEXEC_KEY_RATE_LIMIT": "1000000/m", "GEXEC_CALLER_SHARE": "1", "GEXEC_COMPAT": ",".join(open_doors)}
    with temporary_server(kept) as server:
        server.install("python")
        server.set_language("python", runs_per_container=1000)
        asked = dict(ASKED) | dict(COMPAT[name] for name in open_doors)
        measured, bare_ms = costs(server, server.create_api_key("bench"), asked, rounds=options.rounds)
    titles = ("", "p50 ms", "CPU ms", "times as much", "of a bare process", "the service itself")
    print(aligned([titles, *_rows(measured, bare_ms)], left=1))
    return int(any(max(times) > MOST for _, times in _compared(measured)))


def costs(
    server: RunningServer, key: str, asked: Mapping[str, Mapping[str, Any]], *, rounds: int
) -> tuple[dict[str, Cost], float]:
    """By path, as it is after some requests that are not counted; and the bare process's median in ms."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    waited: dict[str, list[float]] = {path: [] for path in asked}
    used = dict.fromkeys(asked, 0.0)
    paths, bare, bare_ms = list(asked), subjects.bare(_BARE), []
    for number in range(-_WARM_UP, rounds):
        # Who goes first is in turn: the next one may find more prepared.
        first = number % len(paths)
        for path in paths[first:] + paths[:first]:
            before, began = _cpu_ms(server), time.perf_counter()
            _post(connection, path, asked[path], key)
            took = (time.perf_counter() - began) * 1000
            if number >= 0:
                waited[path].append(took)
                used[path] += _cpu_ms(server) - before
        began = time.perf_counter()
        bare()
        bare_ms.append((time.perf_counter() - began) * 1000)
    connection.close()
    measured = {path: Cost(statistics.median(waited[path]), used[path] / rounds) for path in asked}
    return measured, statistics.median(bare_ms)


def _compared(measured: Mapping[str, Cost]) -> Iterable[tuple[str, tuple[float, float]]]:
    """/api/v1 beside /execute, and each other one beside /api/v1: how many times as long, and as much CPU time."""
    for path, cost in measured.items():
        if path != _EXECUTE:
            beside = measured[_EXECUTE if path == _API else _API]
            yield path, (cost.p50_ms / beside.p50_ms, cost.cpu_ms / beside.cpu_ms)


def _rows(measured: Mapping[str, Cost], bare_ms: float) -> Iterable[tuple[str, ...]]:
    compared = dict(_compared(measured))
    yield "a bare process", f"{bare_ms:.1f}", "", "", "", ""
    for path, cost in measured.items():
        times = compared.get(path)
        than = _EXECUTE if path == _API else "/api/v1"
        said = f"{times[0]:.2f}, {times[1]:.2f} of {than}" if times else ""
        service = _SERVICES.get(path)
        itself = f"{service} {PEERS[service].p50:g}" if service else ""
        yield path, f"{cost.p50_ms:.1f}", f"{cost.cpu_ms:.2f}", said, f"{cost.p50_ms / bare_ms:.2f}", itself


def _post(connection: http.client.HTTPConnection, path: str, body: Mapping[str, Any], key: str) -> None:
    headers = {"Authorization": f"Api-Key {key}", "Content-Type": "application/json"}
    connection.request("POST", path, json.dumps(body), headers)
    answer = connection.getresponse()
    told = answer.read()
    if answer.status not in {200, 201} or b"1\\n" not in told:
        raise RuntimeError(f"{path}: {answer.status} {told.decode(errors='replace')}")


def _cpu_ms(server: RunningServer) -> float:
    """Of the server's processes, without the database's: by the scheduler's clock, in nanoseconds."""
    return sum(_thread_ns(pid) for pid in server.pids) / 1e6


def _thread_ns(pid: int) -> int:
    return sum(int((task / "schedstat").read_text().split()[0]) for task in Path(f"/proc/{pid}/task").iterdir())


if __name__ == "__main__":
    sys.exit(main())
