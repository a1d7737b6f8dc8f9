"""How the client was told that a program ended."""

from __future__ import annotations

import re
from enum import StrEnum

from attacks.client import Answer


class Ending(StrEnum):
    """What an answer says of the end of its program."""

    CLEAN = "exit 0"
    FAILED = "exit code"
    TIMED_OUT = "wall limit"
    OUT_OF_MEMORY = "memory limit"
    OUTPUT_LIMIT = "output limit"
    OUR_FAULT = "sandbox error"
    UNKNOWN = "unclear"


# The limits that a greedy program may meet before it ends by itself.
ANY_LIMIT = (Ending.CLEAN, Ending.FAILED, Ending.TIMED_OUT, Ending.OUT_OF_MEMORY, Ending.OUTPUT_LIMIT)

# The API says with `error` alone which limit was met. {limit} stands for its number.
_MESSAGES = {
    Ending.TIMED_OUT: "execution timed out after {limit} ms",
    Ending.OUT_OF_MEMORY: "memory limit of {limit} MB exceeded",
    Ending.OUTPUT_LIMIT: "output limit of {limit} bytes exceeded",
}
_COMPILING = " during compilation"
_OUR_FAULT = "sandbox error: "


def ending_of(answer: Answer) -> Ending:
    """What the four fields of an answer say."""
    if answer.status != 200:
        return Ending.UNKNOWN
    if error := str(answer.fields["error"]):
        return _ending_in(error)
    return Ending.FAILED if answer.fields["exit_code"] else Ending.CLEAN


def _ending_in(error: str) -> Ending:
    if error.startswith(_OUR_FAULT):
        return Ending.OUR_FAULT
    said = re.sub(r"\d+", "{limit}", error.removesuffix(_COMPILING), count=1)
    return next((ending for ending, message in _MESSAGES.items() if message == said), Ending.UNKNOWN)
