"""`make bench`: one table from one run, with the subjects taking turns so that a noisy machine hits all alike.

usage: python -m benchmarks [--programs python,go,c] [--rounds 40] [--slices 3] [--slice-seconds 4]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import django
import docker
from docker.models.containers import Container

from benchmarks import measure, subjects
from benchmarks.measure import Figures, Run
from benchmarks.programs import ALL, Program
from benchmarks.server import BenchServer

CONCURRENCY = 4
REUSE_RUNS = 1_000_000
AFTER_FIRST_S = 1.0
REST_S = 2.0
RESULTS = Path(__file__).parent / "results"


@dataclass
class Subject:
    """One row of the table."""

    name: str
    program: Program
    make: Callable[[], Run]
    settle_s: float = 0.0
    """How long to wait after a run one after another, so that the next finds the pool full."""
    before: Callable[[], None] = lambda: None
    rest_s: float = 0.0
    """How long to wait before a slice, so that the containers for it are made and none are made within it."""
    figures: Figures = field(default_factory=Figures)

    def __post_init__(self) -> None:
        self.runs = [self.make() for _ in range(CONCURRENCY)]


def main() -> None:
    """Measure and print."""
    options = _options()
    wanted = options.programs.split(",")
    programs = [program for program in ALL if program.language in wanted]
    with BenchServer() as server:
        server.manage("languages", "install", *(program.language for program in programs))
        _measure(programs, server, options)


def _measure(programs: list[Program], server: BenchServer, options: argparse.Namespace) -> None:
    with _Pool(server) as pool:
        rows: list[Subject] = []
        try:
            for program in programs:
                # One after the other: what a language keeps warm, and lets go later, would be in the others' way.
                _keep_cold(server, pool)
                of_program = _subjects(program, server, pool)
                _run_all(of_program, options)
                rows += of_program
            report = _report(rows, server, pool)
        finally:
            subjects.remove_started()
    print(_table(report))
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{datetime.now(UTC):%Y%m%d-%H%M%S}.json"
    path.write_text(json.dumps(report, indent=1))
    print(f"\nThe same as JSON: {path}")


def _keep_cold(server: BenchServer, pool: _Pool) -> None:
    pool.warm(None, 0)
    for slug in pool.languages:
        server.manage("languages", "set", slug, "runs_per_container=1", "warm_min=0", "warm_max=0")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("--programs", default="python,go,c")
    parser.add_argument("--rounds", type=int, default=40, help="runs of each subject, one after another")
    parser.add_argument("--slices", type=int, default=3, help=f"turns of each subject at concurrency {CONCURRENCY}")
    parser.add_argument("--slice-seconds", type=float, default=4.0)
    return parser.parse_args()


class _Pool:
    """The pool called directly, in this process, on the server's languages. A context manager."""

    def __init__(self, server: BenchServer) -> None:
        self._server = server

    def __enter__(self) -> _Pool:
        os.environ |= self._server.environment | {"DJANGO_SETTINGS_MODULE": "gexec.settings"}
        django.setup()
        from dispatch import runtime  # noqa: PLC0415 - Django is set up only now
        from languages import programs  # noqa: PLC0415
        from languages.models import Language  # noqa: PLC0415

        self._programs, self._runtime = programs, runtime
        self.languages = {language.slug: language for language in Language.objects.filter(enabled=True)}
        self.pool = runtime.pool()
        return self

    def __exit__(self, *_: object) -> None:
        self._runtime.shutdown(5.0)

    def profile(self, slug: str, runs_per_container: int) -> Any:
        language = self.languages[slug]
        language.runs_per_container = runs_per_container
        return self._programs.profile_of(language)

    def steps(self, slug: str) -> Any:
        return self._programs.steps_of(self.languages[slug], timeout_ms=60_000)

    def image(self, slug: str) -> str:
        return str(self.languages[slug].image)

    def warm(self, profile: Any, count: int) -> None:
        from sandbox.types import WarmTarget  # noqa: PLC0415

        self.pool.keep_warm({profile: WarmTarget(count, CONCURRENCY)} if count else {})


