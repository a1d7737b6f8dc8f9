"""What a cell costs beside a container that is wiped, and that thousands of them leave nothing.

The same program runs in turns in a container that is used again and in cells of another one, on the engine itself,
without a server. Then one container makes as many cells as --runs says; it fails where anything that the kernel keeps
has grown with them. Run it where nothing else makes containers.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.tables import aligned
from sandbox.container import Container
from sandbox.docker import DockerEngine, connect
from sandbox.policy import SandboxPolicy
from sandbox.types import Ahead, File, Job, Limits, Profile, Step

_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}
_LIMITS = Limits(wall_ms=20_000, output_bytes=1 << 20)
_READY_S = 30.0
_AHEAD_S = 0.05
"""What an interpreter takes to start, which in a server happens between two requests."""
_ENDLESS = 10**6
_IMAGE = "gexec/python"
_BASE_IMAGE = "gexec/base"
_REUSED = Profile(_IMAGE, 128 << 20, 100_000, 128, 32 << 20, runs_per_container=_ENDLESS)
_CELLS = replace(_REUSED, cells=_ENDLESS)
_PYTHON = ("python3", "main.py")
_AHEAD = Ahead("main.py", _PYTHON, tuple(_ENVIRONMENT.items()))
_SLABS = ("net_namespace", "pid_namespace", "mnt_cache", "shmem_inode_cache", "user_namespace")
"""What the kernel makes for each cell."""
_GROWN = 0.5
_GROWN_BY_OTHERS = 1000
"""Of the cells that were made, and what others of the machine may have added: a container has a hundred mounts."""
_BYTES_A_CELL = 200
"""Of the container's memory. What the kernel gives back with a delay comes to more after few cells."""


class NoCells(Exception):
    """The host refuses what they take."""


@dataclass(frozen=True, slots=True)
class _Way:
    name: str
    profile: Profile
    argv: tuple[str, ...]
    files: tuple[File, ...] = ()

    @property
    def job(self) -> Job:
        return Job(self.files, (Step("run", self.argv, _LIMITS, _ENVIRONMENT),))


_HELLO = (File("main.py", b"print('hello')"),)
_WAYS = (
    _Way("true, wiped", _REUSED, ("true",)),
    _Way("true, in a cell", _CELLS, ("true",)),
    _Way("Python, wiped, started ahead", replace(_REUSED, ahead=_AHEAD), _PYTHON, _HELLO),
    _Way("Python, in a cell, started ahead", replace(_CELLS, ahead=_AHEAD), _PYTHON, _HELLO),
    _Way("Python, wiped", _REUSED, _PYTHON, _HELLO),
    _Way("Python, in a cell", _CELLS, _PYTHON, _HELLO),
)


_LEFT_BEHIND = (_WAYS[1], _WAYS[3])
"""Of which cells are made by the thousand: without an interpreter outside of them, and with one."""


class _Container:
    """One in which runs follow one another."""

    def __init__(self, engine: DockerEngine, way: _Way) -> None:
        self.way = way
        self.run_ms: list[float] = []
        self.ready_ms: list[float] = []
        self._engine = engine
        self._container = Container(engine, engine.start(way.profile), way.profile)
        self._container.wait_ready(_READY_S)
        if bool(way.profile.cells) != self._container.in_cell:
            raise NoCells
        self._container.start_ahead()
        self._cpu_ms = engine.cpu_ms(self.id)

    @property
    def id(self) -> str:
        return self._container.id

    def run(self) -> None:
        """One, and the wait until the next could come."""
        began = time.perf_counter()
        step = self._container.run(self.way.job, tenant="bench").steps[0]
        ended = time.perf_counter()
        self._container.end_job()
        self._container.wait_ready(_READY_S)
        self.run_ms.append((ended - began) * 1000)
        self.ready_ms.append((time.perf_counter() - ended) * 1000)
        if step.exit_code != 0:
            raise SystemExit(f"{self.way.name}: {step}")

    def cpu_ms(self) -> float:
        """Of each run, with all that belongs to it in the container."""
        return (self._engine.cpu_ms(self.id) - self._cpu_ms) / len(self.run_ms)

    def close(self) -> None:
        self._container.close()
        self._engine.remove(self.id)


