"""How many programs may run at once, and how many callers may wait for their turn: a bounded, fair semaphore."""

from __future__ import annotations

import math
import threading
import time
from collections import deque

from sandbox.errors import PoolBusy, PoolClosed
from sandbox.pool.permits import Permits
from sandbox.pool.withdrawal import Withdrawal

_FIRST_HOLD_S = 1.0
"""What a slot is taken to be held for before one was given back: Retry-After is in whole seconds, and at least one."""
_HOLD_WEIGHT = 0.1
"""Of the newest hold in the average: about the last ten count, which a single endless loop does not spoil."""
_LONGEST_RETRY_AFTER_S = 60
"""The line of now says little about what stands there in more than a minute."""


class Slots:
    """Permits handed out in the order of asking. A permit that is released goes to the first who waits."""

    def __init__(self, permits: Permits, *, queue_limit: int) -> None:
        self.queue_limit = queue_limit
        self._permits = permits
        self._lock = threading.Lock()
        self._released = threading.Condition(self._lock)
        self._waiters: deque[_Waiter] = deque()
        self._closed = False
        self._typical_hold_s = _FIRST_HOLD_S

    # Both numbers are read without the lock: they are for a look, and may be a moment old.

    @property
    def in_use(self) -> int:
        """How many permits this process has out."""
        return self._permits.held

    @property
    def waiting(self) -> int:
        """How many callers wait for a permit."""
        return len(self._waiters)

    def try_acquire(self) -> bool:
        """Take a permit if one is free and nobody was here before. Raises PoolClosed."""
        with self._lock:
            return self._take()

    def acquire(self, timeout_s: float, withdrawal: Withdrawal) -> bool:
        """Take a permit, waiting in line for at most `timeout_s`; whether that took waiting.

        Raises PoolBusy, PoolClosed, and Cancelled where it is withdrawn while it stands in line.
        """
        with self._lock:
            if self._take():
                return False
            if len(self._waiters) >= self.queue_limit:
                raise PoolBusy("too many executions are waiting", retry_after_s=self._retry_after_s())
            waiter = _Waiter()
            self._waiters.append(waiter)
        with withdrawal.waking(waiter.woken.set):
            self._wait(waiter, time.monotonic() + timeout_s)
        with self._lock:
            # Looked at under the lock, where grants are made: one that came at the last moment counts, since the
            # thread that gave it has counted it as passed on.
            if waiter.granted:
                return True
            if waiter in self._waiters:
                self._waiters.remove(waiter)
            withdrawal.check()
            if self._closed:
                raise PoolClosed("the server is shutting down")
            raise PoolBusy("no slot became free in time", retry_after_s=self._retry_after_s())

    def release(self, *, held_s: float) -> None:
        """Give a permit back after holding it for `held_s`, which is what Retry-After is estimated from."""
        with self._lock:
            self._typical_hold_s += _HOLD_WEIGHT * (held_s - self._typical_hold_s)
            # Handed on without ever being free: no newcomer can overtake the first in line.
            if self._waiters and not self._permits.above_fair_share:
                self._waiters.popleft().grant()
            else:
                self._permits.give()
                self._released.notify_all()

    def close(self) -> None:
        """Refuse every newcomer from now on; those in line still get their turn."""
        with self._lock:
            self._closed = True

    def refuse_waiting(self) -> None:
        """End every wait in line."""
        with self._lock:
            while self._waiters:
                self._waiters.popleft().woken.set()

    def wait_until_unused(self, timeout_s: float) -> bool:
        """Wait until every permit is back; whether that came true in time."""
        deadline = time.monotonic() + timeout_s
        with self._lock:
            while self._permits.held:
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._released.wait(left)
            return True

    def _take(self) -> bool:
        if self._closed:
            raise PoolClosed("the server is shutting down")
        return not self._waiters and self._permits.take()

    def _wait(self, waiter: _Waiter, deadline: float) -> None:
        """Wait to be granted a permit; while other processes hold permits, the first in line tries to take one."""
        while (left := deadline - time.monotonic()) > 0:
            poll_s = self._permits.poll_s
            if waiter.woken.wait(left if poll_s is None else min(left, poll_s)):
                return
            # It was not woken: within this process nothing was given back, but another process may have done so, which
            # wakes no one. Only the first in line looks, or the order would be lost.
            with self._lock:
                if self._waiters and self._waiters[0] is waiter and self._permits.take():
                    self._waiters.popleft().grant()
                    return

    def _retry_after_s(self) -> int:
        """When the line that stands now should be through: its length times a typical hold, shared by all slots."""
        through_s = (len(self._waiters) + 1) * self._typical_hold_s / self._permits.total
        return max(1, min(_LONGEST_RETRY_AFTER_S, math.ceil(through_s)))


class _Waiter:
    """One caller in line."""

    def __init__(self) -> None:
        self.woken = threading.Event()
        self.granted = False

    def grant(self) -> None:
        self.granted = True
        self.woken.set()
