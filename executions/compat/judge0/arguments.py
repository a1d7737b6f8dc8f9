"""Compiler options and arguments: one text each, of which words are made as a shell would make them."""

from __future__ import annotations

import re
import shlex

_STRIPPED = re.compile(r"[$&;<>|`]")
"""What could make a shell do something else; its server takes it away without a word."""


def words_in(text: str | None) -> tuple[str, ...]:
    """The words. Quotes that are never closed mean nothing."""
    plain = _STRIPPED.sub("", (text or "").encode(errors="replace").decode().strip())
    try:
        return tuple(shlex.split(plain))
    except ValueError:
        return tuple(plain.split())
