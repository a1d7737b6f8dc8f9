"""Time-ordered public ids: UUID version 7 (RFC 9562), strictly increasing within a process."""

from __future__ import annotations

import secrets
import threading
import time
import uuid
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_lock = threading.Lock()
_last = 0


def uuid7() -> uuid.UUID:
    """48 bits of Unix milliseconds, 12 of the fraction of that millisecond (RFC 9562, 6.2, method 3), 62 random."""
    tick = _next_tick(time.time_ns())
    value = (tick >> 12) << 80 | 0x7 << 76 | (tick & 0xFFF) << 64 | 0b10 << 62 | secrets.randbits(62)
    return uuid.UUID(int=value)


def first_at(when: datetime) -> uuid.UUID:
    """The smallest id of this moment: ids that were made before it are below, all others are not."""
    return uuid.UUID(int=max(0, (when - _EPOCH) // timedelta(milliseconds=1)) << 80)


def moment_of(made: uuid.UUID) -> datetime:
    """When an id of `uuid7` was made, to the microsecond."""
    tick = (made.int >> 80) << 12 | (made.int >> 64) & 0xFFF
    return _EPOCH + timedelta(microseconds=tick * 1000 >> 12)


def _next_tick(now_ns: int) -> int:
    """The time in 1/4096 ms, or one more than the last where the clock stood still or went back."""
    global _last  # noqa: PLW0603 (the order of ids is a property of the process)
    with _lock:
        _last = max(_last + 1, (now_ns << 12) // 1_000_000)
        return _last
