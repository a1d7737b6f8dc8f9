"""How an execution's bytes and numbers are shown to a person: everything visible, nothing interpreted."""

from __future__ import annotations

import unicodedata
from datetime import datetime

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

SHOWN_BYTES = 256 * 1024
"""Of each stream: more would make the page slow. The row has all of it."""
_HIDDEN = ("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp")
"""Unicode categories without a picture of their own, some of which change the order or the lines of what stands around:
controls, formats (bidirectional ones, too), unassigned, private and surrogate ones, separators of lines."""
_HIDDEN_NAMES = ("FILLER", "VARIATION SELECTOR", "GRAPHEME JOINER", "VOWEL INHERENT", "BRAILLE PATTERN BLANK")
"""Parts of the names of letters, marks and symbols that have no picture either."""
_KNOWN_CHARACTERS = 10_000


class _Escapes(dict[int, str]):
    """What str.translate puts in place of a character: itself, or its code as Python writes it."""

    def __missing__(self, code: int) -> str:
        shown = _escape(code) if _is_hidden(chr(code)) else chr(code)
        if len(self) < _KNOWN_CHARACTERS:
            self[code] = shown
        return shown


_escapes = _Escapes()


def visible(output: bytes) -> str:
    """Text in which every character is seen: what hides, and bytes that are no UTF-8, as escapes like \\x1b."""
    return output.decode("utf-8", errors="backslashreplace").translate(_escapes)


def _is_hidden(character: str) -> bool:
    if character in "\n\t":
        return False
    if unicodedata.category(character) in _HIDDEN:
        return True
    name = unicodedata.name(character, "")
    return any(part in name for part in _HIDDEN_NAMES)


def _escape(code: int) -> str:
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def code_block(source: str) -> SafeString:
    """Source with line numbers that are not selected with it."""
    if not source:
        return nothing()
    lines = source.count("\n") + (not source.endswith("\n"))
    numbers = "\n".join(str(number) for number in range(1, lines + 1))
    return format_html(
        '<div class="gexec-code"><pre class="gexec-numbers" aria-hidden="true">{}</pre><pre>{}</pre></div>',
        numbers,
        visible(source.encode()),
    )


def output_block(output: bytes, *, truncated: bool) -> SafeString:
    """What a program printed, with its size, and whether it was cut."""
    if not output and not truncated:
        return nothing()
    shown = output[:SHOWN_BYTES]
    notes = [size(len(output))]
    if truncated:
        notes.append("cut at the output limit")
    if len(shown) < len(output):
        notes.append(f"the first {size(len(shown))} are shown")
    return format_html(
        '<div class="gexec-output{}"><pre>{}</pre><p>{}</p></div>',
        " gexec-cut" if truncated else "",
        visible(shown),
        " · ".join(notes),
    )


def badge(text: str, kind: str) -> SafeString:
    """A coloured word; `kind` is good, bad, warn or busy."""
    return format_html('<span class="gexec-badge gexec-{}">{}</span>', kind, text)


def facts(rows: list[tuple[str, str]]) -> SafeString:
    """A small table of names and values."""
    return format_html(
        '<dl class="gexec-facts">{}</dl>', format_html_join("", "<div><dt>{}</dt><dd>{}</dd></div>", rows)
    )


def nothing() -> SafeString:
    """What stands where there is nothing."""
    return format_html('<span class="gexec-nothing">{}</span>', "nothing")


def size(count: float | None) -> str:
    """Bytes in a unit that fits."""
    if count is None:
        return "-"
    for unit in ("bytes", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"


def moment(when: datetime | None, *, timespec: str = "seconds") -> str:
    """A time in UTC, as fine as `timespec` is (that of datetime.isoformat)."""
    return "-" if when is None else f"{when.replace(tzinfo=None).isoformat(' ', timespec)} UTC"


def duration(ms: float | None) -> str:
    """Milliseconds, or seconds from ten on."""
    if ms is None:
        return "-"
    return f"{ms / 1000:.1f} s" if ms >= 10_000 else f"{ms:.0f} ms"
