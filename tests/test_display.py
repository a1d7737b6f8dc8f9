"""A reviewer sees every character that there is: nothing hides, and nothing moves what stands around it."""

from __future__ import annotations

import sys
import unicodedata

import pytest

from rest.display import visible

EVERY = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code <= 0xDFFF]


@pytest.mark.parametrize("category", ["Cc", "Cf", "Cn", "Co", "Zl", "Zp"])
def test_whole_categories_are_escaped(category: str) -> None:
    hidden = [each for each in EVERY if unicodedata.category(each) == category and each not in "\n\t"]
    assert hidden
    for start in range(0, len(hidden), 10_000):
        shown = visible("".join(hidden[start : start + 10_000]).encode())
        assert shown.isascii()
        assert shown.isprintable()
        assert shown.encode().decode("unicode_escape") == "".join(hidden[start : start + 10_000])


@pytest.mark.parametrize(
    "code",
    [
        *range(0x202A, 0x202F),
        *range(0x2066, 0x206A),
        *range(0x200B, 0x2010),
        *(0x2028, 0x2029, 0x85, 0x9B, 0xAD, 0xFEFF, 0x061C, 0x180E, 0xE0041),
        *(0x115F, 0x1160, 0x3164, 0xFFA0, 0x034F, 0x17B4, 0x17B5, 0x2800, 0xFE0F, 0xE0100),
    ],
)
def test_what_has_been_used_to_hide_is_escaped(code: int) -> None:
    assert visible(f"a{chr(code)}b".encode()).encode().decode("unicode_escape") == f"a{chr(code)}b"
    assert visible(chr(code).encode()).isascii()


def test_text_stays_as_it_is() -> None:
    text = "if a:\n\tprint('h\u00e9 \u4f60\u597d \u05e9\u05dc\u05d5\u05dd \U0001f600 e\u0301 \u20ac')\n"
    assert visible(text.encode()) == text


def test_bytes_that_are_no_text_and_surrogates_are_told() -> None:
    assert visible(b"\xff\xed\xa0\x80\x1b[31m\r\x7f") == r"\xff\xed\xa0\x80\x1b[31m\x0d\x7f"
