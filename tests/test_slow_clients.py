"""A client has a time to send its request and to read each part of the answer; then its thread is another's."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from serve import sockets
from serve.sockets import Connection, Listener
from tests.conftest import StartServer


@pytest.fixture
def pair(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Connection, socket.socket]]:
    """The server's end of a connection, and the client's, with times of a third of a second."""
    monkeypatch.setattr(sockets, "READ_S", 0.3)
    monkeypatch.setattr(sockets, "SEND_S", 0.3)
    with Listener() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        client = socket.create_connection(listener.getsockname())
        connection, _ = listener.accept()
        with client, connection:
            yield connection, client


def test_what_has_come_in_time_is_read_also_when_the_time_is_over(pair: tuple[Connection, socket.socket]) -> None:
    connection, client = pair
    client.sendall(b"GET")
    assert connection.recv(100) == b"GET"
    client.sendall(b" / HTTP/1.1")
    # As if this process had been suspended.
    time.sleep(0.4)
    assert connection.recv(4) == b" / H"
    assert connection.recv(100) == b"TTP/1.1"
    assert (connection.recv(100), connection.given_up) == (b"", True)


def test_what_has_come_is_read_at_once(pair: tuple[Connection, socket.socket]) -> None:
    connection, client = pair
    client.sendall(b"GET")
    assert connection.recv(100) == b"GET"
    client.close()
    assert connection.recv(100) == b""


def test_silence_ends_like_a_closed_stream(pair: tuple[Connection, socket.socket]) -> None:
    connection, _ = pair
    began = time.monotonic()
    assert connection.recv(100) == b""
    assert 0.25 < time.monotonic() - began < 2


def test_a_client_that_was_given_up_gets_no_time_by_an_answer(pair: tuple[Connection, socket.socket]) -> None:
    connection, client = pair
    assert connection.recv(100) == b""
    connection.sendall(b"400")
    client.sendall(b"more")
    assert connection.recv(100) == b""


def test_a_byte_now_and_then_buys_no_time(pair: tuple[Connection, socket.socket]) -> None:
    connection, client = pair
    stop = threading.Event()

    def trickle() -> None:
        while not stop.wait(0.05):
            client.sendall(b"x")

    thread = threading.Thread(target=trickle)
    thread.start()
    began = time.monotonic()
    while connection.recv(1):
        assert time.monotonic() - began < 5
    stop.set()
    thread.join()
    assert 0.25 < time.monotonic() - began < 2


def test_after_an_answer_another_request_has_its_own_time(pair: tuple[Connection, socket.socket]) -> None:
    connection, client = pair
    for _ in range(2):
        client.sendall(b"GET")
        assert connection.recv(100) == b"GET"
        time.sleep(0.35)
        connection.sendall(b"200")
        assert client.recv(100) == b"200"


def test_time_outs_that_the_server_sets_itself_stay_what_they_are(pair: tuple[Connection, socket.socket]) -> None:
    connection, _ = pair
    connection.settimeout(0.05)
    with pytest.raises(TimeoutError):
        connection.recv(100)
    connection.setblocking(False)
    with pytest.raises(BlockingIOError):
        connection.recv(100)


def test_an_answer_that_nobody_reads_is_given_up(pair: tuple[Connection, socket.socket]) -> None:
    connection, _ = pair
    began = time.monotonic()
    with pytest.raises(BlockingIOError):
        connection.sendall(b"x" * 50_000_000)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    "head",
    [b"GET /ping HTTP/1.1\r\nX-Slow: ", b"POST /execute HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"],
)
def test_a_request_that_trickles_in_is_ended(server: StartServer, head: bytes) -> None:
    running = server()
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", running.port), timeout=0.5) as connection:
        connection.sendall(head)
        while time.monotonic() - began < 30:
            try:
                connection.sendall(b"x")
                if not connection.recv(1000):
                    break
            except TimeoutError:
                continue
            except OSError:
                break
    assert sockets.READ_S - 1 < time.monotonic() - began < sockets.READ_S + 4
    assert running.request("/ping").status == 200


def test_a_connection_is_kept_for_the_next_request(server: StartServer) -> None:
    running = server()
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=10)
    with closing(connection):
        connection.connect()
        kept = connection.sock
        for _ in range(3):
            connection.request("GET", "/ping")
            assert connection.getresponse().read() == b'{"status":"ok"}'
            assert connection.sock is kept
            time.sleep(0.3)
