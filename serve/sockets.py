"""Sockets that never make a thread wait for their client.

Theory of operation. A server with a thread for each request is stopped by as many clients as it has threads, where a
slow client holds one. So the worker's poller waits for a request to be whole (`gather`) before a thread gets it, and
the thread reads what is in memory. An answer is sent as far as the kernel takes it; what is left is kept, and the
poller sends it when the thread is with another client (`flush`). What is kept for clients is bounded over all of them.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from rest.client_address import client_address, limited_as
from serve.incoming import End, Incoming, no_upload
from serve.memory import Budget
from serve.uploads import COUNTED_AT_LEAST, PROGRESS_BYTES, WAIT_S, Uploads

READ_S = 10.0
"""How long a client may take to send one request, head and body: 1 MB at 1 Mbit/s."""
SEND_S = 10.0
"""How long a client may leave a part of an answer unread before the connection is given up."""
FULL_SEND_S = 2.0
"""Likewise, where there is no memory for answers, and a thread waits."""
FULL_WAIT_S = 0.05
"""Between two tries to accept while no file can be opened, or to keep an answer while there is no memory for it."""

FREE_BYTES = 64 * 1024
"""What each connection may have of its request in memory, whatever others have: few are larger."""
INCOMING_BYTES = 64 * 1024 * 1024
"""For what is larger than that, over all connections."""
INCOMING_SHARE = 0.5
"""Of it for one address."""
_PIECE_BYTES = 64 * 1024
_TURN_BYTES = 256 * 1024
"""What is read or sent for one connection before others have their turn."""


def _nobody_to_ask() -> None:
    return None


class Shared:
    """What the connections of one listener share."""

    def __init__(self, *, max_request_bytes: int = 1 << 20, unsent_bytes: int = 64 << 20) -> None:
        """`max_request_bytes` is what is kept of one request, `unsent_bytes` what is kept of all answers together."""
        self.max_request_bytes = max_request_bytes
        self.incoming = Budget(INCOMING_BYTES, share=INCOMING_SHARE)
        self.unsent = Budget(unsent_bytes)
        self.uploads: Uploads | None = None
        """Requests that may be larger; without it, none is."""
        self.ask_for_room: Callable[[], object] = _nobody_to_ask
        """Called in the thread that accepts, where no file can be opened: have some connections closed."""
        self.ask_for_memory: Callable[[], object] = _nobody_to_ask
        """Called in any thread, where an answer has no room: have those closed that nobody reads."""


class Connection(socket.socket):
    """One client."""

    arrived_at = 0.0
    """When the last request was whole, in time.monotonic()."""
    _sent_ahead = 0
    _taken_over = False

    def belongs_to(self, shared: Shared, address: Any) -> Connection:
        """Called once, before anything else."""
        self._shared = shared
        peer = address[0] if isinstance(address, tuple) else ""
        self.client = limited_as(client_address({"REMOTE_ADDR": peer}, trusted_proxies=0))
        """As whom it is counted."""
        upload_bytes = shared.uploads.bytes_for if shared.uploads else no_upload
        self.incoming = Incoming(shared.max_request_bytes, upload_bytes=upload_bytes)
        self._charged = self._charged_upload = self._noted = 0
        self._waits_until = 0.0
        self._unsent: deque[memoryview] = deque()
        self.ends = False
        """The connection ends after the answer: nobody knows where the next request would begin."""
        return self

    # Reading: `gather` while no thread has the connection, `recv` in the thread.

    def gather(self) -> None:
        """Take what has come, without waiting, until the request is at its end. Raises OSError."""
        for _ in range(_TURN_BYTES // _PIECE_BYTES):
            room = self._room()
            if self.incoming.end is not None or not room:
                return
            try:
                data = super().recv(min(room, _PIECE_BYTES), socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            if data:
                self.incoming.feed(data)
                self._charge()
            else:
                self.incoming.close(End.ENDED)

    @property
    def is_held_up(self) -> bool:
        """Whether there is no memory for more of its request at the moment."""
        return self.incoming.end is None and not self._room()

    @property
    def makes_progress(self) -> bool:
        """Whether enough of an upload has come, since this was asked last and true, to wait for the rest."""
        if not self.incoming.is_upload or self.incoming.bytes < self._noted + PROGRESS_BYTES:
            return False
        self._noted = self.incoming.bytes
        return True

    @property
    def waits_for_room(self) -> bool:
        """Whether its upload has no room yet, and it is no fault of its client's that nothing comes."""
        return bool(self.incoming.awaits_upload) and time.monotonic() < self._waits_until

    def begin_next(self) -> None:
        """Another request comes now, and a part of it may be here."""
        self.incoming = self.incoming.following()
        self._noted, self._waits_until = 0, 0.0
        self._charge()

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        """What has come of the request, and nothing, as at the end of the stream, behind it."""
        data = self.incoming.read(bufsize)
        if not data and bufsize:
            self.ends = self.ends or self.incoming.end is not End.WHOLE
        self._charge()
        return data

    @property
    def given_up(self) -> bool:
        """Whether the client had its time, so that what looks like the end of the stream is none of its doing."""
        return self.incoming.end is End.LATE

    @property
    def sent_too_much(self) -> bool:
        """Whether the request is larger than any may be."""
        return self.incoming.end is End.TOO_MUCH

    @property
    def at_end(self) -> bool:
        """Whether the application has read up to where its client stopped."""
        return self.ends

    @property
    def is_over(self) -> bool:
        """Whether nobody knows where a next request would begin."""
        return self.ends or self.incoming.end is not End.WHOLE

    def end_after_answer(self) -> None:
        """Read no further request: nobody knows where it would begin."""
        self.ends = True

    def take_over(self) -> tuple[socket.socket, bytes]:
        """For what is no HTTP any more: a socket of its own, which nobody else reads or times, and what has come behind
        the request. What the server still sends as its answer goes nowhere, and the connection ends with it.
        """
        self.ends = self._taken_over = True
        behind = self.incoming.take_rest()
        self._charge()
        return socket.socket(self.family, self.type, self.proto, fileno=os.dup(self.fileno())), behind

    @property
    def has_next(self) -> bool:
        """Whether a part of the next request is here."""
        return self.incoming.has_more_behind

    def tell_to_go_on(self) -> None:
        """Tell a client that asks that its body is wanted (RFC 9110, 10.1.1). Raises OSError."""
        self.incoming.asks_to_go_on = False
        self._send(memoryview(b"HTTP/1.1 100 Continue\r\n\r\n"))

    def discard(self) -> bool:
        """Throw away what has come; whether the client has ended its sending. Raises OSError."""
        for _ in range(_TURN_BYTES // _PIECE_BYTES):
            try:
                if not super().recv(_PIECE_BYTES, socket.MSG_DONTWAIT):
                    return True
            except BlockingIOError:
                return False
        return False

    # Sending: `sendall` in the thread, `flush` when it is with another client.

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        """As of any socket, and without waiting for the client where there is memory for what it has not read.

        Raises BrokenPipeError where there is none, and the client takes nothing for FULL_SEND_S.
        """
        if self._taken_over:
            return
        ahead, self._sent_ahead = self._sent_ahead, 0
        rest = memoryview(data)[ahead:]
        if not self._unsent or self.flush():
            rest = rest[self._send(rest) :]
        if len(rest):
            self._keep(rest)

    def _keep(self, rest: memoryview) -> None:
        give_up_at = time.monotonic() + FULL_SEND_S
        while len(rest):
            if self._shared.unsent.take(self.client, len(rest)):
                self._unsent.append(rest)
                return
            self._shared.ask_for_memory()
            if self._wait_until_writable(FULL_WAIT_S):
                rest = rest[self._send(rest) :] if self.flush() else rest
                give_up_at = time.monotonic() + FULL_SEND_S
            elif time.monotonic() > give_up_at:
                self.ends = True
                self._forget_unsent()
                # gunicorn logs a traceback of an OSError without an errno that it knows.
                raise BrokenPipeError(errno.EPIPE, "the client does not read its answer")

    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> int:
        """As of any socket; but Python's waits for the client, however long."""
        file.seek(offset)
        sent = 0
        while data := file.read(_PIECE_BYTES if count is None else min(_PIECE_BYTES, count - sent)):
            self.sendall(data)
            sent += len(data)
        return sent

    def send_ahead(self) -> None:
        """Send the byte that every answer begins with; the next `sendall` leaves it away. See rest/disconnect.py."""
        if not self._sent_ahead and not self._taken_over:
            self._sent_ahead = super().send(b"H", socket.MSG_DONTWAIT)

    @property
    def unsent(self) -> bool:
        """Whether a part of an answer waits to be sent."""
        return bool(self._unsent)

    def flush(self) -> bool:
        """Send of that what the kernel takes now; whether it was all. Raises OSError."""
        sent = 0
        while self._unsent and sent < _TURN_BYTES:
            first = self._unsent[0]
            passed = self._send(first)
            sent += passed
            if passed < len(first):
                self._unsent[0] = first[passed:]
                self._shared.unsent.give(self.client, passed)
                return False
            self._unsent.popleft()
            self._shared.unsent.give(self.client, passed)
        return not self._unsent

    def drain(self, timeout_s: float) -> int:
        """Send what is kept, in a thread whose answer goes on, waiting so long for the client; what is kept still.

        Raises OSError. See rest/streams.py.
        """
        give_up_at = time.monotonic() + timeout_s
        while self._unsent and not self.flush():
            left = give_up_at - time.monotonic()
            if left <= 0 or not self._wait_until_writable(left):
                break
        return sum(len(part) for part in self._unsent)

    def close(self) -> None:
        """As of any socket, and what was kept for the client is let go."""
        self._forget_unsent()
        self.incoming.release()
        self._shared.incoming.give(self.client, self._charged)
        self._charged = 0
        self._charge_upload()
        super().close()

    def _forget_unsent(self) -> None:
        self._shared.unsent.give(self.client, sum(len(part) for part in self._unsent))
        self._unsent.clear()

    def _send(self, data: memoryview) -> int:
        sent = 0
        while sent < len(data):
            try:
                sent += super().send(data[sent:], socket.MSG_DONTWAIT)
            except BlockingIOError:
                break
        return sent

    def _wait_until_writable(self, seconds: float) -> bool:
        poll = select.poll()
        poll.register(self.fileno(), select.POLLOUT)
        return bool(poll.poll(seconds * 1000))

    def _room(self) -> int:
        """How much may be read now."""
        if self.incoming.awaits_upload and self.incoming.end is None and not self._begin_upload():
            return 0
        if self.incoming.is_upload:
            return _PIECE_BYTES
        kept = self.incoming.kept_bytes
        if not kept or kept >= self.incoming.max_bytes:
            # The first piece is free; and beyond the largest request, what comes is thrown away.
            return _PIECE_BYTES
        return max(0, FREE_BYTES + self._charged - kept) + self._shared.incoming.left(self.client)

    def _begin_upload(self) -> bool:
        """Whether there is room for it on the disk."""
        uploads, size = self._shared.uploads, max(self.incoming.awaits_upload, COUNTED_AT_LEAST)
        self._waits_until = self._waits_until or time.monotonic() + WAIT_S
        if uploads is None or not uploads.room.take(self.client, size):
            return False
        try:
            self.incoming.begin_upload(uploads.begin())
        except OSError:
            # No file can be opened just now.
            uploads.room.give(self.client, size)
            return False
        self._charged_upload = size
        # Its client's time begins now.
        self._noted = -PROGRESS_BYTES
        return True

    def _charge_upload(self) -> None:
        """Give back what an upload took that is read, or given up."""
        if self._charged_upload and not self.incoming.is_upload and self._shared.uploads:
            self._shared.uploads.room.give(self.client, self._charged_upload)
            self._charged_upload = 0

    def _charge(self) -> None:
        """Count what is kept beyond what is free."""
        self._charge_upload()
        charge = max(0, self.incoming.kept_bytes - FREE_BYTES) - self._charged
        if not charge:
            return
        self._charged += charge
        if charge > 0:
            self._shared.incoming.take(self.client, charge, beyond=True)
        else:
            self._shared.incoming.give(self.client, -charge)


class Listener(socket.socket):
    """Accepts Connections."""

    def __init__(self, *args: Any, shared: Shared | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        self.shared = shared or Shared()

    def accept(self) -> tuple[Connection, Any]:
        """A connection of ours. Raises BlockingIOError where no file can be opened for it."""
        try:
            plain, address = super().accept()
        except OSError as error:
            if error.errno not in {errno.EMFILE, errno.ENFILE}:
                raise
            self.shared.ask_for_room()
            raise BlockingIOError(errno.EAGAIN, "no file can be opened for another connection") from error
        connection = Connection(self.family, self.type, self.proto, fileno=plain.detach())
        return connection.belongs_to(self.shared, address), address
