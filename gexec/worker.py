"""gunicorn's threaded worker, with an end that is graceful for programs and not only for sockets."""

from __future__ import annotations

import json
import threading
from http import HTTPStatus
from typing import Any

from django.conf import settings
from gunicorn import util
from gunicorn.workers.gthread import ThreadWorker


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
        # base.Worker.handle_error has no other hook for the body.
        util.write_error = _write_json_error
        super().init_process()

    def set_accept_enabled(self, enabled: bool) -> None:  # noqa: FBT001 (gunicorn's signature)
        """Also called when the worker stops: then no new connection may wait in the backlog."""
        super().set_accept_enabled(enabled)
        if self.alive or enabled or self._closing is not None:
            return
        for listener in self.sockets:
            self._accept_backlog(listener)
            listener.close()
        from executions import runtime  # noqa: PLC0415 (gunicorn loads this module before Django is set up)

        self._closing = threading.Thread(
            target=runtime.shutdown, args=(settings.GEXEC_SHUTDOWN_GRACE_S,), name="shutdown", daemon=True
        )
        self._closing.start()

    def run(self) -> None:
        """Serve until told to stop; return when every request is answered and every container is gone."""
        super().run()
        if self._closing is not None:
            self._closing.join()
        from executions import serving  # noqa: PLC0415 (as above)

        # Only now, with every row written, may others take this process for one that is gone.
        serving.stop(0)

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
