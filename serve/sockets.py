"""Sockets that bound how long a client may take, whatever reads from them.

A server with a thread for each request is stopped by as many clients as it has threads, unless a slow one is given up.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import struct
import time
from typing import Any

READ_S = 10.0
"""How long a client may take to send one request, head and body: 1 MB at 1 Mbit/s, and not a thread for minutes."""

SEND_S = 10.0
"""How long a client may leave a part of an answer unread before the connection is given up."""


FULL_WAIT_S = 0.05
"""Between two tries to accept while no file can be opened."""


class Connection(socket.socket):
    """One client. A request begins with the first bytes that are awaited after the last answer."""

    _read_by: float | None = None
    given_up = False
    """Whether the client had its time, so that what looks like the end of the stream is none of its doing."""
    at_end = False
    """Whether the client has sent all that it will send."""
    _sent_ahead = 0
    # What the kernel bounds a read by; connections have it from their listener.
    _bound_s = READ_S

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        """As of any socket; but nothing, as at the end of the stream, once the client had READ_S for its request."""
        now = time.monotonic()
        if self._read_by is None:
            self._read_by = now + READ_S
            left_s = READ_S
        else:
            left_s = self._read_by - now
        # Once given up it stays so, or the answer that says so would give the client time again.
        if self.given_up:
            return b""
        if left_s <= 0:
            return self._recv_what_has_come(bufsize, flags)
        if left_s != self._bound_s:
            self.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _timeval(left_s))
            self._bound_s = left_s
        try:
            data = super().recv(bufsize, flags)
        except BlockingIOError:
            if self.gettimeout() is not None:
                raise
            # This is how the kernel reports that SO_RCVTIMEO is over.
            self.given_up = True
            return b""
        self.at_end = self.at_end or not data
        return data

    def _recv_what_has_come(self, bufsize: int, flags: int) -> bytes:
        """At the end of its time, without waiting: the client may have sent all, and this process been suspended."""
        try:
            data = super().recv(bufsize, flags | socket.MSG_DONTWAIT)
        except BlockingIOError:
            data = b""
            self.given_up = True
        self.at_end = self.at_end or not (data or self.given_up)
        return data

    def end_after_answer(self) -> None:
        """Read no further request: nobody knows where it would begin."""
        self.given_up = True
        with contextlib.suppress(OSError):
            self.shutdown(socket.SHUT_RD)

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        """As of any socket. An answer has begun, so what is read next belongs to another request."""
        self._read_by = None
        ahead, self._sent_ahead = self._sent_ahead, 0
        super().sendall(memoryview(data)[ahead:] if ahead else data, flags)

    def send_ahead(self) -> None:
        """Send the byte that every answer begins with; the next `sendall` leaves it away. See rest/disconnect.py."""
        if not self._sent_ahead:
            self._sent_ahead = super().send(b"H", socket.MSG_DONTWAIT)


class Listener(socket.socket):
    """Accepts Connections, which have its options: Linux hands them on."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _timeval(READ_S))
        self.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _timeval(SEND_S))

    def accept(self) -> tuple[Connection, Any]:
        """A connection whose reads and sends are bounded."""
        try:
            plain, address = super().accept()
        except OSError as error:
            if error.errno not in {errno.EMFILE, errno.ENFILE}:
                raise
            # The listener stays readable while no file can be opened: without a pause, trying takes a whole processor.
            time.sleep(FULL_WAIT_S)
            raise BlockingIOError(errno.EAGAIN, "no file can be opened for another connection") from error
        return Connection(self.family, self.type, self.proto, fileno=plain.detach()), address


def _timeval(seconds: float) -> bytes:
    # Zero would be no bound at all.
    microseconds = max(int(seconds * 1_000_000), 1)
    return struct.pack("ll", *divmod(microseconds, 1_000_000))
