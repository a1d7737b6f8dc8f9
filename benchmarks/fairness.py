"""`python -m benchmarks.fairness [--runs 40]`: what a caller notices of another one that floods the server.

Both have a key. The flood asks for more programs than there are slots, all of which sleep; then it hangs up, and what
is left of it is counted. Exit code 1 where the p95 of the other is more than MOST_TIMES what it is alone, or where
something runs or waits for nobody after GONE_S.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import sys
import threading
import time

from benchmarks import measure
from benchmarks.measure import Figures
from testkit.servers import RunningServer, temporary_server
from testkit.waiting import eventually

MOST_TIMES = 3.0
GONE_S = 1.0
"""What is promised to whoever waits for the places of those that have hung up."""
_FLOOD = 12
_SLEEP_S = 5
"""Long beside a hello world, so that whoever waited for one of them would see it."""
_LONG_S = 50
"""Longer than `eventually` waits."""


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
        left_s = _after_hanging_up(server, greedy)
    times = beside_ms / alone_ms
    print(
        f"p95 of a hello world: {alone_ms:.0f} ms alone, {beside_ms:.0f} ms beside {_FLOOD} that sleep: "
        f"{times:.1f} times, at most {MOST_TIMES:.0f}: {_met(times <= MOST_TIMES)}\n"
        f"{_FLOOD} requests given up: nothing runs or waits for them after {left_s:.1f} s, "
        f"at most {GONE_S:.0f}: {_met(left_s <= GONE_S)}"
    )
    return 0 if times <= MOST_TIMES and left_s <= GONE_S else 1


def _met(is_met: bool) -> str:
    return "met" if is_met else "not met"


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


def _after_hanging_up(server: RunningServer, key: str) -> float:
    """How long something runs or waits for clients that are gone, in s."""
    body = json.dumps({"language": "python", "source_code": f"import time; time.sleep({_LONG_S})"}).encode()
    head = (
        f"POST /execute HTTP/1.1\r\nHost: localhost\r\nAuthorization: Api-Key {key}\r\nContent-Length: {len(body)}\r\n"
    )
    eventually(lambda: _of_anybody(server) == 0)
    clients = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(_FLOOD)]
    for client in clients:
        client.sendall(f"{head}\r\n".encode() + body)
    eventually(lambda: _of_anybody(server) == _FLOOD and _waiting(server) > 0)
    for client in clients:
        client.close()
    began = time.monotonic()
    eventually(lambda: _of_anybody(server) == 0)
    return time.monotonic() - began


def _of_anybody(server: RunningServer) -> float:
    """Programs that run or wait."""
    return _gauge(server, "gexec_slots_in_use") + _waiting(server)


def _waiting(server: RunningServer) -> float:
    return _gauge(server, "gexec_waiting")


def _gauge(server: RunningServer, name: str) -> float:
    text = server.request("/metrics", headers={"Accept": "text/plain"}).body.decode()
    return next(float(line.split()[1]) for line in text.splitlines() if line.startswith(f"{name} "))


if __name__ == "__main__":
    sys.exit(main())
