"""How many may watch at once: each holds a thread of the server."""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Callable
from functools import partial

from django.conf import settings

from rest.exceptions import Unavailable

RETRY_AFTER_S = 5
"""A place is free again when some execution ends."""


class Watchers:
    """Counts them, and each caller's. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_caller: Counter[str] = Counter()

    @property
    def count(self) -> int:
        """How many there are."""
        return self._by_caller.total()

    def enter(self, caller: str) -> Callable[[], None]:
        """Take a place; call what is returned, once, to give it back. Raises Unavailable (too_many_watchers)."""
        with self._lock:
            most = settings.GEXEC_WATCHERS
            share = max(1, math.ceil(most * settings.GEXEC_CALLER_SHARE))
            if self._by_caller.total() >= most:
                raise _too_many("too many executions are watched already: ask for the execution itself")
            if self._by_caller[caller] >= share:
                raise _too_many("you watch too many executions already: ask for the execution itself")
            self._by_caller[caller] += 1
        return partial(self._leave, caller)

    def _leave(self, caller: str) -> None:
        with self._lock:
            self._by_caller[caller] -= 1
            if not self._by_caller[caller]:
                del self._by_caller[caller]


def _too_many(message: str) -> Unavailable:
    return Unavailable(message, retry_after_s=RETRY_AFTER_S, code="too_many_watchers")


watchers = Watchers()
"""Of this process."""
