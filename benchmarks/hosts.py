"""`python -m benchmarks.hosts [--rounds 150]`: what a host costs, and what three of them give beside one.

Two servers take turns at one program in containers that are kept: one that runs programs itself, and one with a NATS
and a host on this machine. Then programs that sleep keep one host busy, and three, so that two cores suffice. Exit code
1 where a host takes more than MOST_MS longer (p50), or three hosts have not LEAST times the throughput of one.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import statistics
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from benchmarks.tables import aligned
from testkit.hosts import Fleet, fleet
from testkit.servers import RunningServer, temporary_server
from testkit.waiting import eventually

MOST_MS = 2.0
LEAST = 2.5
_WARM_UP = 20
_SLOTS = 4
"""Of each host."""
_HOSTS = ("one", "two", "three")
_SLEEP_S = 3.0
_WAVES = 3
_CODE = "print(1)"
_SLEEPS = f"import time\ntime.sleep({_SLEEP_S})\nprint(1)"


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hosts")
    parser.add_argument("--rounds", type=int, default=150)
    options = parser.parse_args()
    kept = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "GEXEC_NATS_URL"}}
    kept |= {"GEXEC_KEY_RATE_LIMIT": "1000000/m", "GEXEC_CALLER_SHARE": "1"}
    over_nats = {"GEXEC_SLOTS": str(_SLOTS * len(_HOSTS)), "GEXEC_WAIT_MS": "60000"}
    with (
        fleet(_HOSTS[0], slots=_SLOTS) as hosts,
        temporary_server(kept | over_nats | {"GEXEC_NATS_URL": hosts.url}) as there,
    ):
        with temporary_server(kept) as here:
            own_ms, hosts_ms = _waited((here, there), rounds=options.rounds)
        one, three = _scaled(hosts, there)
    more_ms, times = hosts_ms - own_ms, three / one
    rows = [
        ("", "", "goal", "met"),
        ("p50 in the own process", f"{own_ms:.1f} ms", "", ""),
        (
            "p50 on a host, over NATS",
            f"{hosts_ms:.1f} ms, {more_ms:+.1f}",
            f"at most {MOST_MS:+.1f}",
            _met(more_ms <= MOST_MS),
        ),
        (f"one host, programs of {_SLEEP_S:g} s", f"{one:.2f} a second", "", ""),
        ("three hosts", f"{three:.2f} a second, {times:.2f} x", f"at least {LEAST:g} x", _met(times >= LEAST)),
    ]
    print(aligned(rows, left=1))
    return int(more_ms > MOST_MS or times < LEAST)


def _met(is_met: bool) -> str:
    return "yes" if is_met else "NO"


def _waited(servers: Sequence[RunningServer], *, rounds: int) -> list[float]:
    """The median in ms of each, after some that are not counted; who goes first is in turn."""
    keys = {}
    for server in servers:
        server.install("python")
        server.set_language("python", runs_per_container=1000)
        keys[server.port] = server.create_api_key("bench")
    connections = {each.port: http.client.HTTPConnection("127.0.0.1", each.port, timeout=60) for each in servers}
    waited: dict[int, list[float]] = {port: [] for port in connections}
    for number in range(-_WARM_UP, rounds):
        for port in list(connections)[:: 1 if number % 2 else -1]:
            began = time.perf_counter()
            _execute(connections[port], keys[port])
            if number >= 0:
                waited[port].append((time.perf_counter() - began) * 1000)
    for connection in connections.values():
        connection.close()
    return [statistics.median(waited[server.port]) for server in servers]


def _execute(connection: http.client.HTTPConnection, key: str) -> None:
    headers = {"Authorization": f"Api-Key {key}", "Content-Type": "application/json"}
    connection.request("POST", "/execute", json.dumps({"language": "python", "source_code": _CODE}), headers)
    answer = connection.getresponse()
    told = answer.read()
    if answer.status != 200 or b"1\\n" not in told:
        raise RuntimeError(f"{answer.status} {told.decode(errors='replace')}")


def _scaled(hosts: Fleet, server: RunningServer) -> tuple[float, float]:
    """Programs a second on one host, and on all."""
    server.set_language("python", runs_per_container=1)
    one = _throughput(server, _SLOTS)
    for name in _HOSTS[1:]:
        hosts.start_host(name, slots=_SLOTS)
    whole = f"gexec_hosts_slots {float(_SLOTS * len(_HOSTS))}"
    metrics = {"Accept": "text/plain"}
    eventually(lambda: whole in server.request("/metrics", headers=metrics).body.decode())
    return one, _throughput(server, _SLOTS * len(_HOSTS))


def _throughput(server: RunningServer, at_once: int) -> float:
    """As many callers as there are slots, each with one program after another."""

    def call(count: int) -> None:
        for _ in range(count):
            answer = server.execute(_SLEEPS)
            if answer.status != 200 or answer.json()["stdout"] != "1\n":
                raise RuntimeError(f"{answer.status} {answer.body[:200]!r}")

    with ThreadPoolExecutor(at_once) as callers:
        # Containers that wait are made meanwhile.
        list(callers.map(call, [1] * at_once))
        began = time.perf_counter()
        list(callers.map(call, [_WAVES] * at_once))
    return at_once * _WAVES / (time.perf_counter() - began)


if __name__ == "__main__":
    sys.exit(main())
