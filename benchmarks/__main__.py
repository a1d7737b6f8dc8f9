"""Measure gexec beside a bare process, plain Docker and a naive service: one table from one run, in which the subjects
take turns, so that a noisy machine hits all alike.

With --against PATH, measure two versions of gexec instead: this working copy and the one at PATH, on which `make test`
(or scripts/bootstrap test) has run. Each has a server of its own. They take turns at the same programs over HTTP, in
fresh containers and in reused ones, and the table has the ratios of p50 and of throughput.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import django
import docker
from docker.models.containers import Container

from benchmarks import measure, subjects
from benchmarks.compare import compare, shown
from benchmarks.programs import ALL, C, Program
from benchmarks.server import bench_server
from benchmarks.tables import aligned, save
from benchmarks.tests_of_one import COUNT, ms_a_test
from benchmarks.turns import CONCURRENCY, LIVE_S, REST_S, REUSE_RUNS, SETTLE_S, Subject, run_all
from testkit.servers import RunningServer, ServerFailed

IN_CONTAINERS = {"isolation": "", "share_containers": "false"}
IN_SHARED_CELLS = {"isolation": "cell", "share_containers": "true"}
"""A cell for each execution, in containers that serve whoever comes next."""
GVISOR = "runsc"
"""The name with which `runsc install` registers gVisor."""


def main() -> None:
    """Measure and print."""
    options = _options()
    wanted = options.programs.split(",")
    programs = [program for program in ALL if program.language in wanted]
    turns = {"rounds": options.rounds, "slices": options.slices, "slice_s": options.slice_seconds}
    try:
        if options.against:
            report = compare(programs, options.against.resolve(), **turns)
            print(shown(report))
        else:
            report = _measure(programs, turns)
            print(_table(report))
    except ServerFailed as error:
        raise SystemExit(str(error)) from None
    print(f"\nThe same as JSON: {save(report)}")


def _measure(programs: list[Program], turns: dict[str, Any]) -> dict[str, Any]:
    with bench_server() as server, _gvisor_server() as gvisor:
        for each in (server, gvisor):
            if each:
                each.install(*(program.language for program in programs))
        with _Pool(server) as pool:
            rows: list[Subject] = []
            try:
                for program in programs:
                    # One after the other: what a language keeps warm, and lets go later, would be in the others' way.
                    _keep_cold(server, pool)
                    of_program = _subjects(program, server, pool) + ([_in_gvisor(program, gvisor)] if gvisor else [])
                    run_all(of_program, **turns)
                    rows += of_program
                return _report(rows, server, pool)
            finally:
                subjects.remove_started()


@contextlib.contextmanager
def _gvisor_server() -> Iterator[RunningServer | None]:
    """A second one, whose containers start with gVisor, where the Docker engine has it."""
    with contextlib.closing(docker.from_env()) as client:
        known = GVISOR in client.info()["Runtimes"]
    if not known:
        yield None
        return
    with bench_server(runtime=GVISOR) as server:
        for slug in ("python", "go"):
            server.set_language(slug, warm_min=0, warm_max=0)
        yield server


def _in_gvisor(program: Program, server: RunningServer) -> Subject:
    def apply() -> None:
        server.set_language(program.language, warm_min=1, warm_max=CONCURRENCY)
        time.sleep(LIVE_S)

    return Subject(
        "gexec, fresh, gVisor", program, lambda: subjects.over_http(program, server.port, None), SETTLE_S, apply
    )


def _keep_cold(server: RunningServer, pool: _Pool) -> None:
    pool.warm(None, 0)
    for slug in pool.languages:
        server.set_language(slug, **IN_CONTAINERS, runs_per_container=1, warm_min=0, warm_max=0)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--programs", default="python,go,c", help="which of them, separated by commas")
    parser.add_argument("--rounds", type=int, default=40, help="runs of each subject, one after another")
    parser.add_argument("--slices", type=int, default=3, help=f"turns of each subject at concurrency {CONCURRENCY}")
    parser.add_argument("--slice-seconds", type=float, default=4.0, help="how long each of them takes")
    parser.add_argument(
        "--against", type=Path, metavar="PATH", help="another working copy of gexec, to compare this one with"
    )
    return parser.parse_args()


class _Pool:
    """The pool called directly, in this process, on the server's languages. A context manager."""

    def __init__(self, server: RunningServer) -> None:
        self._server = server

    def __enter__(self) -> _Pool:
        os.environ |= self._server.environment | {"DJANGO_SETTINGS_MODULE": "gexec.settings"}
        django.setup()
        from dispatch.backends.inline import make_pool  # noqa: PLC0415 - Django is set up only now
        from languages import programs  # noqa: PLC0415
        from languages.models import Language  # noqa: PLC0415

        self._programs = programs
        self.languages = {language.slug: language for language in Language.objects.filter(enabled=True)}
        self.pool = make_pool()
        return self

    def __exit__(self, *_: object) -> None:
        self.pool.close(grace_s=5.0)

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


