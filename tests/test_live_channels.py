"""The ring of an execution's events: what is kept, merged, cut between characters, and told to those who come late."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterable
from uuid import UUID, uuid4

import pytest

from executions.live.channel import MERGED_BYTES, MERGED_S, Channel, last_place
from executions.live.channels import KEPT_S, Channels
from executions.live.events import ATTEMPT_PLACES, Began, Ended, Event, Gap, Printed, Queued, Restarted, StepBegan
from executions.live.story import story
from executions.models import Execution, Status
from executions.results import recorded
from sandbox.types import Outcome, StepResult

MOST = 1 << 20
Told = list[Event | Gap]


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def channel_of(clock: Clock, *, attempt: int = 1, most_bytes: int = MOST) -> Channel:
    channel = Channel(uuid4(), attempt=attempt, most_bytes=most_bytes, clock=clock)
    channel.open()
    channel.began(1.0)
    channel.step_began("run")
    return channel


def all_of(channel: Channel, after: int = -1) -> Told:
    """Whatever there is, read piece by piece."""
    told: Told = []
    while events := channel.read(after, wait_s=0).events:
        told += events
        after = last_place(events, after)
    return told


def printed(events: Iterable[object]) -> list[tuple[int, bytes]]:
    return [(event.stream, event.data) for event in events if isinstance(event, Printed)]


def test_events_stand_at_places_of_which_output_takes_one_a_byte(clock: Clock) -> None:
    channel = channel_of(clock)
    channel.printed("run", 1, b"Hello\n")
    channel.step_is_over()
    channel.end()
    channel.close()
    assert [(type(event), event.seq) for event in all_of(channel) if isinstance(event, Event)] == [
        (Queued, 0), (Began, 1), (StepBegan, 2), (Printed, 8), (Ended, 9),
    ]  # fmt: skip
    assert channel.read(9, wait_s=0) == ([], True)


def test_small_output_is_merged_until_it_is_large_or_late(clock: Clock) -> None:
    channel = channel_of(clock)
    for _ in range(3):
        channel.printed("run", 1, b"a")
    assert printed(all_of(channel)) == [(1, b"a")], "the first comes at once, the others wait"
    clock.now += MERGED_S
    assert printed(all_of(channel)) == [(1, b"a"), (1, b"aa")], "whoever reads makes an event of what is late"
    channel.printed("run", 1, b"b" * MERGED_BYTES)
    channel.printed("run", 1, b"c")
    channel.printed("run", 2, b"d")
    assert printed(all_of(channel))[2:] == [(1, b"b" * MERGED_BYTES), (1, b"c")]


def test_a_hundred_thousand_tiny_writes_are_few_events(clock: Clock) -> None:
    channel = channel_of(clock)
    for _ in range(100_000):
        clock.now += 0.000_01
        channel.printed("run", 1, b"x")
    channel.step_is_over()
    events = printed(all_of(channel))
    assert sum(len(data) for _, data in events) == 100_000
    assert len(events) <= 1 / MERGED_S + 100_000 / MERGED_BYTES + 2


def test_output_comes_with_the_time_since_its_step_began(clock: Clock) -> None:
    channel = channel_of(clock)
    clock.now += 0.0124
    channel.printed("run", 1, b"a")
    (event,) = [event for event in all_of(channel) if isinstance(event, Printed)]
    assert event.t_ms == 12.4


def test_characters_are_not_cut_and_those_that_never_end_come_at_the_end(clock: Clock) -> None:
    channel = channel_of(clock)
    for byte in "€😀".encode() + b"\xf0\x9f":
        clock.now += 1
        channel.printed("run", 1, bytes([byte]))
    assert printed(all_of(channel)) == [(1, "€".encode()), (1, "😀".encode())]
    channel.step_is_over()
    assert printed(all_of(channel))[2:] == [(1, b"\xf0\x9f")]


def test_what_is_too_late_for_the_ring_is_a_gap(clock: Clock) -> None:
    channel = channel_of(clock, most_bytes=20_000)
    for _ in range(10):
        channel.printed("run", 1, b"x" * MERGED_BYTES)
    told = all_of(channel)
    assert channel.kept_bytes <= 20_000
    first, gap, *rest = told
    assert isinstance(first, Queued), "the beginning is never lost"
    assert isinstance(gap, Gap)
    assert gap == Gap(1, 2 + 6 * MERGED_BYTES)
    assert printed(rest) == [(1, b"x" * MERGED_BYTES)] * 4
    assert all_of(channel, gap.last + 5)[0] == Printed(
        seq=gap.last + MERGED_BYTES, step="run", stream=1, data=b"x" * (MERGED_BYTES - 5), t_ms=0.0
    ), "one who has seen a part of an event gets the rest"


def test_a_second_attempt_says_so_to_those_of_the_first(clock: Clock) -> None:
    channel = channel_of(clock, attempt=2)
    for after, beginning in ((-1, [Queued, Restarted]), (5, [Restarted]), (ATTEMPT_PLACES, [])):
        assert [type(event) for event in all_of(channel, after)] == [*beginning, Began, StepBegan]


def test_publishing_wakes_who_waits() -> None:
    channel = Channel(uuid4(), most_bytes=MOST)
    channel.open()
    threading.Timer(0.05, channel.began, [1.0]).start()
    (event,) = channel.read(0, wait_s=30).events
    assert isinstance(event, Began)


def test_channels_are_kept_for_a_while_and_within_their_bound(clock: Clock) -> None:
    channels = Channels(most_bytes=100_000, most_bytes_each=MOST, clock=clock)
    ids = [uuid4() for _ in range(4)]
    for number, each in enumerate(ids):
        channel = channels.open(each, attempt=1)
        channel.open()
        channel.printed("run", 1, b"x" * 30_000)
        if number < 3:
            channel.end()
            channels.close(channel)
    assert [channels.find(each) is not None for each in ids] == [False, True, True, True], "the oldest went"
    assert channels.kept_bytes <= 100_000
    open_one = channels.find(ids[3])
    assert open_one is not None
    for _ in range(20):
        open_one.printed("run", 1, b"y" * 30_000)
    assert channels.kept_bytes <= 100_000
    assert open_one.kept_bytes > 60_000, "all is for the one that runs"
    channels.close(open_one)
    clock.now += KEPT_S
    assert channels.find(ids[3]) is None
    assert channels.kept_bytes == 0


def test_an_attempt_takes_the_place_of_the_one_before(clock: Clock) -> None:
    channels = Channels(most_bytes=MOST, most_bytes_each=MOST, clock=clock)
    execution_id = uuid4()
    first = channels.open(execution_id, attempt=1)
    first.began(1.0)
    second = channels.open(execution_id, attempt=2)
    assert channels.find(execution_id) is second
    channels.close(first)
    assert channels.find(execution_id) is second
    channels.close(second)
    clock.now += KEPT_S
    assert channels.find(execution_id) is None
    assert channels.kept_bytes == 0


def row_of(result: StepResult, execution_id: UUID | None = None) -> Execution:
    return Execution(
        id=execution_id or uuid4(), status=Status.FINISHED, outcome="ok", started_at="then", queue_ms=1.0,
        **recorded([result]),
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(20))
def test_the_row_tells_the_same_bytes_at_the_same_places(seed: int, clock: Clock) -> None:
    """However the output was cut into events, and wherever one left off, the rest comes from the row exactly."""
    chance = random.Random(seed)
    channel = channel_of(clock)
    streams: dict[int, bytes] = {1: b"", 2: b""}
    order: list[tuple[int, int]] = []
    for _ in range(60):
        stream = chance.choice((1, 2))
        data = bytes(
            chance.choice((0x41, 0xE2, 0x82, 0xAC, 0xF0, 0x9F, 0x98, 0xFF)) for _ in range(chance.randint(1, 6))
        )
        clock.now += chance.choice((0, MERGED_S))
        channel.printed("run", stream, data)
        if chance.random() < 0.3:
            channel.read(-1, wait_s=0)
        streams[stream] += data
        if order and order[-1][0] == stream:
            order[-1] = (stream, order[-1][1] + len(data))
        else:
            order.append((stream, len(data)))
    channel.step_is_over()
    live = [event for event in all_of(channel) if isinstance(event, Printed)]
    row = row_of(StepResult("run", Outcome.OK, streams[1], streams[2], exit_code=0, order=tuple(order)))
    for seen in [2, *(event.seq for event in live)]:
        rest = [event for event in story(row, after=seen) if isinstance(event, Printed)]
        assert bytewise(rest) == bytewise(event for event in live if event.seq > seen)
    assert [type(event).__name__ for event in story(row)][-2:] == ["StepEnded", "Ended"]


def bytewise(events: Iterable[Printed]) -> list[tuple[int, int, int]]:
    """Each byte with its stream and its place."""
    return [
        (event.before + 1 + number, event.stream, byte) for event in events for number, byte in enumerate(event.data)
    ]


def test_a_row_without_the_order_has_a_gap_for_who_has_seen_a_part() -> None:
    row = row_of(StepResult("run", Outcome.OK, b"out", b"error", exit_code=0))
    assert printed(story(row)) == [(1, b"out"), (2, b"error")]
    assert next(story(row, after=4)) == Gap(5, 10)
    assert printed(story(row, after=4)) == []
    assert printed(story(row, after=2)) == [(1, b"out"), (2, b"error")], "who has seen nothing of it misses nothing"
