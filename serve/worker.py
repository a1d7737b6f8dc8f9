"""gunicorn's threaded worker: its threads never wait for a client, and its end is graceful for programs too.

What it relies on beyond gunicorn's documented hooks is held by tests/test_gunicorn_worker.py.
"""

from __future__ import annotations

import json
import os
import select
import threading
import time
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Any

from gunicorn import util
from gunicorn.workers.gthread import ThreadWorker

from serve.clients import Clients
from serve.handover import may_take_long
from serve.sockets import FULL_WAIT_S, Listener, Shared


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """A connection is with a thread from when a request is whole until its answer is made, and else with the poller.

    When it is told to stop it closes its listening sockets at once, and the pool with the grace that is set; where
    another gunicorn has taken over, only once all that it has begun is over, or has taken too long. The pool
    lets running programs go on for the grace, then kills them; their requests are answered with what is known, and the
    loop of the class above, which waits for open connections, comes to its end.
    """

    sockets: list[Any]
    shared: Shared
    """What connections share, and how much they may hold."""
    leave: Callable[[Callable[[], bool]], None]
    """Goes on with what has begun, where others serve meanwhile, for as long as what it is given says that somebody is
    still here. It and the next two are set by gunicorn_config.py, once Django is loaded."""

    close_pool: Callable[[], None]
    """Returns when no program runs any more."""

    stop_background: Callable[[], None]
    """Called at the very end, with every request answered."""

    def init_process(self) -> None:
        """Before the first request: have connections of ours, and answer in JSON what is no request."""
        self._closing: threading.Thread | None = None
        self._is_full = False
        self.shared = Shared()
        self.sockets = [
            Listener(listener.family, fileno=listener.detach(), shared=self.shared) for listener in self.sockets
        ]
        # base.Worker.handle_error calls it, and has no other hook for the body of an answer.
        util.write_error = _write_json_error
        super().init_process()

    def set_accept_enabled(self, enabled: bool) -> None:
        """Called in the main thread when there is room for connections, when there is none, and when it stops."""
        if os.getppid() != self.ppid:
            # The arbiter was killed: the loop of the class above has ended by itself, and the stop is as graceful.
            self.alive = False
        if self.alive and not enabled and self._make_room():
            return
        super().set_accept_enabled(enabled)
        if not self.alive and not enabled and self._closing is None:
            self._close_listeners()
            self._closing = threading.Thread(target=self._close, name="shutdown", daemon=True)
            self._closing.start()

    def enqueue_req(self, conn: Any) -> None:
        """Called in the main thread when a connection is new, or something has come on one that was kept."""
        self._clients.read(conn)

    def finish_request(self, conn: Any, fs: Any) -> None:
        """Called in the main thread when a thread is done with a request."""
        if conn.sock.unsent:
            self._clients.answer(conn, partial(self._finish_answered, conn, fs))
        else:
            self._finish_answered(conn, fs)

    def murder_pending(self) -> None:
        """Called in the main thread at every turn of the loop, and at least once a second."""
        super().murder_pending()
        self._clients.give_up_late(stopping=not self.alive)
        full, self._is_full = self._is_full, False
        # One that stops accepts nothing: it needs no room, and who is here may send another request for a moment.
        if self.alive and (full or not self._accepting) and not self._make_room() and full:
            # The listener stays readable while no file can be opened: without a pause, trying takes a whole processor.
            time.sleep(FULL_WAIT_S)

    def run(self) -> None:
        """Serve until told to stop; return when every request is answered and every container is gone."""
        self._clients = Clients(self.poller, self.shared, hand_over=super().enqueue_req, drop=self._drop)
        self.shared.ask_for_room = self._note_full
        self.shared.ask_for_memory = partial(self.method_queue.defer, self._clients.make_memory)
        super().run()
        if self._closing is not None:
            self._closing.join()
        self.stop_background()

    def _cap_keepalive(self, deadline: float) -> None:
        """Called in the main thread when it stops. Where others serve, a connection that is kept for a next request
        stays until its own time is over: whoever uses it meanwhile is answered, and told to open another."""
        if not may_take_long():
            super()._cap_keepalive(deadline)

    def _close(self) -> None:
        self.leave(lambda: self.nr_conns > 0)
        self.close_pool()

    def _finish_answered(self, conn: Any, fs: Any) -> None:
        kept = not fs.cancelled() and fs.exception() is None and fs.result()
        if not kept or conn.sock.is_over:
            self._clients.see_off(conn)
        elif conn.sock.has_next:
            self._clients.read(conn)
        else:
            super().finish_request(conn, fs)
            if may_take_long():
                # As in _cap_keepalive. Its time is the last one still.
                conn.set_timeout()

    def _note_full(self) -> None:
        self._is_full = True

    def _make_room(self) -> bool:
        return self._clients.make_room(self.keepalived_conns, self._drop_kept)

    def _drop_kept(self, conn: Any) -> None:
        self.keepalived_conns.remove(conn)
        self.poller.unregister(conn.sock)
        self._drop(conn)

    def _drop(self, conn: Any) -> None:
        self.nr_conns -= 1
        conn.close()

    def _close_listeners(self) -> None:
        for listener in self.sockets:
            # The kernel has accepted these connections for us already: answer them instead of resetting them.
            before = -1
            while select.select([listener], [], [], 0)[0] and self.nr_conns > before:
                before = self.nr_conns
                self.accept(listener)
            listener.close()


def _write_json_error(sock: Any, status_int: int, reason: str, mesg: str) -> None:
    """What gunicorn answers to bytes that are no HTTP request, as JSON like every other error."""
    phrase = HTTPStatus(status_int).phrase
    body = json.dumps({"error": mesg or phrase}).encode()
    head = (
        f"HTTP/1.1 {status_int} {phrase}\r\nConnection: close\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    util.write_nonblock(sock, head.encode("latin-1") + body)
