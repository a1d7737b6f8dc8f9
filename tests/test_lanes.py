"""Two lanes to the slots: interactive before batch, batch never starved, and never in the last slot."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.errors import PoolBusy
from sandbox.pool.permits import OwnPermits, SharedPermits
from sandbox.pool.slots import Slots
from sandbox.pool.withdrawal import Withdrawal
from sandbox.types import Lane
from testkit.waiting import eventually

PATIENCE_S = 20.0


class Line:
    """Threads that wait for slots one after the other, and in which order they were served."""

    def __init__(self, slots: Slots) -> None:
        self.served: list[str] = []
        self.refused: list[str] = []
        self._slots = slots
        self._threads: list[threading.Thread] = []
        self.waits: dict[str, Withdrawal] = {}

    def add(self, name: str, lane: Lane, caller: str | None = None) -> None:
        """Have one more stand in line."""
        before = self._slots.waiting, len(self.refused)
        self.waits[name] = Withdrawal()
        thread = threading.Thread(target=self._wait, args=(name, lane, caller), daemon=True)
        self._threads.append(thread)
        thread.start()
        eventually(lambda: (self._slots.waiting, len(self.refused)) != before, every_s=0.0005)

    def join(self) -> list[str]:
        for thread in self._threads:
            thread.join(PATIENCE_S)
        return self.served

    def _wait(self, name: str, lane: Lane, caller: str | None) -> None:
        try:
            self._slots.acquire(PATIENCE_S, self.waits[name], caller, lane)
        except PoolBusy:
            self.refused.append(name)
            return
        self.served.append(name)
        self._slots.release(caller, lane, held_s=0.0)


@pytest.fixture
def slots() -> Slots:
    """One slot, which is taken."""
    made = Slots(OwnPermits(1), queue_limit=40)
    assert made.try_acquire()
    return made


def test_interactive_comes_before_batch_and_of_four_one_is_batch(slots: Slots) -> None:
    line = Line(slots)
    for number in range(3):
        line.add(f"b{number}", "batch")
    for number in range(7):
        line.add(f"i{number}", "interactive")
    slots.release(held_s=0.0)
    assert line.join() == ["i0", "i1", "i2", "b0", "i3", "i4", "i5", "b1", "i6", "b2"]


def test_callers_have_turns_within_a_lane(slots: Slots) -> None:
    line = Line(slots)
    for name, caller in (("a0", "a"), ("a1", "a"), ("b0", "b")):
        line.add(f"batch {name}", "batch", caller)
    for name, caller in (("c0", "c"), ("c1", "c"), ("a2", "a")):
        line.add(name, "interactive", caller)
    slots.release(held_s=0.0)
    assert line.join() == ["c0", "a2", "c1", "batch a0", "batch b0", "batch a1"]


@pytest.mark.parametrize("total", [2, 4])
def test_batch_never_holds_the_last_slot(total: int) -> None:
    slots = Slots(OwnPermits(total), queue_limit=10)
    for _ in range(total - 1):
        assert slots.try_acquire(lane="batch")
    line = Line(slots)
    line.add("b", "batch")
    assert line.served == []
    assert slots.try_acquire(), "who comes now found no slot"
    slots.release(held_s=0.0)
    assert line.served == []
    slots.release(lane="batch", held_s=0.0)
    assert line.join() == ["b"]


@pytest.mark.parametrize("shared", [False, True])
def test_batch_has_the_slot_where_there_is_only_one(tmp_path: Path, *, shared: bool) -> None:
    slots = Slots(SharedPermits(tmp_path, 1, processes=2) if shared else OwnPermits(1), queue_limit=1)
    for _ in range(2):
        assert slots.try_acquire(lane="batch")
        slots.release(lane="batch", held_s=0.0)


@pytest.fixture
def processes(tmp_path: Path) -> list[Slots]:
    """Two that share three slots, as two server processes do."""
    return [Slots(SharedPermits(tmp_path, 3, processes=2), queue_limit=40) for _ in range(2)]


def test_several_processes_leave_the_same_last_slot(processes: list[Slots]) -> None:
    one, other = processes
    assert one.try_acquire(lane="batch")
    assert other.try_acquire(lane="batch")
    waiting = [Line(slots) for slots in processes]
    for line in waiting:
        line.add("b", "batch")
    for slots in processes:
        assert slots.try_acquire(), "batch that waits was in the way of who found a free slot"
        slots.release(held_s=0.0)
    assert [line.served for line in waiting] == [[], []]
    one.release(lane="batch", held_s=0.0)
    other.release(lane="batch", held_s=0.0)
    assert [line.join() for line in waiting] == [["b"], ["b"]]


def test_what_an_interactive_one_of_several_processes_gives_back_is_no_last_slot_for_batch(
    processes: list[Slots],
) -> None:
    one, other = processes
    assert one.try_acquire()
    assert other.try_acquire(lane="batch")
    assert other.try_acquire(lane="batch")
    line = Line(one)
    line.add("b", "batch")
    one.release(held_s=0.0)
    time.sleep(0.05)
    assert (line.served, one.in_use) == ([], 0)
    assert one.try_acquire()
    one.release(held_s=0.0)
    other.release(lane="batch", held_s=0.0)
    assert line.join() == ["b"]
    other.release(lane="batch", held_s=0.0)


def test_over_several_processes_nothing_is_lost_and_batch_never_has_all(processes: list[Slots]) -> None:
    held = {"batch": 0, "interactive": 0}
    most = {"batch": 0, "all": 0}
    lock = threading.Lock()

    def one(number: int) -> None:
        slots, lane = processes[number % 2], ("batch" if number % 3 else "interactive")
        for _ in range(6):
            slots.acquire(PATIENCE_S, Withdrawal(), None, lane)  # type: ignore[arg-type]  # one of the two
            with lock:
                held[lane] += 1
                most["batch"] = max(most["batch"], held["batch"])
                most["all"] = max(most["all"], sum(held.values()))
            time.sleep(0.001)
            with lock:
                held[lane] -= 1
            slots.release(None, lane, held_s=0.001)  # type: ignore[arg-type]  # one of the two

    threads = [threading.Thread(target=one, args=(number,)) for number in range(18)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert most["batch"] <= 2
    assert most["all"] <= 3
    assert [slots.in_use for slots in processes] == [0, 0]
    assert [processes[0].try_acquire() for _ in range(4)] == [True, True, True, False]


def test_a_full_line_of_batch_makes_place_for_who_waits_for_an_answer() -> None:
    slots = Slots(OwnPermits(1), queue_limit=4)
    assert slots.try_acquire()
    line = Line(slots)
    for number in range(4):
        line.add(f"b{number}", "batch")
    for number in range(3):
        line.add(f"i{number}", "interactive")
    assert line.refused == ["b3", "b2", "i2"]
    line.add("b4", "batch")
    assert line.refused[3:] == ["b4"]
    slots.release(held_s=0.0)
    assert sorted(line.join()) == ["b0", "b1", "i0", "i1"]


@settings(max_examples=60, deadline=None)
@given(
    line=st.lists(
        st.tuples(st.sampled_from(["interactive", "batch"]), st.sampled_from(["a", "b", "c", None])), max_size=14
    ),
    before=st.integers(0, 3),
)
def test_a_place_says_in_which_order_they_are_served(line: list[tuple[Lane, str | None]], before: int) -> None:
    slots = Slots(OwnPermits(1), queue_limit=40)
    assert slots.try_acquire()
    waiting = Line(slots)
    # So that the count of interactive ones in a row is not always 0.
    for number in range(before):
        waiting.add(f"before {number}", "interactive")
    foreseen: list[int] = []
    for number, (lane, caller) in enumerate(line):
        foreseen.append(slots.newcomers_place(caller, lane).position)
        waiting.add(f"{number}", lane, caller)
        place = slots.place(waiting.waits[f"{number}"])
        assert place is not None
        assert place.position == foreseen[-1]
    places = {name: slots.place(wait) for name, wait in waiting.waits.items()}
    order = sorted(places, key=lambda name: _position(places[name]))
    assert [_position(places[name]) for name in order] == list(range(len(order)))
    slots.release(held_s=0.0)
    assert waiting.join() == order
    assert all(slots.place(wait) is None for wait in waiting.waits.values())
    assert (slots.in_use, slots.waiting) == (0, 0)


def _position(place: object) -> int:
    position = getattr(place, "position", None)
    assert isinstance(position, int)
    return position


def test_the_estimate_is_a_typical_hold_for_each_before_shared_by_all_slots() -> None:
    slots = Slots(OwnPermits(2), queue_limit=40)
    for _ in range(200):
        assert slots.try_acquire()
        slots.release(held_s=0.5)
    assert slots.newcomers_place(None, "interactive").estimate_ms == pytest.approx(250, rel=0.01)
    assert slots.try_acquire()
    assert slots.try_acquire()
    line = Line(slots)
    for number in range(3):
        line.add(f"{number}", "interactive")
    place = slots.place(line.waits["2"])
    assert place is not None
    assert place.position == 2
    assert place.estimate_ms == pytest.approx(750, rel=0.01)
    slots.refuse_waiting()
    line.join()


def test_with_both_lanes_full_each_gets_on() -> None:
    """By what was handed out while both waited, with programs of all lengths."""
    slots = Slots(OwnPermits(4), queue_limit=1000)
    served: list[Lane] = []
    most_batch = 0
    lock, over = threading.Lock(), threading.Event()
    held = {"batch": 0, "interactive": 0}

    def keep_asking(lane: Lane, hold_s: float) -> None:
        nonlocal most_batch
        while not over.is_set():
            slots.acquire(PATIENCE_S, Withdrawal(), None, lane)
            with lock:
                served.append(lane)
                held[lane] += 1
                most_batch = max(most_batch, held["batch"])
            time.sleep(hold_s)
            with lock:
                held[lane] -= 1
            slots.release(None, lane, held_s=hold_s)

    lanes: list[Lane] = ["interactive", "batch"]
    threads = [threading.Thread(target=keep_asking, args=(lane, 0.002)) for lane in lanes for _ in range(12)]
    for thread in threads:
        thread.start()
    eventually(lambda: len(served) >= 600)
    over.set()
    for thread in threads:
        thread.join(PATIENCE_S)
    share = served[50:550].count("batch") / 500
    assert 0.2 <= share <= 0.3
    assert most_batch <= 3
