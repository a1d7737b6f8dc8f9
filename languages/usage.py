"""How much a language was used. The rows are another room's, which says here how they are counted."""

from __future__ import annotations

from collections.abc import Callable

AT_MOST = 10_000
"""Counted in a few milliseconds, and more are just many."""

Count = Callable[[str, int], int]


def _none(_slug: str, _at_most: int) -> int:
    return 0


_count: Count = _none


def counted_by(count: Count) -> None:
    """`count` tells how many rows carry a slug, counting no further than it is told."""
    global _count  # noqa: PLW0603 (said once, when the applications are loaded)
    _count = count


def executions_of(slug: str) -> str:
    """How many executions carry this slug, as text: `0`, `12`, `more than 10000`."""
    rows = _count(slug, AT_MOST + 1)
    return f"more than {AT_MOST}" if rows > AT_MOST else str(rows)