@contextmanager
def _engine() -> Iterator[DockerEngine]:
    client = connect(timeout_s=60.0)
    engine = DockerEngine(SandboxPolicy(), owner="benchmarks", base_image=_BASE_IMAGE, client=client)
    engine.prepare()
    try:
        yield engine
    finally:
        engine.close()
        client.close()


def _compare(engine: DockerEngine, rounds: int) -> str:
    containers = [_Container(engine, way) for way in _WAYS]
    for _ in range(rounds):
        for container in containers:
            if container.way.profile.ahead:
                time.sleep(_AHEAD_S)
            container.run()
    lines: list[tuple[str, ...]] = [("program", "ms", "ms until ready again", "CPU ms in all")]
    for container in containers:
        figures = (statistics.median(container.run_ms), statistics.median(container.ready_ms), container.cpu_ms())
        lines.append((container.way.name, *(f"{figure:.2f}" for figure in figures)))
        container.close()
    return aligned(lines, left=1)


def _kept(engine: DockerEngine, container: _Container) -> Mapping[str, int]:
    """What the kernel and the container hold now."""
    table = engine._client.top(container.id, ps_args="-eo pid,ppid")["Processes"]
    parents = {int(pid): int(parent) for pid, parent in table}
    (maker,) = (
        Path(f"/proc/{pid}") for pid, parent in parents.items() if parent in parents and parents[parent] not in parents
    )
    stats = engine._client.stats(container.id, stream=False, one_shot=True)["memory_stats"]
    slabs = dict(line.split()[:2] for line in Path("/proc/slabinfo").read_text().splitlines()[2:])
    return {
        "processes": len(parents),
        "descriptors": len(list((maker / "fd").iterdir())),
        "mounts": len((maker / "mountinfo").read_text().splitlines()),
        "bytes": stats["usage"] - stats["stats"].get("inactive_file", 0),
        **{name: int(slabs[name]) for name in _SLABS if name in slabs},
    }


def _leak(engine: DockerEngine, way: _Way, runs: int) -> bool:
    container = _Container(engine, way)
    # The first ones fill what the allocator keeps for the next.
    for _ in range(min(200, runs)):
        container.run()
    time.sleep(1)
    before = _kept(engine, container)
    for _ in range(runs):
        container.run()
    time.sleep(2)
    after = _kept(engine, container)
    container.close()
    lines = [(way.name, "before", f"after {runs} cells"), *((k, str(before[k]), str(after[k])) for k in after)]
    print(f"\n{aligned(lines, left=1)}")
    grown = {name: after[name] - before[name] for name in after}
    exact = [name for name in ("processes", "descriptors", "mounts") if grown[name]]
    slabs = [name for name in _SLABS if grown.get(name, 0) > _GROWN * runs + _GROWN_BY_OTHERS]
    memory = ["bytes"] if grown["bytes"] > _BYTES_A_CELL * runs + (4 << 20) else []
    for name in exact + slabs + memory:
        print(f"{name} have grown by {grown[name]}")
    return bool(exact + slabs + memory)


def main() -> None:
    """Measure and print; exits 1 where cells leave something."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cells", description=__doc__)
    parser.add_argument("--rounds", type=int, default=100, help="runs of each way, in turns")
    parser.add_argument("--runs", type=int, default=10_000, help="cells of one container, to see what they leave")
    options = parser.parse_args()
    try:
        with _engine() as engine:
            if options.rounds:
                print(_compare(engine, options.rounds))
            leaks = [_leak(engine, way, options.runs) for way in _LEFT_BEHIND if options.runs]
    except NoCells:
        print("This host makes no cells.")
    else:
        raise SystemExit(int(any(leaks)))


if __name__ == "__main__":
    main()
