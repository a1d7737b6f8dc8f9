"""Text from a request, made fit to be put into an answer."""

from __future__ import annotations

_ECHOED_CHARACTERS = 64
"""Enough to recognise what was sent; the longest slug of a language has as many."""


def printable(text: str) -> str:
    """`text` cut to a length that can be echoed, with what PostgreSQL and JSON refuse in text replaced."""
    return encodable(text if len(text) <= _ECHOED_CHARACTERS else text[: _ECHOED_CHARACTERS - 1] + "…")


def encodable(text: str) -> str:
    """`text` with NUL and lone surrogates replaced, which neither PostgreSQL nor UTF-8 has."""
    return text.replace("\x00", "\ufffd").encode(errors="replace").decode()
