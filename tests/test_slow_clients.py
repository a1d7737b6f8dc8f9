"""A client has a time to send its request and to read each part of the answer, and no thread meanwhile."""

from __future__ import annotations

import http.client
import io
import json
import selectors
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from functools import partial

import pytest

from serve import clients, sockets
from serve.clients import Clients
from serve.incoming import End
from serve.sockets import Connection, Listener, Shared
from testkit.servers import RunningServer
from testkit.waiting import eventually
from tests.conftest import StartServer

HEAD = b"POST /execute HTTP/1.1\r\nHost: localhost\r\n"
PING = b"GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n"
LARGE = b"x" * 20_000_000
"""More than the kernel keeps for a client that does not read."""


class Waiting:
    """gunicorn's connection, as far as Clients needs it."""

    data_ready = False

    def __init__(self, sock: Connection) -> None:
        self.sock = sock

    def close(self) -> None:
        self.sock.close()


class Loop:
    """The worker's main thread, of which a test takes each turn; nobody answers what is handed over."""

    def __init__(self, stack: ExitStack) -> None:
        self.shared = Shared(max_request_bytes=300_000, unsent_bytes=30_000_000)
        self.poller = stack.enter_context(selectors.DefaultSelector())
        self.listener = stack.enter_context(Listener(shared=self.shared))
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen()
        self.handed_over: list[Waiting] = []
        self.dropped: list[Waiting] = []
        self.kept: list[Waiting] = []
        self.clients = Clients(self.poller, self.shared, hand_over=self.handed_over.append, drop=self._drop)
        self._stack = stack

    def connect(self, sent: bytes = b"") -> tuple[Waiting, socket.socket]:
        """A new connection: the server's end, which waits for its request, and the client's."""
        peer = self._stack.enter_context(socket.create_connection(self.listener.getsockname(), timeout=10))
        peer.sendall(sent)
        client = Waiting(self._stack.enter_context(self.listener.accept()[0]))
        self.clients.read(client)
        return client, peer

    def taken_up(self) -> tuple[Waiting, socket.socket]:
        """Likewise, with a request that a thread has."""
        client, peer = self.connect(PING)
        self.until(lambda: client in self.handed_over)
        return client, peer

    def turn(self) -> None:
        for key, _ in self.poller.select(0.02):
            key.data(key.fileobj)
        self.clients.give_up_late()

    def until(self, seen: Callable[[], object]) -> None:
        def look() -> object:
            self.turn()
            return seen()

        eventually(look, every_s=0)

    def make_room(self) -> bool:
        return self.clients.make_room(self.kept, self._drop)

    def _drop(self, client: Waiting) -> None:
        self.dropped.append(client)
        client.close()


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loop]:
    monkeypatch.setattr(sockets, "READ_S", 0.4)
    monkeypatch.setattr(sockets, "SEND_S", 0.4)
    monkeypatch.setattr(sockets, "FULL_SEND_S", 0.3)
    monkeypatch.setattr(clients, "STALLED_S", 0.1)
    with ExitStack() as stack:
        yield Loop(stack)


def test_a_request_is_handed_over_when_it_is_whole(loop: Loop) -> None:
    client, peer = loop.connect(HEAD)
    for piece in (b"Content-Length: 5\r\n\r\n12", b"34"):
        loop.turn()
        assert not loop.handed_over
        peer.sendall(piece)
    loop.turn()
    peer.sendall(b"5")
    loop.until(lambda: loop.handed_over == [client])
    assert client.sock.arrived_at <= time.monotonic() < client.sock.arrived_at + 5
    assert client.sock.recv(1000) == HEAD + b"Content-Length: 5\r\n\r\n12345"
    assert client.sock.recv(1000) == b""
    assert not client.sock.ends


def test_what_has_come_in_time_counts_where_the_worker_itself_was_late(loop: Loop) -> None:
    body = b"x" * 100_000
    head = HEAD + b"Content-Length: %d\r\n\r\n" % len(body)
    client, peer = loop.connect(head)
    loop.turn()
    peer.sendall(body)
    # As if this process had been suspended.
    time.sleep(0.6)
    loop.clients.give_up_late()
    assert loop.handed_over == [client]
    assert client.sock.incoming.end is End.WHOLE


def test_requests_behind_one_another_are_handed_over_one_by_one(loop: Loop) -> None:
    client, peer = loop.connect(PING + PING + PING[:10])
    for _ in range(2):
        loop.until(lambda: loop.handed_over.pop() if loop.handed_over else None)
        assert client.sock.recv(1000) == PING
        assert client.sock.has_next
        loop.clients.read(client)
    loop.turn()
    assert not loop.handed_over
    peer.sendall(PING[10:])
    loop.until(lambda: loop.handed_over == [client])
    assert not client.sock.has_next


