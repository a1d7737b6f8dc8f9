"""How gexec starts: refuse what cannot work, start the database, have everything prepared, then supervise.

This process stays for as long as gexec serves, so nothing here imports Django or a database client. What needs them
runs as a child: `manage.py prepare` once, then gunicorn.
"""

from __future__ import annotations

import errno
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path

from gexec import process
from gexec.addresses import bound_socket
from gexec.environment import SettingError
from gexec.process import Process
from gexec.version import VERSION
from serve import systemd
from serve.arbiter import Gunicorn
from serve.descriptors import raise_limit
from serve.groups import end_group
from serve.locks import FileLock, Held, Unwritable
from serve.postgres import PostgresError, Server
from serve.stops import Stopped, Stops
from serve.successor import PREPARE_STOP_S, start_preparation
from serve.supervisor import Supervisor
from serve.systemd import Notifier

FREE_DISK_BYTES = 200 * 1024 * 1024
"""A new database takes some 60 MB of it; the rest is for what is written at first."""
LOCK_WAIT_S = 30.0
"""A manage.py command that has started the database is given this long to end."""
POLL_S = 0.02
"""Short beside a start, and no load beside one."""


class Refused(Exception):
    """It cannot start; the message says what to do. Empty where the child that failed has reported it already."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def main(arguments: Sequence[str]) -> int:
    """Serve until SIGTERM or SIGINT. The exit code: 0 after a stop that was asked for, 1 on any error."""
    if arguments:
        if set(arguments) <= {"-V", "--version"}:
            print(VERSION)  # noqa: T201 (what was asked for)
            return 0
        _report("usage: python -m serve [--version] (settings come from the environment: see README.md)")
        return 0 if set(arguments) <= {"-h", "--help"} else 2
    stops = Stops()
    stops.install()
    raise_limit()
    try:
        return _serve(process.read(), stops, Notifier())
    except Stopped:
        return 0
    except Refused as refused:
        _report(f"gexec: {refused}" if str(refused) else "")
        return refused.exit_code
    except (SettingError, Held, PostgresError, Unwritable) as error:
        _report(f"gexec: {error}")
        return 1


def _serve(settings: Process, stops: Stops, notifier: Notifier) -> int:
    lock = FileLock(settings.data_dir / "serve.lock")
    postgres = None if settings.database_url else Server(settings.data_dir, _report)
    try:
        _take(lock, settings.data_dir)
        with closing(_listener(settings.host, settings.port)) as listener:
            _refuse_full_disk(settings.data_dir)
            gunicorn = Gunicorn(listener)
            try:
                _prepare(postgres)
            except BaseException:
                gunicorn.end()
                raise
            supervisor = Supervisor(settings, postgres, stops, listener=listener, gunicorn=gunicorn, notifier=notifier)
            return supervisor.run()
    finally:
        if postgres is not None:
            postgres.stop()
        lock.release()


def _prepare(postgres: Server | None) -> None:
    """Start the database, and prepare what is missing. Raises Refused, Held, PostgresError."""
    if postgres is not None:
        postgres.acquire(wait_s=LOCK_WAIT_S)
    # It loads Django while the database starts, waits for it, and reports itself what is wrong.
    child = start_preparation()
    try:
        if postgres is not None:
            postgres.start()
        exit_code = _exit_code(child, postgres)
    finally:
        end_group(child, wait_s=PREPARE_STOP_S)
    if exit_code:
        raise Refused("" if exit_code > 0 else f"The preparation was killed by signal {-exit_code}.", max(exit_code, 1))


def _exit_code(child: subprocess.Popen[bytes], postgres: Server | None) -> int:
    while (exit_code := child.poll()) is None:
        if postgres is not None:
            postgres.refuse_ended()
        time.sleep(POLL_S)
    return exit_code


def _take(lock: FileLock, data_dir: Path) -> None:
    try:
        lock.acquire()
    except Held as held:
        raise Refused(
            f"gexec is already running on {data_dir} as process {held.pid}. Stop it (kill {held.pid}), or set "
            f"GEXEC_DATA_DIR and GEXEC_PORT for a second one."
        ) from None


def _listener(host: str, port: int) -> socket.socket:
    try:
        return systemd.given_socket() or bound_socket(host, port)
    except systemd.TooManySockets:
        raise Refused("systemd gave it several sockets, and it serves one: name one ListenStream= alone.") from None
    except OverflowError:
        raise Refused(f"GEXEC_PORT is {port}. A port is a number from 1 to 65535.") from None
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise Refused(
                f"Port {port} of {host} is taken. Serve on another one (GEXEC_PORT={port + 1} make run), or see what "
                f"uses it (ss -ltnp 'sport = :{port}')."
            ) from None
        raise Refused(f"Cannot listen on {host} port {port}: {error.strerror}. Change GEXEC_HOST.") from None


def _refuse_full_disk(data_dir: Path) -> None:
    free = shutil.disk_usage(data_dir).free
    if free < FREE_DISK_BYTES:
        raise Refused(
            f"Only {free // 1024**2} MB are free for {data_dir}, and {FREE_DISK_BYTES // 1024**2} are needed. "
            f"Free some space, or set GEXEC_DATA_DIR to another disk."
        )


def _report(line: str) -> None:
    # Whoever read it may have gone, or its disk be full: that is no reason to stop serving.
    with suppress(OSError):
        if line:
            print(line, file=sys.stderr, flush=True)  # noqa: T201 (a command's progress)
