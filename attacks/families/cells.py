"""Cells: who makes them, what is around them, and what of one could be found in the next."""

from __future__ import annotations

from attacks.attack import Attack, Run
from attacks.endings import ANY_LIMIT

ATTACKS = (
    Attack(
        "the maker",
        "namespaces, users, mounts and files of who makes cells",
        (Run("cell_maker.py", key=0),),
        in_cells=True,
    ),
    Attack(
        "traces",
        "counters, times of devices, and everything full, from one run to the next",
        (Run("cell_traces.py", key=0, timeout_ms=10_000), Run("cell_traces.py", key=0, timeout_ms=10_000)),
        same_container=True,
        in_cells=True,
    ),
    Attack(
        "no room for the next",
        "a process table that is full when the cell ends",
        (
            Run("fork_bomb_daemons.py", key=0, timeout_ms=10_000, ends=ANY_LIMIT, prints=()),
            Run("cell_maker.py", key=0),
        ),
        in_cells=True,
    ),
    Attack(
        "the interpreter outside",
        "what the one that waits, of which runs are forks, hands on from one run to the next",
        (
            Run("cell_ahead.py", key=0, timeout_ms=10_000, kind="leave"),
            Run("cell_ahead.py", key=0, timeout_ms=10_000, kind="look"),
        ),
        same_container=True,
        in_cells=True,
    ),
    Attack(
        "memory for the interpreter outside",
        "all that the container may have, so that the kernel ends what waits for the next run",
        (
            Run("memory_many.py", key=0, timeout_ms=10_000, ends=ANY_LIMIT, prints=(), never=()),
            Run("cell_ahead.py", key=0, timeout_ms=10_000, kind="look"),
        ),
        in_cells=True,
    ),
)
