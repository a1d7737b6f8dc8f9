"""How an output is compared with what is expected."""

from __future__ import annotations

import random
import time

import pytest

from executions.grading.asked import Compare
from executions.grading.compare import Comparison, compare, is_number

EQUAL, SPACE, WRONG = "equal", "space", "wrong"
LARGE_S = 20
"""For what takes some tenths of a second alone: time that grew with the square would be minutes."""


def _compared(mode: str, expected: bytes, actual: bytes, tolerance: float = 1e-9) -> Comparison:
    return compare(Compare(mode), expected, actual, abs_tolerance=tolerance, rel_tolerance=tolerance)


def _word(mode: str, expected: bytes, actual: bytes) -> str:
    found = _compared(mode, expected, actual)
    assert (found.difference is None) == found.equal
    return EQUAL if found.equal else SPACE if found.only_space else WRONG


MODES = ("exact", "trim", "lines", "judge0", "tokens", "float", "none")


@pytest.mark.parametrize(
    ("expected", "actual", "words"),
    [
        # In the order of MODES.
        (b"1\n2\n", b"1\n2\n", (EQUAL,) * 7),
        (b"", b"", (EQUAL,) * 7),
        (b"1\n", b"1", (SPACE, EQUAL, EQUAL, EQUAL, EQUAL, EQUAL, EQUAL)),
        (b"1", b"1\n\n\n", (SPACE, EQUAL, SPACE, EQUAL, EQUAL, EQUAL, EQUAL)),
        (b"1\n", b"\n1\n", (SPACE, EQUAL, SPACE, WRONG, EQUAL, EQUAL, EQUAL)),
        (b"1 \n2\n", b"1\n2\t\n", (SPACE, SPACE, EQUAL, EQUAL, EQUAL, EQUAL, EQUAL)),
        (b"1\n2\n", b"1\r\n2\r\n", (SPACE, EQUAL, EQUAL, EQUAL, EQUAL, EQUAL, EQUAL)),
        (b"1\n2\n", b"1 2", (SPACE, SPACE, SPACE, WRONG, EQUAL, EQUAL, EQUAL)),
        (b"1 2", b"12", (WRONG, WRONG, WRONG, WRONG, WRONG, WRONG, EQUAL)),
        (b"0.5", b".50", (WRONG, WRONG, WRONG, WRONG, WRONG, EQUAL, EQUAL)),
        (b"1 2", b"1 2 3", (WRONG, WRONG, WRONG, WRONG, WRONG, WRONG, EQUAL)),
        (b"1 2 3", b"1 2", (WRONG, WRONG, WRONG, WRONG, WRONG, WRONG, EQUAL)),
        (b"\xff\xfe", b"\xff\xfe\n", (SPACE, EQUAL, EQUAL, EQUAL, EQUAL, EQUAL, EQUAL)),
        (b"a\n", b"a\0\n", (WRONG, WRONG, WRONG, EQUAL, WRONG, WRONG, EQUAL)),
        (b"yes", b"Yes", (WRONG, WRONG, WRONG, WRONG, WRONG, WRONG, EQUAL)),
        # No white space of ASCII: a no-break space.
        (b"a b", b"a\xc2\xa0b", (WRONG, WRONG, WRONG, WRONG, WRONG, WRONG, EQUAL)),
        (b"", b" \n\t", (SPACE, EQUAL, SPACE, EQUAL, EQUAL, EQUAL, EQUAL)),
        (b"x", b"", (WRONG, WRONG, WRONG, WRONG, WRONG, WRONG, EQUAL)),
    ],
)
def test_what_each_mode_takes_for_the_same(expected: bytes, actual: bytes, words: tuple[str, ...]) -> None:
    assert dict(zip(MODES, (_word(mode, expected, actual) for mode in MODES), strict=True)) == dict(
        zip(MODES, words, strict=True)
    )


@pytest.mark.parametrize(
    ("expected", "actual", "tolerance", "equal"),
    [
        (b"1.0000000009", b"1", 1e-9, True),
        (b"1.0001", b"1", 1e-9, False),
        (b"1e10", b"10000000001", 1e-9, True),
        (b"0", b"-0.0", 0, True),
        (b"0", b"1e-10", 1e-9, True),
        (b"+1", b"1.", 0, True),
        # Words that no tolerance helps.
        (b"nan", b"nan", 0, True),
        (b"nan", b"NaN", 1, False),
        (b"inf", b"inf", 0, True),
        (b"inf", b"1e999", 1, False),
        (b"1e999", b"1e999", 0, True),
        (b"1e999", b"1e998", 1, False),
        (b"0x10", b"16", 1, False),
        (b"1_0", b"10", 1, False),
        (b"1,5", b"1.5", 1, False),
        (b"IMPOSSIBLE", b"0", 1e9, False),
        ("\u0661".encode(), b"1", 1, False),
        (b"0." + b"3" * 500, b"0.3333333333", 1e-9, False),
        (b"0." + b"3" * 300, b"0.33333333333", 1e-9, True),
    ],
)
def test_numbers_are_compared_within_a_tolerance(expected: bytes, actual: bytes, tolerance: float, equal: bool) -> None:
    assert _compared("float", expected, actual, tolerance).equal is equal


