"""What keeps a running gexec together: gunicorn as a child, PostgreSQL beside it, and an end that leaves nothing."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

from gexec.postgres import Server

POLL_S = 0.1
FIRST_RESTART_DELAY_S = 0.25
LAST_RESTART_DELAY_S = 10.0
STEADY_S = 60.0
"""A server that ran this long is started again without delay."""
STOP_MARGIN_S = 25.0
"""Beyond the grace for programs: containers are removed, rows written, gunicorn's own margin."""

_log = logging.getLogger("gexec.serve")


class Stopped(BaseException):
    """SIGTERM or SIGINT came before there was anything to shut down gracefully."""


class Supervisor:
    """Runs gunicorn until it ends or a signal says so; starts PostgreSQL again whenever it dies meanwhile.

    Single-threaded: children are told to follow the thread that started them into death.
    """

    def __init__(self, postgres: Server | None, *, grace_s: float) -> None:
        self._postgres = postgres
        self._stop_s = grace_s + STOP_MARGIN_S
        self._gunicorn: subprocess.Popen[bytes] | None = None
        self._stop_by = float("inf")
        self._postgres_since = time.monotonic()
        self._delay_s = 0.0
        self._restart_at = 0.0

    def heed_signals(self) -> None:
        """From now on SIGTERM and SIGINT raise Stopped; once gunicorn runs, they shut it down."""
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)

    def run(self, project: Path, listener: int) -> int:
        """Serve on the bound socket `listener` (closed here) and return the exit code to end with."""
        # Should this process be killed, gunicorn ends as gracefully as on a signal.
        command = ["setpriv", "--pdeathsig", "TERM", "--", sys.executable, "-m", "gunicorn"]
        command += ["--config", str(project / "gexec" / "gunicorn.conf.py"), "--bind", f"fd://{listener}"]
        gunicorn = subprocess.Popen(command, cwd=project, pass_fds=[listener], process_group=0)
        self._gunicorn = gunicorn
        # Were it open here too, clients would queue up on it after gunicorn has closed its own.
        os.close(listener)
        while gunicorn.poll() is None:
            self._look_after_postgres()
            if time.monotonic() > self._stop_by:
                _log.error("gunicorn did not end in time and is killed")
                _signal_group(gunicorn.pid, signal.SIGKILL)
            time.sleep(POLL_S)
        asked = self._stop_by < float("inf")
        if not asked:
            _log.error("gunicorn ended by itself", extra={"exit_code": gunicorn.returncode})
        self._wait_for_workers(gunicorn.pid)
        return 0 if asked and gunicorn.returncode == 0 else 1

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self._gunicorn is None:
            raise Stopped
        # The first signal is graceful; SIGINT at an arbiter that stops already makes it quick.
        again = self._stop_by < float("inf")
        if not again:
            _log.info("stopping", extra={"signal": signal.Signals(number).name})
            self._stop_by = time.monotonic() + self._stop_s
        with contextlib.suppress(ProcessLookupError):
            self._gunicorn.send_signal(signal.SIGINT if again else signal.SIGTERM)

    def _look_after_postgres(self) -> None:
        if self._postgres is None or not self._postgres.ended():
            return
        now = time.monotonic()
        if self._restart_at == 0.0:
            if now - self._postgres_since > STEADY_S:
                self._delay_s = 0.0
            self._restart_at = now + self._delay_s
            _log.error("PostgreSQL ended by itself", extra={"restart_in_s": self._delay_s})
        if now >= self._restart_at:
            self._postgres.spawn()
            self._postgres_since, self._restart_at = now, 0.0
            self._delay_s = min(max(self._delay_s * 2, FIRST_RESTART_DELAY_S), LAST_RESTART_DELAY_S)

    def _wait_for_workers(self, group: int) -> None:
        """After an arbiter that was killed, its workers end gracefully by themselves; the database waits for them."""
        deadline = min(self._stop_by, time.monotonic() + self._stop_s)
        while True:
            with contextlib.suppress(ChildProcessError):
                # Where this is PID 1, orphaned workers are ours to reap.
                os.waitpid(-group, os.WNOHANG)
            if not _signal_group(group, 0):
                return
            if time.monotonic() > deadline:
                _signal_group(group, signal.SIGKILL)
                return
            time.sleep(POLL_S)


def _signal_group(group: int, number: int) -> bool:
    """Signal gunicorn and its workers; False where none is left."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    return True
