"""Backups: the whole database in one file, as pg_dump writes it and pg_restore reads it.

Theory of operation. All that gexec keeps is in its database, files of clients included, so that one dump is one moment
of everything, also while it serves. A restore goes into an empty database, or into one whose contents are put aside
until it has succeeded. What the database does not have is the data directory's: the secret key and the first password.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import IO, NamedTuple

from django.db import connection
from django.db.migrations.loader import MigrationLoader

from gexec.postgresql.programs import run

STDIO = "-"
_MAGIC = b"PGDMP"
"""What a file of pg_dump's custom format begins with."""
_ASIDE = "gexec_replaced"
_GONE_WITHIN_S = 3.0
"""A connection that was closed is listed for a moment."""
_POLL_S = 0.05


class Refused(Exception):
    """It was not done, and nothing was changed; the message says why."""


class Restored(NamedTuple):
    """What is in the database now."""

    executions: int
    finished: int
    """Of the totals, which count also what was deleted since."""
    from_newer: list[str]
    """Migrations that this gexec does not know."""


def write(file: str) -> int:
    """Dump the database into a file that only its owner may read; how many bytes that are, 0 to standard output.

    It is whole, or not there. Raises Refused, OSError, ProgramMissing, ProgramFailed.
    """
    if file == STDIO:
        _dump(sys.stdout.buffer)
        return 0
    path = Path(file)
    if path.exists():
        raise Refused(f"{path} exists, and is left as it is")
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            _dump(out)
            os.fsync(out.fileno())
        # Not replace(): another one may have made it meanwhile.
        os.link(draft, path)
    except FileExistsError:
        raise Refused(f"{path} exists, and is left as it is") from None
    finally:
        draft.unlink(missing_ok=True)
    return path.stat().st_size


def read(file: str, *, replace: bool) -> Restored:
    """Restore a dump. Raises Refused, OSError, ProgramMissing, ProgramFailed; where it fails all is as it was."""
    if file == STDIO:
        return _restore(sys.stdin.buffer, replace=replace)
    # Without a buffer: the child goes on where this one stands.
    with Path(file).open("rb", buffering=0) as dump:
        if dump.read(len(_MAGIC)) != _MAGIC:
            raise Refused(f"{file} is no file of `manage.py backup` or `pg_dump -Fc`; psql reads what is plain SQL")
        dump.seek(0)
        return _restore(dump, replace=replace)


def _dump(out: IO[bytes]) -> None:
    run("pg_dump", "--format=custom", "--no-owner", "--no-privileges", stdout=out)


def _restore(dump: IO[bytes], *, replace: bool) -> Restored:
    aside = False
    if _tables():
        if not replace:
            raise Refused("the database is not empty: name another one, or say --replace")
        _refuse_company()
        _execute(f"DROP SCHEMA IF EXISTS {_ASIDE} CASCADE")
        _execute(f"ALTER SCHEMA public RENAME TO {_ASIDE}", "CREATE SCHEMA public")
        aside = True
    try:
        run("pg_restore", "--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges", stdin=dump)
    except BaseException:
        if aside:
            _execute("DROP SCHEMA public CASCADE", f"ALTER SCHEMA {_ASIDE} RENAME TO public")
        raise
    if aside:
        _execute(f"DROP SCHEMA {_ASIDE} CASCADE")
    # Without them the planner reads whole tables until autovacuum comes by.
    _execute("ANALYZE")
    return _restored()


def _restored() -> Restored:
    executions, finished = _row(
        "SELECT (SELECT count(*) FROM executions_execution),"
        " (SELECT coalesce(sum(finished), 0) FROM executions_counted)"
    )
    loader = MigrationLoader(connection)
    known = loader.disk_migrations or {}
    newer = [f"{app} {name}" for app, name in loader.applied_migrations if (app, name) not in known]
    return Restored(executions, finished, sorted(newer))


def _tables() -> int:
    (count,) = _row(
        "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
    )
    return int(count)


def _refuse_company() -> None:
    until = time.monotonic() + _GONE_WITHIN_S
    while (others := _others()) > 0:
        if time.monotonic() > until:
            raise Refused(f"the database has other users ({others} connections): stop gexec, and whatever else asks it")
        time.sleep(_POLL_S)


def _others() -> int:
    (all_of_them,) = _row(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'"
    )
    own: dict[str, int] = connection.pool.get_stats()  # type: ignore[attr-defined]  # PostgreSQL's has it
    return all_of_them - own["pool_size"]


def _row(query: str) -> tuple[int, ...]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        found: tuple[int, ...] = cursor.fetchone()
        return found


def _execute(*statements: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("; ".join(statements))
