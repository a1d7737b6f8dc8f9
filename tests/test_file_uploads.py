"""Large files reach a real server by the disk: no thread, no memory and no connection waits for who sends them."""

from __future__ import annotations

import hashlib
import http.client
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import psycopg
import pytest

from serve import sockets, uploads
from serve.incoming import End, Incoming
from serve.uploads import Upload, Uploads
from testkit.processes import youngest
from testkit.servers import RunningServer
from testkit.waiting import eventually
from tests.conftest import StartServer
from tests.test_slow_clients import Loop

MIB = 1 << 20
HEAD = b"PUT /api/v1/files HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer x\r\n"


@pytest.fixture
def loop(tmp_path: Path) -> Iterator[Loop]:
    with ExitStack() as stack:
        made = Loop(stack)
        made.shared.uploads = Uploads(path="/api/v1/files", max_bytes=8 * MIB, directory=tmp_path)
        yield made


@pytest.mark.parametrize("piece", [1, 7, 1000, 65_536])
@pytest.mark.parametrize("chunked", [False, True])
def test_an_upload_comes_back_as_it_was_sent(tmp_path: Path, piece: int, chunked: bool) -> None:
    data = bytes(range(256)) * (8 if piece < 1000 else 2048)
    if chunked:
        body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (data[:5], data[5:])) + b"0\r\n\r\n"
        request = HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + body
    else:
        body = data
        request = HEAD + b"Content-Length: %d\r\n\r\n" % len(data) + body
    incoming = Incoming(600, upload_bytes=lambda _head: 8 * MIB)
    sent = request + b"GET /next HTTP/1.1\r\n"
    for begins in range(0, len(sent), piece):
        if incoming.awaits_upload and incoming.end is None:
            incoming.begin_upload(Upload(tmp_path))
        if incoming.end is None:
            incoming.feed(sent[begins : begins + piece])
            assert incoming.kept_bytes <= 600 + 2 * piece
    assert incoming.end is End.WHOLE
    got = bytearray()
    while part := incoming.read(900):
        got += part
    assert bytes(got) == request
    behind = incoming.following()
    assert behind.read(100) == b"GET /next HTTP/1.1\r\n"[: behind.bytes]
    assert not list(tmp_path.iterdir())


def test_a_form_may_be_larger_than_a_file(tmp_path: Path) -> None:
    made = Uploads(
        path="/api/v1/files", max_bytes=8 * MIB, directory=tmp_path, forms=["/v1/upload"], form_bytes=9 * MIB
    )
    head = b"POST /v1/upload HTTP/1.1\r\nX-API-Key: x\r\n"
    assert made.bytes_for(head) == made.bytes_for(head.replace(b"upload ", b"upload?a=b ")) == 9 * MIB
    assert made.bytes_for(HEAD) == 8 * MIB
    for other in (head.replace(b"upload", b"uploads"), head.replace(b"POST", b"PUT"), HEAD.replace(b"PUT", b"POST")):
        assert made.bytes_for(other) == 0


def test_what_is_no_upload_has_no_place_on_the_disk(tmp_path: Path) -> None:
    allowed = Uploads(path="/api/v1/files", max_bytes=8 * MIB, directory=tmp_path).bytes_for
    assert allowed(HEAD) == allowed(b"\r\n" + HEAD) == allowed(HEAD.replace(b" HTTP", b"?x HTTP", 1)) == 8 * MIB
    for head in (HEAD.replace(b"PUT", b"POST"), HEAD.replace(b"files", b"filesx"), HEAD.replace(b"Bearer x", b"")):
        assert allowed(head) == 0
    too_large = Incoming(1000, upload_bytes=allowed)
    too_large.feed(HEAD + b"Content-Length: %d\r\n\r\n" % (8 * MIB + 1))
    assert not too_large.awaits_upload
    asking = Incoming(1000, upload_bytes=allowed)
    asking.feed(HEAD + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % (8 * MIB + 1))
    assert asking.end is End.TOO_MUCH


def test_one_that_goes_on_has_its_time_and_one_that_stops_has_not(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "READ_S", 1.0)
    going, going_peer = loop.connect(HEAD + b"Content-Length: %d\r\n\r\n" % (6 * MIB))
    stopped, stopped_peer = loop.connect(HEAD + b"Content-Length: %d\r\n\r\n" % (6 * MIB))
    stopped_peer.sendall(bytes(1000))
    for _ in range(5):
        going_peer.sendall(bytes(uploads.PROGRESS_BYTES + 1))
        until = time.monotonic() + 0.4
        while time.monotonic() < until:
            loop.turn()
    assert stopped in loop.handed_over
    assert stopped.sock.incoming.end is End.LATE
    assert going not in loop.handed_over
    going_peer.sendall(bytes(6 * MIB - 5 * (uploads.PROGRESS_BYTES + 1)))
    loop.until(lambda: going in loop.handed_over)
    assert going.sock.incoming.end is End.WHOLE
    for client in (going, stopped):
        client.sock.close()
    assert loop.shared.uploads is not None
    assert loop.shared.uploads.room.taken == 0


