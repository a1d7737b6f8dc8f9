"""`python -m benchmarks.scraping [--turns 4]`: how long a scrape of /metrics takes while nothing and while much runs.

A request that asks nothing of the database (/ping) is timed beside it: what that waits, a busy machine costs anybody.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

from benchmarks.server import bench_server
from benchmarks.tables import aligned
from testkit.servers import RunningServer

_CALLERS = 8
_TURN_S = 10.0
_PAUSE_S = 0.1
_WARM_UP = 20
_PROGRAM = "print(1)"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scraping")
    parser.add_argument("--turns", type=int, default=4, help=f"of {_TURN_S:.0f} seconds with and without load each")
    options = parser.parse_args()
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    with bench_server() as server:
        for _ in range(_WARM_UP):
            server.execute(_PROGRAM)
        ran = 0
        for _ in range(options.turns):
            _ask(server, "idle", found)
            with _load(server) as count:
                _ask(server, "under load", found)
            ran += count()
    print(f"{_CALLERS} callers, {ran / options.turns / _TURN_S:.1f} programs a second; milliseconds\n")
    rows = [[asked, when, *_figures(times)] for (asked, when), times in found.items()]
    print(aligned([["", "", "p50", "p95", "longest", "times"], *rows], left=2))


def _ask(server: RunningServer, when: str, found: dict[tuple[str, str], list[float]]) -> None:
    asked: Mapping[str, tuple[str, str]] = {
        "/metrics for Prometheus": ("/metrics", "text/plain"),
        "/metrics as JSON": ("/metrics", "application/json"),
        "/ping": ("/ping", "*/*"),
    }
    until = time.monotonic() + _TURN_S
    while time.monotonic() < until:
        for name, (path, accepted) in asked.items():
            began = time.perf_counter()
            answer = server.request(path, headers={"Accept": accepted})
            found[name, when].append((time.perf_counter() - began) * 1000)
            if answer.status != 200:
                raise RuntimeError(f"{answer.status} {answer.body[:200]!r}")
        time.sleep(_PAUSE_S)


@contextlib.contextmanager
def _load(server: RunningServer) -> Iterator[Callable[[], int]]:
    """Callers that send one program after another; it gives how many were answered."""
    over, answered = threading.Event(), [0] * _CALLERS

    def call(number: int) -> None:
        while not over.is_set():
            answered[number] += server.execute(_PROGRAM).status == 200

    with ThreadPoolExecutor(_CALLERS) as pool:
        calls = [pool.submit(call, number) for number in range(_CALLERS)]
        try:
            yield lambda: sum(answered)
        finally:
            over.set()
    for each in calls:
        each.result()


def _figures(times: list[float]) -> list[str]:
    p95 = statistics.quantiles(times, n=20, method="inclusive")[-1]
    return [f"{value:.1f}" for value in (statistics.median(times), p95, max(times))] + [str(len(times))]


if __name__ == "__main__":
    main()
