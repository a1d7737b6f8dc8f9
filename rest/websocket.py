"""WebSockets (RFC 6455) on a server that has a thread for each request: wsproto reads and writes the frames.

Theory of operation. The thread of the request speaks for its connection alone. `receive` sleeps until the client has
sent something, or takes what it is sent, or another thread calls `wake`; nothing here waits for the client in any
other way. What a client may do is bounded: the size of a message, whatever it is cut into; and how much comes in a
second, beyond which its connection is simply not read for a while. Compression is offered to nobody: a few bytes would
become megabytes.
"""

from __future__ import annotations

import base64
import binascii
import os
import select
import socket
import threading
import time
from collections.abc import Iterable, Mapping
from typing import Any, Protocol, runtime_checkable

from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, Pong, TextMessage
from wsproto.utilities import LocalProtocolError, generate_accept_token

VERSION = "13"
PING_S = 15.0
"""Proxies give up what is silent for a minute, some for half of one."""
GONE_S = 45.0
"""Who has sent nothing for so long, not even the answers to pings, is not there any more."""
CLOSE_S = 1.0
"""How long a client may take to read the last of what it was sent, and to say that it closes too."""
_FRAMES_PER_S = 500
_FRAMES_AT_ONCE = 2000
"""Nobody types, resizes and acknowledges faster; a frame takes some tens of microseconds of everybody's interpreter."""
_BYTES_A_FRAME = 16 * 1024
"""So many count as a frame more: megabytes a second, for what is no terminal."""
_PIECE_BYTES = 16 * 1024


@runtime_checkable
class Peer(Protocol):
    """The connection of a request; serve/sockets.py has the real one."""

    def take_over(self) -> tuple[socket.socket, bytes]:
        """A socket that is HTTP's no more, and what has come on it behind the request's head."""


class Closed(Exception):
    """The connection is over: the client has closed it, or is gone."""


