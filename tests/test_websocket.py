"""The server's side of a WebSocket over a pair of sockets: what was said before an end counts."""

from __future__ import annotations

import base64
import socket
from collections.abc import Iterator

import pytest

from rest.websocket import Broken, Closed, WebSocket
from tests.talking import frame

TEXT, CLOSE = 0x81, 0x88


class Peer:
    """A request's connection, with what came behind its head."""

    def __init__(self, here: socket.socket) -> None:
        self._here = here

    def take_over(self) -> tuple[socket.socket, bytes]:
        return self._here, b""


@pytest.fixture
def sockets() -> Iterator[tuple[WebSocket, socket.socket]]:
    here, there = socket.socketpair()
    key = base64.b64encode(b"k" * 16).decode()
    made = WebSocket({"HTTP_SEC_WEBSOCKET_KEY": key, "gunicorn.socket": Peer(here)}, max_message_bytes=100)
    yield made, there
    made.release()
    there.close()


@pytest.mark.parametrize(
    ("end", "raised"),
    [(frame(CLOSE, b"\x03\xe8"), Closed), (frame(0x82, b"bytes"), Broken), (b"\xff\xff", Broken)],
    ids=["closed", "bytes", "no frame"],
)
def test_what_comes_with_the_end_is_heard(
    sockets: tuple[WebSocket, socket.socket], end: bytes, raised: type[Exception]
) -> None:
    here, there = sockets
    there.sendall(frame(TEXT, b"cancel") + end)
    assert here.receive(5) == ["cancel"]
    # Whoever speaks does not know yet.
    here.send("late")
    with pytest.raises(raised):
        here.receive(5)
    here.send("later")
    here.close(1000, "", wait_s=0)


def test_who_is_gone_is_told_apart_from_who_is_silent(sockets: tuple[WebSocket, socket.socket]) -> None:
    here, there = sockets
    assert here.receive(0) == []
    there.sendall(frame(TEXT, b"last"))
    there.shutdown(socket.SHUT_WR)
    assert here.receive(5) == ["last"]
    with pytest.raises(Closed):
        here.receive(5)
