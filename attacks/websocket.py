"""A WebSocket as a client has it, over wsproto: the suite needs nothing that gexec itself does not."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlsplit

from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    CloseConnection,
    Event,
    Ping,
    RejectConnection,
    Request,
    TextMessage,
)

_CONNECT_S = 60.0
_PIECE_BYTES = 1 << 16


class Refused(Exception):
    """The server answered, and opens no WebSocket; the text has its status."""


class Closed(Exception):
    """The connection is over."""


class WebSocket:
    """One thread may iterate over the messages, all of them text, while others send. A context manager."""

    def __init__(self, url: str) -> None:
        """Raises Refused, and OSError where nothing answers."""
        parts = urlsplit(url)
        self._protocol = WSConnection(ConnectionType.CLIENT)
        self._sending = threading.Lock()
        self._pieces: list[str] = []
        self._socket = socket.create_connection((parts.hostname, parts.port or 80), timeout=_CONNECT_S)
        try:
            self._send(Request(host=parts.netloc, target=parts.path))
            self._open()
        except BaseException:
            self._socket.close()
            raise
        self._socket.settimeout(None)

    def __enter__(self) -> WebSocket:
        return self

    def __exit__(self, *_: object) -> None:
        """Hang up: whoever waits for a message, or to send one, goes on."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def __iter__(self) -> Iterator[str]:
        """The messages until the connection is over."""
        while True:
            for event in self._protocol.events():
                if isinstance(event, CloseConnection):
                    return
                if (text := self._text_of(event)) is not None:
                    yield text
            if not self._receive():
                return

    def send(self, text: str) -> None:
        """Wait until all of it is on its way. Raises Closed."""
        try:
            self._send(TextMessage(text))
        except OSError as error:
            raise Closed from error

    def _open(self) -> None:
        while True:
            for event in self._protocol.events():
                if isinstance(event, AcceptConnection):
                    return
                if isinstance(event, RejectConnection):
                    raise Refused(f"status {event.status_code}")
            if not self._receive():
                raise Refused("no answer")

    def _text_of(self, event: Event) -> str | None:
        """The message that this event completes."""
        if isinstance(event, Ping):
            self._send(event.response())
        if not isinstance(event, TextMessage):
            return None
        self._pieces.append(event.data)
        if not event.message_finished:
            return None
        text = "".join(self._pieces)
        self._pieces.clear()
        return text

    def _receive(self) -> bool:
        """Whether there may be more events."""
        try:
            data = self._socket.recv(_PIECE_BYTES)
        except OSError:
            return False
        self._protocol.receive_data(data or None)
        return bool(data)

    def _send(self, event: Event) -> None:
        # What is received shares nothing with what is sent, so a reader never waits here for a full socket.
        with self._sending:
            self._socket.sendall(self._protocol.send(event))