def test_the_silent_are_given_up_side_by_side(loop: Loop) -> None:
    began = time.monotonic()
    silent = [loop.connect()[0] for _ in range(40)]
    loop.until(lambda: len(loop.dropped) == 40)
    assert loop.dropped == silent
    assert 0.35 < time.monotonic() - began < 5


def test_a_byte_now_and_then_buys_no_time(loop: Loop) -> None:
    client, peer = loop.connect(b"GET ")
    began = time.monotonic()
    while not loop.dropped:
        peer.sendall(b"x")
        loop.turn()
        assert time.monotonic() - began < 5
    assert loop.dropped == [client]
    assert time.monotonic() - began > 0.35


def test_whose_head_is_here_is_told_that_the_body_is_late(loop: Loop) -> None:
    client, _ = loop.connect(HEAD + b"Content-Length: 5\r\n\r\n123")
    loop.until(lambda: loop.handed_over == [client])
    assert client.sock.given_up
    assert client.sock.recv(1000).endswith(b"123")
    assert client.sock.recv(1000) == b""
    assert client.sock.ends


def test_who_ends_its_sending_is_waited_for_no_longer(loop: Loop) -> None:
    cut, peer = loop.connect(HEAD + b"Content-Length: 5\r\n\r\n123")
    whole, other = loop.connect(PING)
    empty, third = loop.connect(b"GET /")
    for each in (peer, other, third):
        each.shutdown(socket.SHUT_WR)
    loop.until(lambda: len(loop.handed_over) == 2 and loop.dropped == [empty])
    assert (cut.sock.incoming.end, whole.sock.incoming.end) == (End.ENDED, End.WHOLE)


