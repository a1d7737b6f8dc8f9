"""`python -m benchmarks.fairness [--runs 40]`: what a caller notices of another one that floods the server.

Both have a key. The flood asks for more programs than there are slots, all of which sleep. Exit code 1 where the p95 of
the other is more than MOST_TIMES what it is alone.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading

from benchmarks import measure
from benchmarks.measure import Figures
from testkit.servers import RunningServer, temporary_server
from testkit.waiting import eventually

MOST_TIMES = 3.0
_FLOOD = 12
_SLEEP_S = 5
"""Long beside a hello world, so that whoever waited for one of them would see it."""


def main() -> int:
    """Measure alone, then beside the flood."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fairness")
    parser.add_argument("--runs", type=int, default=40)
    options = parser.parse_args()
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    with temporary_server(environment) as server:
        modest, greedy = (server.create_api_key(name) for name in ("modest", "greedy"))
        _run(server, modest, runs=5)
        alone_ms = _run(server, modest, runs=options.runs)
        stop = threading.Event()
        flood = [threading.Thread(target=_sleepers, args=(server, greedy, stop)) for _ in range(_FLOOD)]
        for thread in flood:
            thread.start()
        eventually(lambda: _waiting(server) > 0)
        beside_ms = _run(server, modest, runs=options.runs)
        stop.set()
        for thread in flood:
            thread.join()
    print(f"p95 of a hello world: {alone_ms:.0f} ms alone, {beside_ms:.0f} ms beside {_FLOOD} that sleep")
    return 0 if beside_ms <= MOST_TIMES * alone_ms else 1


def _run(server: RunningServer, key: str, *, runs: int) -> float:
    """The p95 of hello worlds one after another, in ms."""
    figures = Figures()
    for _ in range(runs):
        measure.one(lambda: _hello(server, key), figures)
    return figures.percentile(0.95)


def _hello(server: RunningServer, key: str) -> None:
    body = {"language": "python", "source_code": "print('hi')"}
    answer = server.request("/execute", body, headers={"Authorization": f"Api-Key {key}"})
    if answer.status != 200:
        raise RuntimeError(f"{answer.status} {answer.body[:200]!r}")


def _sleepers(server: RunningServer, key: str, stop: threading.Event) -> None:
    body = {"language": "python", "source_code": f"import time; time.sleep({_SLEEP_S})"}
    while not stop.is_set():
        server.request("/execute", body, headers={"Authorization": f"Api-Key {key}"})


def _waiting(server: RunningServer) -> float:
    text = server.request("/metrics", headers={"Accept": "text/plain"}).body.decode()
    return next(float(line.split()[1]) for line in text.splitlines() if line.startswith("gexec_waiting "))


if __name__ == "__main__":
    sys.exit(main())
