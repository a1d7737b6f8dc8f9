"""The database of a manage.py command: the server that runs already, else one started for the command's duration."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg

from gexec.embedded import run_dir
from serve.locks import POLL_S, FileLock, Held
from serve.postgres import READY_WAIT_S, PostgresError, Server, answers

CONNECT_S = 10
"""For a database that is far away, or busy with a start."""

# These never ask the database anything; the doctor finds out by itself whether there is one.
_WITHOUT_DATABASE = frozenset(
    {
        "",
        "check",
        "collectstatic",
        "compilemessages",
        "diffsettings",
        "doctor",
        "findstatic",
        "help",
        "makemessages",
        "spectacular",
        "startapp",
        "startproject",
        "version",
    }
)


class Unreachable(Exception):
    """The database of DATABASE_URL does not answer; the message says why."""


def needed(arguments: Sequence[str]) -> bool:
    """Whether the command line asks the embedded database anything."""
    return not os.environ.get("DATABASE_URL") and _asks(arguments)


def outside(arguments: Sequence[str]) -> bool:
    """Whether the command line asks the database of DATABASE_URL anything."""
    return bool(os.environ.get("DATABASE_URL")) and _asks(arguments)


def refuse_unreachable(url: str) -> None:
    """Raises Unreachable, in one sentence. The pool would try for seconds, warn of each try, and lose the reason."""
    try:
        psycopg.connect(url, connect_timeout=CONNECT_S).close()
    except psycopg.Error as error:
        raise Unreachable(f"The database of DATABASE_URL does not answer: {' '.join(str(error).split())}") from None


def _asks(arguments: Sequence[str]) -> bool:
    if {"-h", "--help", "--version"} & set(arguments):
        return False
    command = arguments[0] if arguments else ""
    return command not in _WITHOUT_DATABASE


@contextmanager
def available(data_dir: Path) -> Iterator[None]:
    """Inside, the embedded server answers. One that others started goes on after it; one of ours waits for them.

    Raises PostgresError where there is none to be had.
    """
    users = FileLock(data_dir / "postgres.users")
    users.acquire(shared=True, wait_s=READY_WAIT_S)
    server = _found_or_started(data_dir)
    try:
        yield
    finally:
        users.release()
        if server is not None:
            # Commands that found this server have not ended yet.
            users.acquire(wait_s=float("inf"))
            server.stop()
            users.release()


def _found_or_started(data_dir: Path) -> Server | None:
    server = Server(data_dir, _report)
    # Another process may be starting the server, or ending it: each turn asks it, and waits for the lock for POLL_S.
    for _ in range(int(READY_WAIT_S / POLL_S)):
        if answers(run_dir(data_dir)):
            return None
        try:
            server.start(wait_s=POLL_S)
        except Held as held:
            holder = held.pid
        else:
            return server
    raise PostgresError(
        f"Process {holder} looks after the embedded PostgreSQL of {data_dir}, but the server does not answer; "
        f"see {data_dir / 'postgres.log'}."
    )


def _report(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201 (a command's progress)
