"""How many programs may run at once, and how many may wait for their turn: a bounded semaphore that callers share.

Theory of operation. Those who wait stand in one line for each caller, and the lines are served in turn. A caller holds
at most its share of the permits while others wait. While nobody else does it may hold more, but never the last one:
a program cannot be asked to leave, and who comes next should not have to wait for one of a caller that was here first.
The places in line are shared when they run out: who has more than its share then loses its newest to one who has less.
None is no caller in particular, and has no such bounds.
"""

from __future__ import annotations

import math
import threading
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable

from sandbox.errors import PoolBusy, PoolClosed
from sandbox.pool.permits import Permits
from sandbox.pool.withdrawal import Withdrawal

_FIRST_HOLD_S = 1.0
"""What a slot is taken to be held for before one was given back: Retry-After is in whole seconds, and at least one."""
_HOLD_WEIGHT = 0.1
"""Of the newest hold in the average: about the last ten count, which a single endless loop does not spoil."""
_LONGEST_RETRY_AFTER_S = 60
"""The line of now says little about what stands there in more than a minute."""


ShareOf = Callable[[str], float | None]


def _none_of_its_own(_caller: str) -> None:
    return None


class Slots:
    """Permits handed out to callers in turn, and for each in the order of asking."""

    def __init__(
        self, permits: Permits, *, queue_limit: int, caller_share: float = 1.0, share_of: ShareOf = _none_of_its_own
    ) -> None:
        """`caller_share` is what one caller may have, of permits and of places in line; with 1.0 that is all.

        `share_of` tells the share of a caller that has one of its own, else None; it is asked under the lock.
        """
        self.queue_limit = queue_limit
        self._permits = permits
        self._caller_share = caller_share
        self._share_of = share_of
        self._lock = threading.Lock()
        self._released = threading.Condition(self._lock)
        self._lines: OrderedDict[str | None, deque[_Waiter]] = OrderedDict()
        """By caller, none of them empty; the first one's turn is next."""
        self._waiting = 0
        self._held: Counter[str | None] = Counter()
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
        return self._waiting

    def try_acquire(self, caller: str | None = None) -> bool:
        """Take a permit if one is free for the caller and nobody was here before. Raises PoolClosed."""
        with self._lock:
            return self._take(caller)

    def acquire(self, timeout_s: float, withdrawal: Withdrawal, caller: str | None = None) -> bool:
        """Take a permit, waiting in line for at most `timeout_s`; whether that took waiting.

        Raises PoolBusy, PoolClosed, and Cancelled where it is withdrawn while it stands in line.
        """
        with self._lock:
            if self._take(caller):
                return False
            if self._waiting >= self.queue_limit:
                self._make_place(caller)
            waiter = _Waiter(caller)
            self._lines.setdefault(caller, deque()).append(waiter)
            self._waiting += 1
        with withdrawal.waking(waiter.woken.set):
            self._wait(waiter, time.monotonic() + timeout_s)
        with self._lock:
            # Looked at under the lock, where grants are made: one that came at the last moment counts, since the
            # thread that gave it has counted it as passed on.
            if waiter.granted:
                return True
            if waiter in self._lines.get(caller, ()):
                self._remove(waiter)
                # Others may hold more now that this one does not wait any more.
                self._serve()
            withdrawal.check()
            if self._closed:
                raise PoolClosed("the server is shutting down")
            if waiter.displaced:
                raise PoolBusy("too many executions of this caller are waiting", retry_after_s=self._retry_after_s())
            raise PoolBusy("no slot became free in time", retry_after_s=self._retry_after_s())

    def release(self, caller: str | None = None, *, held_s: float) -> None:
        """Give a permit back after holding it for `held_s`, which is what Retry-After is estimated from."""
        with self._lock:
            self._typical_hold_s += _HOLD_WEIGHT * (held_s - self._typical_hold_s)
            self._leave(caller)
            # Handed on without ever being free: no newcomer can overtake the next in line.
            following = None if self._permits.above_fair_share else self._next()
            if following is not None:
                self._grant(following)
                self._serve()
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
            for line in self._lines.values():
                for waiter in line:
                    waiter.woken.set()
            self._lines.clear()
            self._waiting = 0

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

    def _take(self, caller: str | None) -> bool:
        if self._closed:
            raise PoolClosed("the server is shutting down")
        taken = self._next() is None and self._may_have_another(caller) and self._permits.take()
        if taken:
            self._held[caller] += 1
        return taken

    def _may_have_another(self, caller: str | None) -> bool:
        if caller is None:
            return True
        others_wait = len(self._lines) > (caller in self._lines)
        return self._held[caller] < self._most(caller, others_wait=others_wait)

    def _share(self, caller: str | None) -> float:
        own = None if caller is None else self._share_of(caller)
        return self._caller_share if own is None else own

    def _most(self, caller: str, *, others_wait: bool) -> int:
        """Permits that the caller may hold."""
        share, all_permits = self._share(caller), self._permits.fair_share
        while_others_wait = math.ceil(all_permits * share)
        if others_wait:
            return while_others_wait
        return all_permits if share >= 1.0 else max(while_others_wait, all_permits - 1)

    def _places(self, caller: str | None) -> int:
        """Places in line that it may have when they run out."""
        return math.ceil(self.queue_limit * self._share(caller))

    def _next(self) -> _Waiter | None:
        """Who gets the next permit; None also where all who wait hold their share."""
        return next((line[0] for caller, line in self._lines.items() if self._may_have_another(caller)), None)

    def _grant(self, waiter: _Waiter) -> None:
        """Give it a permit that was taken. Its caller is the last in turn now."""
        self._remove(waiter)
        if waiter.caller in self._lines:
            self._lines.move_to_end(waiter.caller)
        self._held[waiter.caller] += 1
        waiter.grant()

    def _serve(self) -> None:
        """Hand out what is free to those who may have it."""
        while not self._permits.above_fair_share and (waiter := self._next()) is not None and self._permits.take():
            self._grant(waiter)

    def _remove(self, waiter: _Waiter) -> None:
        line = self._lines[waiter.caller]
        line.remove(waiter)
        if not line:
            del self._lines[waiter.caller]
        self._waiting -= 1

    def _leave(self, caller: str | None) -> None:
        self._held[caller] -= 1
        if not self._held[caller]:
            # Callers come and go: none is remembered for longer than it holds something.
            del self._held[caller]

    def _make_place(self, caller: str | None) -> None:
        """Send away the newest of who is furthest above its share of places, if the caller is below its own."""
        above = {name: len(line) - self._places(name) for name, line in self._lines.items() if name is not None}
        furthest = max(above, key=lambda name: above[name], default=None)
        own = len(self._lines.get(caller, ()))
        if furthest is None or above[furthest] <= 0 or own >= self._places(caller):
            raise PoolBusy("too many executions are waiting", retry_after_s=self._retry_after_s())
        displaced = self._lines[furthest][-1]
        self._remove(displaced)
        displaced.displaced = True
        displaced.woken.set()

    def _wait(self, waiter: _Waiter, deadline: float) -> None:
        """Wait to be granted a permit; while other processes hold permits, the first in line tries to take one."""
        while (left := deadline - time.monotonic()) > 0:
            poll_s = self._permits.poll_s
            if waiter.woken.wait(left if poll_s is None else min(left, poll_s)):
                return
            # It was not woken: within this process nothing was given back, but another process may have done so, which
            # wakes no one. Only the next in line looks, or the order would be lost.
            with self._lock:
                if self._next() is waiter and self._permits.take():
                    self._grant(waiter)
                    return

    def _retry_after_s(self) -> int:
        """When the line that stands now should be through: its length times a typical hold, shared by all slots."""
        through_s = (self._waiting + 1) * self._typical_hold_s / self._permits.total
        return max(1, min(_LONGEST_RETRY_AFTER_S, math.ceil(through_s)))


class _Waiter:
    """One that stands in line."""

    def __init__(self, caller: str | None) -> None:
        self.caller = caller
        self.woken = threading.Event()
        self.granted = False
        self.displaced = False

    def grant(self) -> None:
        self.granted = True
        self.woken.set()
