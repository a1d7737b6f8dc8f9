"""`python -m benchmarks.watching [--runs 20]`: how soon a watcher hears of a program, and what watching costs.

Exit code 1 where the first event takes more than MOST_MS (p50), or watchers that never read more than MOST_KB each.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import resource
import socket
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import measure
from benchmarks.measure import Figures
from testkit.servers import RunningServer, temporary_server

MOST_MS = 30.0
MOST_KB = 1024.0
_SILENT = 100
"""Watchers that never read."""
_WARM_UP = 3
_PATH = "/api/v1/executions"
_HELLO = "print('hi')"
_LINES = "import time\nfor _ in range(20):\n    print(time.time(), flush=True)\n    time.sleep(0.05)"
_CHATTY = "import os\nfor _ in range(100_000): os.write(1, b'x')"
_LARGE = "import sys, time\ntime.sleep(2)\nfor _ in range(120): sys.stdout.write('y' * 65_536)\ntime.sleep(20)"


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.watching")
    parser.add_argument("--runs", type=int, default=20)
    options = parser.parse_args()
    kept = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    more = {"GEXEC_RATE_LIMIT": "off", "GEXEC_CALLER_SHARE": "1", "GEXEC_WATCHERS": str(_SILENT + 1)}
    with temporary_server(kept | more) as server:
        for _ in range(_WARM_UP):
            _first_event_ms(server)
        first_ms = statistics.median(_first_event_ms(server) for _ in range(options.runs))
        late_ms = _late_ms(server)
        plain, watched = Figures(), Figures()
        for _ in range(options.runs):
            measure.one(lambda: _plain(server, _CHATTY), plain)
            measure.one(lambda: _watched(server, _CHATTY), watched)
        silent_kb = _silent_kb(server)
    print(f"the first event comes after {first_ms:.1f} ms (p50), a line {late_ms:.1f} ms after it was printed (p50)")
    print(f"100,000 small writes: {plain.median_ms:.0f} ms, and {watched.median_ms:.0f} ms watched (p50)")
    print(f"{_SILENT} watchers that never read cost {silent_kb:.0f} KB each while a program prints 7.5 MB")
    return 0 if first_ms <= MOST_MS and silent_kb <= MOST_KB else 1


@contextlib.contextmanager
def _events(server: RunningServer, source: str, **more: Any) -> Iterator[http.client.HTTPResponse]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    body = json.dumps({"language": "python", "source_code": source, **more})
    connection.request("POST", _PATH, body, {"Accept": "application/x-ndjson"})
    with contextlib.closing(connection), connection.getresponse() as response:
        yield response


def _first_event_ms(server: RunningServer) -> float:
    began = time.perf_counter()
    with _events(server, _HELLO) as response:
        response.readline()
        first_ms = (time.perf_counter() - began) * 1000
        response.read()
    # The container that it took is made again meanwhile.
    time.sleep(0.4)
    return first_ms


def _late_ms(server: RunningServer) -> float:
    """The program's clock is this machine's."""
    late = []
    with _events(server, _LINES) as response:
        for line in response:
            event = json.loads(line)
            if event["event"] == "output":
                late.append(time.time() - float(event["text"].split()[0]))
    return statistics.median(late) * 1000


def _plain(server: RunningServer, source: str) -> None:
    answer = server.request(_PATH, {"language": "python", "source_code": source}, headers=_JSON)
    if answer.json()["run"]["stdout_bytes"] != 100_000:
        raise RuntimeError(f"{answer.status} {answer.body[:200]!r}")


def _watched(server: RunningServer, source: str) -> None:
    with _events(server, source) as response:
        response.read()


def _silent_kb(server: RunningServer) -> float:
    body = {"limits": {"output_bytes": 8_388_608, "wall_ms": 30_000}}
    with contextlib.ExitStack() as stack:
        response = stack.enter_context(_events(server, _LARGE, **body))
        first = json.loads(response.readline())
        before = _resident_kb(server)
        for _ in range(_SILENT):
            silent = stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            path = f"{_PATH}/{first['id']}/events?access_token={first['access_token']}"
            silent.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        time.sleep(6)
        return (_resident_kb(server) - before) / _SILENT


def _resident_kb(server: RunningServer) -> float:
    pages = [int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in server.pids]
    return sum(pages) * resource.getpagesize() / 1024


_JSON = {"Content-Type": "application/json"}

if __name__ == "__main__":
    sys.exit(main())
