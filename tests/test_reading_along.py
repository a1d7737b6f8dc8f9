"""Who reads an answer that goes on: whether it is there, and takes what it is sent."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from rest.streams import Reader
from serve.sockets import Connection, Listener, Shared
from testkit.waiting import eventually

MUCH = b"x" * (16 << 20)
"""More than the kernel takes for a client that does not read."""


@pytest.fixture
def ends() -> Iterator[tuple[Connection, socket.socket]]:
    """The server's end of a connection, and the client's."""
    with Listener(shared=Shared()) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        client = socket.create_connection(listener.getsockname(), timeout=30)
        connection, _ = listener.accept()
        with closing(client), closing(connection):
            yield connection, client


def reader_of(connection: Connection, *, stalled_s: float = 60.0) -> Reader:
    return Reader({"gunicorn.socket": connection}, stalled_s=stalled_s)


def test_one_that_does_not_read_is_sent_no_more_until_it_has_what_there_is(
    ends: tuple[Connection, socket.socket],
) -> None:
    connection, client = ends
    reader = reader_of(connection)
    assert reader.takes_more(0)
    connection.sendall(MUCH)
    assert not reader.takes_more(0.01)
    assert not reader.has_gone
    received = 0
    while not reader.takes_more(0):
        received += len(client.recv(1 << 20))
        assert not reader.has_gone, "it takes its time, and takes something"
    assert received > 0
    assert not connection.unsent


def test_one_that_takes_nothing_for_long_is_given_up(ends: tuple[Connection, socket.socket]) -> None:
    connection, _ = ends
    reader = reader_of(connection, stalled_s=0.05)
    connection.sendall(MUCH)
    assert not reader.takes_more(0)
    time.sleep(0.1)
    assert reader.has_gone


def test_one_that_has_ended_its_sending_is_asked_once_and_stays(ends: tuple[Connection, socket.socket]) -> None:
    connection, client = ends
    reader = reader_of(connection)
    assert not reader.should_be_asked()
    client.shutdown(socket.SHUT_WR)
    assert eventually(reader.should_be_asked)
    connection.sendall(b": ping\n\n")
    assert client.recv(100) == b": ping\n\n"
    assert not reader.should_be_asked()
    assert not reader.has_gone


def test_one_that_has_closed_is_seen_once_it_was_asked(ends: tuple[Connection, socket.socket]) -> None:
    connection, client = ends
    reader = reader_of(connection)
    client.close()
    assert eventually(reader.should_be_asked)
    connection.sendall(b": ping\n\n")
    assert eventually(lambda: reader.has_gone)


def test_without_a_socket_of_ours_it_takes_all_and_stays() -> None:
    reader = Reader({})
    assert reader.takes_more(0)
    assert not reader.has_gone
    assert not reader.should_be_asked()