def _subjects(program: Program, server: RunningServer, pool: _Pool) -> list[Subject]:
    slug = program.language
    key = server.create_api_key(f"bench-{slug}")
    fresh, reused = pool.profile(slug, 1), pool.profile(slug, REUSE_RUNS)
    image = _hand_image(slug, pool)

    def set_runs(count: int, isolation: Mapping[str, str] = IN_CONTAINERS) -> Callable[[], None]:
        def apply() -> None:
            warm_min = pool.languages[slug].warm_min
            server.set_language(slug, **isolation, runs_per_container=count, warm_min=warm_min, warm_max=CONCURRENCY)
            pool.warm(None, 0)
            time.sleep(LIVE_S)

        return apply

    def on_pool(profile: Any, warm: int) -> Callable[[], None]:
        def apply() -> None:
            pool.warm(profile, warm)
            # Nothing tells that the pool has made what is to be warm: a container takes it a tenth of this.
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
        Subject("gexec, fresh", program, lambda: subjects.over_http(program, server.port, None), SETTLE_S, set_runs(1)),
        Subject(
            "gexec, reused",
            program,
            lambda: subjects.over_http(program, server.port, key),
            0.0,
            set_runs(REUSE_RUNS),
            REST_S,
        ),
        Subject(
            "gexec, cells",
            program,
            lambda: subjects.over_http(program, server.port, None),
            0.0,
            set_runs(1, IN_SHARED_CELLS),
            REST_S,
        ),
        Subject(
            "pool, fresh",
            program,
            lambda: subjects.on_pool(program, direct, fresh, lambda: pool.steps(slug)),
            SETTLE_S,
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


def _report(rows: list[Subject], server: RunningServer, pool: _Pool) -> dict[str, Any]:
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
        "server_memory_mb": round(measure.proportional_memory_mb(server.pids), 1),
        "idle_container_mb": _idle_container_mb(waiting),
        "tests_ms": _tests_ms(pool, cells=0),
        "tests_in_cells_ms": _tests_ms(pool, cells=REUSE_RUNS),
        "rows": [_row(row, rows) for row in rows],
    }


def _tests_ms(pool: _Pool, *, cells: int) -> tuple[float, float] | None:
    """Of each test of a compiled C program, and of that what the program took itself; None where there is no C."""
    if C.language not in pool.languages:
        return None
    compiles, runs = pool.steps(C.language)
    profile = replace(pool.profile(C.language, REUSE_RUNS), cells=cells)
    each = ms_a_test(C, pool.pool, profile, compiles, runs)
    return round(each[0], 2), round(each[1], 2)


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
    for name, where in (("tests_ms", "in one container"), ("tests_in_cells_ms", "each in a cell")):
        if report[name]:
            whole, own = report[name]
            head += f"{COUNT} tests on one compiled C program, {where}, ms each: {whole}, of which its own {own}\n"
    head += "\n"
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
    return head + aligned(lines, left=2)


if __name__ == "__main__":
    main()
