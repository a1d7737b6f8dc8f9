"""What is there that should not be: containers, processes, descriptors, threads; while it rests, and after its end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from chaos.house import House
from serve.descriptors import OTHERS
from testkit import processes
from testkit.containers import left_after
from testkit.servers import ServerFailed
from testkit.waiting import last_seen

REST_S = 90.0
"""Until nothing runs and no row is open: the longest program, and a sweep of what a dead process has left."""
STRAYS_S = 330.0
"""Until a container that nobody knows of is removed: sandbox.pool's unknown_after_s and a sweep."""
_THREADS_BESIDE = 24
"""Of a worker, beside those of gunicorn's: the pool's, the heartbeat's, the connections' to the database."""
_WARM = re.compile(r"^gexec_warm_containers\{.*\} (\d+)", re.MULTILINE)
_USED = re.compile(r"^gexec_(?:slots_in_use|waiting) (\d+)", re.MULTILINE)
_NEVER_LOGGED = re.compile(r"Exception ignored in|Exception in thread|\S+ \[error +\] the thread .* failed\b")


def is_at_rest(house: House) -> bool:
    """Whether no program runs and none waits."""
    return not any(int(count) for count in _USED.findall(exposition(house)))


def exposition(house: House) -> str:
    """What Prometheus is told."""
    return house.running.request("/metrics", headers={"Accept": "text/plain"}, timeout_s=30).body.decode()


def stray_containers(house: House, *, within_s: float) -> Iterator[str]:
    """Containers beyond those that wait for a program, and the one that holds their network's set-up."""
    beyond = last_seen(lambda: _beyond(house), until=lambda count: count <= 0, within_s=within_s, every_s=1)
    if beyond > 0:
        yield f"{beyond} containers that the server does not know of"


def _beyond(house: House) -> int:
    return len(house.containers) - sum(int(count) for count in _WARM.findall(exposition(house))) - 1


def grown_workers(house: House, *, threads: int) -> Iterator[str]:
    """Workers that hold more than one does that has just served a crowd."""
    for pid in house.workers:
        for folder, most in (("fd", OTHERS), ("task", threads + _THREADS_BESIDE)):
            count = sum(1 for _ in Path(f"/proc/{pid}/{folder}").iterdir())
            if count > most:
                yield f"worker {pid} has {count} entries in {folder}, and {most} is the most"


def unexpected_lines(house: House) -> Iterator[str]:
    """What Python says where nobody has caught something."""
    lines = house.running.log.splitlines()
    yield from (f"log: {line}" for line in lines if _NEVER_LOGGED.match(line))


def left_behind(house: House) -> Iterator[str]:
    """Stop the house, and tell what is there after that."""
    try:
        exit_code = house.stop()
        if exit_code:
            yield f"the stop ended with {exit_code}"
    except ServerFailed as failed:
        yield str(failed)
    for container in left_after(house.docker, house.data_dir):
        yield f"container {container[:12]} is left"
    for pid in last_seen(lambda: processes.using(house.data_dir), until=lambda pids: not pids, within_s=10):
        yield f"process {pid} is left: {processes.command(pid)}"
