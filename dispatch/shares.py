"""What single callers may have of the slots and of the places in line, where that is not as for all."""

from __future__ import annotations

from collections.abc import Mapping

_shares: Mapping[str, float] = {}
"""By caller, as Task has it. Replaced as a whole, so no lock is needed."""


def replace(shares: Mapping[str, float]) -> None:
    """These hold from now on in this process: above 0 and at most 1. All other callers have none of their own."""
    global _shares  # noqa: PLW0603 (what holds in this process)
    _shares = dict(shares)


def of(caller: str) -> float | None:
    """The caller's own share, or None."""
    return _shares.get(caller)
