"""Receivers of webhooks: servers on the loopback interface that answer as they are told."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Received:
    """One request."""

    line: str
    headers: dict[str, str]
    """By names in lower case."""
    body: bytes


Answer = Callable[[socket.socket, Received], None]


def saying(status: int, *fields: str, body: bytes = b"") -> Answer:
    """Answers at once."""
    head = "".join(f"{line}\r\n" for line in fields)

    def answer(connection: socket.socket, _received: Received) -> None:
        connection.sendall(f"HTTP/1.1 {status} x\r\nContent-Length: {len(body)}\r\n{head}\r\n".encode() + body)

    return answer


@dataclass
class Receiver:
    """A receiver that runs. `answers` are given one after another, and the last one for ever."""

    port: int
    answers: list[Answer]
    received: list[Received] = field(default_factory=list)
    at_once: int = 0
    """Connections that are open now."""
    most_at_once: int = 0

    @property
    def url(self) -> str:
        """Where it is, without TLS."""
        return f"http://127.0.0.1:{self.port}/hook"


@contextmanager
def receiver(*answers: Answer, tls: ssl.SSLContext | None = None, port: int = 0) -> Iterator[Receiver]:
    """One that listens until the end; without answers it says 200."""
    lock = threading.Lock()
    with socket.create_server(("127.0.0.1", port)) as listener:
        running = Receiver(listener.getsockname()[1], list(answers) or [saying(200)])

        def serve(plain: socket.socket) -> None:
            with suppress(OSError), plain:
                plain.settimeout(60)
                connection = tls.wrap_socket(plain, server_side=True) if tls else plain
                with connection:
                    received = _read(connection)
                    with lock:
                        running.received.append(received)
                        running.at_once += 1
                        running.most_at_once = max(running.most_at_once, running.at_once)
                        answer = running.answers.pop(0) if len(running.answers) > 1 else running.answers[0]
                    try:
                        answer(connection, received)
                    finally:
                        with lock:
                            running.at_once -= 1

        def accept() -> None:
            with suppress(OSError):
                while True:
                    threading.Thread(target=serve, args=[listener.accept()[0]], daemon=True).start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield running
        finally:
            # Closing alone would leave the thread in accept.
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            thread.join(10)


def _read(connection: socket.socket) -> Received:
    with connection.makefile("rb") as stream:
        line = stream.readline().decode().strip()
        headers: dict[str, str] = {}
        while text := stream.readline().decode().strip():
            name, _, value = text.partition(":")
            headers[name.lower()] = value.strip()
        return Received(line, headers, stream.read(int(headers.get("content-length", "0"))))
