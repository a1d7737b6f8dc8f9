"""gunicorn as a child: started early, serving when it is told to."""

from __future__ import annotations

import os
import signal
import socket
import sys

from gexec.process import BASE_DIR
from serve.groups import end_group, signal_group, start_group
from serve.handover import Line

_MEMORY_GIVEN_BACK = {
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_MMAP_THRESHOLD_": "131072",
    "MALLOC_TRIM_THRESHOLD_": "131072",
}
"""For glibc, whose own choices keep for good what large answers took: what is large is mapped, and unmapped when it is
freed, whatever was freed before; and threads share few heaps. Other C libraries do not look at it."""


class Gunicorn:
    """The arbiter and its workers, which are one process group. It listens and forks only after `serve`."""

    def __init__(self, listener: socket.socket) -> None:
        """Start it on a bound socket, which the caller closes in the end: else clients would queue up for nobody."""
        command = [sys.executable, "-m", "gunicorn", "--config", "python:serve.gunicorn_config"]
        command += ["--bind", f"fd://{listener.fileno()}"]
        self._line = Line()
        self._process = start_group(
            command,
            cwd=BASE_DIR,
            stdin=self._line.child_end.fileno(),
            pass_fds=[listener.fileno()],
            environment={**_MEMORY_GIVEN_BACK, **os.environ},
        )
        self._line.child_end.close()

    def serve(self) -> None:
        """Everything is prepared; see on_starting in gunicorn_config.py."""
        self._line.serve()

    @property
    def serving(self) -> int:
        """How many workers have begun to serve, those that came for others included."""
        return self._line.serving

    @property
    def exit_code(self) -> int | None:
        """Of the arbiter, negative for a signal; None while it runs."""
        return self._process.poll()

    @property
    def group(self) -> int:
        """The process group; workers of an arbiter that was killed are left in it."""
        return self._process.pid

    def leave(self) -> None:
        """Ask it to end once all that it has begun is over: another one has taken its listening socket."""
        self._line.leave()
        self._process.send_signal(signal.SIGTERM)

    def stop(self, *, at_once: bool) -> None:
        """Ask it to end: gracefully, or, when that was asked already, without waiting for requests."""
        self._line.hurry()
        self._process.send_signal(signal.SIGINT if at_once else signal.SIGTERM)

    def kill(self) -> None:
        """End all of it without asking."""
        signal_group(self.group, signal.SIGKILL)

    def end(self) -> None:
        """End it where it has no request: it has not served, or only just begun to."""
        end_group(self._process, wait_s=1.0)
        self._line.close()
