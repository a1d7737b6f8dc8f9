"""What a checker and an interactor cost: tests of one C program, alone, checked, and talked to by a program in C++.

    python -m benchmarks.judged

The three take turns, each in jobs of fifty tests. It needs the images of c and cpp.
"""

from __future__ import annotations

import os
import statistics
import time
from dataclasses import dataclass, replace

from benchmarks.tables import aligned
from sandbox.docker import BASE_IMAGE, DockerEngine
from sandbox.policy import SandboxPolicy
from sandbox.pool import Pool, PoolConfig
from sandbox.types import (
    Check,
    Companion,
    File,
    Interaction,
    Job,
    Limits,
    Outcome,
    Profile,
    Step,
    StepResult,
    WarmTarget,
)

TESTS = 50
ROUNDS = 5
MIB = 1024 * 1024
SOLUTION = b"""
#include <stdio.h>
int main(void) { int n; while (scanf("%d", &n) == 1) { printf("%d\\n", 2 * n); fflush(stdout); } }
"""
CHECKER = b"""
#include <fstream>
#include <iostream>
int main(int, char** name) {
    std::ifstream in(name[1]), out(name[2]);
    for (int asked, got; in >> asked;) if (!(out >> got) || got != 2 * asked) return 1;
    std::cerr << "ok\\n";
}
"""
INTERACTOR = b"""
#include <iostream>
int main() {
    for (int n = 0, got; n < 10; n++) {
        std::cout << n << std::endl;
        if (!(std::cin >> got) || got != 2 * n) return 1;
    }
}
"""
NUMBERS = "".join(f"{number}\n" for number in range(10)).encode()
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/box", "TMPDIR": "/tmp"}
RUN = Limits(wall_ms=10_000, output_bytes=MIB)
COMPILE = replace(RUN, wall_ms=60_000)
PROFILE = Profile("gexec/c", 256 * MIB, 100_000, 64, 64 * MIB)
JUDGES = replace(PROFILE, image="gexec/cpp")


@dataclass(frozen=True)
class Measured:
    """One way to run the tests."""

    first_ms: list[float]
    """Until the first test begins: the two compilers, one after the other."""
    test_ms: list[float]
    """For each test, with all that belongs to it."""


def _step(name: str, argv: str, limits: Limits, **fields: object) -> Step:
    return replace(Step(name, tuple(argv.split()), limits, ENVIRONMENT), **fields)  # type: ignore[arg-type]  # any field


def _job(source: bytes, **judged: object) -> Job:
    compiles = _step("compile", "gcc -O2 -o main main.c", COMPILE)
    tests = tuple(_step(f"test {n}", "./main", RUN, stdin=NUMBERS, fresh=True, **judged) for n in range(TESTS))
    judge = Companion(JUDGES, (File("judge.cpp", source),), (_step("compile", "g++ -O1 -o judge judge.cpp", COMPILE),))
    return Job((File("main.c", SOLUTION),), (compiles, *tests), companion=judge if judged else None)


def _jobs() -> dict[str, Job]:
    files = (File("input", NUMBERS),)
    check = Check(("./judge", "input", "output"), RUN, ENVIRONMENT, files=files, output_file="output")
    return {
        "alone": _job(b""),
        "with a checker": _job(CHECKER, check=check),
        "with an interactor, 10 questions": _job(INTERACTOR, interaction=Interaction(("./judge",), RUN, ENVIRONMENT)),
    }


def _run(pool: Pool, job: Job, into: Measured) -> None:
    companion = job.companion.profile if job.companion else None
    results: list[StepResult] = []
    with pool.lease(PROFILE, tenant=None, companion=companion, wait_ms=60_000) as lease:
        began = first = time.perf_counter()
        for event in lease.events(job):
            results.append(event.result)  # type: ignore[union-attr]  # no output is asked for
            if results[-1].name == "compile":
                first = time.perf_counter()
        ended = time.perf_counter()
    if {result.outcome for result in results} != {Outcome.OK}:
        raise SystemExit(f"not all ended well: {results}")
    into.first_ms.append((first - began) * 1000)
    into.test_ms.append((ended - first) * 1000 / TESTS)


def main() -> None:
    """Measure and print."""
    owner = f"judged-{os.getpid()}"
    pool = Pool(
        DockerEngine(SandboxPolicy(), owner=owner, base_image=BASE_IMAGE),
        PoolConfig(slots=1, queue=4, wait_ms=60_000),
        owner=owner,
    )
    pool.start()
    try:
        pool.keep_warm({PROFILE: WarmTarget(1, 1), JUDGES: WarmTarget(1, 1)})
        jobs = _jobs()
        measured = {name: Measured([], []) for name in jobs}
        for _ in range(ROUNDS):
            for name, job in jobs.items():
                _run(pool, job, measured[name])
    finally:
        pool.close(grace_s=0.0)
    rows = [["tests of a C program", "ms a test", "ms until the first"]]
    for name, each in measured.items():
        rows.append([name, f"{statistics.median(each.test_ms):.2f}", f"{statistics.median(each.first_ms):.0f}"])
    print(aligned(rows, left=1))


if __name__ == "__main__":
    main()
