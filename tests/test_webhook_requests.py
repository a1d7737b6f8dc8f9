"""One request of a webhook: where it goes, how long it may take, how much of the answer is read."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from testkit.receivers import Receiver, receiver, saying
from webhooks.addresses import networks_in
from webhooks.http import MAX_ANSWER_BYTES, Reply, Sender, Unreached
from webhooks.targets import Target

LOOPBACK = networks_in(["127.0.0.0/8"])
PATIENT_S = 30.0


def to(port: int, host: str = "127.0.0.1", *, tls: bool = False) -> Target:
    return Target(tls, host, port, "/hook?a=b")


def send(target: Target, **options: object) -> Reply:
    sender = Sender(**{"allowed": LOOPBACK, "total_s": PATIENT_S} | options)  # type: ignore[arg-type]
    return sender.send(target, "POST", {"X-Own": "1"}, b"body")


def test_a_request_arrives_as_it_was_meant() -> None:
    with receiver(saying(201, "Retry-After: 5", body=b"thanks")) as running:
        assert send(to(running.port)) == Reply(201, "5", b"thanks")
    received = running.received[0]
    assert received.line == "POST /hook?a=b HTTP/1.1"
    assert received.headers == {
        "host": f"127.0.0.1:{running.port}",
        "connection": "close",
        "content-length": "4",
        "x-own": "1",
    }
    assert received.body == b"body"


def test_without_the_setting_nothing_private_is_reached() -> None:
    with receiver() as running:
        for allowed in ((), networks_in(["10.0.0.0/8"])):
            with pytest.raises(Unreached, match="not public"):
                send(to(running.port), allowed=allowed)
        assert not running.received


def test_all_addresses_of_a_name_have_to_be_allowed() -> None:
    with receiver() as running:
        for addresses in (["127.0.0.1", "169.254.169.254"], ["169.254.169.254", "127.0.0.1"], ["8.8.8.8", "10.0.0.1"]):
            with pytest.raises(Unreached, match="not public"):
                send(to(running.port, "hooks.test"), resolve=lambda _host, _port, a=addresses: a)
        assert not running.received


def test_a_name_that_leads_elsewhere_the_second_time_is_asked_once() -> None:
    asked: list[str] = []

    def rebinding(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

    with receiver() as running:
        assert send(to(running.port, "hooks.test"), resolve=rebinding).status == 200
        assert asked == ["hooks.test"]
        assert running.received[0].headers["host"] == f"hooks.test:{running.port}"
        with pytest.raises(Unreached, match="not public"):
            send(to(running.port, "hooks.test"), resolve=rebinding)


def test_a_redirect_is_an_answer_and_not_followed() -> None:
    with receiver() as second:
        for location in ("http://169.254.169.254/latest/meta-data/", second.url):
            with receiver(saying(302, f"Location: {location}")) as first:
                assert send(to(first.port)).status == 302
        assert not second.received


def test_the_environment_names_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiver() as running, receiver() as proxy:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        send(to(running.port))
        assert len(running.received) == 1
        assert not proxy.received


def hanging(connection: socket.socket, _received: object) -> None:
    connection.recv(1)


def dripping(before: bytes, piece: bytes) -> object:
    def answer(connection: socket.socket, _received: object) -> None:
        connection.sendall(before)
        while True:
            connection.sendall(piece)
            time.sleep(0.05)

    return answer


@pytest.mark.parametrize(
    "answer",
    [
        hanging,
        dripping(b"", b"H"),
        dripping(b"HTTP/1.1 200 OK\r\nX: ", b"x"),
        dripping(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
        dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
)
def test_a_receiver_has_its_time_however_it_uses_it(answer: object) -> None:
    with receiver(answer) as running:  # type: ignore[arg-type]
        began = time.monotonic()
        with pytest.raises(Unreached):
            send(to(running.port), total_s=1.0)
        assert time.monotonic() - began < 10


def test_a_status_that_came_in_time_counts_whatever_follows() -> None:
    with receiver(dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"y")) as running:  # type: ignore[arg-type]
        assert send(to(running.port), total_s=1.0).status == 200


def test_a_handshake_and_a_name_have_the_same_time() -> None:
    slow = threading.Event()

    def resolve(_host: str, _port: int) -> list[str]:
        slow.wait(20)
        return ["127.0.0.1"]

    with pytest.raises(Unreached, match="not resolved in time"):
        send(to(443, "hooks.test"), resolve=resolve, total_s=0.3)
    slow.set()

    def drip(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            # The head of a TLS record that never ends, a byte at a time.
            for byte in b"\x16\x03\x03\x3f\xff" + bytes(200):
                try:
                    connection.sendall(bytes([byte]))
                except OSError:
                    return
                time.sleep(0.05)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=drip, args=[listener], daemon=True).start()
        began = time.monotonic()
        with pytest.raises(Unreached):
            send(to(listener.getsockname()[1], tls=True), total_s=1.0)
        assert time.monotonic() - began < 8


def test_of_an_answer_so_much_is_read() -> None:
    def endless(connection: socket.socket, _received: object) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(b"z" * 65_536)

    def headers(connection: socket.socket, _received: object) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            connection.sendall(b"X: " + b"z" * 60_000 + b"\r\n")

    with receiver(endless) as running:
        assert len(send(to(running.port)).body) == MAX_ANSWER_BYTES
    for answer in (headers, saying(200, *(f"X-{number}: y" for number in range(200)))):
        with receiver(answer) as running, pytest.raises(Unreached):
            send(to(running.port))


@pytest.mark.parametrize("garbage", [b"", b"hello\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"\x00" * 100_000])
def test_what_is_no_answer(garbage: bytes) -> None:
    with receiver(lambda connection, _received: connection.sendall(garbage)) as running, pytest.raises(Unreached):
        send(to(running.port))
    with pytest.raises(Unreached):
        send(to(running.port))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-subj", "/CN=hooks.test", "-addext", "subjectAltName=DNS:hooks.test", "-days", "2"]
    subprocess.run([*command, "-keyout", path, "-out", f"{path}.crt"], check=True, capture_output=True)
    path.write_bytes(path.read_bytes() + Path(f"{path}.crt").read_bytes())
    return path


@pytest.fixture
def secured(certificate: Path) -> Iterator[tuple[Receiver, list[str | None]]]:
    context, names = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), list[str | None]()
    context.load_cert_chain(certificate)
    context.sni_callback = lambda _connection, name, _context: names.append(name)
    with receiver(tls=context) as running:
        yield running, names


def test_tls_is_for_the_name_and_verified(secured: tuple[Receiver, list[str | None]], certificate: Path) -> None:
    running, names = secured
    trusting = ssl.create_default_context(cafile=certificate)
    here = {"resolve": lambda _host, _port: ["127.0.0.1"]}
    assert send(to(running.port, "hooks.test", tls=True), tls=trusting, **here).status == 200
    assert names == ["hooks.test"]
    for host, context in (("other.test", trusting), ("hooks.test", ssl.create_default_context())):
        with pytest.raises(Unreached, match="certificate"):
            send(to(running.port, host, tls=True), tls=context, **here)
    assert len(running.received) == 1