def test_one_that_waits_to_be_told_to_go_on_is_told(loop: Loop) -> None:
    _, peer = loop.connect(HEAD + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n")
    loop.turn()
    assert peer.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    peer.sendall(b"12345")
    loop.until(lambda: loop.handed_over)


def test_an_answer_is_read_without_a_thread(loop: Loop) -> None:
    client, peer = loop.taken_up()
    client.sock.sendall(b"head")
    client.sock.sendall(LARGE)
    assert client.sock.unsent
    done: list[bool] = []
    loop.clients.answer(client, lambda: done.append(True))
    got = 0
    while got < len(LARGE) + 4:
        loop.turn()
        got += len(peer.recv(1 << 20))
    loop.until(lambda: done)
    assert loop.shared.unsent.taken == 0


def test_an_answer_that_nobody_reads_is_given_up(loop: Loop) -> None:
    client, _ = loop.taken_up()
    client.sock.sendall(LARGE)
    loop.clients.answer(client, lambda: None)
    began = time.monotonic()
    loop.until(lambda: loop.dropped == [client])
    assert 0.35 < time.monotonic() - began < 5
    assert loop.shared.unsent.taken == 0


def test_answers_that_nobody_reads_share_a_bounded_memory(loop: Loop) -> None:
    loop.shared.ask_for_memory = loop.clients.make_memory
    for _ in range(4):
        client, _ = loop.taken_up()
        client.sock.sendall(LARGE)
        loop.clients.answer(client, lambda: None)
        assert loop.shared.unsent.taken <= 30_000_000
    assert len(loop.dropped) == 3


def test_who_takes_its_time_goes_where_others_need_the_memory(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "STALLED_S", 60.0)
    client, peer = loop.taken_up()
    client.sock.sendall(LARGE)
    loop.clients.answer(client, lambda: None)
    loop.clients.make_memory()
    assert not loop.dropped
    began = time.monotonic()
    while not loop.dropped:
        peer.recv(100_000)
        time.sleep(0.01)
        loop.turn()
        loop.clients.make_memory()
        assert time.monotonic() - began < 5
    assert loop.shared.unsent.taken == 0


def test_a_file_is_sent_without_a_thread_too(loop: Loop) -> None:
    client, peer = loop.taken_up()
    assert client.sock.sendfile(io.BytesIO(b"head" + LARGE), 4, len(LARGE) - 7) == len(LARGE) - 7
    assert client.sock.unsent
    loop.clients.answer(client, lambda: loop.clients.see_off(client))
    got = 0
    while piece := peer.recv(1 << 20):
        got += len(piece)
        loop.turn()
    assert got == len(LARGE) - 7


def test_with_no_memory_and_nobody_to_close_an_answer_is_given_up(loop: Loop) -> None:
    first, _ = loop.taken_up()
    first.sock.sendall(LARGE)
    second, _ = loop.taken_up()
    with pytest.raises(BrokenPipeError):
        second.sock.sendall(LARGE)


def test_large_requests_share_a_bounded_memory_and_small_ones_need_none(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "READ_S", 1.5)
    loop.shared.incoming.total = 400_000
    large = HEAD + b"Content-Length: 250000\r\n\r\n" + b"x" * 249_999
    greedy = [loop.connect(large) for _ in range(3)]
    loop.until(lambda: [client.sock.is_held_up for client, _ in greedy].count(True) >= 2)
    assert sum(client.sock.incoming.kept_bytes for client, _ in greedy) <= 200_000 + 3 * sockets.FREE_BYTES
    loop.connect(PING)
    loop.until(lambda: len(loop.handed_over) >= 1)
    # Who is late gives back what it had.
    loop.until(lambda: len(loop.handed_over) == 4)
    for client in loop.handed_over:
        client.close()
    assert loop.shared.incoming.taken == 0


def test_where_there_is_no_room_the_oldest_idle_one_goes(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "SPARED_AT_ONCE", 1)
    monkeypatch.setattr(sockets, "READ_S", 60.0)
    begun = loop.connect(b"GET ")[0]
    flood = [loop.connect()[0] for _ in range(3)]
    other = loop.connect()[0]
    other.sock.client = "192.0.2.1"
    kept = loop.connect(PING)[0]
    loop.until(lambda: loop.handed_over == [kept])
    loop.kept.append(kept)
    left = loop.connect()[0]
    loop.clients.see_off(left)
    for expected in (left, *flood, kept, begun):
        assert loop.make_room()
        assert loop.dropped[-1] is expected
        loop.kept = [client for client in loop.kept if client not in loop.dropped]
    assert loop.make_room()
    assert loop.dropped[-1] is other
    assert not loop.make_room()


def test_a_connection_that_ends_is_read_until_its_client_has_read_the_answer(loop: Loop) -> None:
    client, peer = loop.connect(PING + b"x" * 100_000)
    loop.until(lambda: loop.handed_over == [client])
    client.sock.sendall(b"answer")
    loop.clients.see_off(client)
    peer.sendall(b"x" * 100_000)
    loop.turn()
    assert peer.recv(100) == b"answer"
    assert peer.recv(100) == b""
    assert not loop.dropped
    peer.close()
    loop.until(lambda: loop.dropped == [client])


def trickle(port: int, head: bytes) -> tuple[float, bytes]:
    """For how long the server takes a byte now and then of such a request, in seconds, and its answer."""
    began, answer = time.monotonic(), b""
    with socket.create_connection(("127.0.0.1", port), timeout=0.5) as connection:
        connection.sendall(head)
        while time.monotonic() - began < 30:
            try:
                connection.sendall(b"x")
                if not (received := connection.recv(10_000)):
                    break
                answer += received
            except TimeoutError:
                continue
            except OSError:
                break
    return time.monotonic() - began, answer


def test_a_request_that_trickles_in_is_ended(plain_server: RunningServer) -> None:
    late = b"POST /api/v1/executions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"
    told = {b"GET /ping HTTP/1.1\r\nX-Slow: ": b"", late: b'"request_timeout"'}
    with ThreadPoolExecutor(len(told)) as pool:
        for (seconds, answer), expected in zip(
            pool.map(partial(trickle, plain_server.port), told), told.values(), strict=True
        ):
            assert sockets.READ_S - 1 < seconds < sockets.READ_S + 4
            assert expected in answer
    assert plain_server.request("/ping").status == 200


def test_slow_clients_keep_nobody_waiting(server: StartServer) -> None:
    shared = {"GEXEC_SLOTS": "2", "GEXEC_QUEUE": "20", "GEXEC_THREADS": "30", "GEXEC_CALLER_SHARE": "1"}
    running = server(**shared, GEXEC_WAIT_MS="60000")
    loud = json.dumps({"language": "python", "source_code": "print('x' * 1_000_000)"}).encode()
    slow = {
        "silent": b"",
        "half a head": HEAD,
        "half a body": HEAD + b"Content-Length: 1000\r\n\r\n{",
        "half a body that is too large": HEAD + b"Content-Length: 9000000\r\n\r\n{",
        "half a chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{",
        "keeps the connection": PING.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"),
        "reads no answer": HEAD + b"Content-Length: %d\r\n\r\n" % len(loud) + loud,
    }
    for name, sent in slow.items():
        with ExitStack() as stack:
            for _ in range(20 if name == "reads no answer" else 60):
                peer = stack.enter_context(socket.socket())
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                peer.settimeout(10)
                peer.connect(("127.0.0.1", running.port))
                peer.sendall(sent)
            began = time.monotonic()
            assert running.request("/ping").status == 200, name
            assert time.monotonic() - began < sockets.READ_S / 2, name
            assert running.execute("print(1)").json()["stdout"] == "1\n", name


def test_a_connection_is_kept_for_the_next_request(plain_server: RunningServer) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", plain_server.port, timeout=10)
    with closing(connection):
        connection.connect()
        kept = connection.sock
        for _ in range(3):
            connection.request("GET", "/ping")
            assert connection.getresponse().read() == b'{"status":"ok"}'
            assert connection.sock is kept
            time.sleep(0.3)
