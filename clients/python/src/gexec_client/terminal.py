"""What strangers' programs may do to the user's terminal: print text, in colours.

An escape sequence can rename the window, write the clipboard, move the cursor over what stands there already, or have
the terminal type an answer. So of all sequences only those that choose colours and type faces pass, and of control
characters only tab, line feed and carriage return.
"""

from __future__ import annotations

import codecs
import re

RESET = "\x1b[0m"
_LONGEST = 64
"""Of a sequence for colours: six numbers are the most that make sense."""
_COLOUR = re.compile(r"[0-9;:]*")
_PLAIN = frozenset("\t\n\r")
_HARMLESS = re.compile(r"[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*")
"""Most of what is printed: it passes in one piece."""
_STRINGS = frozenset("]P^_X")
"""What begins a string that a terminal acts upon: OSC, DCS, PM, APC, SOS."""
_C1_STRINGS = frozenset("\x9d\x90\x9e\x9f\x98")


class Filter:
    """Bytes as they come, to text that a terminal may have. Sequences may be cut anywhere."""

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._state = self._text
        self._held = ""
        self._coloured = False

    def feed(self, data: bytes) -> str:
        """What of it is shown."""
        text = self._decode(data)
        if self._state == self._text and _HARMLESS.fullmatch(text):
            return text
        return "".join(map(self._next, text))

    def end(self) -> str:
        """What ends it: colours do not outlive the program, and half a character is shown as such."""
        shown = "".join(map(self._next, self._decode(b"", True)))  # noqa: FBT003 (codecs has it so)
        coloured, self._coloured, self._state = self._coloured, False, self._text
        return shown + (RESET if coloured else "")

    def _next(self, character: str) -> str:
        return self._state(character)

    def _text(self, character: str) -> str:
        if character == "\x1b":
            self._state = self._escape
        elif character == "\x9b":
            self._begin_sequence()
        elif character in _C1_STRINGS:
            self._state = self._string
        elif character in _PLAIN or not is_control(character):
            return character
        return ""

    def _escape(self, character: str) -> str:
        if character == "[":
            self._begin_sequence()
        elif character in _STRINGS:
            self._state = self._string
        elif not " " <= character <= "/":  # Those stand between, as in ESC ( B.
            self._state = self._text
            # What ends no sequence is text again: a program cannot hide a line end behind it.
            return self._text(character) if character in _PLAIN or character == "\x1b" else ""
        return ""

    def _begin_sequence(self) -> None:
        self._held, self._state = "", self._sequence

    def _sequence(self, character: str) -> str:
        if "@" <= character <= "~":
            self._state = self._text
            return self._colour() if character == "m" else ""
        if character == "\x1b" or character in _PLAIN or character >= "\x7f":
            self._state = self._text
            return self._text(character)
        self._held += character if len(self._held) <= _LONGEST else ""
        return ""

    def _colour(self) -> str:
        if len(self._held) > _LONGEST or not _COLOUR.fullmatch(self._held):
            return ""
        self._coloured = True
        return f"\x1b[{self._held}m"

    def _string(self, character: str) -> str:
        if character in {"\x07", "\x9c"}:
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
        self._state = self._escape
        return self._escape(character)


def is_control(character: str) -> bool:
    """Whether it is one of C0, DEL or C1."""
    return character < " " or "\x7f" <= character <= "\x9f"


def one_line(text: object) -> str:
    """Words from outside, for a line of ours: a control character is shown as the sign of one."""
    return "".join(_sign(each) if is_control(each) else each for each in str(text))


def lines(text: object) -> str:
    """The same for several lines."""
    return "\n".join(one_line(line) for line in str(text).split("\n"))


def _sign(character: str) -> str:
    return chr(0x2400 + ord(character)) if character < " " else "\N{REPLACEMENT CHARACTER}"
