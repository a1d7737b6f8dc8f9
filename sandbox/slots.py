"""How many programs may run at once, and how many callers may wait for their turn: a bounded, fair semaphore."""

from __future__ import annotations

import math
import threading
import time
from collections import deque

from sandbox.errors import PoolBusy, PoolClosed
from sandbox.permits import Permits


class Slots:
    """Permits handed out in the order of asking. A permit that is released goes to the first who waits."""

    def __init__(self, permits: Permits, *, queue_limit: int) -> None:
        self.queue_limit = queue_limit
        self._permits = permits
        self._lock = threading.Lock()
        self._released = threading.Condition(self._lock)
        self._waiters: deque[_Waiter] = deque()
        self._closed = False
        self._typical_hold_s = 1.0

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

    def acquire(self, timeout_s: float) -> None:
        """Take a permit, waiting in line for at most `timeout_s`. Raises PoolBusy, PoolClosed."""
        with self._lock:
            if self._take():
                return
            if len(self._waiters) >= self.queue_limit:
                raise PoolBusy("too many executions are waiting", retry_after_s=self._retry_after_s())
            waiter = _Waiter()
            self._waiters.append(waiter)
        self._wait(waiter, time.monotonic() + timeout_s)
        with self._lock:
            if waiter.granted:
                return
            if waiter in self._waiters:
                self._waiters.remove(waiter)
            if self._closed:
                raise PoolClosed("the server is shutting down")
            raise PoolBusy("no slot became free in time", retry_after_s=self._retry_after_s())

    def release(self, *, held_s: float) -> None:
        """Give a permit back after holding it for `held_s`, which is what Retry-After is estimated from."""
        with self._lock:
            self._typical_hold_s += 0.1 * (held_s - self._typical_hold_s)
            if self._waiters and not self._permits.over_share:
                self._waiters.popleft().grant()
            else:
                self._permits.give()
                self._released.notify_all()

    def close(self) -> None:
        """Refuse everybody who comes from now on; those in line still get their turn."""
        with self._lock:
            self._closed = True

    def refuse_waiting(self) -> None:
        """End the waiting of everybody in line."""
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
            with self._lock:
                if self._waiters and self._waiters[0] is waiter and self._permits.take():
                    self._waiters.popleft().grant()
                    return

    def _retry_after_s(self) -> int:
        """When the line that stands now should be through: its length times a typical hold, shared by all slots."""
        return max(1, min(60, math.ceil((len(self._waiters) + 1) * self._typical_hold_s / self._permits.total)))


class _Waiter:
    """One caller in line."""

    def __init__(self) -> None:
        self.woken = threading.Event()
        self.granted = False

    def grant(self) -> None:
        self.granted = True
        self.woken.set()