class Broken(Exception):
    """The client does not keep to the protocol; `code` is what its connection is to be closed with (RFC 6455, 7.4)."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def is_asked_for(meta: Mapping[str, Any]) -> bool:
    """Whether a request wants its connection to become a WebSocket."""
    if "HTTP_UPGRADE" not in meta:
        return False
    return "websocket" in _tokens(meta.get("HTTP_UPGRADE", "")) and "upgrade" in _tokens(
        meta.get("HTTP_CONNECTION", "")
    )


def can_be_had(meta: Mapping[str, Any]) -> bool:
    """Whether it asks as it should, over a connection that can be taken over."""
    if not is_asked_for(meta) or meta.get("HTTP_SEC_WEBSOCKET_VERSION") != VERSION:
        return False
    try:
        key = base64.b64decode(meta.get("HTTP_SEC_WEBSOCKET_KEY", ""), validate=True)
    except (binascii.Error, ValueError):
        return False
    return len(key) == 16 and isinstance(meta.get("gunicorn.socket"), Peer)


def protocols_in(meta: Mapping[str, Any]) -> list[str]:
    """The subprotocols that a client offers, as they stand there."""
    return [name for part in meta.get("HTTP_SEC_WEBSOCKET_PROTOCOL", "").split(",") if (name := part.strip())]


class WebSocket:
    """One connection, from the server's side. For one thread, but for `wake`."""

    def __init__(self, meta: Mapping[str, Any], *, max_message_bytes: int) -> None:
        """Of a request of which `can_be_had` is true."""
        self._key: str = meta["HTTP_SEC_WEBSOCKET_KEY"]
        self._socket, self._behind = meta["gunicorn.socket"].take_over()
        self._socket.settimeout(0)
        self._most = max_message_bytes
        self._frames = Connection(ConnectionType.SERVER)
        self._unsent = bytearray()
        self._message: list[str] = []
        self._message_size = 0
        self._ended: Closed | Broken | None = None
        self._allowance = float(_FRAMES_AT_ONCE)
        self._counted_at = self._heard_at = self._pinged_at = time.monotonic()
        self._woken = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._waking, self._released = threading.Lock(), False
        self._poll = select.poll()
        self._poll.register(self._woken, select.POLLIN)

    def accept(self, protocol: str | None, headers: Iterable[tuple[str, str]] = ()) -> None:
        """Answer the request."""
        lines = [
            "HTTP/1.1 101 Switching Protocols",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Accept: {generate_accept_token(self._key.encode()).decode()}",
            *([f"Sec-WebSocket-Protocol: {protocol}"] if protocol else []),
            *(f"{name}: {value}" for name, value in headers),
        ]
        self._unsent += "\r\n".join([*lines, "", ""]).encode("latin-1")

    @property
    def unsent_bytes(self) -> int:
        """What the client has not taken yet."""
        return len(self._unsent)

    def send(self, text: str) -> None:
        """A message; it goes as the client takes it, while this is asked to `receive`.

        It goes nowhere where the connection was closed behind what `receive` has returned last: the next one raises.
        """
        if self._frames.state is ConnectionState.OPEN:
            self._unsent += self._frames.send(TextMessage(text))

    def receive(self, timeout_s: float) -> list[str]:
        """Messages that have come, after at most so long; nothing where it was woken, or the client took something.

        Raises Closed and Broken, after the messages that came before the end.
        """
        if self._ended is not None:
            ended, self._ended = self._ended, None
            raise ended
        self._flush()
        if self._behind:
            data, self._behind = self._behind, b""
            return self._read(data)
        seen = self._wait(timeout_s)
        if seen & (select.POLLERR | select.POLLNVAL):
            raise Closed
        messages = self._read_socket() if seen & (select.POLLIN | select.POLLHUP) else []
        try:
            self._keep_alive()
            self._flush()
        except Closed as closed:
            self._end(closed, messages)
        return messages

    def wake(self) -> None:
        """Let `receive` return. Callable from any thread, at any time."""
        with self._waking:
            # Released, the number may be another's by now.
            if not self._released:
                os.eventfd_write(self._woken, 1)

    def close(self, code: int, reason: str, *, wait_s: float = CLOSE_S) -> None:
        """Say why, and wait a moment for what was said before to be read. Harmless where it is closed already."""
        try:
            if self._frames.state in {ConnectionState.OPEN, ConnectionState.REMOTE_CLOSING}:
                self._unsent += self._frames.send(CloseConnection(code, reason[:120]))
            until = time.monotonic() + wait_s
            self._flush()
            while self._unsent or (wait_s and self._frames.state is ConnectionState.LOCAL_CLOSING):
                left = until - time.monotonic()
                if left <= 0:
                    break
                self.receive(left)
        except (Closed, Broken, OSError):
            pass

    def release(self) -> None:
        """Give back what it holds; the connection itself is the server's to end."""
        with self._waking:
            self._released = True
            os.close(self._woken)
        self._socket.close()

    def _wait(self, timeout_s: float) -> int:
        """What is to be seen of the socket."""
        self._count(0)
        events = select.POLLIN if self._allowance > 0 else 0
        if self._allowance <= 0:
            timeout_s = min(timeout_s, -self._allowance / _FRAMES_PER_S + 0.01)
        self._poll.register(self._socket, events | (select.POLLOUT if self._unsent else 0))
        seen = dict(self._poll.poll(max(0.0, timeout_s) * 1000))
        if self._woken in seen:
            os.eventfd_read(self._woken)
        return seen.get(self._socket.fileno(), 0)

    def _count(self, frames: float) -> None:
        now = time.monotonic()
        self._allowance = min(_FRAMES_AT_ONCE, self._allowance + (now - self._counted_at) * _FRAMES_PER_S) - frames
        self._counted_at = now

    def _read_socket(self) -> list[str]:
        try:
            data = self._socket.recv(_PIECE_BYTES)
        except BlockingIOError:
            return []
        except OSError:
            raise Closed from None
        if not data:
            raise Closed
        return self._read(data)

    def _read(self, data: bytes) -> list[str]:
        self._heard_at = time.monotonic()
        messages: list[str] = []
        frames = 0
        try:
            self._frames.receive_data(data)
            for event in self._frames.events():
                frames += 1
                if (message := self._take(event)) is not None:
                    messages.append(message)
        except LocalProtocolError:
            self._end(Closed(), messages)
        except (Closed, Broken) as ended:
            self._end(ended, messages)
        finally:
            self._count(frames + len(data) / _BYTES_A_FRAME)
        return messages

    def _end(self, ended: Closed | Broken, messages: list[str]) -> None:
        """What was said before the end counts: a cancel, with a close behind it."""
        if not messages:
            raise ended
        self._ended = ended

    def _take(self, event: Event) -> str | None:
        match event:
            case TextMessage():
                return self._take_text(event)
            case BytesMessage():
                raise Broken(1003, "messages are text")
            case Ping():
                # The answer to the last one is enough (5.5.3): who asks and does not read is answered once.
                if len(self._unsent) < _PIECE_BYTES:
                    self._unsent += self._frames.send(event.response())
            case Pong():
                pass
            case CloseConnection():
                if self._frames.state is ConnectionState.OPEN:
                    # No close of the client's: wsproto says so of what is no frame.
                    raise Broken(event.code, "not a WebSocket frame")
                self._answer_close(event)
                raise Closed
        return None

    def _take_text(self, event: TextMessage) -> str | None:
        """A piece; the message, where it was the last."""
        self._message_size += len(event.data)
        if self._message_size > self._most:
            raise Broken(1009, f"a message of more than {self._most} characters")
        if event.data:
            self._message.append(event.data)
        if not event.message_finished:
            return None
        message, self._message, self._message_size = "".join(self._message), [], 0
        return message

    def _answer_close(self, event: CloseConnection) -> None:
        if self._frames.state is ConnectionState.REMOTE_CLOSING:
            self._unsent += self._frames.send(event.response())
        self._flush()

    def _keep_alive(self) -> None:
        now = time.monotonic()
        if now - self._heard_at > GONE_S:
            raise Closed
        if now - self._pinged_at > PING_S and self._frames.state is ConnectionState.OPEN:
            self._pinged_at = now
            if not self._unsent:
                self._unsent += self._frames.send(Ping())

    def _flush(self) -> None:
        """Send what the client takes now."""
        try:
            while self._unsent:
                sent = self._socket.send(memoryview(self._unsent)[: 1 << 18])
                del self._unsent[:sent]
        except BlockingIOError:
            pass
        except OSError:
            raise Closed from None


def _tokens(text: str) -> set[str]:
    return {part.strip().lower() for part in text.split(",")}
