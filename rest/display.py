"""How an execution's bytes and numbers are shown to a person: everything visible, nothing interpreted but colours."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import islice

from django.core.exceptions import ValidationError
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString

from rest.ansi import Colours

SHOWN_BYTES = 256 * 1024
"""Of each stream: more would make the page slow. The row has all of it."""
_HIDDEN = ("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp")
"""Unicode categories without a picture of their own, some of which change the order or the lines of what stands around:
controls, formats (bidirectional ones, too), unassigned, private and surrogate ones, separators of lines."""
_HIDDEN_NAMES = ("FILLER", "VARIATION SELECTOR", "GRAPHEME JOINER", "VOWEL INHERENT", "BRAILLE PATTERN BLANK")
"""Parts of the names of letters, marks and symbols that have no picture either."""
_KNOWN_CHARACTERS = 10_000
MOST_RUNS = 4_000
"""Pieces of one output that have colours of their own: a program may change them with every character."""


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
    return plain(_text(output))


def plain(text: str) -> str:
    """The same of text."""
    return text.translate(_escapes)


def in_a_line(text: str) -> str:
    """The same, with the ends of lines as escapes, too."""
    return plain(text).replace("\n", r"\n").replace("\t", r"\t")


def check_name(name: str) -> None:
    """ValidationError where a character of a name hides: it would look like another, or be more than one line."""
    if (seen := in_a_line(name)) != name:
        raise ValidationError("“%(name)s” has characters that nobody sees.", "hidden_characters", {"name": seen})


def _text(output: bytes) -> str:
    return output.decode("utf-8", errors="backslashreplace")


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


def code_block(source: str, tokens: Iterable[tuple[str, str]] | None = None, *, name: str = "Code") -> SafeString:
    """Source with line numbers that are not selected with it; with `tokens`, pieces and their kinds, in colours.

    `name` is what it is for those who do not see it: it can be scrolled, and so reached by the keyboard.
    """
    if not source:
        return nothing()
    lines = source.count("\n") + (not source.endswith("\n"))
    numbers = "\n".join(str(number) for number in range(1, lines + 1))
    return format_html(
        '<div class="gexec-code" tabindex="0" role="region" aria-label="{}">'
        '<pre class="gexec-numbers" aria-hidden="true">{}</pre><pre>{}</pre></div>',
        name,
        numbers,
        plain(source) if tokens is None else _spans((f"gexec-{kind}" if kind else "", text) for kind, text in tokens),
    )


def output_block(output: bytes, *, truncated: bool, name: str = "Output") -> SafeString:
    """What a program printed, in its colours, with its size, and whether it was cut."""
    if not output and not truncated:
        return nothing()
    shown = output[:SHOWN_BYTES]
    notes = [size(len(output))]
    if truncated:
        notes.append("cut at the output limit")
    if len(shown) < len(output):
        notes.append(f"the first {size(len(shown))} are shown")
    return _output(_spans(_bounded(Colours().runs(_text(shown)))), notes, truncated=truncated, name=name)


def arrival_block(pieces: Sequence[tuple[int, bytes]], *, truncated: bool) -> SafeString:
    """What a program printed in the order in which it came, each piece with its stream: 1 is stdout, 2 stderr."""
    colours = {1: Colours(), 2: Colours()}
    total, left, parts = sum(len(data) for _, data in pieces), SHOWN_BYTES, []
    for stream, data in pieces[:MOST_RUNS]:
        if left <= 0:
            break
        runs = _spans(_bounded(colours[stream].runs(_text(data[:left])), MOST_RUNS // 10))
        parts.append(format_html('<span class="gexec-stderr">{}</span>', runs) if stream == 2 else runs)
        left -= len(data)
    notes = [size(total), "what is underlined came from stderr"]
    if left < 0 or len(pieces) > MOST_RUNS:
        notes.append("the beginning is shown")
    shown = SafeString("".join(parts))
    return _output(shown, notes, truncated=truncated, name="Output in the order in which it came")


def _output(shown: SafeString, notes: Sequence[str], *, truncated: bool, name: str) -> SafeString:
    return format_html(
        '<div class="gexec-output{}"><pre tabindex="0" role="region" aria-label="{}">{}</pre><p>{}</p></div>',
        " gexec-cut" if truncated else "",
        name,
        shown,
        " · ".join(notes),
    )


def _bounded(runs: Iterable[tuple[str, str]], most: int = 0) -> Iterable[tuple[str, str]]:
    """No more than MOST_RUNS of them in colours; the rest is one without."""
    runs = iter(runs)
    yield from islice(runs, most or MOST_RUNS)
    yield "", "".join(text for _, text in runs)


def _spans(runs: Iterable[tuple[str, str]]) -> SafeString:
    """Pieces of text with their classes, which are ours."""
    shown = ((classes, escape(plain(text))) for classes, text in runs)
    return SafeString("".join(f'<span class="{classes}">{text}</span>' if classes else text for classes, text in shown))


def badge(text: str, kind: str) -> SafeString:
    """A coloured word; `kind` is good, bad, warn or busy."""
    return format_html('<span class="gexec-badge gexec-{}">{}</span>', kind, text)


def facts(rows: Iterable[tuple[str, str]]) -> SafeString:
    """A small table of names and values, in which every character is seen."""
    shown = ((_seen(name), _seen(value)) for name, value in rows)
    return format_html(
        '<dl class="gexec-facts">{}</dl>', format_html_join("", "<div><dt>{}</dt><dd>{}</dd></div>", shown)
    )


def _seen(text: str) -> str:
    return text if isinstance(text, SafeString) else plain(text)


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
