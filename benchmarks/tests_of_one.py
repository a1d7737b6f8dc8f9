"""Many tests of one program that is compiled once: each a fresh step of the same job."""

from __future__ import annotations

import statistics
import time
from dataclasses import replace

from benchmarks.programs import Program
from benchmarks.subjects import WrongAnswerError
from sandbox.pool import Pool
from sandbox.types import File, Job, Profile, Step

COUNT = 100
_JOBS = 5


def ms_a_test(program: Program, pool: Pool, profile: Profile, compiles: Step, runs: Step) -> tuple[float, float]:
    """What each test takes in all, and what the program takes of it itself; the median of some jobs."""
    tests = tuple(replace(runs, name=f"test {number}", fresh=True) for number in range(COUNT))
    job = Job((File(program.file_name, program.source.encode()),), (compiles, *tests), keep_going=True)
    measured = [_once(program, pool, profile, job) for _ in range(_JOBS)]
    return statistics.median(whole for whole, _ in measured), statistics.median(own for _, own in measured)


def _once(program: Program, pool: Pool, profile: Profile, job: Job) -> tuple[float, float]:
    with pool.lease(profile, tenant="bench", wait_ms=60_000) as lease:
        began = time.perf_counter()
        compiled, *tests = lease.run(job).steps
        took_ms = (time.perf_counter() - began) * 1000
    printed = {test.stdout.decode() for test in tests}
    if len(tests) != COUNT or printed != {program.stdout}:
        raise WrongAnswerError(f"{program.language}: {len(tests)} tests printed {printed}")
    return (took_ms - compiled.wall_ms) / COUNT, sum(test.wall_ms for test in tests) / COUNT