@pytest.mark.parametrize(
    ("mode", "expected", "actual", "where"),
    [
        ("trim", b"a\nbcd\n", b"a\nbxd\n", (2, 2, "bcd", "bxd")),
        ("trim", b"a\nb", b"\n\na\nc", (4, 1, "b", "c")),
        ("trim", b"ab", b"  ac", (1, 4, "ab", "ac")),
        ("trim", b"a\nb", b"a", (1, 2, "a", "a")),
        ("lines", b"a\nb\n", b"a\n", (2, 1, "b", None)),
        ("lines", b"a\n", b"a\nb\n", (2, 1, None, "b")),
        ("exact", "grün\n".encode(), b"grau\n", (1, 3, "grün", "grau")),
        ("exact", "日本語x".encode(), "日本語y".encode(), (1, 4, "日本語x", "日本語y")),
        ("exact", b"\xff1", b"\xff2", (1, 2, "\ufffd1", "\ufffd2")),
        ("exact", b"a\0", b"a\0b", (1, 3, "a\ufffd", "a\ufffdb")),
        ("tokens", b"1 2 3", b"1\n2  4", (2, 4, "3", "4")),
        ("tokens", b"1 2 3", b"1 2", (1, 4, "3", None)),
        ("tokens", b"1", b"1 2", (1, 3, None, "2")),
        ("float", b"1.5 x", b"1.50 y", (1, 6, "x", "y")),
    ],
)
def test_the_first_difference_is_found(mode: str, expected: bytes, actual: bytes, where: tuple[object, ...]) -> None:
    difference = _compared(mode, expected, actual).difference
    assert difference is not None
    assert (difference.line, difference.column, difference.expected, difference.actual) == where


@pytest.mark.parametrize("mode", MODES)
def test_an_excerpt_is_short(mode: str) -> None:
    line = "ä".encode() * 100_000
    difference = _compared(mode, line + b"x" + line, line + b"y" + line).difference
    if mode != "none":
        assert difference is not None
        assert len(difference.expected or "") <= 81
        assert len(difference.actual or "") <= 81
    if mode in {"exact", "trim", "lines", "judge0"}:
        assert difference is not None
        assert difference.column == 100_001
        assert "x" in (difference.expected or "")
        assert "y" in (difference.actual or "")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        (b"1 " * 1_000_000, b"1\n" * 1_000_000),
        (b"7" * 4_000_000, b"7" * 3_999_999 + b"8"),
        (b" " * 2_000_000 + b"x" * 2_000_000, b"x" * 2_000_000 + b" " * 2_000_000),
        (b"\n" * 4_000_000, b"\r\n" * 2_000_000),
        (b"1.0 " * 300_000, b"1.00 " * 300_000),
    ],
    ids=["words", "one word", "spaces", "lines", "numbers"],
)
def test_large_outputs_take_time_by_their_size(mode: str, expected: bytes, actual: bytes) -> None:
    began = time.monotonic()
    _compared(mode, expected, actual)
    assert time.monotonic() - began < LARGE_S


def test_random_texts_are_compared_as_their_words_are() -> None:
    """Pieces of 64 KiB are looked at at a time: where they are cut must not matter."""
    chance = random.Random(1)
    for _ in range(40):
        words = [bytes(chance.choices(b"ab", k=chance.choice((1, 3, 70_000)))) for _ in range(chance.randrange(1, 6))]

        def spread(words: list[bytes]) -> bytes:
            return b"".join(word + b" \n\t"[:1] * chance.choice((1, 2, 66_000)) for word in words)

        assert _compared("tokens", spread(words), b"  " + spread(words)).equal
        assert not _compared("tokens", spread(words), spread([*words[:-1], words[-1] + b"b"])).equal


def test_what_is_a_number() -> None:
    numbers = (b"1", b"-1.5", b"1.", b".5", b"1e5", b"1E-5", b"+0")
    words = (b"", b".", b"e5", b"1e", b"0x1", b"inf", b"nan", b"1e400", b"1 ", b"--1", b"1_0", b"1" * 500)
    assert [word for word in numbers if not is_number(word)] == []
    assert [word for word in words if is_number(word)] == []
