"""When a key was last used: noted in memory where a key is looked up, and written once a minute by the heartbeat."""

from __future__ import annotations

import time
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from clients.models import Key

WRITTEN_EACH_S = 60.0

_noted: set[str] = set()
"""Prefixes. Each use is one operation, so no lock is needed."""
_written_at = 0.0


def note(prefix: str) -> None:
    """This key is used now."""
    _noted.add(prefix)


def write(*, now: bool = False) -> None:
    """Write what was noted, unless that was done a moment ago; `now` does it in any case."""
    global _written_at  # noqa: PLW0603 (when this process wrote is a property of it)
    if not _noted or (not now and time.monotonic() - _written_at < WRITTEN_EACH_S):
        return
    _written_at = time.monotonic()
    prefixes = [_noted.pop() for _ in range(len(_noted))]
    when = timezone.now()
    # Several processes see the same key: the first one of a minute writes.
    is_old = Q(last_used_at=None) | Q(last_used_at__lt=when - timedelta(seconds=WRITTEN_EACH_S))
    Key.objects.filter(is_old, prefix__in=prefixes).update(last_used_at=when)
