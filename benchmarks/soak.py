"""`python -m benchmarks.soak [--runs 10000]`: executions of every ending, and what the server holds before and after.

Exit code 1 where something grew that should not have.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import docker

from benchmarks.server import bench_server
from testkit.containers import containers_of

PROGRAMS = (
    ("ok", "print('hi')", 0),
    ("nonzero exit", "raise SystemExit(3)", 3),
    ("signal", "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", 139),
    ("time limit", "import time; print('x', flush=True); time.sleep(60)", 137),
    ("memory", "bytearray(1 << 30)", None),
    ("output", "import sys\nwhile True: sys.stdout.write('x' * 65536)", 137),
    ("left behind", "import os\nif os.fork() == 0:\n    os.setsid()\n    import time; time.sleep(600)", 0),
)
"""Name, source, and the exit code where it is certain."""
_NAMELESS = 64
"""The length of the name of an anonymous volume."""
_RUNNERS = "gexec-runner-"
_PLAIN_SHARE = 4
"""So many plain runs for each unusual one."""


@dataclass(frozen=True)
class Holdings:
    """What is held at one moment. Memory in MB."""

    file_descriptors: int
    threads: int
    memory_mb: int
    containers: int
    volumes: int
    cgroups: int


ALLOWED_GROWTH = Holdings(file_descriptors=10, threads=10, memory_mb=40, containers=2, volumes=0, cgroups=4)
"""Caches that fill, connections that are kept, containers that are just being replaced."""


def holdings(pids: Sequence[int], data_dir: Path) -> Holdings:
    """What these processes and the containers of this data directory hold now."""
    client = docker.from_env()
    try:
        containers = len(containers_of(client.api, data_dir))
        left = len(volumes(client.api))
    finally:
        client.close()
    return Holdings(
        file_descriptors=sum(_entries(f"/proc/{pid}/fd") for pid in pids),
        threads=sum(_entries(f"/proc/{pid}/task") for pid in pids),
        memory_mb=sum(resident_mb(pid) for pid in pids),
        containers=containers,
        volumes=left,
        # Not glob(), which fails where one goes meanwhile.
        cgroups=sum(len(below) for path, below, _ in os.walk("/sys/fs/cgroup") if path.endswith("/docker")),
    )


def volumes(client: docker.APIClient) -> set[str]:
    """The names of the engine's volumes, without those that a container of anybody has for itself while it is there.

    Nor those that a version of the runner has for all of its containers: a working copy beside this one makes another.
    """
    unused = {volume["Name"] for volume in client.volumes(filters={"dangling": True})["Volumes"] or ()}
    names = {volume["Name"] for volume in client.volumes()["Volumes"] or ()}
    own = {name for name in names if name in unused or len(name) != _NAMELESS}
    return {name for name in own if not name.startswith(_RUNNERS)}


def load(port: int, *, runs: int, concurrency: int, key: str | None = None) -> list[str]:
    """Run the programs; gives what was answered wrongly."""
    wrong: list[str] = []
    numbers = iter(range(runs))
    lock = threading.Lock()

    def work() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                connection.close()
                return
            if fault := _one(connection, number, key if number % 2 else None):
                wrong.append(fault)

    threads = [threading.Thread(target=work) for _ in range(concurrency)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return wrong


def settled(pids: Sequence[int], data_dir: Path, *, wait_s: float) -> Holdings:
    """What is held after so many seconds of rest, in which what was let go has time to be gone."""
    time.sleep(wait_s)
    return holdings(pids, data_dir)


def grown(before: Holdings, after: Holdings) -> list[str]:
    """Where growth was more than is allowed."""
    return [
        f"{field.name}: {getattr(before, field.name)} before, {getattr(after, field.name)} after"
        for field in fields(Holdings)
        if getattr(after, field.name) - getattr(before, field.name) > getattr(ALLOWED_GROWTH, field.name)
    ]


def _one(connection: http.client.HTTPConnection, number: int, key: str | None) -> str:
    unusual, rest = divmod(number, _PLAIN_SHARE)
    name, source, exit_code = PROGRAMS[1 + unusual % (len(PROGRAMS) - 1)] if rest == 0 else PROGRAMS[0]
    body = json.dumps({"language": "python", "source_code": source, "timeout_ms": 1000})
    headers = {"Authorization": f"Api-Key {key}"} if key else {}
    connection.request("POST", "/execute", body, headers)
    answer = connection.getresponse()
    content = answer.read()
    if answer.status != 200:
        return f"{name}: {answer.status} {content[:200]!r}"
    got = json.loads(content)["exit_code"]
    return f"{name}: exit code {got}" if exit_code is not None and got != exit_code else ""


def _entries(folder: str) -> int:
    return sum(1 for _ in Path(folder).iterdir())


def resident_mb(pid: int) -> int:
    """Its memory that is in use."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") >> 20


def main() -> int:
    """Warm up, measure, load, rest, measure again."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak")
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--concurrency", type=int, default=4)
    options = parser.parse_args()
    with bench_server() as server:
        server.set_language("python", runs_per_container=50)
        key = server.create_api_key("soak")
        load(server.port, runs=100, concurrency=options.concurrency, key=key)
        pids = server.pids
        before = settled(pids, server.data_dir, wait_s=15)
        began = time.monotonic()
        wrong = load(server.port, runs=options.runs, concurrency=options.concurrency, key=key)
        took_s = time.monotonic() - began
        # Longer than a used container is kept for its owner.
        after = settled(pids, server.data_dir, wait_s=75)
    print(f"{options.runs} executions in {took_s:.0f} s, {options.runs / took_s:.1f} a second")
    for field in fields(Holdings):
        print(f"{field.name:18} {getattr(before, field.name):6} {getattr(after, field.name):6}")
    faults = [*grown(before, after), *wrong[:20]]
    print("\n".join(faults) or "nothing grew, and every answer was right")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
