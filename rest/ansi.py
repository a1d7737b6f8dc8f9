"""Colours and weights in output (SGR, ECMA-48), as names of classes; every other escape sequence is text as any is.

No style may hide anything: a text on a ground of a colour has the colour that goes with that, and what is to be
concealed is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

_SGR = re.compile(r"\x1b\[([0-9;:]{0,64})m")
_BASIC = (
    (0, 0, 0), (205, 0, 0), (0, 205, 0), (205, 205, 0), (0, 0, 238), (205, 0, 205), (0, 205, 205), (229, 229, 229),
    (127, 127, 127), (255, 0, 0), (0, 255, 0), (255, 255, 0), (92, 92, 255), (255, 0, 255), (0, 255, 255),
    (255, 255, 255),
)  # fmt: skip
"""As terminals have them, to find the nearest one of a colour that has no class."""
_LEVELS = (0, 95, 135, 175, 215, 255)
_BRIGHT = 8
_FLAGS = {1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "inverse", 9: "strike"}
_ENDS = {22: ("bold", "dim"), 23: ("italic",), 24: ("underline",), 27: ("inverse",), 29: ("strike",)}


@dataclass(frozen=True, slots=True)
class Style:
    """How what follows looks."""

    fg: int | None = None
    """One of sixteen."""
    bg: int | None = None
    flags: frozenset[str] = frozenset()

    @property
    def classes(self) -> str:
        """For a style sheet."""
        colour = f"bg-{self.bg}" if self.bg is not None else f"fg-{self.fg}" if self.fg is not None else ""
        names = [*([colour] if colour else []), *sorted(self.flags)]
        return " ".join(f"gexec-{name}" for name in names)


_PLAIN = Style()


class Colours:
    """Of one stream, which may come in pieces that end anywhere but in a sequence."""

    def __init__(self) -> None:
        self._style = _PLAIN

    def runs(self, text: str) -> Iterator[tuple[str, str]]:
        """Classes, and the text that has them, one after the other."""
        at = 0
        for match in _SGR.finditer(text):
            if match.start() > at:
                yield self._style.classes, text[at : match.start()]
            self._style = _changed(self._style, match[1])
            at = match.end()
        if at < len(text):
            yield self._style.classes, text[at:]


def _changed(style: Style, parameters: str) -> Style:
    codes = [int(part or 0) for part in re.split("[;:]", parameters)]
    while codes:
        code = codes.pop(0)
        if code == 0:
            style = _PLAIN
        elif code in (38, 48):
            colour = _extended(codes)
            style = replace(style, fg=colour) if code == 38 else replace(style, bg=colour)
        elif code in _FLAGS:
            style = replace(style, flags=style.flags | {_FLAGS[code]})
        elif code in _ENDS:
            style = replace(style, flags=style.flags - {*_ENDS[code]})
        else:
            style = _coloured(style, code)
    return style


def _coloured(style: Style, code: int) -> Style:
    if 30 <= code <= 37 or 90 <= code <= 97:
        return replace(style, fg=code - 30 if code < 90 else code - 90 + _BRIGHT)
    if 40 <= code <= 47 or 100 <= code <= 107:
        return replace(style, bg=code - 40 if code < 100 else code - 100 + _BRIGHT)
    if code == 39:
        return replace(style, fg=None)
    return replace(style, bg=None) if code == 49 else style


def _extended(codes: list[int]) -> int | None:
    """One of 256 colours, or red, green and blue: the nearest of sixteen. Takes its codes away."""
    kind = codes.pop(0) if codes else 0
    if kind == 5:
        return _indexed(codes.pop(0) if codes else 0)
    if kind == 2:
        wanted = [*codes[:3], 0, 0, 0][:3]
        del codes[:3]
        return _nearest((wanted[0], wanted[1], wanted[2]))
    return None


def _indexed(value: int) -> int:
    if value < len(_BASIC):
        return value
    if value >= 232:
        grey = 8 + (min(value, 255) - 232) * 10
        return _nearest((grey, grey, grey))
    cube = value - 16
    return _nearest((_LEVELS[cube // 36], _LEVELS[cube // 6 % 6], _LEVELS[cube % 6]))


def _nearest(colour: tuple[int, int, int]) -> int:
    def far(basic: tuple[int, int, int]) -> int:
        return sum((one - other) ** 2 for one, other in zip(basic, colour, strict=True))

    return min(range(len(_BASIC)), key=lambda number: far(_BASIC[number]))
