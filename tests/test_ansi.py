"""Colours in output are classes; nothing else that a terminal would do is done, and nothing is hidden."""

from __future__ import annotations

import pytest

from rest.ansi import Colours
from rest.display import MOST_RUNS, arrival_block, output_block

ESC = "\x1b"


def runs(*pieces: str) -> list[tuple[str, str]]:
    colours = Colours()
    return [run for piece in pieces for run in colours.runs(piece)]


@pytest.mark.parametrize(
    ("parameters", "classes"),
    [
        ("31", "gexec-fg-1"),
        ("1;31", "gexec-fg-1 gexec-bold"),
        ("31;39", ""),
        ("31;0", ""),
        ("", ""),
        ("91", "gexec-fg-9"),
        ("107", "gexec-bg-15"),
        ("38;5;9", "gexec-fg-9"),
        ("38;5;196", "gexec-fg-9"),
        ("38;5;232", "gexec-fg-0"),
        ("38;5;999", "gexec-fg-7"),
        ("38;2;250;5;5", "gexec-fg-9"),
        ("38;2;1", "gexec-fg-0"),
        ("38", ""),
        ("48:5:4", "gexec-bg-4"),
        ("3;4;7;9", "gexec-inverse gexec-italic gexec-strike gexec-underline"),
        ("1;2;22", ""),
        ("4;24", ""),
        ("77;31", "gexec-fg-1"),
    ],
)
def test_styles(parameters: str, classes: str) -> None:
    assert runs(f"{ESC}[{parameters}mx") == [(classes, "x")]


@pytest.mark.parametrize("parameters", ["30;40", "37;47", "8", "38;5;0;48;5;0"])
def test_nothing_is_hidden(parameters: str) -> None:
    """A text on a ground of a colour has the ground's own; concealing is not heard of."""
    ((classes, _),) = runs(f"{ESC}[{parameters}mx")
    assert "fg" not in classes


def test_a_style_lasts_over_pieces() -> None:
    assert runs(f"a{ESC}[31mb", f"c{ESC}[md") == [
        ("", "a"),
        ("gexec-fg-1", "b"),
        ("gexec-fg-1", "c"),
        ("", "d"),
    ]


@pytest.mark.parametrize(
    "sequence", ["[2J", "[1A", "]0;title\x07", "]8;;http://x\x07", "[38;5;1", "[>4m", f"[{'1;' * 40}m"]
)
def test_other_sequences_are_text(sequence: str) -> None:
    shown = output_block(f"a{ESC}{sequence}b".encode(), truncated=False)
    assert r"a\x1b" in shown


def test_what_is_printed_is_text() -> None:
    shown = output_block(f"{ESC}[31m<script>\u202e{ESC}[0m</pre>".encode(), truncated=False)
    assert r'<span class="gexec-fg-1">&lt;script&gt;\u202e</span>&lt;/pre&gt;' in shown


def test_of_many_colours_only_some_are_shown() -> None:
    shown = output_block(f"{ESC}[31mx".encode() * (MOST_RUNS + 500), truncated=False)
    assert shown.count("<span") == MOST_RUNS
    assert "x" * 500 in shown


def test_pieces_in_the_order_in_which_they_came() -> None:
    shown = arrival_block([(1, b"one \x1b[31m"), (2, b"<two> "), (1, b"three")], truncated=False)
    assert 'one <span class="gexec-stderr">&lt;two&gt; </span><span class="gexec-fg-1">three</span></pre>' in shown
    assert "underlined came from stderr" in shown


def test_of_many_pieces_the_beginning_is_shown() -> None:
    shown = arrival_block([(1 + number % 2, b"x") for number in range(MOST_RUNS + 10)], truncated=False)
    assert "the beginning is shown" in shown
    assert shown.count('"gexec-stderr"') == MOST_RUNS // 2
