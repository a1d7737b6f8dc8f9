"""`Client.interact`: a program that is talked to from Python, its flow, its cuts, and how it ends."""

from __future__ import annotations

import hashlib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer

import anyio
import pytest

from gexec_client import (
    AsyncClient,
    Client,
    ConnectionFailed,
    Cut,
    Event,
    Finished,
    GexecError,
    Interaction,
    InvalidRequest,
    NotFound,
    Output,
    Queued,
    Reattached,
    Retries,
    TimedOut,
    Unauthorized,
    by_digest,
)
from gexec_client.cli.talk import over_pipes
from testkit.servers import free_port
from testkit.waiting import eventually
from tests.client_lab import Cutting, Gexec

ECHO = "import sys\nfor line in sys.stdin: print(line.strip().upper(), flush=True)\nprint('end')\nsys.exit(4)"
SLEEPING = "import time\nprint('ready', flush=True)\ntime.sleep(60)"


def until(interaction: Interaction, text: str) -> list[Event]:
    """Events up to the one with which this has been printed."""
    seen: list[Event] = []
    for event in interaction:
        seen.append(event)
        if text in "".join(each.text for each in seen if isinstance(each, Output)):
            return seen
    raise AssertionError(f"{text!r} is not among {seen}")


def test_a_program_is_talked_to(caller: Client) -> None:
    with caller.interact("python", ECHO) as talk:
        talk.write("one\n")
        first = until(talk, "ONE\n")
        assert isinstance(first[0], Queued)
        assert talk.execution_id == first[0].execution_id
        talk.write(b"tw\xc3\xb6\n")
        until(talk, "TW\u00d6\n")
        talk.close_stdin()
        rest = list(talk)
        talk.write("to nobody")
    assert [each.text for each in rest if isinstance(each, Output)] == ["end\n"]
    assert isinstance(rest[-1], Finished)
    assert (rest[-1].execution.exit_code, talk.result().outcome) == (4, "nonzero_exit")


def test_tasks_do_the_same(gexec: Gexec) -> None:
    async def main() -> tuple[str, int | None]:
        async with (
            AsyncClient(gexec.url, gexec.key) as client,
            client.interact("python", ECHO, terminal=(91, 20)) as talk,
        ):
            await talk.write("x\n")
            printed = ""
            async for event in talk:
                printed += event.text if isinstance(event, Output) else ""
                if "X\r\n" in printed:
                    break
            with anyio.move_on_after(0.1):
                await anext(talk)
            await talk.close_stdin()
            return printed, (await talk.result()).exit_code

    assert anyio.run(main) == ("x\r\nX\r\n", 4)


def test_a_reader_who_is_slow_loses_nothing_and_stops_the_program(caller: Client) -> None:
    source = "import sys\nfor n in range(120000): print('%09d' % n)\nprint('told', file=sys.stderr)"
    with caller.interact("python", source, limits={"output_bytes": 2_000_000}) as talk:
        printed, said = b"", b""
        for event in talk:
            if isinstance(event, Output):
                if not printed:
                    time.sleep(0.5)
                printed += event.data if event.stream == "stdout" else b""
                said += event.data if event.stream == "stderr" else b""
    assert printed == b"".join(b"%09d\n" % n for n in range(120000))
    assert said == b"told\n"


def test_what_is_typed_waits_for_the_program(caller: Client) -> None:
    data = bytes(range(256)) * 4096
    source = (
        "import hashlib, sys\nprint('ready', flush=True)\nprint(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())"
    )
    with caller.interact("python", source) as talk:
        talk.write(data)
        talk.close_stdin()
        assert talk.result().stdout == f"ready\n{hashlib.sha256(data).hexdigest()}\n"
    with caller.interact("python", SLEEPING) as talk, pytest.raises(TimedOut):
        talk.write(data, timeout_s=1)


def test_it_goes_on_to_the_same_bytes_after_cuts(gexec: Gexec) -> None:
    # What is typed must have arrived before the first cut: nobody types again what was lost with a connection.
    source = "typed = input()\nfor n in range(20000): print(n)\nprint(typed)"
    with Cutting(gexec.server.port, [8_000, 40_000, 9_000]) as proxy, Client(proxy.url, gexec.key) as client:
        with client.interact("python", source) as talk:
            talk.write("typed\n")
            events = list(talk)
        assert (talk.resumed, proxy.connections) == (3, 4)
    assert [type(each) for each in events if isinstance(each, Cut | Reattached)] == [Cut, Reattached] * 3
    printed = b"".join(each.data for each in events if isinstance(each, Output))
    assert printed == b"".join(b"%d\n" % n for n in range(20000)) + b"typed\n"