def _subjects(program: Program, server: BenchServer, pool: _Pool) -> list[Subject]:
    slug = program.language
    key = server.manage("create_api_key", f"bench-{slug}").splitlines()[-1].strip()
    fresh, reused = pool.profile(slug, 1), pool.profile(slug, REUSE_RUNS)
    image = _hand_image(slug, pool)

    def set_runs(count: int) -> Callable[[], None]:
        def apply() -> None:
            warm = (f"warm_min={pool.languages[slug].warm_min}", f"warm_max={CONCURRENCY}")
            server.manage("languages", "set", slug, f"runs_per_container={count}", *warm)
            pool.warm(None, 0)
            time.sleep(2.5)

        return apply

    def on_pool(profile: Any, warm: int) -> Callable[[], None]:
        def apply() -> None:
            pool.warm(profile, warm)
            time.sleep(1.5)

        return apply

    direct = pool.pool
    rows = [Subject("bare process", program, lambda: subjects.bare(program))] if slug == "python" else []
    if slug != "python":
        rows.append(Subject("started container", program, lambda: subjects.in_started_container(program, image)))
    return [
        *rows,
        Subject("docker run --rm", program, lambda: subjects.docker_run(program, image)),
        Subject("naive SDK service", program, lambda: subjects.naive_service(program, image)),
        Subject("gexec, fresh", program, lambda: subjects.over_http(program, server.port, None), 0.4, set_runs(1)),
        Subject(
            "gexec, reused",
            program,
            lambda: subjects.over_http(program, server.port, key),
            0.0,
            set_runs(REUSE_RUNS),
            REST_S,
        ),
        Subject(
            "pool, fresh",
            program,
            lambda: subjects.on_pool(program, direct, fresh, lambda: pool.steps(slug)),
            0.4,
            on_pool(fresh, 1),
        ),
        Subject(
            "pool, reused",
            program,
            lambda: subjects.on_pool(program, direct, reused, lambda: pool.steps(slug)),
            0.0,
            on_pool(reused, 1),
            REST_S,
        ),
    ]


def _hand_image(slug: str, pool: _Pool) -> str:
    """What a person would use by hand: the language's image, except where that has no ordinary toolchain."""
    folder = Path(__file__).parent / slug
    if not folder.exists():
        return pool.image(slug)
    tag = f"gexec/bench-{slug}"
    docker.from_env().images.build(path=str(folder), tag=tag, rm=True)
    return tag


