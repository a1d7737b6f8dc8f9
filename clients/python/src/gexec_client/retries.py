"""What is sent again, and when: only where the contract says that nothing is done twice, and only so often.

- What never arrived may go again, and so may what changes nothing or has an Idempotency-Key.
- 429, and 503 with Retry-After, have run nothing: whatever it was, it may go again.
- Any other 5xx says nothing about what was done: only what is repeatable goes again.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass

from gexec_client.errors import ApiError, ConnectionFailed, GexecError
from gexec_client.steps import Send

_WITHOUT_A_TRACE = frozenset({429, 503})
_NOT_YET = frozenset({"idempotency_in_progress", "request_timeout"})


@dataclass(frozen=True, slots=True)
class Retries:
    """How patient a client is."""

    attempts: int = 5
    """Of a request, the first one included; 1 never tries again."""
    first_pause_s: float = 0.25
    """Twice as long after each, with up to a half less of it by chance, so that many do not come at once."""
    longest_pause_s: float = 30.0
    """A Retry-After that asks for more is not waited for: the error says how long it would be."""


class Deadline:
    """When an operation has to be over."""

    def __init__(self, timeout_s: float | None) -> None:
        self._at = None if timeout_s is None else time.monotonic() + timeout_s

    @property
    def left_s(self) -> float | None:
        """None: for ever."""
        return None if self._at is None else max(0.0, self._at - time.monotonic())

    @property
    def is_over(self) -> bool:
        """Whether no time is left."""
        return self.left_s == 0.0

    def allows(self, seconds: float) -> bool:
        """Whether one may sleep that long, and still do something."""
        left_s = self.left_s
        return left_s is None or seconds < left_s


class Tries:
    """Those of one request."""

    def __init__(self, retries: Retries, deadline: Deadline) -> None:
        self.deadline = deadline
        self._retries = retries
        self._failed = 0

    def begin_anew(self) -> None:
        """What was reached since then makes up for failures before."""
        self._failed = 0

    def pause_after(self, send: Send, error: GexecError) -> float | None:
        """How long to wait before it goes again; None where it must not."""
        self._failed += 1
        if self._failed >= self._retries.attempts or not _is_safe(send, error):
            return None
        pause_s = self._pause_s(error)
        return pause_s if pause_s is not None and self.deadline.allows(pause_s) else None

    def _pause_s(self, error: GexecError) -> float | None:
        longest_s = self._retries.longest_pause_s
        own_s = min(longest_s, self._retries.first_pause_s * 2.0 ** (self._failed - 1))
        own_s *= random.uniform(0.5, 1.0)  # noqa: S311 (spreads load, hides nothing)
        asked_s = error.retry_after_s if isinstance(error, ApiError) else None
        if asked_s is None:
            return own_s
        return None if asked_s > longest_s else max(asked_s, own_s)


def _is_safe(send: Send, error: GexecError) -> bool:
    if isinstance(error, ConnectionFailed):
        return send.repeatable or not error.sent
    if not isinstance(error, ApiError):
        return False
    if error.code in _NOT_YET:
        return send.repeatable
    if error.status in _WITHOUT_A_TRACE and error.retry_after_s is not None:
        return True
    return error.status >= 500 and send.repeatable
