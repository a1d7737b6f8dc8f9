"""How many programs may run at once, and how many may wait for their turn: a bounded semaphore that callers share.

Theory of operation. Those who wait stand in one line for each caller, and the lines are served in turn. A caller holds
at most its share of the permits while others wait. While nobody else does it may hold more, but never the last one:
a program cannot be asked to leave, and who comes next should not have to wait for one of a caller that was here first.
The places in line are shared when they run out: who has more than its share then loses its newest to one who has less.
None is no caller in particular, and has no such bounds.

There are two lanes, each with lines and turns of its own; what a caller may have is counted over both. The interactive
lane is served first, but of each four permits that are handed out while both wait one goes to batch, so that it always
gets on. Batch as a whole never holds the last permit, for the reason above, unless there is only one: a person who
comes while a long batch runs finds a slot at once. It pays with one slot where nobody comes. Where the places run out,
batch loses its newest to the interactive lane as long as it has more than half of them.

Where several processes share the permits, each keeps lanes and turns for its own callers, and all leave the same last
one: batch holds only others, so whichever process is asked for an interactive one, it is there.
"""

from __future__ import annotations

import math
import threading
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sandbox.errors import PoolBusy, PoolClosed
from sandbox.pool.permits import Permits
from sandbox.pool.withdrawal import Withdrawal
from sandbox.types import Lane

