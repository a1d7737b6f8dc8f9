"""Versions of a language side by side: `python`, `python@3.11`."""

from __future__ import annotations

import re

SEPARATOR = "@"
_NUMBER = re.compile(r"\d[\w.+~-]*")


def family_of(slug: str) -> str:
    """What the versions of a language have in common: `python` of `python@3.11`."""
    return slug.partition(SEPARATOR)[0]


def is_version(reported: str, asked: str) -> bool:
    """Whether 3.13.5, or `Python 3.13.5`, is what a request for 3, 3.13 or 3.13.5 means."""
    return f"{number_in(reported).lower()}.".startswith(f"{asked.lower()}.")


def number_in(reported: str) -> str:
    """3.13.5 in `Python 3.13.5`; empty where there is no number."""
    number = _NUMBER.search(reported)
    return number[0] if number else ""
