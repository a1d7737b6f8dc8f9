"""A client that hangs up gives its place back; one that has only ended its sending is answered, byte for byte."""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from rest.disconnect import watched
from serve.incoming import End
from serve.sockets import Connection, Listener
from testkit.processes import youngest
from testkit.servers import RunningServer
from testkit.waiting import eventually
from tests.conftest import StartServer
from tests.test_shutdown import rows

WITHIN_S = 2.0
"""The promise is a second; the machine may be busy."""
ROWS = "SELECT status, outcome, error, convert_from(output, 'UTF8') FROM executions_execution ORDER BY id"

HangUp = Callable[[socket.socket], None]


class Unlucky:
    """A client whose socket fails once it is looked at again."""

    arrived_at = 0.0

    def __init__(self, real: socket.socket) -> None:
        self._real = real

    def fileno(self) -> int:
        return self._real.fileno()

    def send_ahead(self) -> None:
        raise RuntimeError("a bug")


def close(client: socket.socket) -> None:
    client.close()


def reset(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def end_sending_and_close_later(client: socket.socket) -> None:
    client.shutdown(socket.SHUT_WR)
    time.sleep(0.2)
    client.close()


@pytest.fixture
def pair() -> Iterator[tuple[Connection, socket.socket]]:
    """The server's end of a connection, and the client's."""
    with Listener() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        client = socket.create_connection(listener.getsockname(), timeout=10)
        connection, _ = listener.accept()
        with client, connection:
            yield connection, client


@pytest.mark.parametrize("hang_up", [close, reset, end_sending_and_close_later])
def test_one_that_is_gone_has_its_work_cancelled(pair: tuple[Connection, socket.socket], hang_up: HangUp) -> None:
    connection, peer = pair
    cancelled = threading.Event()
    with watched({"gunicorn.socket": connection}) as client:
        client.when_gone(lambda: cancelled.set() or True)  # type: ignore[func-returns-value]
        assert not cancelled.wait(0.1)
        hang_up(peer)
        assert cancelled.wait(WITHIN_S)
        assert client.gone


def test_work_that_is_not_known_yet_is_cancelled_when_it_is(pair: tuple[Connection, socket.socket]) -> None:
    connection, peer = pair
    asked: list[float] = []

    def cancel() -> bool:
        asked.append(time.monotonic())
        return len(asked) == 3

    with watched({"gunicorn.socket": connection}) as client:
        peer.close()
        eventually(lambda: client.gone)
        client.when_gone(cancel)
        eventually(lambda: len(asked) == 3)
        time.sleep(0.3)
    assert len(asked) == 3


@pytest.mark.parametrize("hang_up", [close, reset])
def test_one_that_was_gone_before_is_known_at_once(pair: tuple[Connection, socket.socket], hang_up: HangUp) -> None:
    connection, peer = pair
    hang_up(peer)
    time.sleep(0.05)
    with watched({"gunicorn.socket": connection}) as client:
        assert client.gone


def test_one_that_only_ended_its_sending_gets_every_byte_once(pair: tuple[Connection, socket.socket]) -> None:
    connection, peer = pair
    with watched({"gunicorn.socket": connection}) as client:
        peer.shutdown(socket.SHUT_WR)
        assert peer.recv(100) == b"H"
        time.sleep(0.3)
        assert not client.gone
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    connection.sendall(b"\r\n")
    connection.close()
    assert b"".join(iter(lambda: peer.recv(100), b"")) == b"TTP/1.1 200 OK\r\n\r\n"


def test_a_request_that_is_sent_already_is_no_hang_up(pair: tuple[Connection, socket.socket]) -> None:
    connection, peer = pair
    with watched({"gunicorn.socket": connection}) as client:
        peer.sendall(b"POST /execute HTTP/1.1\r\n")
        time.sleep(0.3)
        assert not client.gone
    connection.gather()
    connection.incoming.close(End.LATE)
    assert connection.recv(100) == b"POST /execute HTTP/1.1\r\n"


def test_the_wait_counts_from_the_arrival(pair: tuple[Connection, socket.socket]) -> None:
    connection, _ = pair
    connection.arrived_at = 123.0
    with watched({"gunicorn.socket": connection}) as client:
        assert client.arrived_at == 123.0
    before = time.monotonic()
    with watched({}) as client:
        assert before <= client.arrived_at <= time.monotonic()


def test_a_server_with_other_sockets_watches_nothing() -> None:
    with watched({}) as client:
        assert not client.gone


def sent(running: RunningServer, source: str, *, address: str = "192.0.2.1") -> socket.socket:
    """A client that has sent a program, from an address that a trusted proxy would name."""
    body = json.dumps({"language": "python", "source_code": source, "timeout_ms": 60_000}).encode()
    client = socket.create_connection(("127.0.0.1", running.port), timeout=30)
    head = f"POST /execute HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {len(body)}\r\n"
    client.sendall(f"{head}X-Forwarded-For: {address}\r\n\r\n".encode() + body)
    return client


def states(running: RunningServer) -> list[str]:
    return [str(row[0]) for row in rows(running, ROWS)]


SLEEPER = "import time\nprint('begun', flush=True)\ntime.sleep(50)"


def test_places_of_clients_that_hang_up_are_free_within_a_second(server: StartServer) -> None:
    running = server(GEXEC_SLOTS="1", GEXEC_WAIT_MS="60000")
    first = sent(running, SLEEPER)
    eventually(lambda: states(running) == ["running"])
    queued = [sent(running, f"print({number})") for number in range(2)]
    eventually(lambda: states(running) == ["running", "queued", "queued"])
    time.sleep(0.5)
    reset(queued[0])
    close(queued[1])
    eventually(lambda: states(running) == ["running", "finished", "finished"], within_s=WITHIN_S)
    close(first)
    eventually(lambda: states(running) == ["finished"] * 3, within_s=WITHIN_S)
    gone = "execution cancelled: the client is gone"
    assert rows(running, ROWS) == [
        ("finished", "cancelled", gone, "begun\n"),
        ("finished", "cancelled", gone, ""),
        ("finished", "cancelled", gone, ""),
    ]
    assert running.execute("print(1)").json()["stdout"] == "1\n"


def test_a_client_that_ended_its_sending_is_answered(server: StartServer) -> None:
    running = server(GEXEC_SLOTS="1")
    with sent(running, "import time\ntime.sleep(1)\nprint('read on')") as client:
        client.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: client.recv(4096), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert json.loads(body) == {"stdout": "read on\n", "stderr": "", "exit_code": 0, "error": ""}


def test_what_was_given_up_before_it_was_read_is_not_run(server: StartServer) -> None:
    running = server(GEXEC_SLOTS="1")
    worker = youngest(running.pids)
    os.kill(worker, signal.SIGSTOP)
    try:
        close(sent(running, "print('for nobody')"))
        reset(sent(running, "print('for nobody')"))
    finally:
        os.kill(worker, signal.SIGCONT)
    assert running.execute("print(1)").json()["stdout"] == "1\n"
    assert [row[3] for row in rows(running, ROWS) if row[3]] == ["1\n"]


def test_what_goes_wrong_with_one_client_is_not_kept_from_the_others() -> None:
    (here, there), (other, far) = socket.socketpair(), socket.socketpair()
    with here, there, other, far, watched({"gunicorn.socket": Unlucky(here)}):
        there.shutdown(socket.SHUT_WR)
        time.sleep(0.2)
        with watched({"gunicorn.socket": Plain(other)}) as client:
            far.close()
            eventually(lambda: client.gone)


class Plain(Unlucky):
    """One whose socket does as it should."""

    def send_ahead(self) -> None:
        """Nothing has to be asked: the other end of a pair is known to have closed."""
