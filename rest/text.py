"""Text from a request, made fit to be said back."""

from __future__ import annotations

_ECHOED_CHARACTERS = 64


def printable(text: str) -> str:
    """`text` cut to a length that can be echoed, with what PostgreSQL and JSON refuse in text replaced."""
    clipped = text if len(text) <= _ECHOED_CHARACTERS else text[: _ECHOED_CHARACTERS - 1] + "…"
    return clipped.replace("\x00", "\ufffd").encode(errors="replace").decode()
