"""How the client was told that a program ended."""

from __future__ import annotations

import re
from enum import StrEnum

from attacks.client import Answer
from executions.outcomes import ENDINGS, Outcome


class Ending(StrEnum):
    """How an answer reports the end of its program."""

    CLEAN = "exit 0"
    FAILED = "exit code"
    TIMED_OUT = "wall limit"
    OUT_OF_MEMORY = "memory limit"
    OUTPUT_LIMIT = "output limit"
    OUR_FAULT = "sandbox error"
    UNKNOWN = "unclear"


# The limits that a greedy program may meet before it ends by itself.
ANY_LIMIT = (Ending.CLEAN, Ending.FAILED, Ending.TIMED_OUT, Ending.OUT_OF_MEMORY, Ending.OUTPUT_LIMIT)

# The API says with `error` alone which limit was met, in the product's words around a number.
_NUMBER = "#"
_LIMITS = {
    re.sub(r"\{\w+\}", _NUMBER, ENDINGS[outcome].message): ending
    for outcome, ending in (
        (Outcome.TIMEOUT_WALL, Ending.TIMED_OUT),
        (Outcome.OUT_OF_MEMORY, Ending.OUT_OF_MEMORY),
        (Outcome.OUTPUT_LIMIT, Ending.OUTPUT_LIMIT),
    )
}
_OUR_FAULT = ENDINGS[Outcome.SANDBOX_ERROR].message.partition("{")[0]
_COMPILING = " during compilation"


def ending_of(answer: Answer) -> Ending:
    """The ending that the four fields of an answer report."""
    if answer.status != 200:
        return Ending.UNKNOWN
    if error := str(answer.fields["error"]):
        return _ending_in(error)
    return Ending.FAILED if answer.fields["exit_code"] else Ending.CLEAN


def _ending_in(error: str) -> Ending:
    if error.startswith(_OUR_FAULT):
        return Ending.OUR_FAULT
    pattern = re.sub(r"\d+", _NUMBER, error.removesuffix(_COMPILING))
    return _LIMITS.get(pattern, Ending.UNKNOWN)
