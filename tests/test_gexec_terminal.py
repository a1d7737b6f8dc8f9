"""What a program that `gexec run` shows may do to the user's terminal: nothing but text and colours."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gexec_client.terminal import Filter, lines, one_line

ALLOWED = re.compile(r"\x1b\[[0-9;:]*m")


def shown(*pieces: bytes) -> str:
    kept = Filter()
    return "".join([kept.feed(piece) for piece in pieces] + [kept.end()])


@pytest.mark.parametrize(
    ("printed", "seen"),
    [
        ("plain\ttext\r\nand €\n", "plain\ttext\r\nand €\n"),
        ("\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m\x1b[0m"),
        ("\x1b[38;5;196mx", "\x1b[38;5;196mx\x1b[0m"),
        ("\x1b[38:2::1:2:3mx", "\x1b[38:2::1:2:3mx\x1b[0m"),
        ("a\x1b]0;title\x07b", "ab"),
        ("a\x1b]52;c;cm0gLXJmIC8=\x1b\\b", "ab"),
        ("a\x1b]8;;http://evil\x1b\\click\x1b]8;;\x1b\\b", "aclickb"),
        ("a\x1b[2J\x1b[H\x1b[1;1Hb", "ab"),
        ("a\x1b[6n\x1b[c\x1bZb", "ab"),
        ("a\x1bP+q544e\x1b\\b", "ab"),
        ("a\x1b_apc\x1b\\\x1b^pm\x1b\\\x1bXsos\x1b\\b", "ab"),
        ("a\x9b31mb\x9d0;x\x9cc", "a\x1b[31mbc\x1b[0m"),
        ("a\x1b(0b\x1b#8c\x1bcd", "abcd"),
        ("a\x07\x08\x7f\x00\x0e\x85b", "ab"),
        ("a\x1b[>4;1mb\x1b[?25lc\x1b[!pd", "abcd"),
        ("a\x1b]0;never ended\nb", "a\nb"),
        ("a\x1b[31\x1b[32mb", "a\x1b[32mb\x1b[0m"),
        ("a\x1b[3\n1mb", "a\n1mb"),
        ("a\x1b\nb\x1b", "a\nb"),
        ("\x1b[" + "1;" * 100 + "mx", "x"),
    ],
)
def test_only_text_and_colours_pass(printed: str, seen: str) -> None:
    assert shown(printed.encode()) == seen


PIECES = st.sampled_from(
    [b"\x1b", b"[", b"]", b"P", b"m", b"31", b";", b"\\", b"\x07", b"\n", b"x", "\u009b".encode(), "\u009d".encode(),
     "€".encode(), b"\xe2\x82", b"\xff", b"?", b"(", b"52;c;", b"\x9c", b"\x18", b"@", b"~"],
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(st.lists(st.one_of(PIECES, st.binary(max_size=3)), max_size=30), st.data())
@example([b"\x1b", b"\x1b", b"]", b"m", b"\x1b", b"[", b"m"], None)
def test_whatever_is_printed_however_it_arrives(pieces: list[bytes], data: st.DataObject | None) -> None:
    whole = b"".join(pieces)
    seen = shown(*pieces)
    rest = ALLOWED.sub("", seen)
    assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", rest)
    assert seen == shown(whole) == shown(*(whole[at : at + 1] for at in range(len(whole))))
    assert not ALLOWED.search(seen) or seen.endswith("\x1b[0m")


def test_words_from_outside_are_one_line() -> None:
    assert one_line("a\nb\x1b[31m\x9bc") == "a␊b␛[31m\ufffdc"
    assert lines("a\x1b\nb\r") == "a␛\nb␍"
