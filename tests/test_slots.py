"""Slots that several processes share: never more are out than there are, none is lost, and no process starves."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.errors import Cancelled, PoolBusy
from sandbox.pool.permits import OwnPermits, SharedPermits
from sandbox.pool.slots import Slots
from sandbox.pool.withdrawal import Withdrawal
from sandbox.types import Lane
from testkit.waiting import eventually, last_seen

HOLD_ALL = """
import sys, time
from pathlib import Path
from sandbox.pool.permits import SharedPermits
permits = SharedPermits(Path(sys.argv[1]), int(sys.argv[2]), processes=2)
while permits.take():
    pass
print(permits.held, flush=True)
time.sleep(60)
"""


@contextmanager
def holder_of_all(folder: Path, total: int) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds every permit that is free."""
    command = [sys.executable, "-c", HOLD_ALL, str(folder), str(total)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


@pytest.fixture(params=["own", "shared"])
def slots(request: pytest.FixtureRequest, tmp_path: Path) -> Slots:
    permits = OwnPermits(2) if request.param == "own" else SharedPermits(tmp_path, 2, processes=1)
    return Slots(permits, queue_limit=10)


def test_no_more_are_given_than_there_are(slots: Slots) -> None:
    assert slots.try_acquire()
    assert slots.try_acquire()
    assert not slots.try_acquire()
    with pytest.raises(PoolBusy):
        slots.acquire(0.05, Withdrawal())
    slots.release(held_s=0.1)
    assert slots.try_acquire()


def test_those_who_wait_are_served_in_order(slots: Slots) -> None:
    order: list[int] = []

    def wait(number: int) -> None:
        slots.acquire(10, Withdrawal())
        order.append(number)
        slots.release(held_s=0.0)

    slots.acquire(1, Withdrawal())
    slots.acquire(1, Withdrawal())
    threads = []
    for number in range(5):
        threads.append(threading.Thread(target=wait, args=(number,)))
        threads[-1].start()
        eventually(lambda: slots.waiting == len(threads), every_s=0.001)
    slots.release(held_s=0.0)
    for thread in threads:
        thread.join(10)
    assert order == [0, 1, 2, 3, 4]
    assert slots.in_use == 1


def test_two_processes_share_what_there_is(tmp_path: Path) -> None:
    mine = Slots(SharedPermits(tmp_path, 3, processes=2), queue_limit=10)
    assert mine.try_acquire()
    with holder_of_all(tmp_path, 3):
        assert not mine.try_acquire()
        mine.release(held_s=0.0)
        assert mine.try_acquire()


def test_a_process_that_is_killed_gives_back_what_it_held(tmp_path: Path) -> None:
    mine = Slots(SharedPermits(tmp_path, 2, processes=2), queue_limit=10)
    with holder_of_all(tmp_path, 2) as other:
        assert not mine.try_acquire()
        threading.Timer(0.2, other.send_signal, [signal.SIGKILL]).start()
        mine.acquire(10, Withdrawal())
    assert mine.try_acquire()


def test_a_process_over_its_share_lets_another_have_what_it_gives_back(tmp_path: Path) -> None:
    greedy = Slots(SharedPermits(tmp_path, 2, processes=2), queue_limit=10)
    modest = Slots(SharedPermits(tmp_path, 2, processes=2), queue_limit=10)
    greedy.acquire(1, Withdrawal())
    greedy.acquire(1, Withdrawal())
    served = threading.Event()

    def wait(slots: Slots, event: threading.Event) -> None:
        with contextlib.suppress(PoolBusy):
            slots.acquire(20, Withdrawal())
            event.set()

    waiting = [threading.Thread(target=wait, args=(greedy, threading.Event())) for _ in range(3)]
    waiting.append(threading.Thread(target=wait, args=(modest, served)))
    for thread in waiting:
        thread.start()
    for _ in range(200):
        if greedy.in_use == 2:
            greedy.release(held_s=0.0)
        if served.wait(0.02):
            break
    greedy.refuse_waiting()
    modest.refuse_waiting()
    for thread in waiting:
        thread.join(20)
    assert served.is_set()


def test_who_is_withdrawn_leaves_the_line_to_the_next() -> None:
    slots = Slots(OwnPermits(1), queue_limit=4)
    assert slots.try_acquire()
    withdrawal, ended = Withdrawal(), []

    def wait() -> None:
        try:
            slots.acquire(30.0, withdrawal)
        except Cancelled as error:
            ended.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    eventually(lambda: slots.waiting == 1)
    withdrawal.withdraw()
    waiting.join(10)
    assert (len(ended), slots.waiting, slots.in_use) == (1, 0, 1)
    slots.release(held_s=0.1)
    assert slots.try_acquire()


def test_one_that_was_withdrawn_before_does_not_wait() -> None:
    slots = Slots(OwnPermits(1), queue_limit=4)
    assert slots.try_acquire()
    withdrawal = Withdrawal()
    withdrawal.withdraw()
    with pytest.raises(Cancelled):
        slots.acquire(30.0, withdrawal)
    assert slots.waiting == 0


CALLERS = ("a", "b", "c")


class Held(threading.Thread):
    """One that takes a permit and holds it until it is let go."""

    def __init__(self, slots: Slots, caller: str, lane: Lane) -> None:
        super().__init__(daemon=True)
        self.caller = caller
        self.lane: Lane = lane
        self.withdrawal = Withdrawal()
        self.has_it, self.let_go, self.ended = threading.Event(), threading.Event(), threading.Event()
        self._slots = slots
        self.start()

    def run(self) -> None:
        with contextlib.suppress(PoolBusy, Cancelled):
            self._slots.acquire(30, self.withdrawal, self.caller, self.lane)
            self.has_it.set()
            self.let_go.wait(30)
            self._slots.release(self.caller, self.lane, held_s=0.0)
        self.ended.set()

    @property
    def settled(self) -> bool:
        return self.has_it.is_set() or self.ended.is_set()


@settings(max_examples=60, deadline=None)
@given(
    total=st.integers(1, 5),
    queue=st.integers(0, 6),
    steps=st.lists(st.tuples(st.sampled_from(["ask", "ask", "leave", "give back"]), st.integers(0, 5)), max_size=25),
)
def test_whatever_happens_nobody_has_more_than_it_may_and_no_permit_lies_idle(
    total: int, queue: int, steps: list[tuple[str, int]]
) -> None:
    slots = Slots(OwnPermits(total), queue_limit=queue, caller_share=0.5)
    everyone: list[Held] = []
    for what, number in steps:
        holding = [one for one in everyone if one.has_it.is_set() and not one.let_go.is_set()]
        waiting = [one for one in everyone if not one.settled]
        if what == "ask":
            lane: Lane = "batch" if number >= len(CALLERS) else "interactive"
            everyone.append(Held(slots, CALLERS[number % len(CALLERS)], lane))
        elif what == "leave" and waiting:
            gone = waiting[number % len(waiting)]
            gone.withdrawal.withdraw()
            assert gone.ended.wait(10)
        elif what == "give back" and holding:
            gone = holding[number % len(holding)]
            gone.let_go.set()
            assert gone.ended.wait(10)
        eventually(lambda: sum(not one.settled for one in everyone) == slots.waiting, every_s=0.0005)
        _holds(slots, everyone, total=total, queue=queue)
    for one in everyone:
        one.let_go.set()
    assert last_seen(lambda: all(one.ended.is_set() for one in everyone), every_s=0.0005)
    assert (slots.in_use, slots.waiting) == (0, 0)


def _holds(slots: Slots, everyone: list[Held], *, total: int, queue: int) -> None:
    share = -(-total // 2)
    held = dict.fromkeys(CALLERS, 0)
    batch = 0
    for one in everyone:
        holds = one.has_it.is_set() and not one.ended.is_set()
        held[one.caller] += holds
        batch += holds and one.lane == "batch"
    most_batch = max(1, total - 1)
    waiting = {one.caller for one in everyone if not one.settled}
    assert sum(held.values()) == slots.in_use <= total
    assert slots.waiting <= queue
    assert batch <= most_batch
    assert max(held.values()) <= max(share, total - 1)
    if slots.in_use < total:
        # Who waits beside a free permit has all that it may have, or is of batch, which has.
        may_have = {
            one.caller for one in everyone if not one.settled and (one.lane == "interactive" or batch < most_batch)
        }
        for name in may_have:
            assert held[name] >= (share if waiting - {name} else max(share, total - 1))


def test_a_caller_may_have_a_share_of_its_own() -> None:
    slots = Slots(OwnPermits(4), queue_limit=10, caller_share=0.5, share_of={"small": 0.25}.get)
    assert all(slots.try_acquire() for _ in range(4))
    waiting = {name: _in_line(slots, name, 3) for name in ("small", "usual")}
    eventually(lambda: slots.waiting == 6)
    for _ in range(4):
        slots.release(held_s=0.1)
    eventually(lambda: [len(waiting[name]) for name in ("small", "usual")] == [1, 2])
    assert (slots.in_use, slots.waiting) == (3, 3)
    slots.refuse_waiting()


def test_places_in_line_are_shared_by_what_each_may_have() -> None:
    slots = Slots(OwnPermits(1), queue_limit=4, caller_share=0.5, share_of={"small": 0.25}.get)
    assert slots.try_acquire()
    granted = _in_line(slots, "small", 2), _in_line(slots, "usual", 2)
    eventually(lambda: slots.waiting == 4)
    # Each has the same number, and only one of them has more than its places.
    assert _in_line(slots, "other", 1) == []
    eventually(lambda: len(granted[0]) == 1 and slots.waiting == 4)
    assert granted[1] == []
    slots.refuse_waiting()


def _in_line(slots: Slots, caller: str, count: int) -> list[bool]:
    """So many wait for this caller; what came of those who are through."""
    through: list[bool] = []

    def wait() -> None:
        with contextlib.suppress(PoolBusy):
            slots.acquire(30, Withdrawal(), caller)
            through.append(True)
            return
        through.append(False)

    for _ in range(count):
        threading.Thread(target=wait, daemon=True).start()
    return through
