"""gunicorn as a child: started early, serving when it is told to."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys

from gexec.process import BASE_DIR
from serve.groups import end_group, signal_group, start_group

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
        """Start it on a bound socket, which the caller closes: else clients would queue up after gunicorn has ended."""
        command = [sys.executable, "-m", "gunicorn", "--config", "python:serve.gunicorn_config"]
        command += ["--bind", f"fd://{listener.fileno()}"]
        stdin, self._go_ahead = os.pipe()
        self._process = start_group(
            command,
            cwd=BASE_DIR,
            stdin=stdin,
            pass_fds=[listener.fileno()],
            environment={**_MEMORY_GIVEN_BACK, **os.environ},
        )
        os.close(stdin)

    def serve(self) -> None:
        """Everything is prepared; see on_starting in gunicorn_config.py."""
        # One that has ended already is seen by `exit_code`.
        with contextlib.suppress(BrokenPipeError):
            os.write(self._go_ahead, b"serve\n")
        os.close(self._go_ahead)

    @property
    def exit_code(self) -> int | None:
        """Of the arbiter, negative for a signal; None while it runs."""
        return self._process.poll()

    @property
    def group(self) -> int:
        """The process group; workers of an arbiter that was killed are left in it."""
        return self._process.pid

    def stop(self, *, at_once: bool) -> None:
        """Ask it to end: gracefully, or, when that was asked already, without waiting for requests."""
        self._process.send_signal(signal.SIGINT if at_once else signal.SIGTERM)

    def kill(self) -> None:
        """End all of it without asking."""
        signal_group(self.group, signal.SIGKILL)

    def end(self) -> None:
        """End it before it has served: it has no request and no child, and waits in a read."""
        end_group(self._process, wait_s=1.0)
        os.close(self._go_ahead)
