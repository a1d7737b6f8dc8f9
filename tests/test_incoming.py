"""Where a request ends is known from its bytes, in whatever pieces they come."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serve.incoming import MAX_CHUNKS, MAX_DRAINED_BYTES, MAX_HEAD_BYTES, End, Incoming

HEAD = b"POST /execute HTTP/1.1\r\nHost: localhost\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
NEXT = b"GET /next HTTP/1.1\r\n"
WHOLE = [
    b"GET /ping HTTP/1.1\r\n\r\n",
    b"\r\nGET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n",
    HEAD + b"content-length: 5\r\n\r\n12345",
    HEAD + b"Content-Length:0\r\n\r\n",
    CHUNKED + b"0\r\n\r\n",
    CHUNKED + b"5\r\n12345\r\n0\r\n\r\n",
    CHUNKED + b"a;name=value\r\n0\r\n\r\n0\r\n\r\n\r\nB \r\n12345678901\r\n000\r\nA: b\r\nC: d\r\n\r\n",
]
UNCLEAR = [
    b"GET /ping HTTP/1.1\nHost: localhost\r\n",
    b"\x16\x03\x01\x00\n",
    HEAD + b"Content-Length: -1\r\n\r\n",
    HEAD + b"Content-Length: five\r\n\r\n",
    HEAD + b"Content-Length: \r\n\r\n",
    HEAD + b"Expect: something\r\nContent-Length: 5\r\n\r\n",
    CHUNKED + b"zz\r\n",
    CHUNKED + b"\r\n",
    CHUNKED + b"2\r\n{}{}\r\n0\r\n",
    CHUNKED + b"1" * 20_000,
    CHUNKED + b"2\n{}",
]


def fed(data: bytes, cuts: set[int], *, max_bytes: int = 4096) -> Incoming:
    """What has come in these pieces, until the end is known."""
    incoming = Incoming(max_bytes)
    places = [0, *sorted(cut for cut in cuts if 0 < cut < len(data)), len(data)]
    for begins, ends in itertools.pairwise(places):
        if incoming.end is None:
            incoming.feed(data[begins:ends])
    return incoming


@given(request=st.sampled_from(WHOLE), behind=st.sampled_from([b"", NEXT]), cuts=st.sets(st.integers(1, 120)))
def test_a_request_is_whole_with_its_last_byte(request: bytes, behind: bytes, cuts: set[int]) -> None:
    assert fed(request[:-1], cuts).end is None
    cuts = {cut for cut in cuts if cut <= len(request)}
    incoming = fed(request + behind, cuts)
    assert incoming.end is End.WHOLE
    read = b"".join(iter(lambda: incoming.read(7), b""))
    assert read == request
    assert incoming.read(7) == b""
    assert incoming.has_more_behind is bool(incoming.following().bytes)
    assert incoming.following().read(100) == incoming.following().read(100) == behind[: incoming.following().bytes]


@given(request=st.sampled_from(UNCLEAR), cuts=st.sets(st.integers(1, 120)))
def test_what_is_no_request_is_not_waited_for(request: bytes, cuts: set[int]) -> None:
    incoming = fed(request, cuts, max_bytes=30_000)
    assert incoming.end is End.UNCLEAR
    assert incoming.read(100_000) == request[: incoming.bytes]


@given(st.binary(max_size=200), st.sets(st.integers(1, 200)))
def test_no_bytes_are_lost_or_made_up(data: bytes, cuts: set[int]) -> None:
    incoming = fed(data, cuts)
    incoming.close(End.ENDED)
    read = b"".join(iter(lambda: incoming.read(9), b""))
    assert data.startswith(read)
    assert incoming.end is End.WHOLE or read == data[: incoming.bytes]


def test_a_head_without_end_is_not_waited_for_forever() -> None:
    incoming = Incoming(2 * MAX_HEAD_BYTES)
    incoming.feed(b"GET /ping HTTP/1.1\r\nA: ")
    while incoming.end is None:
        incoming.feed(b"b" * 65_536)
    assert incoming.end is End.UNCLEAR
    assert incoming.bytes < MAX_HEAD_BYTES + 100_000


@pytest.mark.parametrize("sent", [HEAD + b"Content-Length: 100000\r\n\r\n", CHUNKED + b"186A0\r\n"])
def test_of_a_body_that_is_too_large_no_more_is_kept(sent: bytes) -> None:
    incoming = Incoming(4096)
    incoming.feed(sent)
    for _ in range(100):
        assert incoming.end is None
        incoming.feed(b"x" * 1000)
    if incoming.end is None:
        incoming.feed(b"\r\n0\r\n\r\n")
    assert incoming.end is End.TOO_MUCH
    assert incoming.kept_bytes < 4096 + 1000
    assert incoming.read(10_000).startswith(sent)
    assert not incoming.has_more_behind


def test_a_body_in_tiny_chunks_is_not_followed_forever() -> None:
    incoming = Incoming(2 * MAX_HEAD_BYTES)
    incoming.feed(CHUNKED)
    incoming.feed(b"1\r\nx\r\n" * MAX_CHUNKS)
    assert incoming.end is None
    incoming.feed(b"1\r\nx\r\n")
    assert incoming.end is End.TOO_MUCH


def test_one_that_asks_first_is_told_to_go_on_or_refused() -> None:
    asking = HEAD + b"Expect: 100-Continue\r\nContent-Length: %d\r\n\r\n"
    incoming = fed(asking % 5, set())
    assert (incoming.end, incoming.asks_to_go_on) == (None, True)
    assert fed(asking % 5000, set()).end is End.TOO_MUCH
    assert not fed((asking % 5).replace(b"/1.1", b"/1.0"), set()).asks_to_go_on


def test_what_is_drained_is_bounded() -> None:
    incoming = Incoming(4096)
    incoming.feed(HEAD + b"Content-Length: 1000000000\r\n\r\n")
    while incoming.end is None:
        incoming.feed(b"x" * 1_000_000)
    assert incoming.end is End.TOO_MUCH
    assert incoming.bytes < MAX_DRAINED_BYTES + 2_000_000
