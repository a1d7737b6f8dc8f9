"""Two working copies of gexec that take turns on one machine: did a change make anything slower?"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import subjects
from benchmarks.programs import Program
from benchmarks.server import bench_server
from benchmarks.tables import aligned
from benchmarks.turns import BLOCKS, CONCURRENCY, LIVE_S, REST_S, REUSE_RUNS, SETTLE_S, Subject, run_all
from testkit.servers import Checkout, RunningServer

_INSTALLED_AT_START = {"python", "go"}
_NOTE = """
{other} is before, this working copy after. A ratio of p50 below 1, or of runs/s above 1: after is faster.
The range is that of the blocks or slices, each taken alone. Where 1 lies within it, nothing was shown;
comparing a working copy with itself tells what chance alone does on this machine."""


def compare(programs: Sequence[Program], other: Path, **turns: Any) -> dict[str, Any]:
    """Start a server from each, let them run the programs in turns, and give the figures. Raises ServerFailed."""
    with bench_server(Checkout.at(other)) as before, bench_server() as after:
        slugs = [program.language for program in programs]
        for server in (before, after):
            server.install(*slugs)
        rows: list[dict[str, Any]] = []
        for program in programs:
            for server in (before, after):
                _keep_cold(server, _INSTALLED_AT_START.union(slugs))
            rows += _of_program(program, before, after, turns)
    return {"before": str(other), "rows": rows}


def shown(report: dict[str, Any]) -> str:
    """The report as a table."""
    figures = ("p50 before", "after", "ratio", "range", "runs/s before", "after", "ratio", "range")
    lines = [("program", "containers", *figures), *(tuple(_cells(row)) for row in report["rows"])]
    return aligned(lines, left=2) + "\n" + _NOTE.format(other=report["before"])


def _of_program(
    program: Program, before: RunningServer, after: RunningServer, turns: dict[str, Any]
) -> Iterable[dict[str, Any]]:
    """The figures of one program, in fresh containers and in reused ones."""
    pairs = {
        "fresh": (_fresh("fresh before", program, before), _fresh("fresh after", program, after)),
        "reused": (_reused("reused before", program, before), _reused("reused after", program, after)),
    }
    run_all([subject for pair in pairs.values() for subject in pair], **turns)
    return [_row(containers, *pair) for containers, pair in pairs.items()]


def _fresh(name: str, program: Program, server: RunningServer) -> Subject:
    prepare = _set_runs(server, program.language, 1)
    return Subject(name, program, lambda: subjects.over_http(program, server.port, None), SETTLE_S, prepare)


def _reused(name: str, program: Program, server: RunningServer) -> Subject:
    prepare = _set_runs(server, program.language, REUSE_RUNS)
    key = server.create_api_key(f"bench {program.language}")
    return Subject(name, program, lambda: subjects.over_http(program, server.port, key), 0.0, prepare, REST_S)


def _set_runs(server: RunningServer, slug: str, count: int) -> Callable[[], None]:
    def apply() -> None:
        server.set_language(slug, runs_per_container=count, warm_min=1, warm_max=CONCURRENCY)
        time.sleep(LIVE_S)

    return apply


def _keep_cold(server: RunningServer, slugs: Iterable[str]) -> None:
    """Of the languages whose turn it is not, no container is kept warm or made."""
    for slug in slugs:
        server.set_language(slug, runs_per_container=1, warm_min=0, warm_max=0)


def _row(containers: str, before: Subject, after: Subject) -> dict[str, Any]:
    was, now = before.figures, after.figures
    return {
        "program": before.program.language,
        "containers": containers,
        "p50_ms": [was.median_ms, now.median_ms],
        "p50_ratio": now.median_ms / was.median_ms,
        "p50_ratios": _ratios(_medians(was.latencies_ms), _medians(now.latencies_ms)),
        "runs_per_s": [was.runs_per_s, now.runs_per_s],
        "runs_ratio": now.runs_per_s / was.runs_per_s,
        "runs_ratios": _ratios(was.slice_rates, now.slice_rates),
        "latencies_ms": [was.latencies_ms, now.latencies_ms],
    }


def _medians(latencies_ms: Sequence[float]) -> list[float]:
    """Of each block."""
    size = len(latencies_ms) // BLOCKS
    return [statistics.median(latencies_ms[at : at + size]) for at in range(0, len(latencies_ms), size)]


def _ratios(before: Sequence[float], after: Sequence[float]) -> list[float]:
    return [now / was for was, now in zip(before, after, strict=True)]


def _cells(row: dict[str, Any]) -> Iterable[str]:
    yield from (row["program"], row["containers"])
    yield from (f"{value:.2f}" for value in (*row["p50_ms"], row["p50_ratio"]))
    yield _range(row["p50_ratios"])
    yield from (f"{value:.1f}" for value in row["runs_per_s"])
    yield f"{row['runs_ratio']:.2f}"
    yield _range(row["runs_ratios"])


def _range(ratios: Sequence[float]) -> str:
    return f"{min(ratios):.2f} to {max(ratios):.2f}"