class Swallowing:
    """A proxy that stops passing on what the client says, and then cuts it off; the next connection is whole again."""

    def __init__(self, port: int) -> None:
        self._to, self._listener = port, socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.swallows = threading.Event()
        self.swallowed = b""
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Swallowing:
        self._begin(self._accept)
        return self

    def __exit__(self, *error: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self.cut()
        for thread in self._threads:
            thread.join(30)
        for each in (self._listener, *self._open):
            each.close()

    def cut(self) -> None:
        self.swallows.clear()
        for each in self._open:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _begin(self, work: object, *args: object) -> None:
        thread = threading.Thread(target=work, args=args, daemon=True)  # type: ignore[arg-type]  # one of the two below
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._to))
                self._open += [client, server]
                self._begin(self._pass_on, client, server, True)
                self._begin(self._pass_on, server, client, False)

    def _pass_on(self, source: socket.socket, target: socket.socket, from_client: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if from_client and self.swallows.is_set():
                    self.swallowed += data
                else:
                    target.sendall(data)


def test_what_is_lost_on_the_way_in_is_told(gexec: Gexec) -> None:
    with (
        Swallowing(gexec.server.port) as proxy,
        Client(proxy.url, gexec.key) as client,
        client.interact("python", ECHO) as talk,
    ):
        talk.write("one\n")
        until(talk, "ONE\n")
        proxy.swallows.set()
        talk.write("lost\n")
        eventually(lambda: proxy.swallowed)
        proxy.cut()
        back = next(each for each in talk if isinstance(each, Reattached))
        # The answer to what was typed first may be cut off too.
        assert back.unsure_bytes in {len("lost\n"), len("one\nlost\n")}
        talk.write("two\n")
        assert b"LOST" not in b"".join(each.data for each in until(talk, "TWO\n") if isinstance(each, Output))


def test_a_cancel_that_is_lost_on_the_way_in_is_said_again(gexec: Gexec) -> None:
    with (
        Swallowing(gexec.server.port) as proxy,
        Client(proxy.url, gexec.key) as client,
        client.interact("python", SLEEPING) as talk,
    ):
        until(talk, "ready")
        proxy.swallows.set()
        talk.cancel()
        eventually(lambda: proxy.swallowed)
        proxy.cut()
        assert talk.result().outcome == "cancelled"


def test_over_pipes_no_program_goes_on_with_a_hole_in_its_input(gexec: Gexec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gexec_client.cli.talk._pass_stdin_on", lambda _: None)
    with Swallowing(gexec.server.port) as proxy, Client(proxy.url, gexec.key) as client:
        with client.interact("python", ECHO) as talk:
            talk.write("one\n")
            until(talk, "ONE\n")
            proxy.swallows.set()
            talk.write("lost\n")
            eventually(lambda: proxy.swallowed)
            proxy.cut()
            with pytest.raises(ConnectionFailed, match="stdin"):
                over_pipes(talk, lambda _: None)
        assert client.get(talk.execution_id).outcome == "cancelled"


def test_who_leaves_cancels_and_who_detaches_does_not(caller: Client) -> None:
    with caller.interact("python", SLEEPING) as left:
        until(left, "ready")
    ended = eventually(lambda: caller.get(left.execution_id), until=lambda found: found.ended)
    assert ended.outcome == "cancelled"
    with caller.interact("python", "print('a', flush=True)\nprint(input())") as first:
        until(first, "a\n")
        first.detach()
        assert list(first) == []
    with caller.attach(first.execution_id, after=first.last_seq) as second:
        second.write("b\n")
        assert "".join(each.text for each in second if isinstance(each, Output)) == "b\n"
    assert second.result().ok


def test_signals_and_cancelling(caller: Client) -> None:
    # Not by print: the signal may come while another print is under way.
    source = "import os, signal\nsignal.signal(signal.SIGUSR1, lambda *_: os.write(1, b'got\\n'))\n" + SLEEPING
    with caller.interact("python", source) as talk:
        until(talk, "ready")
        talk.signal("SIGUSR1")
        until(talk, "got")
        talk.cancel()
        assert talk.result().outcome == "cancelled"


def test_what_is_refused(gexec: Gexec) -> None:
    with Client(gexec.url, gexec.key, retries=Retries(attempts=1)) as client:
        with client.interact("nonsense", "x") as talk, pytest.raises(InvalidRequest) as refused:
            next(talk)
        assert refused.value.pointer == "#/execution/language"
        with client.attach("0199d0c0-0000-7000-8000-000000000000") as talk, pytest.raises(NotFound):
            next(talk)
        contents = by_digest(b"a file")
        with client.interact("python", "print(open('a').read())", files={"a": contents}) as talk:
            assert talk.result().stdout == "a file\n"
    with Client(gexec.url, "gx_wrong") as client, client.interact("python", "x") as talk, pytest.raises(Unauthorized):
        next(talk)
    nowhere = f"http://127.0.0.1:{free_port()}"
    with Client(nowhere, "gx_k", retries=Retries(attempts=1)) as client:
        with client.interact("python", "x") as talk, pytest.raises(ConnectionFailed) as failed:
            next(talk)
        assert not failed.value.sent


@contextmanager
def redirecting(to: str) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(307)
            self.send_header("Location", to + self.path)
            self.send_header("Content-Length", "0")
            self.send_header("Connection", "close")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join(30)


def test_no_redirect_is_followed(gexec: Gexec) -> None:
    with (
        redirecting(gexec.url) as url,
        Client(url, gexec.key) as client,
        client.interact("python", "print(1)") as talk,
        pytest.raises(GexecError, match="307"),
    ):
        next(talk)