_FIRST_HOLD_S = 1.0
"""What a slot is taken to be held for before one was given back: Retry-After is in whole seconds, and at least one."""
_HOLD_WEIGHT = 0.1
"""Of the newest hold in the average: about the last ten count, which a single endless loop does not spoil."""
_LONGEST_RETRY_AFTER_S = 60
"""The line of now says little about what stands there in more than a minute."""
_INTERACTIVE_IN_A_ROW = 3
"""After so many, while batch waits, one of batch: a quarter is enough to get on, and adds a third of a hold at most to
what a person waits."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody stands in line, as things are now: who comes later may yet be served before."""

    position: int
    """How many are served before."""
    estimate_ms: float
    """When that should be: a typical hold for each of them, shared by all slots."""


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
        self._batch_share = max(1, permits.total - 1)
        self._caller_share = caller_share
        self._share_of = share_of
        self._lock = threading.Lock()
        self._released = threading.Condition(self._lock)
        self._lanes: dict[Lane, OrderedDict[str | None, deque[_Waiter]]] = {
            "interactive": OrderedDict(),
            "batch": OrderedDict(),
        }
        """Lines by caller, none of them empty; the first one's turn is next."""
        self._waiting: Counter[Lane] = Counter()
        self._waiters: dict[Withdrawal, _Waiter] = {}
        """Those in line, by what may end their wait."""
        self._held: Counter[str | None] = Counter()
        self._batch_held = 0
        self._interactive_in_a_row = 0
        """How many interactive ones were served while batch waited, since the last one of batch."""
        self._closed = False
        self._typical_hold_s = _FIRST_HOLD_S

    # Both numbers are read without the lock: they are for a look, and may be a moment old.

    @property
    def in_use(self) -> int:
        """How many permits this process has out."""
        return self._permits.held

    @property
    def waiting_batch(self) -> int:
        """How many of those that wait are in the lane of batch."""
        return self._waiting["batch"]

    @property
    def waiting(self) -> int:
        """How many callers wait for a permit."""
        return self._waiting["interactive"] + self._waiting["batch"]

    def place(self, withdrawal: Withdrawal) -> Place | None:
        """Where the one stands that waits with this; None where it does not stand in line."""
        with self._lock:
            waiter = self._waiters.get(withdrawal)
            if waiter is None:
                return None
            return self._place(waiter.caller, waiter.lane, self._lanes[waiter.lane][waiter.caller].index(waiter))

    def newcomers_place(self, caller: str | None, lane: Lane) -> Place:
        """Where one would stand that came now and had to wait."""
        with self._lock:
            return self._place(caller, lane, len(self._lanes[lane].get(caller, ())))

    def try_acquire(self, caller: str | None = None, lane: Lane = "interactive") -> bool:
        """Take a permit if one is free for the caller and nobody was here before. Raises PoolClosed."""
        with self._lock:
            return self._take(caller, lane)

    def acquire(
        self, timeout_s: float, withdrawal: Withdrawal, caller: str | None = None, lane: Lane = "interactive"
    ) -> bool:
        """Take a permit, waiting in line for at most `timeout_s`; whether that took waiting.

        Raises PoolBusy, PoolClosed, and Cancelled where it is withdrawn while it stands in line.
        """
        with self._lock:
            if self._take(caller, lane):
                return False
            if self.waiting >= self.queue_limit:
                self._make_place(caller, lane)
            waiter = _Waiter(caller, lane, withdrawal)
            self._lanes[lane].setdefault(caller, deque()).append(waiter)
            self._waiting[lane] += 1
            self._waiters[withdrawal] = waiter
        with withdrawal.waking(waiter.woken.set):
            self._wait(waiter, time.monotonic() + timeout_s)
        with self._lock:
            # Looked at under the lock, where grants are made: one that came at the last moment counts, since the
            # thread that gave it has counted it as passed on.
            if waiter.granted:
                return True
            if waiter in self._lanes[lane].get(caller, ()):
                self._remove(waiter)
                # Others may hold more now that this one does not wait any more.
                self._serve()
            withdrawal.check()
            if self._closed:
                raise PoolClosed("the server is shutting down")
            if waiter.displaced:
                raise PoolBusy(waiter.displaced, retry_after_s=self._retry_after_s())
            raise PoolBusy("no slot became free in time", retry_after_s=self._retry_after_s())

    def release(self, caller: str | None = None, lane: Lane = "interactive", *, held_s: float) -> None:
        """Give a permit back after holding it for `held_s`, which is what Retry-After is estimated from."""
        with self._lock:
            self._typical_hold_s += _HOLD_WEIGHT * (held_s - self._typical_hold_s)
            self._leave(caller, lane)
            # Handed on without ever being free: no newcomer can overtake the next in line.
            following = None if self._permits.above_fair_share else self._heir()
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
            for waiter in self._waiters.values():
                waiter.woken.set()
            for lines in self._lanes.values():
                lines.clear()
            self._waiters.clear()
            self._waiting.clear()

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

    def _take(self, caller: str | None, lane: Lane) -> bool:
        if self._closed:
            raise PoolClosed("the server is shutting down")
        # One of batch may wait beside a free permit, if that is the last one.
        others = self._first("interactive") or (self._first("batch") if lane == "batch" else None)
        taken = (
            others is None and self._may_have_another(caller, lane) and self._permits.take(leave_last=lane == "batch")
        )
        if taken:
            self._enter(caller, lane)
        return taken

    def _may_have_another(self, caller: str | None, lane: Lane) -> bool:
        if lane == "batch" and self._batch_held >= self._batch_share:
            return False
        if caller is None:
            return True
        others_wait = any(len(lines) > (caller in lines) for lines in self._lanes.values())
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

    def _next(self) -> Iterator[_Waiter]:
        """Who gets the next permit, or where that is none for batch, the next; none where all hold their share."""
        batch, interactive = self._first("batch"), self._first("interactive")
        turns = (batch, interactive) if self._interactive_in_a_row >= _INTERACTIVE_IN_A_ROW else (interactive, batch)
        return (waiter for waiter in turns if waiter is not None)

    def _heir(self) -> _Waiter | None:
        """Who gets a permit that this process has and nobody uses."""
        if not self._waiters:
            return None
        for waiter in self._next():
            if waiter.lane == "interactive" or self._batch_held < self._permits.beside_last:
                return waiter
        return None

    def _first(self, lane: Lane) -> _Waiter | None:
        lines = self._lanes[lane]
        if not lines:
            return None
        return next((line[0] for caller, line in lines.items() if self._may_have_another(caller, lane)), None)

    def _grant(self, waiter: _Waiter) -> None:
        """Give it a permit that was taken. Its caller is the last in turn now."""
        self._remove(waiter)
        lines = self._lanes[waiter.lane]
        if waiter.caller in lines:
            lines.move_to_end(waiter.caller)
        if waiter.lane == "batch" or not self._waiting["batch"]:
            self._interactive_in_a_row = 0
        else:
            self._interactive_in_a_row = min(_INTERACTIVE_IN_A_ROW, self._interactive_in_a_row + 1)
        self._enter(waiter.caller, waiter.lane)
        waiter.grant()

    def _serve(self) -> None:
        """Hand out what is free to those who may have it."""
        while not self._permits.above_fair_share and self._serve_one():
            pass

    def _serve_one(self) -> bool:
        for waiter in self._next():
            if self._permits.take(leave_last=waiter.lane == "batch"):
                self._grant(waiter)
                return True
        return False

    def _remove(self, waiter: _Waiter) -> None:
        lines = self._lanes[waiter.lane]
        lines[waiter.caller].remove(waiter)
        if not lines[waiter.caller]:
            del lines[waiter.caller]
        self._waiting[waiter.lane] -= 1
        del self._waiters[waiter.withdrawal]

    def _enter(self, caller: str | None, lane: Lane) -> None:
        self._held[caller] += 1
        self._batch_held += lane == "batch"

    def _leave(self, caller: str | None, lane: Lane) -> None:
        self._batch_held -= lane == "batch"
        self._held[caller] -= 1
        if not self._held[caller]:
            # Callers come and go: none is remembered for longer than it holds something.
            del self._held[caller]

    def _make_place(self, caller: str | None, lane: Lane) -> None:
        """Send away the newest of whoever has more than its share of the places, if less is here; else PoolBusy.

        That is batch, for one of the interactive lane, or the caller that is furthest above its share.
        """
        batch = self._lanes["batch"].values()
        if lane == "interactive" and self._waiting["batch"] * 2 > self.queue_limit:
            self._displace(max(batch, key=len)[-1], "too many executions wait, and batch gives way")
            return
        lengths: Counter[str] = Counter()
        for lines in self._lanes.values():
            lengths.update({name: len(line) for name, line in lines.items() if name is not None})
        above = {name: length - self._places(name) for name, length in lengths.items()}
        own = sum(len(lines.get(caller, ())) for lines in self._lanes.values())
        furthest = max(above, key=lambda name: above[name], default=None)
        if furthest is None or above[furthest] <= 0 or own >= self._places(caller):
            raise PoolBusy("too many executions are waiting", retry_after_s=self._retry_after_s())
        line = self._lanes["batch"].get(furthest) or self._lanes["interactive"][furthest]
        self._displace(line[-1], "too many executions of this caller are waiting")

    def _displace(self, waiter: _Waiter, why: str) -> None:
        self._remove(waiter)
        waiter.displaced = why
        waiter.woken.set()

    def _wait(self, waiter: _Waiter, deadline: float) -> None:
        """Wait to be granted a permit; while other processes hold permits, the first in line tries to take one."""
        while (left := deadline - time.monotonic()) > 0:
            poll_s = self._permits.poll_s
            if waiter.woken.wait(left if poll_s is None else min(left, poll_s)):
                return
            # It was not woken: within this process nothing was given back, but another process may have done so, which
            # wakes no one. Only the next in line looks, or the order would be lost.
            with self._lock:
                if waiter in self._next():
                    self._serve_one()

    def _place(self, caller: str | None, lane: Lane, index: int) -> Place:
        """That of the one with this index in its caller's line. Of bounds on callers nothing is foreseen."""
        before, own_turn_is_over = index, False
        for name, line in self._lanes[lane].items():
            if name == caller:
                own_turn_is_over = True
            else:
                before += min(len(line), index if own_turn_is_over else index + 1)
        if lane == "interactive":
            rounds = (self._interactive_in_a_row + before) // _INTERACTIVE_IN_A_ROW
            position = before + min(self._waiting["batch"], rounds)
        else:
            others = (before + 1) * _INTERACTIVE_IN_A_ROW - self._interactive_in_a_row
            position = before + max(0, min(self._waiting["interactive"], others))
        return Place(position, self._through_s(position + 1) * 1000)

    def _through_s(self, waiting: int) -> float:
        """When a line of so many should be through: a typical hold for each, shared by all slots."""
        return waiting * self._typical_hold_s / self._permits.total

    def _retry_after_s(self) -> int:
        """When the line that stands now should be through, and one more."""
        return max(1, min(_LONGEST_RETRY_AFTER_S, math.ceil(self._through_s(self.waiting + 1))))


class _Waiter:
    """One that stands in line."""

    def __init__(self, caller: str | None, lane: Lane, withdrawal: Withdrawal) -> None:
        self.caller = caller
        self.lane = lane
        self.withdrawal = withdrawal
        self.woken = threading.Event()
        self.granted = False
        self.displaced = ""
        """Why, where it lost its place to another."""

    def grant(self) -> None:
        self.granted = True
        self.woken.set()
