"""`python -m benchmarks.languages [slug ...]`: hello world in each language, compiled and run at one processor, in a
new container and in one that was kept warm, beside the same commands by hand in a container that runs already.

A row with a goal says whether it is met by the clock, warm, and in CPU time, which other work on the machine changes
little.
"""

from __future__ import annotations

import argparse
import dataclasses
import io
import os
import statistics
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import django
import docker

from benchmarks.server import bench_server
from sandbox.pool import Pool
from sandbox.types import File, Job, Profile, StepResult, WarmTarget
from testkit.waiting import last_seen

CPU_QUOTA_US = 100_000
"""One whole processor, the same for every language."""
COMPILED = ("c", "cpp", "go", "rust", "java", "kotlin", "scala", "typescript")
"""Measured where none is named: those whose compilers were made fast. Installing them may take minutes once."""
GOALS_MS = {"cpp": 700, "java": 1000, "kotlin": 2000, "scala": 2000, "typescript": 1000, "zig": 2000}
"""What a user should wait at most, who tries hello world; in C++ with what most programs include."""
PROGRAMS = {
    "cpp": """\
#include <iostream>
#include <vector>
#include <string>
#include <map>
#include <algorithm>

int main()
{
    std::vector<std::string> words = {"pear", "fig", "pear"};
    std::map<std::string, int> counts;
    for (const auto &word : words)
        counts[word]++;
    std::sort(words.begin(), words.end());
    std::cout << "Hello, " << words.front() << ' ' << counts["pear"] << '\\n';
}
"""
}
"""Measured in place of the language's own hello world."""


def main() -> None:
    """Install and measure the languages that are named, one after another."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.languages")
    parser.add_argument("slugs", nargs="*", metavar="slug")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    with bench_server() as server:
        server.install(*(options.slugs or COMPILED))
        os.environ |= server.environment | {"DJANGO_SETTINGS_MODULE": "gexec.settings"}
        django.setup()
        from dispatch.backends.inline import make_pool  # noqa: PLC0415 (Django is set up only now)

        pool = make_pool()
        print(_HEAD)
        for slug in options.slugs or COMPILED:
            _measure(pool, slug, options.rounds)
        pool.close(grace_s=5.0)


_HEAD = (
    f"{'language':14} {'new ms':>8} {'warm ms':>9} {'by hand ms':>11} {'ratio':>6} {'CPU ms':>8} {'peak MB':>8} "
    f"{'goal ms':>8}  met"
)


def _measure(pool: Pool, slug: str, rounds: int) -> None:
    """Rounds in turn, so that all meet the same machine."""
    from languages import programs  # noqa: PLC0415
    from languages.models import Language  # noqa: PLC0415

    language = Language.objects.get(slug=slug)
    language.cpu_quota_us = CPU_QUOTA_US
    profile = dataclasses.replace(programs.profile_of(language), cpu_quota_us=CPU_QUOTA_US)
    program = PROGRAMS.get(slug, language.example).encode()
    job = Job((File(language.source_file, program),), programs.steps_of(language, timeout_ms=60_000))
    new: list[float] = []
    warm: list[float] = []
    by_hand: list[float] = []
    steps: list[StepResult] = []
    with _container(language, program) as run_by_hand:
        run_by_hand(job.steps)
        for _ in range(rounds):
            pool.keep_warm({})
            _timed(pool, profile, job, new)
            pool.keep_warm({profile: WarmTarget(1, 1)})
            _wait_until_warm(pool, profile)
            steps += _timed(pool, profile, job, warm)
            began = time.perf_counter()
            run_by_hand(job.steps)
            by_hand.append((time.perf_counter() - began) * 1000)
    new_ms, warm_ms, hand_ms = (statistics.median(times) for times in (new, warm, by_hand))
    cpu_ms = sum(step.cpu_ms for step in steps) / rounds
    peak_mb = max(step.peak_memory_bytes for step in steps) / (1 << 20)
    print(
        f"{slug:14} {new_ms:8.0f} {warm_ms:9.0f} {hand_ms:11.0f} {warm_ms / hand_ms:6.2f} {cpu_ms:8.0f} {peak_mb:8.0f} "
        f"{_verdict(slug, warm_ms, cpu_ms)}",
        flush=True,
    )


def _timed(pool: Pool, profile: Profile, job: Job, times_ms: list[float]) -> tuple[StepResult, ...]:
    """The job's steps, all of which must end well; its time goes to the others."""
    began = time.perf_counter()
    with pool.lease(profile, tenant=None, wait_ms=60_000) as lease:
        steps = lease.run(job).steps
    times_ms.append((time.perf_counter() - began) * 1000)
    if any(step.outcome != "ok" for step in steps):
        raise SystemExit(f"{profile.image}: {steps[-1].outcome}: {steps[-1].stderr[-300:]!r}")
    return steps


def _verdict(slug: str, warm_ms: float, cpu_ms: float) -> str:
    if slug not in GOALS_MS:
        return ""
    goal = GOALS_MS[slug]
    told = (f"{name}: {'yes' if value <= goal else 'no'}" for name, value in (("clock", warm_ms), ("CPU", cpu_ms)))
    return f"{goal:8}  {', '.join(told)}"


def _wait_until_warm(pool: Any, profile: Any) -> None:
    last_seen(lambda: pool.snapshot().profiles[profile].idle, every_s=0.05)
    time.sleep(0.2)


@contextmanager
def _container(language: Any, program: bytes) -> Iterator[Any]:
    """A started container of the language's image; gives what runs steps in it with `docker exec`."""
    client = docker.from_env()
    memory_mb = max(language.memory_mb, language.compile_memory_mb or 0)
    container = client.containers.run(
        language.image_digest or language.image,
        ["sleep", "3600"],
        detach=True,
        auto_remove=True,
        mem_limit=memory_mb << 20,
        cpu_quota=CPU_QUOTA_US,
        cpu_period=100_000,
        network_mode="none",
        tmpfs={"/box": "exec,mode=1777", "/tmp": "exec,mode=1777"},
    )
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        member = tarfile.TarInfo(language.source_file)
        member.size, member.mode = len(program), 0o644
        tar.addfile(member, io.BytesIO(program))
    # The archive API does not see the tmpfs, so the file takes a way through the image's own file system.
    container.put_archive("/opt", archive.getvalue())
    container.exec_run(["cp", f"/opt/{language.source_file}", "/box/"])

    def run(steps: Any) -> None:
        for step in steps:
            code, output = container.exec_run(list(step.argv), workdir="/box", environment=dict(step.environment))
            if code:
                raise SystemExit(f"{language.slug} by hand: exit code {code}: {output[-500:]!r}")

    try:
        yield run
    finally:
        container.remove(force=True)
        client.close()


if __name__ == "__main__":
    main()
