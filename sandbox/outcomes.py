"""How a step can end: the runner's word for it, and ours. A new ending is a line in each of the two tables here.

They are not one table, since they are not one to one: a program that exits has ended well or not, and of a broken
container no runner tells.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Self


class Outcome(StrEnum):
    """Why a step ended, as the runner or the pool saw it."""

    OK = "ok"
    NONZERO_EXIT = "nonzero_exit"
    SIGNAL = "signal"
    TIMEOUT_WALL = "timeout_wall"
    TIMEOUT_CPU = "timeout_cpu"
    OUT_OF_MEMORY = "out_of_memory"
    OUTPUT_LIMIT = "output_limit"
    CANCELLED = "cancelled"
    SANDBOX_ERROR = "sandbox_error"


class Reason(IntEnum):
    """Why a step ended, in the runner's words: the code in its X frame (runner/PROTOCOL.md), and the outcome."""

    outcome: Outcome

    def __new__(cls, code: int, outcome: Outcome) -> Self:
        member = int.__new__(cls, code)
        member._value_ = code
        member.outcome = outcome
        return member

    EXITED = 0, Outcome.OK
    SIGNALED = 1, Outcome.SIGNAL
    WALL = 2, Outcome.TIMEOUT_WALL
    CPU = 3, Outcome.TIMEOUT_CPU
    MEMORY = 4, Outcome.OUT_OF_MEMORY
    OUTPUT = 5, Outcome.OUTPUT_LIMIT
    KILLED = 6, Outcome.CANCELLED
    NOT_STARTED = 7, Outcome.SANDBOX_ERROR
    """Commands are the operator's, and no program's: that there is none of that name is a fault of ours."""

    def outcome_with(self, exit_code: int) -> Outcome:
        """The outcome of a step that ended so, with this exit code."""
        return Outcome.NONZERO_EXIT if self is Reason.EXITED and exit_code else self.outcome
