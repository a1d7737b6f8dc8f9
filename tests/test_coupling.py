"""Two conversations that feed each other, whatever comes in whatever order: no I/O."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from sandbox import protocol
from sandbox.coupling import CoupledExchange, couple
from sandbox.errors import ContainerLost
from sandbox.outcomes import Reason
from sandbox.types import Limits, Outcome, Step

HEADER = struct.Struct(">cI")
OUTPUT_BYTES = 900_000


@dataclass
class Runner:
    """What one of the two was sent, as its runner sees it, which refuses what no pool may send."""

    stdin: bytearray = field(default_factory=bytearray)
    unacknowledged: int = 0
    closed: bool = False
    killed: bool = False
    gone: bool = False

    def send(self, data: bytes) -> None:
        if self.gone:
            raise ContainerLost("gone")
        while data:
            kind, length = HEADER.unpack_from(data)
            payload, data = data[HEADER.size : HEADER.size + length], data[HEADER.size + length :]
            if kind == b"K":
                self.killed = True
                continue
            assert kind == b"I"
            assert not self.closed, "bytes after the end of stdin"
            self.closed = not payload
            self.stdin += payload
            self.unacknowledged += len(payload)
            assert self.unacknowledged <= protocol.STDIN_WINDOW


def step(name: str) -> Step:
    return Step(name, ("true",), Limits(wall_ms=60_000, output_bytes=OUTPUT_BYTES))


def result(exit_code: int = 0) -> protocol.Result:
    return protocol.Result(
        reason=Reason.EXITED,
        exit_code=exit_code,
        signal=0,
        stdout_cut=False,
        stderr_cut=False,
        started_ahead=False,
        wall_us=1,
        cpu_us=1,
        peak_memory_bytes=1,
        detail="",
    )


def acknowledge(exchange: CoupledExchange, runner: Runner) -> None:
    if exchange.result is None and runner.unacknowledged:
        size, runner.unacknowledged = runner.unacknowledged, 0
        exchange.take(protocol.Window(size))


Turn = tuple[int, str, int]
TURNS = st.lists(
    st.tuples(
        st.integers(0, 1), st.sampled_from(["begin", "print", "print", "err", "read", "end"]), st.integers(1, 65_536)
    ),
    max_size=60,
)


@given(TURNS)
def test_each_reads_all_that_the_other_printed_and_then_the_end(turns: list[Turn]) -> None:
    runners = Runner(), Runner()
    both = couple(step("a"), runners[0].send, step("b"), runners[1].send, stream_output=False)
    begun, first = [False, False], []
    for who, what, size in [*turns, *[(who, what, 1) for what in ("begin", "end") for who in (0, 1)]]:
        exchange, runner = both[who], runners[who]
        if what == "begin" and not begun[who]:
            begun[who] = True
            exchange.begun()
        if not begun[who] or exchange.result is not None:
            assert begun[who] or not runner.stdin, "stdin before the step"
            continue
        if what == "print":
            exchange.take(protocol.Output(1, bytes([size % 256]) * size))
        elif what == "err":
            exchange.take(protocol.Output(2, b"e" * size))
        elif what == "read":
            acknowledge(exchange, runner)
        elif what == "end":
            # The one that is left reads on until nothing more comes.
            for _ in range(20):
                acknowledge(exchange, runner)
            exchange.take(result(size % 256))
            first.append(who)
    for who in (0, 1):
        mine, other = both[who], both[1 - who]
        assert mine.result is not None
        assert other.result is not None
        assert other.result.stdout.startswith(runners[who].stdin)
        assert mine.result.after_other == (first[1] == who)
        assert len(mine.result.stdout) <= OUTPUT_BYTES
        assert not runners[who].killed
    last = first[1]
    assert runners[last].closed
    assert runners[last].stdin == both[1 - last].printed


def test_no_more_than_the_window_is_sent_before_it_is_acknowledged() -> None:
    runners = Runner(), Runner()
    own, theirs = couple(step("a"), runners[0].send, step("b"), runners[1].send, stream_output=False)
    own.begun()
    theirs.begun()
    for _ in range(12):
        own.take(protocol.Output(1, b"x" * 65_536))
    assert len(runners[1].stdin) == protocol.STDIN_WINDOW
    acknowledge(theirs, runners[1])
    assert len(runners[1].stdin) == 2 * protocol.STDIN_WINDOW
    own.take(result())
    assert not runners[1].closed
    acknowledge(theirs, runners[1])
    assert (len(runners[1].stdin), runners[1].closed) == (12 * 65_536, True)


def test_where_one_is_lost_the_other_is_killed_once_it_runs() -> None:
    for begins_first in (False, True):
        runners = Runner(), Runner()
        own, theirs = couple(step("a"), runners[0].send, step("b"), runners[1].send, stream_output=False)
        if begins_first:
            theirs.begun()
        own.fail("gone")
        if not begins_first:
            theirs.begun()
        assert runners[1].killed
        assert own.result is not None
        assert (own.result.outcome, own.result.after_other) == (Outcome.SANDBOX_ERROR, False)
        theirs.take(result())
        assert theirs.result is not None
        assert theirs.result.after_other


def test_a_stream_that_breaks_is_found_out_by_its_own_reader_alone() -> None:
    runners = Runner(), Runner()
    own, theirs = couple(step("a"), runners[0].send, step("b"), runners[1].send, stream_output=False)
    own.begun()
    theirs.begun()
    runners[1].gone = True
    own.take(protocol.Output(1, b"to nobody"))
    assert (own.result, theirs.result) == (None, None)
    theirs.fail("gone")
    assert runners[0].killed


def test_output_is_told_of_the_first_alone() -> None:
    runners = Runner(), Runner()
    own, theirs = couple(step("a"), runners[0].send, step("b"), runners[1].send, stream_output=True)
    own.begun()
    theirs.begun()
    assert own.take(protocol.Output(1, b"x")) is not None
    assert theirs.take(protocol.Output(1, b"x")) is None
