"""What keeps a running gexec together: gunicorn as a child, PostgreSQL beside it, and an end that leaves nothing.

`manage.py serve` prepares everything and then becomes this program: the same process, with the locks, the bound socket
and PostgreSQL handed on, but without Django, which would lie in memory for nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import logging
import logging.config
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType
from typing import NoReturn

from serve.locks import FileLock
from serve.postgres import PostgresError, Server

POLL_S = 0.1
FIRST_RESTART_DELAY_S = 0.25
LAST_RESTART_DELAY_S = 10.0
STEADY_S = 60.0
"""A server that ran this long is started again without delay."""
STOP_MARGIN_S = 25.0
"""Beyond the grace for programs: containers are removed, rows written, gunicorn's own margin."""

_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Stopped(BaseException):
    """SIGTERM or SIGINT came before there was anything to shut down gracefully."""


def raise_when_stopped() -> None:
    """From now on SIGTERM and SIGINT raise Stopped."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise Stopped

    for number in _STOP_SIGNALS:
        signal.signal(number, stop)


def become(
    *, project: Path, data_dir: Path, grace_s: float, listener: int, lock: FileLock, postgres: Server | None
) -> NoReturn:
    """Go on as this module's program, which serves on the bound socket `listener` until it is told to stop."""
    pid, postgres_lock = postgres.handed_on() if postgres else (0, -1)
    os.set_inheritable(listener, True)  # noqa: FBT003 (positional only)
    command = [sys.executable, "-m", "serve.supervisor", f"--data-dir={data_dir}", f"--grace-s={grace_s}"]
    command += [f"--listener={listener}", f"--lock={lock.descriptor()}"]
    command += [f"--postgres={pid}", f"--postgres-lock={postgres_lock}"]
    os.chdir(project)
    sys.stdout.flush()
    sys.stderr.flush()
    # One that comes meanwhile waits until the next program knows what to do about it.
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)
    os.execv(sys.executable, command)  # noqa: S606 (no shell is wanted)


@functools.cache
def _log() -> logging.Logger:
    """Set up at its first use, which may never come: the library behind it takes more memory than all of this."""
    from gexec import settings  # noqa: PLC0415 (as said)

    logging.config.dictConfig(settings.LOGGING)
    return logging.getLogger("gexec.serve")


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
        """From now on SIGTERM and SIGINT shut gunicorn down, or raise Stopped where it does not run yet."""
        for number in _STOP_SIGNALS:
            signal.signal(number, self._on_signal)
        # Children inherit the mask, so this comes before the first of them.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOP_SIGNALS)

    def run(self, project: Path, listener: int) -> int:
        """Serve on the bound socket `listener` (closed here) and return the exit code to end with."""
        # Should this process be killed, gunicorn ends as gracefully as on a signal.
        command = ["setpriv", "--pdeathsig", "TERM", "--", sys.executable, "-m", "gunicorn"]
        command += ["--config", str(project / "serve" / "gunicorn.conf.py"), "--bind", f"fd://{listener}"]
        gunicorn = subprocess.Popen(command, cwd=project, pass_fds=[listener], process_group=0)
        self._gunicorn = gunicorn
        # Were it open here too, clients would queue up on it after gunicorn has closed its own.
        os.close(listener)
        while gunicorn.poll() is None:
            self._look_after_postgres()
            if time.monotonic() > self._stop_by:
                _log().error("gunicorn did not end in time and is killed")
                _signal_group(gunicorn.pid, signal.SIGKILL)
            time.sleep(POLL_S)
        asked = self._stop_by < float("inf")
        if not asked:
            _log().error("gunicorn ended by itself", extra={"exit_code": gunicorn.returncode})
        self._wait_for_workers(gunicorn.pid)
        return 0 if asked and gunicorn.returncode == 0 else 1

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self._gunicorn is None:
            raise Stopped
        # The first signal is graceful; SIGINT at an arbiter that stops already makes it quick.
        again = self._stop_by < float("inf")
        self._gunicorn.send_signal(signal.SIGINT if again else signal.SIGTERM)
        if not again:
            self._stop_by = time.monotonic() + self._stop_s
            _log().info("stopping", extra={"signal": signal.Signals(number).name})

    def _look_after_postgres(self) -> None:
        if self._postgres is None or not self._postgres.ended():
            return
        now = time.monotonic()
        if self._restart_at == 0.0:
            if now - self._postgres_since > STEADY_S:
                self._delay_s = 0.0
            self._restart_at = now + self._delay_s
            _log().error("PostgreSQL ended by itself", extra={"restart_in_s": self._delay_s})
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


def main(arguments: list[str]) -> int:
    """Take over what `become` handed on. Returns the exit code: 0 after a stop that was asked for."""
    parser = argparse.ArgumentParser(prog="python -m serve.supervisor")
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--grace-s", type=float, required=True)
    for name in ("--listener", "--lock", "--postgres", "--postgres-lock"):
        parser.add_argument(name, type=int, required=True)
    given = parser.parse_args(arguments)
    lock = FileLock.inherited(given.data_dir / "serve.lock", given.lock)
    postgres = None
    if given.postgres:
        postgres = Server.inherited(given.data_dir, print, pid=given.postgres, lock=given.postgres_lock)
    supervisor = Supervisor(postgres, grace_s=given.grace_s)
    try:
        supervisor.heed_signals()
        return supervisor.run(Path.cwd(), given.listener)
    except Stopped:
        return 0
    except PostgresError as error:
        _log().error("PostgreSQL cannot be started again", extra={"reason": str(error)})
        return 1
    finally:
        if postgres is not None:
            postgres.stop()
        lock.release()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
