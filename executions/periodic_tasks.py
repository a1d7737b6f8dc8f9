"""What is done with executions from time to time: see periodic.tasks."""

from __future__ import annotations

from executions import ageing, erasure, idempotency, packing, partitions, recovery, storage, totals
from periodic.tasks import Stop, Task


def _sweep(_stop: Stop) -> int:
    return recovery.sweep_ended()


def _make_parts(_stop: Stop) -> int:
    return partitions.make_ahead()


TASKS = (
    Task(recovery.TASK, "finishes or begins again what a server process that has ended left open", 5.0, _sweep),
    Task("erasure", "deletes what clients want erased", 2.0, erasure.carry_out),
    Task(
        "retention",
        "deletes old executions, and before that what is large in them",
        60.0,
        ageing.carry_out,
        by_age=True,
    ),
    Task("partitions", "makes the parts of the history that executions of the next weeks go to", 3600.0, _make_parts),
    Task(
        "contents", "puts aside what is large in ended executions, once where it is the same", 60.0, packing.carry_out
    ),
    Task(
        "roll-up",
        "adds what came and ended to the totals, the charts and the usage",
        10.0,
        totals.roll_up,
        is_quiet=True,
    ),
    Task("idempotency", "forgets Idempotency-Keys whose time is over", 60.0, idempotency.forget_old, by_age=True),
    Task(
        "storage-counters",
        "deletes counters of what callers stored on days long past",
        3600.0,
        storage.forget_old,
        by_age=True,
    ),
)
