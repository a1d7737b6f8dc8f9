"""What a program that is talked to may do to the user's terminal, and what of the keys is not for the program."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gexec_client.keys import Asked, Keys
from gexec_client.screen import ScreenFilter

PUTS_RIGHT = b"\x1b[0m\x0f\x1b(B\x1b)B\x1b[4l\x1b>\x1b[0 q\x1b7\x1b[r\x1b8"
PASSES = re.compile(
    rb"""
      [\a\b\t\n\v\f\r\x0e\x0f\x20-\x7e]
    | [\xc2-\xf4][\x80-\xbf]+
    | \x1b[78DEMH=>] | \x1b\#8 | \x1b[()][0AB]
    | \x1b\[\?(?:(?:1|5|6|7|12|25|47|66|1000|1002|1003|1006|1047|1048|1049|2004);?)+[hl]
    | \x1b\[[0-9;:]*[@A-GHILMPSTXZ`abdefmr] | \x1b\[[012]?[JK] | \x1b\[[03]?g | \x1b\[4[hl] | \x1b\[[su] | \x1b\[!p
    | \x1b\[[0-6]?\ q
    """,
    re.VERBOSE,
)


def shown(*pieces: bytes) -> bytes:
    kept = ScreenFilter()
    return b"".join([*(kept.feed(piece) for piece in pieces), kept.end()])


@pytest.mark.parametrize(
    "printed",
    [
        "plain\ttext\r\n\a\b and \u20ac \u4e2d\n",
        "\x1b[H\x1b[2J\x1b[10;20H\x1b[K\x1b[3A\x1b[999;999Hx",
        "\x1b[38;2;1;2;3mred\x1b[0;1m",
        "\x1b[1;23r\x1b[5S\x1bM\x1b7\x1b8\x1b[s\x1b[u",
        "\x1b(0lqk\x1b(B",
        "\x1b[4hx\x1b[4l\x1b[2P\x1b[3@\x1b[2L\x1b[12X\x1b[b",
        "\x1b[2 q\x1b[!p\x1b=\x1b>",
    ],
)
def test_what_fills_a_screen_passes(printed: str) -> None:
    kept = ScreenFilter()
    assert kept.feed(printed.encode()) == printed.encode()


@pytest.mark.parametrize(
    "attack",
    [
        "\x1b]0;title\x07", "\x1b]2;title\x1b\\", "\x1b]52;c;cm0gLXJmIC8=\x1b\\", "\x1b]52;c;?\x07", "\x1b]8;;x:\x07",
        "\x1b]10;?\x07", "\x1b]4;1;?\x07", "\x1b]1337;File=:eA==\x07", "\x1b]50;?\x07", "\x9d52;c;eA==\x9c",
        "\x1bP$qm\x1b\\", "\x1bP+q544e\x1b\\", "\x1bP0;1|17/x\x1b\\", "\x90$qm\x9c", "\x1b_Gi=1,a=q;\x1b\\",
        "\x1b^x\x1b\\",
        "\x1bXx\x1b\\", "\x1b[c", "\x1b[0c", "\x1b[>c", "\x1b[=c", "\x9bc", "\x1bZ", "\x05", "\x1b[5n", "\x1b[6n",
        "\x1b[?6n", "\x1b[?15n", "\x1b[x", "\x1b[?1$p", "\x1b[4$p", "\x1b[18t", "\x1b[21t", "\x1b[14t", "\x1b[3;0;0t",
        "\x1b[22;2t", "\x1b[1;1;1;1;1;1*y", "\x1b[>q", "\x1b[?u", "\x1b[>1u", "\x1b[=1u", "\x1b[?4m", "\x1b[>4;2m",
        "\x1b[\"p", "\x1b[62;1\"p", "\x1b[i", "\x1b[5i", "\x1b[?5i", "\x1b[2h", "\x1b[12h", "\x1b[20h", "\x1b[?3h",
        "\x1b[?8l",
        "\x1b[?9h", "\x1b[?1001h", "\x1b[?1004h", "\x1b[?1005h", "\x1b[?1034h", "\x1b[?2026h",
        "\x1b[?69h", "\x1b[?1s", "\x1b[?1r", "\x1b[3J", "\x1b[?2J", "\x1bc", "\x1b%@", "\x1b%G", "\x1b#3", "\x1bn",
        "\x1b~",
        "\x1b[1;1;1;1;1T", "\x1b[999999999b", "\x1b[q", "\x1b[1q", "\x1b['z", "\x1b['|", "\x1b[+p", "\x13",
        "\x11", "\x00",
        "\x7f", "\x84", "\x9a", "\x8e", "\x1b[" + "1" * 500 + "m", "\x1b[<u",
    ],
)  # fmt: skip
def test_what_answers_names_or_outlives_does_not(attack: str) -> None:
    assert shown(b"a", attack.encode(), b"b") == b"ab"


@pytest.mark.parametrize(
    ("printed", "seen"),
    [
        (b"a\xff\x9b6nb\x90", "a\ufffd\ufffd6nb\ufffd".encode()),
        (b"a\x1b]0;never ended\nb", b"a\nb"),
        (b"a\x1b[3\n1mb", b"a\n1mb"),
        (b"a\x1b]0;x\x1b[6nb", b"ab"),
        (b"a\x1b\x1b]52;c;x\x07b", b"ab"),
        (b"a\x1b\xc2\x9d0;x\x07b", b"ab"),
        (b"a\x1b[\x1b]52;c;x\x07b", b"ab"),
        (b"\x1b[31mx", b"\x1b[31mx" + PUTS_RIGHT),
        (b"\x1b[?1049;9999;2004hx", b"\x1b[?1049;2004hx\x1b[?2004l\x1b[?1049l"),
        (b"\x1b[?25l\x1b[?7lx", b"\x1b[?25l\x1b[?7lx\x1b[?7h\x1b[?25h"),
        (b"\x1b[?1003h\x1b[?1003lx", b"\x1b[?1003h\x1b[?1003lx"),
    ],
)
def test_how_it_ends(printed: bytes, seen: bytes) -> None:
    assert shown(printed) == seen


PIECES = st.sampled_from(
    [b"\x1b", b"[", b"]", b"P", b"m", b"31", b";", b"\\", b"\x07", b"\n", b"x", b"\xc2\x9b", b"\xc2\x9d",
     b"\xe2\x82\xac",
     b"\xe2\x82", b"\xff", b"?", b"(", b"52;c;", b"\x9c", b"\x18", b"@", b"c", b"n", b"6", b"h", b"1049", b"$", b" ",
     b"q",
     b"!", b"p", b"t", b"T", b"J", b"3", b">", b"#", b"8", b"0", b"B"],
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(PIECES, st.binary(max_size=3)), max_size=40), st.data())
@example([b"\x1b", b"\x1b", b"]", b"\x1b", b"[", b"c"], None)
def test_whatever_is_printed_however_it_arrives(pieces: list[bytes], data: st.DataObject | None) -> None:
    whole = b"".join(pieces)
    once = shown(whole)
    assert PASSES.sub(b"", once) == b""
    assert shown(*pieces) == once
    if data is not None:
        at = data.draw(st.integers(0, len(whole)))
        assert shown(whole[:at], whole[at:]) == once
    kept = ScreenFilter()
    seen = kept.feed(whole)
    assert ScreenFilter().feed(seen) == seen


@pytest.mark.parametrize(
    ("typed", "passed", "asked"),
    [
        (b"abc~.", b"abc~.", []),
        (b"~.", b"", [Asked.LEAVE]),
        (b"ls\r~.", b"ls\r", [Asked.LEAVE]),
        (b"\n~?x", b"\nx", [Asked.HELP]),
        (b"\r~~.", b"\r~.", []),
        (b"\r~a~.", b"\r~a~.", []),
        (b"\r~\r~.", b"\r~\r", [Asked.LEAVE]),
        (b"\r\x1d.\x03\x04\xff", b"\r\x1d.\x03\x04\xff", []),
    ],
)
def test_escapes_stand_behind_enter(typed: bytes, passed: bytes, asked: list[Asked]) -> None:
    assert Keys(b"~").feed(typed) == (passed, asked)
    kept = Keys(b"~")
    each = [kept.feed(bytes([number])) for number in typed]
    assert (b"".join(data for data, _ in each), [one for _, some in each for one in some]) == (passed, asked)
    assert Keys(None).feed(typed) == (typed, [])
