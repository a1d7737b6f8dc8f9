"""The first place where an output is not what is expected, for people to look at: a bounded excerpt of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

EXCERPT_CHARACTERS = 80
"""As much as fits on a line of a terminal."""
_BEFORE = 30
"""Of an excerpt, what stands before the difference in its line."""
_BYTES_A_CHARACTER = 4
"""UTF-8's longest."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Where, in what the program printed: line and column from 1, the column in characters.

    `expected` or `actual` is None where that one has ended.
    """

    line: int
    column: int
    expected: str | None
    actual: str | None

    def to_json(self) -> dict[str, Any]:
        """As the answer has it."""
        return {"line": self.line, "column": self.column, "expected": self.expected, "actual": self.actual}


def at_lines(expected: bytes, actual: bytes, skipped: bytes = b"") -> Difference:
    """Of two texts that differ. `skipped` is what stood before `actual` in the output, and was not compared."""
    at = _first_difference(expected, actual)
    begins = actual.rfind(b"\n", 0, at) + 1
    # Before the difference both are the same, and so is where the line begins.
    line = actual.count(b"\n", 0, at) + skipped.count(b"\n") + 1
    before = actual[begins:at] if begins else skipped[skipped.rfind(b"\n") + 1 :] + actual[:at]
    return Difference(line, _characters(before) + 1, _excerpt(expected, begins, at), _excerpt(actual, begins, at))


def at_words(output: bytes, span: tuple[int, int] | None, expected: bytes | None) -> Difference:
    """Of two words: where the output's stands (None: it has no more), and what is expected there (None: nothing)."""
    begins, ends = span or (len(output), len(output))
    line_begins = output.rfind(b"\n", 0, begins) + 1
    return Difference(
        output.count(b"\n", 0, begins) + 1,
        _characters(output[line_begins:begins]) + 1,
        None if expected is None else _cut(expected),
        None if span is None else _cut(output[begins:ends]),
    )


def _first_difference(one: bytes, other: bytes) -> int:
    """By halves: comparing slices is quicker than a loop over bytes."""
    low, high = 0, min(len(one), len(other))
    if one[:high] == other[:high]:
        return high
    while high - low > 1:
        middle = (low + high) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle
    return low


def _excerpt(text: bytes, begins: int, at: int) -> str | None:
    """The line that begins there, around the place; None where the text ended before."""
    if at >= len(text) and begins >= len(text):
        return None
    ends = text.find(b"\n", at)
    ends = len(text) if ends < 0 else ends
    start = max(begins, at - _BEFORE)
    while start > begins and (text[start] & 0xC0) == 0x80:
        start -= 1
    shown = _cut(text[start:ends])
    return f"…{shown}" if start > begins else shown


def _cut(text: bytes) -> str:
    # A character that the bound would cut in two is not looked at, since more than enough bytes are.
    shown = text[: (EXCERPT_CHARACTERS + 1) * _BYTES_A_CHARACTER].decode(errors="replace").replace("\0", "\ufffd")
    return shown if len(shown) <= EXCERPT_CHARACTERS else f"{shown[: EXCERPT_CHARACTERS - 1]}…"


def _characters(text: bytes) -> int:
    return len(text.decode(errors="replace"))
