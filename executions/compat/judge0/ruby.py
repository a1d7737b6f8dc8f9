"""How Ruby on Rails reads and writes values: clients of a server that is written in it see the traces of that."""

from __future__ import annotations

import base64
import math
import re
from datetime import UTC, datetime
from typing import Any

_LINE_BYTES = 45
"""Of bytes in a line of base64: 60 characters."""
_ALPHABET = re.compile(rb"[^A-Za-z0-9+/]")
_NUMBER = re.compile(r"[+-]?\d[\d_]*(\.\d[\d_]*)?([eE][+-]?\d+)?")
_WHOLE = re.compile(r"\s*([+-]?\d{1,20})")
_FALSE = {"0", "f", "F", "false", "FALSE", "off", "OFF"}


def encode64(data: bytes) -> str:
    """Base64 in lines of 60 characters, the last one ended as well; nothing for nothing."""
    pieces = (data[start : start + _LINE_BYTES] for start in range(0, len(data), _LINE_BYTES))
    return "".join(base64.b64encode(piece).decode() + "\n" for piece in pieces)


def decode64(text: str) -> bytes:
    """What can be read of it, up to a padding: nothing is refused."""
    letters = _ALPHABET.sub(b"", text.encode(errors="replace").partition(b"=")[0])
    # Of one letter alone no byte comes.
    letters = letters[: len(letters) - (len(letters) % 4 == 1)]
    return base64.b64decode(letters + b"=" * (-len(letters) % 4))


def scalar(value: Any) -> Any:
    """A parameter of one value; a list or an object in its place is none."""
    return None if isinstance(value, (list, dict)) else value


def text_of(value: Any) -> str | None:
    """The value of a column of text."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "t" if value else "f"
    return str(value)


def is_blank(text: str | bytes | None) -> bool:
    """Whether there is nothing in it but white space."""
    return text is None or not text.strip()


def number_of(value: Any) -> float | None:
    """The number that it is, or says; None where it is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        found = _NUMBER.fullmatch(value.strip())
        value = float(found[0].replace("_", "")) if found else None
    if isinstance(value, (int, float)):
        try:
            number = float(value)
        except OverflowError:
            return None
        return number if math.isfinite(number) else None
    return None


def whole_of(value: Any) -> int | None:
    """As a column of whole numbers takes it: what follows a number is left away, and what is none is zero."""
    if isinstance(value, str):
        if not value.strip():
            return None
        found = _WHOLE.match(value)
        return int(found[1]) if found else 0
    if isinstance(value, float):
        return int(value) if math.isfinite(value) else None
    return None if value is None else int(value)


def truth_of(value: Any) -> bool | None:
    """As a column of truth values takes it: only a few words are false."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return value not in _FALSE
    return bool(value)


def decimal(number: float) -> str:
    """As a decimal column is told: `5.0`, `0.29`, and of a mean fifteen digits."""
    text = f"{number:.15g}"
    if "e" in text:
        text = f"{number:.15f}".rstrip("0")
    return f"{text}0" if text.endswith(".") else text if "." in text else f"{text}.0"


def seconds(milliseconds: float | None) -> str | None:
    """Milliseconds as seconds, no finer than they are measured there."""
    return None if milliseconds is None else decimal(round(milliseconds) / 1000)


def moment(when: datetime | None) -> str | None:
    """A time, always with milliseconds."""
    if when is None:
        return None
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
