"""Clients that do not send the rest, or do not read the answer: others must be served all the same."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from urllib.parse import urlsplit

from attacks.attack import Report
from attacks.client import Client

_CLIENTS = 80
"""More than the server has threads."""
_PATIENCE_S = 60
_HEAD = "POST /execute HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n\r\n"
_LOUD = json.dumps({"language": "python", "source_code": "print('\\1' * 1000000)"})


@dataclass(frozen=True, slots=True)
class ConnectionAttack:
    """Many connections that each send these bytes and then do nothing."""

    name: str
    tries: str
    sent: tuple[str, ...]
    """In turn, one for each connection."""

    def perform(self, client: Client) -> Report:
        """Open the connections, and see that a clean program is answered while they are there."""
        with ExitStack() as stack:
            for connection, text in zip(_connections(client), self.sent * _CLIENTS, strict=False):
                stack.enter_context(connection)
                connection.sendall(text.encode())
            began = time.monotonic()
            problem = client.clean_program_problem()
            took_s = time.monotonic() - began
        problems = [problem] if problem else []
        if took_s > _PATIENCE_S:
            problems.append(f"a clean program was answered only after {took_s:.0f} s")
        return Report(f"others served after {took_s:.1f} s", tuple(problems))


def _connections(client: Client) -> Iterator[socket.socket]:
    address = urlsplit(client.url)
    assert address.hostname, "a URL has a host"
    port = address.port or (443 if address.scheme == "https" else 80)
    for _ in range(_CLIENTS):
        yield socket.create_connection((address.hostname, port), timeout=10)


def _request(body: str, length: int) -> str:
    return _HEAD.format(host="localhost", length=length) + body


ATTACKS = (
    ConnectionAttack("silence", "80 clients send nothing", ("",)),
    ConnectionAttack(
        "half a body of another kind",
        "80 clients send half a chunk, or half of what is too large",
        (
            _HEAD.format(host="localhost", length=9_000_000) + "{",
            "POST /execute HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
        ),
    ),
    ConnectionAttack(
        "connections that stay",
        "80 clients do not close a connection after its last answer",
        ("GET /ping HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",),
    ),
    ConnectionAttack(
        "half a request",
        "80 clients send half a head or half a body",
        (_request("", 0)[:30], _request('{"language": "python"', 1000)),
    ),
    ConnectionAttack("unread answers", "80 clients do not read answers of 6 MB", (_request(_LOUD, len(_LOUD)),)),
)
