"""Compares what a program printed with what is expected: bytes, in time and memory that grow with their size alone.

Outputs are no text for this: they may be of any encoding or none. White space is ASCII's. A carriage return before a
line feed, as editors on Windows write it, is no difference except for `exact`.

What each mode looks at:

- exact: every byte;
- trim: all but white space at the very beginning and end;
- lines: all but white space at the ends of lines, and a line feed that the last line has or has not;
- judge0: as lines, but empty lines at the end do not count either, nor NULs at ends: what Judge0 does;
- tokens: words, with whatever white space around them;
- float: words; two that are decimal numbers are equal within a tolerance, absolute or relative to what is expected;
- none: nothing.

In exact, trim and lines an output with the right words and other white space is a presentation error; the others know
none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest

from executions.grading.asked import Compare
from executions.grading.difference import Difference, at_lines, at_words

_SPACE = b" \t\n\r\v\f"
_SPACES = frozenset(_SPACE[index : index + 1] for index in range(len(_SPACE)))
_WORD = re.compile(rb"[^ \t\n\r\v\f]+")
_NUMBER = re.compile(rb"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
"""Decimal only: hexadecimal numbers, nan, inf and 1_000 are words, and equal to the same word."""
_NUMBER_BYTES = 400
"""A double has at most 325 digits before its point, and no use for more behind it; a longer word is a word."""
_BLOCK_BYTES = 64 * 1024
_INFINITE = float("inf")


@dataclass(frozen=True, slots=True)
class Comparison:
    """Whether an output is what is expected; where not, whether only its white space is to blame, and where."""

    equal: bool
    only_space: bool = False
    difference: Difference | None = None


_EQUAL = Comparison(equal=True)


def compare(
    mode: Compare, expected: bytes, actual: bytes, *, abs_tolerance: float = 0.0, rel_tolerance: float = 0.0
) -> Comparison:
    """Compare an output; tolerances are those of Compare.FLOAT."""
    if mode is Compare.NONE or expected == actual:
        return _EQUAL
    if mode is Compare.FLOAT:
        return _by_words(expected, actual, partial(_near, abs_tolerance=abs_tolerance, rel_tolerance=rel_tolerance))
    if mode is Compare.TOKENS:
        return _EQUAL if _same_words(expected, actual) else _by_words(expected, actual, _never)
    wanted, given = _FORMS[mode](expected), _FORMS[mode](actual)
    if wanted == given:
        return _EQUAL
    only_space = mode is not Compare.JUDGE0 and _same_words(expected, actual)
    skipped = actual[: len(actual) - len(actual.lstrip(_SPACE))] if mode is Compare.TRIM else b""
    return Comparison(equal=False, only_space=only_space, difference=at_lines(wanted, given, skipped))


def is_number(word: bytes) -> bool:
    """Whether `float` takes this word for a number: finite, decimal, and not as long as a page."""
    return _number(word) is not None


def _number(word: bytes) -> float | None:
    if len(word) > _NUMBER_BYTES or not _NUMBER.fullmatch(word):
        return None
    value = float(word)
    return value if abs(value) < _INFINITE else None


def _unix(text: bytes) -> bytes:
    return text.replace(b"\r\n", b"\n")


def _lines(text: bytes) -> bytes:
    """Each line without white space at its end; the last one ends with a line feed, whether it had one or not."""
    return b"".join(line.rstrip(_SPACE) + b"\n" for line in _unix(text).removesuffix(b"\n").split(b"\n"))


def _judge0(text: bytes) -> bytes:
    return b"\n".join(line.rstrip(_SPACE + b"\0") for line in text.split(b"\n")).rstrip(_SPACE + b"\0")


_FORMS = {
    Compare.EXACT: lambda text: text,
    Compare.TRIM: lambda text: _unix(text.strip(_SPACE)),
    Compare.LINES: _lines,
    Compare.JUDGE0: _judge0,
}


def _same_words(one: bytes, other: bytes) -> bool:
    """Whether both have the same words. A piece of each is looked at at a time: lists of all words would be 30 times
    as large as the text."""
    ours, theirs = _spaced(one), _spaced(other)
    left = right = b""
    while True:
        left, right = left or next(ours, b""), right or next(theirs, b"")
        common = min(len(left), len(right))
        if left[:common] != right[:common]:
            return False
        if not common:
            return left == right
        left, right = left[common:], right[common:]


def _spaced(text: bytes) -> Iterator[bytes]:
    """The words with one space before each, a piece at a time. A piece may end in the middle of a word."""
    in_word = False
    for start in range(0, len(text), _BLOCK_BYTES):
        block = text[start : start + _BLOCK_BYTES]
        words = b" ".join(block.split())
        if words:
            goes_on = in_word and block[:1] not in _SPACES
            yield words if goes_on else b" " + words
        in_word = block[-1:] not in _SPACES


def _by_words(expected: bytes, actual: bytes, near: Callable[[bytes, bytes], bool]) -> Comparison:
    """Word by word to the first difference. `near` says of two that are not the same whether they are equal still."""
    for wanted, given in zip_longest(_WORD.finditer(expected), _WORD.finditer(actual)):
        if wanted and given:
            expects, has = wanted[0], given[0]
            if expects == has or near(expects, has):
                continue
        difference = at_words(actual, given and given.span(), wanted and wanted[0])
        return Comparison(equal=False, difference=difference)
    return _EQUAL


def _never(_expected: bytes, _actual: bytes) -> bool:
    return False


def _near(expected: bytes, actual: bytes, *, abs_tolerance: float, rel_tolerance: float) -> bool:
    wanted, given = _number(expected), _number(actual)
    if wanted is None or given is None:
        return False
    return abs(given - wanted) <= max(abs_tolerance, rel_tolerance * abs(wanted))
