"""Versions of a language side by side: `python`, `python@3.11`. Pure."""

from __future__ import annotations

import re

SEPARATOR = "@"
_NUMBER = re.compile(r"\d[\w.+~-]*")


def family_of(slug: str) -> str:
    """What the versions of a language have in common: `python` of `python@3.11`."""
    return slug.partition(SEPARATOR)[0]


def is_version(reported: str, asked: str) -> bool:
    """Whether 3.13.5, or `Python 3.13.5`, is what somebody means who asks for 3, 3.13 or 3.13.5."""
    number = _NUMBER.search(reported)
    return number is not None and f"{number[0].lower()}.".startswith(f"{asked.lower()}.")
