"""The 14 statuses of a submission, and which one an ending is."""

from __future__ import annotations

from enum import IntEnum


class Status(IntEnum):
    """By id."""

    IN_QUEUE = 1
    PROCESSING = 2
    ACCEPTED = 3
    WRONG_ANSWER = 4
    TIME_LIMIT_EXCEEDED = 5
    COMPILATION_ERROR = 6
    SIGSEGV = 7
    SIGXFSZ = 8
    SIGFPE = 9
    SIGABRT = 10
    NZEC = 11
    OTHER = 12
    INTERNAL_ERROR = 13
    EXEC_FORMAT_ERROR = 14

    @property
    def description(self) -> str:
        """The words for it."""
        return _DESCRIPTIONS[self]

    def told(self) -> dict[str, object]:
        """As an answer has it."""
        return {"id": int(self), "description": self.description}


_DESCRIPTIONS = {
    Status.IN_QUEUE: "In Queue",
    Status.PROCESSING: "Processing",
    Status.ACCEPTED: "Accepted",
    Status.WRONG_ANSWER: "Wrong Answer",
    Status.TIME_LIMIT_EXCEEDED: "Time Limit Exceeded",
    Status.COMPILATION_ERROR: "Compilation Error",
    Status.SIGSEGV: "Runtime Error (SIGSEGV)",
    Status.SIGXFSZ: "Runtime Error (SIGXFSZ)",
    Status.SIGFPE: "Runtime Error (SIGFPE)",
    Status.SIGABRT: "Runtime Error (SIGABRT)",
    Status.NZEC: "Runtime Error (NZEC)",
    Status.OTHER: "Runtime Error (Other)",
    Status.INTERNAL_ERROR: "Internal Error",
    Status.EXEC_FORMAT_ERROR: "Exec Format Error",
}
SIGKILL, SIGXFSZ = 9, 25
_OF_SIGNALS = {11: Status.SIGSEGV, SIGXFSZ: Status.SIGXFSZ, 8: Status.SIGFPE, 6: Status.SIGABRT}
OPEN = frozenset({Status.IN_QUEUE, Status.PROCESSING})


def of_signal(number: int) -> Status:
    """Of a program that this signal has ended."""
    return _OF_SIGNALS.get(number, Status.OTHER)
