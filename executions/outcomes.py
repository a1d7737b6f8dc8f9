"""How executions end: one row for each outcome, with its label, its badge and its message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

Kind = Literal["good", "warn", "bad", "limit"]


class Outcome(StrEnum):
    """How a finished execution ended."""

    OK = "ok"
    NONZERO_EXIT = "nonzero_exit"
    SIGNAL = "signal"
    TIMEOUT_WALL = "timeout_wall"
    TIMEOUT_CPU = "timeout_cpu"
    OUT_OF_MEMORY = "out_of_memory"
    OUTPUT_LIMIT = "output_limit"
    COMPILE_ERROR = "compile_error"
    CANCELLED = "cancelled"
    SANDBOX_ERROR = "sandbox_error"


@dataclass(frozen=True, slots=True)
class Ending:
    """How an outcome is shown and reported."""

    label: str
    """For people: in the admin's list and its filter."""
    kind: Kind
    """The colour of its badge."""
    message: str = ""
    """The answer's `error`, with the step's limits as placeholders. Empty: the ending is the program's own."""
    killed: bool = False
    """We ended the program: the exit code is what a shell reports for SIGKILL."""


ENDINGS: Mapping[Outcome, Ending] = {
    Outcome.OK: Ending("ok", "good"),
    Outcome.NONZERO_EXIT: Ending("non-zero exit", "warn"),
    Outcome.SIGNAL: Ending("killed by a signal", "warn"),
    Outcome.COMPILE_ERROR: Ending("compile error", "warn"),
    Outcome.TIMEOUT_WALL: Ending("time limit", "limit", "execution timed out after {wall_ms} ms", killed=True),
    Outcome.TIMEOUT_CPU: Ending("CPU time limit", "limit", "CPU time limit of {cpu_ms} ms exceeded", killed=True),
    Outcome.OUT_OF_MEMORY: Ending("memory limit", "limit", "memory limit of {memory_mb} MB exceeded", killed=True),
    Outcome.OUTPUT_LIMIT: Ending("output limit", "limit", "output limit of {output_bytes} bytes exceeded", killed=True),
    Outcome.CANCELLED: Ending("cancelled", "bad", "execution cancelled: {cause}", killed=True),
    Outcome.SANDBOX_ERROR: Ending("sandbox error", "bad", "sandbox error: {detail}"),
}

PROGRAMS_OWN = (Outcome.OK, Outcome.NONZERO_EXIT, Outcome.SIGNAL, Outcome.COMPILE_ERROR)
"""Outcomes that are no error of the service or its limits: the answer's `error` is empty."""
NEVER_STARTED = (Outcome.SANDBOX_ERROR, Outcome.CANCELLED)
"""Outcomes that an execution may have without having been started."""


def choices() -> list[tuple[str, str]]:
    """For the model's field: a new outcome changes no migration."""
    return [(outcome.value, ending.label) for outcome, ending in ENDINGS.items()]
