"""What a user at a terminal types: all of it is the program's, but for the escapes behind Enter, which ssh has too."""

from __future__ import annotations

from enum import Enum

DEFAULT = b"~"
_LINE_ENDS = frozenset({b"\r", b"\n"})


class Asked(Enum):
    """What is asked of us."""

    LEAVE = "leave"
    HELP = "help"


class Keys:
    """Bytes as they are typed: what goes to the program, and what was asked."""

    def __init__(self, escape: bytes | None) -> None:
        """`escape` is one byte; None: there are no escapes."""
        self._escape = escape
        self._at_start = True
        self._escaped = False

    def feed(self, data: bytes) -> tuple[bytes, list[Asked]]:
        """Behind Enter, ~. leaves, ~? tells, ~~ is one ~; and ~ with anything else is both."""
        typed, asked = b"", []
        for number in data:
            key = bytes([number])
            if self._escaped:
                self._escaped = False
                if key in {b".", b"?"}:
                    asked.append(Asked.LEAVE if key == b"." else Asked.HELP)
                    self._at_start = True
                    continue
                typed += self._escape if self._escape and key != self._escape else b""
            elif self._at_start and key == self._escape:
                self._escaped = True
                continue
            typed += key
            self._at_start = key in _LINE_ENDS
        return typed, asked