def test_uploads_wait_for_room(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    room = loop.shared.uploads
    assert room is not None
    room.room.total = 12 * MIB
    head = HEAD + b"Content-Length: %d\r\n\r\n" % (6 * MIB)
    first, first_peer = loop.connect(head)
    threading.Thread(target=first_peer.sendall, args=(bytes(6 * MIB),), daemon=True).start()
    loop.until(lambda: first in loop.handed_over)
    monkeypatch.setattr(sockets, "READ_S", 0.2)
    second, second_peer = loop.connect(head)
    until = time.monotonic() + 0.5
    while time.monotonic() < until:
        loop.turn()
    # Longer than a client has to send, and not given up: it is not its doing.
    assert not second.sock.incoming.is_upload
    assert second not in loop.handed_over
    monkeypatch.setattr(sockets, "READ_S", 30.0)
    first.sock.close()
    threading.Thread(target=second_peer.sendall, args=(bytes(6 * MIB),), daemon=True).start()
    loop.until(lambda: second in loop.handed_over)
    assert second.sock.incoming.end is End.WHOLE
    while second.sock.recv(MIB):
        pass
    assert room.room.taken == 0


def test_an_upload_that_finds_no_room_is_given_up_at_last(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    room = loop.shared.uploads
    assert room is not None
    room.room.take("others", room.room.total)
    monkeypatch.setattr(sockets, "READ_S", 0.1)
    monkeypatch.setattr(sockets, "WAIT_S", 0.3)
    waiting, _ = loop.connect(HEAD + b"Content-Length: %d\r\n\r\n" % (6 * MIB))
    loop.until(lambda: waiting in loop.handed_over)
    assert waiting.sock.incoming.end is End.LATE


def memory_kb(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))


def put(running: RunningServer, key: str, data: bytes) -> int:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/octet-stream"}
    return running.request("/api/v1/files", data, method="PUT", headers=headers).status


@pytest.fixture
def running(server: StartServer) -> RunningServer:
    return server()


def database(running: RunningServer) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(running.environment["DATABASE_URL"], autocommit=True)


def test_uploads_and_downloads_at_once_take_a_bounded_memory_and_one_place(running: RunningServer) -> None:
    keys = [running.create_api_key(name) for name in ("one", "two")]
    same = bytes(range(256)) * (5 * MIB // 256)
    assert put(running, keys[0], b"first") == 201
    worker = youngest(running.pids)
    Path(f"/proc/{worker}/clear_refs").write_text("5")
    before = memory_kb(worker)
    with ThreadPoolExecutor(20) as pool:
        statuses = list(pool.map(lambda number: put(running, keys[number % 2], same), range(20)))
        assert sorted(statuses) == [200] * 18 + [201] * 2
        large = [bytes([number]) * (25 * MIB) for number in range(10)]
        assert list(pool.map(lambda data: put(running, keys[0], data), large)) == [201] * 10
    grown_mb = (memory_kb(worker) - before) / 1024
    assert grown_mb < 150, "ten files are 250 MB, and what twenty threads keep is not given back at once"
    with database(running) as rows:
        digest = hashlib.sha256(same).hexdigest()
        assert rows.execute("SELECT count(*) FROM files_content WHERE digest = %s", [digest]).fetchone() == (1,)
        assert rows.execute("SELECT count(*) FROM files_file WHERE digest = %s", [digest]).fetchone() == (2,)
    got = running.request(f"/api/v1/files/sha256:{digest}", headers={"Authorization": f"Bearer {keys[1]}"})
    assert got.body == same


def test_a_slow_upload_holds_nothing_and_a_refused_one_is_answered(running: RunningServer) -> None:
    key = running.create_api_key("one")
    with ExitStack() as stack:
        for _ in range(8):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", running.port), timeout=60))
            client.sendall(HEAD.replace(b"x", key.encode()) + b"Content-Length: %d\r\n\r\n12345" % (8 * MIB))
        assert running.request("/ping").status == 200
        assert put(running, key, b"x" * (3 * MIB)) == 201
    assert put(running, "wrong", bytes(5 * MIB)) == 401
    with closing(http.client.HTTPConnection("127.0.0.1", running.port, timeout=60)) as kept:
        kept.connect()
        connected = kept.sock
        for authorization, status in (("wrong", 401), (key, 201)):
            # What was refused unread has not moved where the next request begins.
            kept.request("PUT", "/api/v1/files", bytes(5 * MIB), {"Authorization": f"Bearer {authorization}"})
            answer = kept.getresponse()
            answer.read()
            assert answer.status == status
        assert kept.sock is connected
    with closing(socket.create_connection(("127.0.0.1", running.port), timeout=60)) as asking:
        asking.sendall(
            HEAD.replace(b"x", key.encode()) + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % (65 * MIB)
        )
        assert asking.recv(100).startswith(b"HTTP/1.1 413")


def test_a_kill_in_the_middle_leaves_nothing_that_counts(server: StartServer) -> None:
    running = server(GEXEC_CLIENT_FILES_MB="48")
    key = running.create_api_key("one")
    data = b"k" * (40 * MIB)

    def send() -> None:
        try:
            put(running, key, data)
        except OSError:
            return

    sending = threading.Thread(target=send, daemon=True)
    with database(running) as rows:
        sending.start()
        eventually(lambda: rows.execute("SELECT FROM files_piece").fetchone() is not None, every_s=0.001)
        os.kill(youngest(running.pids), signal.SIGKILL)
        sending.join()
        running.wait_ready()
        assert rows.execute("SELECT count(*) FROM files_file").fetchone() in {(0,), (1,)}
        assert put(running, key, data) in {200, 201}
        assert not list((running.data_dir / "uploads").iterdir())
