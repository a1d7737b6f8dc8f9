"""Where the server listens, as the log says it and gunicorn takes it."""

from __future__ import annotations

import socket
import time

import pytest

from gexec.addresses import authority
from tests.conftest import StartServer


@pytest.mark.parametrize(
    ("host", "expected"), [("::", "[::]:80"), ("::1", "[::1]:80"), ("127.0.0.1", "127.0.0.1:80"), ("a.b", "a.b:80")]
)
def test_an_ipv6_address_has_brackets(host: str, expected: str) -> None:
    assert authority(host, 80) == expected


def test_a_connection_waits_as_long_as_is_set_and_the_log_has_a_url(server: StartServer) -> None:
    running = server(GEXEC_KEEPALIVE_S="1", GEXEC_HOST="::")
    assert f"url=http://[::]:{running.port}" in running.log
    with socket.create_connection(("127.0.0.1", running.port), timeout=10) as connection:
        connection.sendall(b"GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n")
        began = time.monotonic()
        while connection.recv(1000):
            pass
    assert 0.5 < time.monotonic() - began < 4
