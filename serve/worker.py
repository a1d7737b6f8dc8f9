"""gunicorn's threaded worker, with an end that is graceful for programs and not only for sockets."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
import time
from http import HTTPStatus
from typing import Any

from django.conf import settings
from gunicorn import util
from gunicorn.workers.gthread import ThreadWorker

READ_S = 10.0
"""How long a client may take to send one request, head and body. Without it 64 halves of a request stop the service."""

SEND_S = 10
"""How long a client may leave an answer unread before the connection is given up."""
_SEND_TIMEOUT = struct.pack("ll", SEND_S, 0)


def _message(conn: Any) -> Any:
    """The request that this connection brought last; None before its first has a whole head."""
    return conn.parser.mesg if conn.parser is not None else None


def _has_arrived(conn: Any, earlier: Any) -> bool:
    """Whether a request later than `earlier` is there to its last byte. Of a chunked one that cannot be said."""
    message = _message(conn)
    return message is not earlier and getattr(message.body.reader, "length", None) == 0


def _write_json_error(sock: Any, status_int: int, reason: str, mesg: str) -> None:
    """What gunicorn answers to bytes that are no HTTP request, as JSON like every other error."""
    body = json.dumps({"error": mesg or HTTPStatus(status_int).phrase}).encode()
    head = (
        f"HTTP/1.1 {status_int} {reason}\r\nConnection: close\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    util.write_nonblock(sock, head.encode("latin-1") + body)


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """When it is told to stop it closes its listening sockets at once, and the pool with the grace that is set.

    The pool lets running programs go on for the grace, then kills them; their requests are answered with what is
    known, and the loop of the class above, which waits for open connections, comes to its end.
    """

    def init_process(self) -> None:
        """Make this process's pool before the first request."""
        self._closing: threading.Thread | None = None
        self._arriving: dict[Any, tuple[float, Any]] = {}
        # base.Worker.handle_error has no other hook for the body.
        util.write_error = _write_json_error
        super().init_process()

    def set_accept_enabled(self, enabled: bool) -> None:
        """Also called when the worker stops: then no new connection may wait in the backlog."""
        super().set_accept_enabled(enabled)
        if self.alive or enabled or self._closing is not None:
            return
        for listener in self.sockets:
            self._accept_backlog(listener)
            listener.close()
        from dispatch import active  # noqa: PLC0415 (gunicorn loads this module before Django is set up)

        self._closing = threading.Thread(
            target=active.close, args=(settings.GEXEC_SHUTDOWN_GRACE_S,), name="shutdown", daemon=True
        )
        self._closing.start()

    def run(self) -> None:
        """Serve until told to stop; return when every request is answered and every container is gone."""
        super().run()
        if self._closing is not None:
            self._closing.join()
        from gexec import background  # noqa: PLC0415 (as above)

        # Only now, with every row written, may others take this process for one that is gone.
        background.stop(0)

    def handle(self, conn: Any) -> Any:
        """In a thread of the pool: read one request and answer it."""
        conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _SEND_TIMEOUT)
        self._arriving[conn] = (time.monotonic() + READ_S, _message(conn))
        try:
            return super().handle(conn)
        finally:
            del self._arriving[conn]

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """In the main thread, at least once a second: hang up on clients that take too long to send their request."""
        super().wait_for_and_dispatch_events(timeout)
        now = time.monotonic()
        for conn, (deadline, earlier) in list(self._arriving.items()):
            if now > deadline and not _has_arrived(conn, earlier):
                with contextlib.suppress(OSError):
                    conn.sock.shutdown(socket.SHUT_RD)

    def is_parent_alive(self) -> bool:
        """An arbiter that was killed is a reason to stop as well, and as gracefully."""
        if not super().is_parent_alive():
            self.alive = False
        return bool(self.alive)

    def _accept_backlog(self, listener: Any) -> None:
        """Take the connections that the kernel has accepted for us already, to answer them instead of resetting."""
        while True:
            known = self.nr_conns
            self.accept(listener)
            if self.nr_conns == known:
                return
