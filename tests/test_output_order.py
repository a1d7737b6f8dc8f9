"""In which order the two streams of a step came: told with its result, and bounded."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox import exchange, protocol
from sandbox.exchange import Exchange
from sandbox.outcomes import Reason
from sandbox.types import Limits, Step, StepResult

OUTPUT_BYTES = 20_000
PIECES = st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(min_size=1, max_size=40)), max_size=60)


def result_of(pieces: list[tuple[int, bytes]], output_bytes: int = OUTPUT_BYTES) -> StepResult:
    """What becomes of a step that has printed these."""
    conversation = Exchange(
        Step("run", ("true",), Limits(wall_ms=1000, output_bytes=output_bytes)), stream_output=False
    )
    for stream, data in pieces:
        conversation.take(protocol.Output(stream, data))
    conversation.take(protocol.Result(Reason.EXITED, 0, 0, False, False, False, 1, 1, 1, ""))
    assert conversation.result is not None
    return conversation.result


def in_order(result: StepResult) -> bytes:
    """Both streams as one."""
    left = {1: result.stdout, 2: result.stderr}
    whole = b""
    for stream, size in result.order:
        whole += left[stream][:size]
        left[stream] = left[stream][size:]
    assert left == {1: b"", 2: b""}
    return whole


@given(PIECES)
def test_both_streams_put_together_are_what_came(pieces: list[tuple[int, bytes]]) -> None:
    result = result_of(pieces)
    assert in_order(result) == b"".join(data for _, data in pieces)
    turns = [stream for stream, _ in result.order]
    assert all(one != following for one, following in pairwise(turns))


@given(PIECES, st.integers(0, 200))
def test_what_is_cut_is_in_no_order(pieces: list[tuple[int, bytes]], output_bytes: int) -> None:
    result = result_of(pieces, output_bytes)
    assert len(in_order(result)) == len(result.stdout) + len(result.stderr)


@given(PIECES, st.integers(2, 8))
def test_beyond_the_bound_what_follows_is_told_as_in_sequence(pieces: list[tuple[int, bytes]], bound: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exchange, "_TURNS", bound)
        result = result_of(pieces)
    assert len(result.order) <= bound
    whole = b"".join(data for _, data in pieces)
    assert sorted(in_order(result)) == sorted(whole)


def test_a_step_that_broke_has_its_order_too() -> None:
    conversation = Exchange(Step("run", ("true",), Limits(wall_ms=1000, output_bytes=100)), stream_output=False)
    for stream, data in ((1, b"a"), (2, b"bb"), (1, b"c")):
        conversation.take(protocol.Output(stream, data))
    conversation.fail("broke")
    assert conversation.result is not None
    assert conversation.result.order == ((1, 1), (2, 2), (1, 1))
