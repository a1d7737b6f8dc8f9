"""gunicorn's threaded worker, with an end that is graceful for programs and not only for sockets.

What it relies on beyond gunicorn's documented hooks is held by tests/test_gunicorn_worker.py.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import select
import selectors
import threading
import time
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Any

from gunicorn import util
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, ThreadWorker

from serve.sockets import READ_S, Listener

FULL_WAIT_S = 0.05
"""The listener stays readable while no file can be opened, so a try without a pause would take a whole processor."""

logger = logging.getLogger("gexec.serve")


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """When it is told to stop it closes its listening sockets at once, and the pool with the grace that is set.

    The pool lets running programs go on for the grace, then kills them; their requests are answered with what is
    known, and the loop of the class above, which waits for open connections, comes to its end.

    A connection takes a thread only when there is something to read. Where there are too many, idle ones go first.
    """

    sockets: list[Any]
    close_pool: Callable[[], None]
    """Returns when no program runs any more. It and the next are set by gunicorn_config.py, once Django is loaded."""

    stop_background: Callable[[], None]
    """Called at the very end, with every request answered."""

    def init_process(self) -> None:
        """Before the first request: bound what a client may take, and answer in JSON what is no request."""
        self._closing: threading.Thread | None = None
        self._out_of_files = False
        self.sockets = [Listener(listener.family, fileno=listener.detach()) for listener in self.sockets]
        # base.Worker.handle_error calls it, and has no other hook for the body of an answer.
        util.write_error = _write_json_error
        super().init_process()

    def set_accept_enabled(self, enabled: bool) -> None:
        """Called in the main thread when there is room for connections, when there is none, and when it stops."""
        super().set_accept_enabled(enabled)
        if os.getppid() != self.ppid:
            # The arbiter was killed: the loop of the class above has ended by itself, and the stop is as graceful.
            self.alive = False
        if not self.alive and not enabled and self._closing is None:
            # As gunicorn does with connections that are kept alive: one that never said a word holds no stop up.
            for connection in self.pending_conns:
                connection.timeout = min(connection.timeout, time.monotonic() + STOP_KEEPALIVE_LINGER)
            self._close_listeners()
            self._closing = threading.Thread(target=self.close_pool, name="shutdown", daemon=True)
            self._closing.start()

    def accept(self, listener: Any) -> None:
        """As the class above; but where no file can be opened, the worker goes on, and idle connections make room."""
        try:
            super().accept(listener)
        except OSError as error:
            if error.errno not in {errno.EMFILE, errno.ENFILE}:
                raise
            if not self._out_of_files:
                logger.error("no file can be opened for another connection: %s", error.strerror)
            self._out_of_files = True
            time.sleep(FULL_WAIT_S)

    def enqueue_req(self, conn: Any) -> None:
        """Hand a connection that has something to read to a thread; a new one that is silent yet waits without one."""
        if self.alive and not conn.initialized and not conn.data_ready:
            poller = select.poll()
            poller.register(conn.sock, select.POLLIN)
            conn.data_ready = bool(poller.poll(0))
            if not conn.data_ready:
                self._wait_for_first_bytes(conn)
                return
        conn.sock.arrived()
        super().enqueue_req(conn)

    def handle(self, conn: Any) -> Any:
        """Called in the thread that answers."""
        conn.sock.taken_up()
        return super().handle(conn)

    def murder_keepalived(self, force: bool = False) -> None:
        """Called after each turn of events: end connections whose time is over, and idle ones where there are too many.

        Not where one is accepted: an event of the one that is closed may be among those of the same turn.
        """
        super().murder_keepalived(force)
        if self._out_of_files or self.nr_conns >= self.worker_connections:
            self._close_longest_idle()
            self._out_of_files = False

    def run(self) -> None:
        """Serve until told to stop; return when every request is answered and every container is gone."""
        super().run()
        if self._closing is not None:
            self._closing.join()
        self.stop_background()

    def _wait_for_first_bytes(self, conn: Any) -> None:
        conn.timeout = time.monotonic() + READ_S
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def _close_longest_idle(self) -> None:
        """One that never sent anything, else one between two requests."""
        for waiting in (self.pending_conns, self.keepalived_conns):
            if waiting:
                conn = waiting.popleft()
                self.poller.unregister(conn.sock)
                self.nr_conns -= 1
                conn.close()
                return

    def _close_listeners(self) -> None:
        for listener in self.sockets:
            # The kernel has accepted these connections for us already: answer them instead of resetting them.
            while select.select([listener], [], [], 0)[0]:
                self.accept(listener)
            listener.close()


def _write_json_error(sock: Any, status_int: int, reason: str, mesg: str) -> None:
    """What gunicorn answers to bytes that are no HTTP request, as JSON like every other error."""
    body = json.dumps({"error": mesg or HTTPStatus(status_int).phrase}).encode()
    head = (
        f"HTTP/1.1 {status_int} {reason}\r\nConnection: close\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    util.write_nonblock(sock, head.encode("latin-1") + body)