def _run_all(rows: list[Subject], options: argparse.Namespace) -> None:
    """Rounds in blocks: every subject gets a block of runs in turn, several times over; then the slices likewise."""
    blocks = 4
    for block in range(blocks):
        for row in rows:
            _progress(f"block {block + 1} of {blocks}: {row.program.language}, {row.name}")
            row.before()
            row.runs[0]()
            # Containers that are made in place of the one that it took would be measured with the next runs.
            time.sleep(AFTER_FIRST_S)
            for _ in range(max(1, options.rounds // blocks)):
                time.sleep(row.settle_s)
                measure.one(row.runs[0], row.figures)
    for number in range(options.slices):
        for row in rows:
            _progress(f"slice {number + 1} of {options.slices}: {row.program.language}, {row.name}")
            row.before()
            measure.slice_of(row.runs, Figures(), seconds=0.5)
            time.sleep(row.rest_s)
            measure.slice_of(row.runs, row.figures, seconds=options.slice_seconds)


def _progress(text: str) -> None:
    print(f"\r\033[K{text}", end="", flush=True)


def _report(rows: list[Subject], server: BenchServer, pool: _Pool) -> dict[str, Any]:
    client = docker.from_env()
    info = client.info()
    waiting = _waiting(pool, client)
    return {
        "machine": {
            "processor": _processor(),
            "cores": os.cpu_count(),
            "kernel": platform.release(),
            "docker": info["ServerVersion"],
            "runtime": next((container.attrs["HostConfig"]["Runtime"] for container in waiting), "?"),
            "default_runtime": info["DefaultRuntime"],
            "python": platform.python_version(),
        },
        "server_memory_mb": round(measure.proportional_memory_mb(server.pids()), 1),
        "idle_container_mb": _idle_container_mb(waiting),
        "rows": [_row(row, rows) for row in rows],
    }


def _row(row: Subject, rows: list[Subject]) -> dict[str, Any]:
    by_name = {other.name: other for other in rows if other.program is row.program}
    base = by_name.get("bare process") or by_name["started container"]
    naive = by_name["naive SDK service"]
    figures = row.figures
    return {
        "program": row.program.language,
        "subject": row.name,
        "p50_ms": round(figures.median_ms, 2),
        "p95_ms": round(figures.percentile(0.95), 2),
        "p99_ms": round(figures.percentile(0.99), 2),
        "runs_per_s": round(figures.runs_per_s, 1),
        "cpu_ms_per_run": round(figures.cpu_ms_per_run, 1),
        "p50_to_bare": round(figures.median_ms / base.figures.median_ms, 2),
        "runs_to_bare": round(figures.runs_per_s / base.figures.runs_per_s, 2),
        "cpu_to_bare": round(figures.cpu_ms_per_run / base.figures.cpu_ms_per_run, 2),
        "p50_to_naive": round(figures.median_ms / naive.figures.median_ms, 3),
        "runs_to_naive": round(figures.runs_per_s / naive.figures.runs_per_s, 2),
        "latencies_ms": [round(value, 2) for value in figures.latencies_ms],
    }


def _waiting(pool: _Pool, client: docker.DockerClient) -> list[Container]:
    """The containers that wait, with at least two warm ones among them."""
    pool.warm(pool.profile("python", 1), 2)
    time.sleep(2)
    label = f"gexec.data_dir={pool._server.data_dir}"
    found: list[Container] = client.containers.list(filters={"label": label}, ignore_removed=True)
    return found


def _idle_container_mb(waiting: list[Container]) -> float:
    """What the kernel charges a warm container that waits, over several of them."""
    usages = []
    for container in waiting:
        with contextlib.suppress(docker.errors.NotFound, ValueError):  # One that is just being removed.
            usages.append(container.stats(stream=False)["memory_stats"].get("usage", 0) / (1 << 20))
    return round(max(usages, default=0.0), 2)


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _table(report: dict[str, Any]) -> str:
    machine = report["machine"]
    head = (
        f"\r\033[K{machine['processor']}, {machine['cores']} cores, Linux {machine['kernel']}, "
        f"Docker {machine['docker']}, Python {machine['python']}\n"
        f"gexec's containers start with {machine['runtime']}, the others with {machine['default_runtime']}\n"
        f"server {report['server_memory_mb']} MB; an idle warm container {report['idle_container_mb']} MB\n\n"
    )
    columns = (
        "program",
        "subject",
        "p50",
        "p95",
        "p99",
        "runs/s",
        "CPU ms",
        "p50÷bare",
        "runs÷bare",
        "CPU÷bare",
        "p50÷naive",
        "runs÷naive",
    )
    keys = (
        "program", "subject", "p50_ms", "p95_ms", "p99_ms", "runs_per_s", "cpu_ms_per_run",
        "p50_to_bare", "runs_to_bare", "cpu_to_bare", "p50_to_naive", "runs_to_naive",
    )  # fmt: skip
    lines = [columns, *[tuple(str(row[key]) for key in keys) for row in report["rows"]]]
    widths = [max(len(line[column]) for line in lines) for column in range(len(columns))]
    return head + "\n".join(
        "  ".join(
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    )


if __name__ == "__main__":
    main()
