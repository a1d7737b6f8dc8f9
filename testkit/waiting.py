"""Waiting for what happens elsewhere, within a bound that tells a hang from a slow machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Seen = TypeVar("Seen")


class NotInTime(AssertionError):
    """What was waited for did not come; the text says what was seen instead."""


def last_seen(
    look: Callable[[], Seen], *, until: Callable[[Seen], object] = bool, within_s: float = 30, every_s: float = 0.02
) -> Seen:
    """Look again and again until `until` is true of what is seen, or the time is up; what was seen last."""
    deadline = time.monotonic() + within_s
    while not until(seen := look()) and time.monotonic() < deadline:
        time.sleep(every_s)
    return seen


def eventually(
    look: Callable[[], Seen], *, until: Callable[[Seen], object] = bool, within_s: float = 30, every_s: float = 0.02
) -> Seen:
    """As last_seen, and raises NotInTime where the time is up."""
    seen = last_seen(look, until=until, within_s=within_s, every_s=every_s)
    if not until(seen):
        raise NotInTime(f"after {within_s:g} s it was still {seen!r}")
    return seen
