"""Timing: latencies one after another, and runs a second with processor time at a concurrency. Knows no subject."""

from __future__ import annotations

import os
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

Run = Callable[[], None]
"""Runs the program once, to its end, and raises where the answer is not right."""


@dataclass
class Figures:
    """What was measured of one subject."""

    latencies_ms: list[float] = field(default_factory=list)
    runs: int = 0
    seconds: float = 0.0
    cpu_ms: float = 0.0
    slice_rates: list[float] = field(default_factory=list)
    """Runs a second of each slice."""

    def percentile(self, share: float) -> float:
        """The latency that `share` of the runs stayed within, in ms."""
        ordered = sorted(self.latencies_ms)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")

    @property
    def median_ms(self) -> float:
        """The median latency."""
        return statistics.median(self.latencies_ms) if self.latencies_ms else float("nan")

    @property
    def runs_per_s(self) -> float:
        """Throughput over all slices."""
        return self.runs / self.seconds if self.seconds else float("nan")

    @property
    def cpu_ms_per_run(self) -> float:
        """Processor time of the whole machine for each run: the engine's, the kernel's and ours included."""
        return self.cpu_ms / self.runs if self.runs else float("nan")


def one(run: Run, figures: Figures) -> None:
    """Time one run."""
    began = time.perf_counter()
    run()
    figures.latencies_ms.append((time.perf_counter() - began) * 1000)


def slice_of(runs: Sequence[Run], figures: Figures, *, seconds: float) -> None:
    """Let each of `runs` go in a thread of its own, again and again, for so many seconds."""
    counts = [0] * len(runs)
    errors: list[BaseException] = []
    until = time.perf_counter() + seconds

    def repeat(number: int) -> None:
        try:
            while time.perf_counter() < until:
                runs[number]()
                counts[number] += 1
        except BaseException as error:  # noqa: BLE001 - told to the caller below
            errors.append(error)

    threads = [threading.Thread(target=repeat, args=(number,)) for number in range(len(runs))]
    began, cpu = time.perf_counter(), machine_cpu_ms()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took_s = time.perf_counter() - began
    figures.seconds += took_s
    figures.cpu_ms += machine_cpu_ms() - cpu
    figures.runs += sum(counts)
    figures.slice_rates.append(sum(counts) / took_s)
    if errors:
        raise errors[0]


def machine_cpu_ms() -> float:
    """Processor time that the whole machine has spent since it started, idle and waiting left out (proc(5))."""
    fields = [int(number) for number in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    user, nice, system, _idle, _iowait, irq, softirq, _steal = fields
    return (user + nice + system + irq + softirq) * 1000 / os.sysconf("SC_CLK_TCK")


def proportional_memory_mb(pids: Sequence[int]) -> float:
    """Memory of these processes in MB, pages that several share counted in parts (smaps_rollup's Pss)."""
    total_kb = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total_kb += int(line.split()[1])
    return total_kb / 1024
