"""gunicorn's threaded worker, with an end that is graceful for programs and not only for sockets.

What it relies on beyond gunicorn's documented hooks is held by tests/test_gunicorn_worker.py.
"""

from __future__ import annotations

import json
import os
import select
import threading
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from gunicorn import util
from gunicorn.workers.gthread import ThreadWorker

from serve.sockets import Listener


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """When it is told to stop it closes its listening sockets at once, and the pool with the grace that is set.

    The pool lets running programs go on for the grace, then kills them; their requests are answered with what is
    known, and the loop of the class above, which waits for open connections, comes to its end.
    """

    sockets: list[Any]
    close_pool: Callable[[], None]
    """Returns when no program runs any more. It and the next are set by gunicorn_config.py, once Django is loaded."""

    stop_background: Callable[[], None]
    """Called at the very end, with every request answered."""

    def init_process(self) -> None:
        """Before the first request: bound what a client may take, and answer in JSON what is no request."""
        self._closing: threading.Thread | None = None
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
            self._close_listeners()
            self._closing = threading.Thread(target=self.close_pool, name="shutdown", daemon=True)
            self._closing.start()

    def run(self) -> None:
        """Serve until told to stop; return when every request is answered and every container is gone."""
        super().run()
        if self._closing is not None:
            self._closing.join()
        self.stop_background()

    def _close_listeners(self) -> None:
        for listener in self.sockets:
            # The kernel has accepted these connections for us already: answer them instead of resetting them.
            while select.select([listener], [], [], 0)[0]:
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
