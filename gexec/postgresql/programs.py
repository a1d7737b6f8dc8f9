"""PostgreSQL's own programs, pointed at the database of the settings."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import IO

from django.db import connection
from psycopg.conninfo import make_conninfo

from gexec.embedded import program

_OF_THE_CLIENT = ("host", "port", "user", "dbname", "sslmode", "sslrootcert", "sslcert", "sslkey", "connect_timeout")


class ProgramMissing(Exception):
    """The program is not on this machine; the message says what to do."""


class ProgramFailed(Exception):
    """It ended with an error; the message is what it said."""


def run(name: str, *arguments: str, stdin: IO[bytes] | None = None, stdout: IO[bytes] | None = None) -> None:
    """Run one of them on the database. Raises ProgramMissing, ProgramFailed."""
    given = connection.get_connection_params()
    target = make_conninfo(**{each: str(given[each]) for each in _OF_THE_CLIENT if given.get(each)})
    # A command line can be read by everybody on the machine.
    secret = {"PGPASSWORD": str(given["password"])} if given.get("password") else {}
    done = subprocess.run(
        [_found(name), *arguments, f"--dbname={target}"],
        stdin=stdin if stdin is not None else subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        env={**os.environ, **secret},
        check=False,
    )
    if done.returncode:
        raise ProgramFailed(f"{name} failed: {done.stderr.decode(errors='replace').strip()}")


def _found(name: str) -> str:
    """One of the server's own version, else the oldest of a newer one: an older pg_dump refuses a newer server."""
    server = connection.pg_version // 10_000  # type: ignore[attr-defined]  # PostgreSQL's has it
    versions = {path: _version(path) for path in filter(None, (shutil.which(name), program(name)))}
    fitting = [path for path, version in versions.items() if version >= server]
    if not fitting:
        raise ProgramMissing(
            f"{name} of PostgreSQL {server} is not on this machine: install postgresql-client-{server}, or run "
            f"{name} where the database is (docs/operations.md)."
        )
    return min(fitting, key=lambda path: versions[path])


def _version(path: str) -> int:
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"\(PostgreSQL\) (\d+)", said)
    return int(found[1]) if found else 0
