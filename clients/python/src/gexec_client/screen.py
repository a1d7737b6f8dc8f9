"""What a program that has the user's terminal may do to it: fill the screen, and nothing that outlives it.

Where a program is talked to, cursors have to move. But a terminal also has sequences that type an answer, which the
user's shell reads once the program has ended; that rename the window, write the clipboard, print, lock the keyboard or
erase what stood there before. So a sequence passes only where this file knows it; and what it has switched on is
switched off at the end.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable

_LONGEST = 128
_PLAIN = frozenset("\a\b\t\n\v\f\r\x0e\x0f")
"""Not among them: ENQ, which is answered; XON and XOFF, which stop a line; NUL, CAN, SUB, DEL and all of C1."""
_HARMLESS = re.compile(r"[^\x00-\x06\x0e-\x1f\x7f-\x9f]*")
_STRINGS = frozenset("]P^_X")
"""What begins a string that a terminal acts upon: OSC, DCS, PM, APC, SOS."""
_C1_STRINGS = frozenset("\x9d\x90\x9e\x9f\x98")
_ABORTING = frozenset("\x18\x1a")

_ESCAPES = frozenset({"7", "8", "D", "E", "M", "H", "=", ">", "#8", "(0", "(A", "(B", ")0", ")A", ")B"})
"""Save and restore the cursor, index, next line, reverse index, tab stops, keypad, alignment, line drawing."""
_MOVES = r"\d{0,5}(?:;\d{0,5})?"
_CONTROLS = re.compile(
    rf"""
      {_MOVES}[@A-GILMPSTXZ`abdefHr]   # move, insert, delete, scroll, repeat, scrolling region
    | [012]?[JK]                       # erase, but for what has scrolled away (3)
    | [03]?g                           # tab stops
    | [0-9;:]*m                        # colours and type faces
    | 4[hl]                            # insert mode
    | [su]                             # save and restore the cursor
    | !p                               # soft reset
    | [0-6]?\ q                        # shape of the cursor
    """,
    re.VERBOSE | re.ASCII,
)
_PRIVATE = re.compile(r"\?([0-9;]+)([hl])")
_RESTS = {
    "1": "l", "5": "l", "6": "l", "7": "h", "12": "l", "25": "h", "66": "l", "1000": "l", "1002": "l", "1003": "l",
    "1006": "l", "2004": "l", "47": "l", "1047": "l", "1049": "l",
}  # fmt: skip
"""Modes that may be set, and how they are at rest. Cursor keys, reverse, origin, wrapping, blinking and visible cursor,
keypad, mouse, pasting in brackets, and the other screen: the last ones, since leaving it also puts the cursor back."""
_SAVES_CURSOR = "1048"


class ScreenFilter:
    """Bytes as they come, to bytes that a terminal may have. Sequences may be cut anywhere."""

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._state: Callable[[str], str] = self._text
        self._held = ""
        self._modes: dict[str, str] = {}
        self._touched = False

    def feed(self, data: bytes) -> bytes:
        """What of it is shown."""
        text = self._decode(data)
        if self._state == self._text and _HARMLESS.fullmatch(text):
            return text.encode()
        return "".join(map(self._next, text)).encode()

    def end(self) -> bytes:
        """What puts the terminal as it was: nothing that the program has switched on outlives it."""
        shown = "".join(map(self._next, self._decode(b"", True)))  # noqa: FBT003 (codecs has it so)
        modes, touched = self._modes, self._touched
        self._modes, self._touched, self._state = {}, False, self._text
        for mode, rest in _RESTS.items():
            if modes.get(mode, rest) != rest:
                shown += f"\x1b[?{mode}{rest}"
        if touched:
            # Colours, letters, insert mode, keypad, and the scrolling region, which takes the cursor along.
            shown += "\x1b[0m\x0f\x1b(B\x1b)B\x1b[4l\x1b>\x1b[0 q\x1b7\x1b[r\x1b8"
        return shown.encode()

    def _next(self, character: str) -> str:
        return self._state(character)

    def _text(self, character: str) -> str:
        if character == "\x1b":
            self._begin(self._escape)
        elif character == "\x9b":
            self._begin(self._control)
        elif character in _C1_STRINGS:
            self._state = self._string
        elif character in _PLAIN:
            self._touched = self._touched or character in "\x0e\x0f"
            return character
        elif character >= " " and not "\x7f" <= character <= "\x9f":
            return character
        return ""

    def _begin(self, state: Callable[[str], str]) -> None:
        self._held, self._state = "", state

    def _escape(self, character: str) -> str:
        if not self._held and character == "[":
            self._begin(self._control)
        elif not self._held and character in _STRINGS:
            self._state = self._string
        elif " " <= character <= "/":
            self._hold(character)
        elif "0" <= character <= "~":
            return self._ended(character, self._known_escape)
        else:
            return self._interrupted(character)
        return ""

    def _control(self, character: str) -> str:
        if " " <= character <= "?":
            self._hold(character)
        elif "@" <= character <= "~":
            return self._ended(character, self._known_control)
        else:
            return self._interrupted(character)
        return ""

    def _hold(self, character: str) -> None:
        self._held += character if len(self._held) <= _LONGEST else ""

    def _ended(self, character: str, known: Callable[[str], str]) -> str:
        held, self._state = self._held + character, self._text
        return known(held) if len(held) <= _LONGEST else ""

    def _interrupted(self, character: str) -> str:
        """What belongs to no sequence ends it, and is text again."""
        self._state = self._text
        return "" if character in _ABORTING else self._text(character)

    def _known_escape(self, held: str) -> str:
        if held not in _ESCAPES:
            return ""
        self._touched = True
        return f"\x1b{held}"

    def _known_control(self, held: str) -> str:
        if found := _PRIVATE.fullmatch(held):
            return self._set(found[1].split(";"), found[2])
        if not _CONTROLS.fullmatch(held):
            return ""
        self._touched = True
        return f"\x1b[{held}"

    def _set(self, modes: list[str], to: str) -> str:
        allowed = [mode for mode in modes if mode in _RESTS or mode == _SAVES_CURSOR]
        self._modes |= dict.fromkeys(allowed, to)
        return f"\x1b[?{';'.join(allowed)}{to}" if allowed else ""

    def _string(self, character: str) -> str:
        if character in {"\a", "\x9c"} or character in _ABORTING:
            self._state = self._text
        elif character == "\x1b":
            self._state = self._string_escape
        elif character == "\n":
            # Terminals disagree on whether it ends the string; without this one program could hide all that follows.
            self._state = self._text
            return character
        return ""

    def _string_escape(self, character: str) -> str:
        if character == "\\":
            self._state = self._text
            return ""
        self._begin(self._escape)
        return self._escape(character)
