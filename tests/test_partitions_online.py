"""A database of before gets parts while it is written to and read: nothing is lost, and nobody is refused."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest

from rest.ids import uuid7
from testkit.databases import create_database, database_url
from testkit.histories import fill
from testkit.servers import clean_environment, manage
from testkit.waiting import eventually

ROWS = 100_000
BEFORE = "0022_artifact_files"
_ACCEPT = """
INSERT INTO executions_execution (id, status, outcome, language_slug, language_version, image_digest, source, stdin,
    job, steps, output, error, worker, created_at)
VALUES (%(id)s, 'queued', '', 'python', '', '', 'x', '', '{"steps": []}', '[]', '', '', %(id)s, now())
"""
_START = "UPDATE executions_execution SET status = 'running', started_at = now() WHERE id = %(id)s"
_FINISH = """
UPDATE executions_execution SET status = 'finished', outcome = 'ok', exit_code = 0, finished_at = now()
WHERE id = %(id)s
"""
_COUNTS = """
SELECT (SELECT count(*) FROM executions_execution), (SELECT count(*) FROM executions_executiontag),
    (SELECT sum(received) FROM executions_counted), (SELECT sum(finished) FROM executions_counted),
    (SELECT md5(string_agg(md5(rtrim(e::text, ',)')), '' ORDER BY id))
        FROM executions_execution e WHERE created_at < %s)
"""
"""Columns that a later migration has added stand at the end, and are empty."""
_FILES = """
SELECT pg_relation_filenode('{table}'), array_agg(pg_relation_filenode(indexrelid) ORDER BY indexrelid)
FROM pg_index WHERE indrelid = '{table}'::regclass
"""
"""Those of the rows and of their indexes: other ones, where they were written anew."""


class Load:
    """Executions that come, start and end, one statement after the other, and a list that is read meanwhile."""

    def __init__(self, url: str) -> None:
        self.done: list[Any] = []
        self.read, self.longest_s = 0, 0.0
        self.errors: list[Exception] = []
        self._url, self._stop = url, threading.Event()
        self._threads = [threading.Thread(target=self._until_stop, args=[each]) for each in (self._write, self._read)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _until_stop(self, work: Any) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            while not self._stop.wait(0.005):
                began = time.monotonic()
                try:
                    work(connection)
                except psycopg.Error as error:
                    self.errors.append(error)
                self.longest_s = max(self.longest_s, time.monotonic() - began)

    def _write(self, connection: psycopg.Connection[Any]) -> None:
        made = uuid7()
        for statement in (_ACCEPT, _START, _FINISH):
            assert connection.execute(statement, {"id": made}).rowcount == 1
        self.done.append(made)

    def _read(self, connection: psycopg.Connection[Any]) -> None:
        rows = connection.execute("SELECT id FROM executions_execution ORDER BY id DESC LIMIT 50").fetchall()
        assert len(rows) == 50
        self.read += 1


@pytest.fixture(scope="module")
def url(postgres: Path) -> str:
    """A database of before with a long history, and tags in it. It goes with its server."""
    create_database(postgres, "online")
    url = database_url(postgres, "online")
    _migrate(url, "executions", BEFORE)
    with psycopg.connect(url, autocommit=True) as connection:
        # Counted as VACUUM would leave it: what the triggers note is not what is tried here.
        connection.execute("SET session_replication_role = replica")
        fill(connection, rows=ROWS)
        connection.execute(
            "INSERT INTO executions_executiontag (execution_id, client_id, name, value)"
            " SELECT id, gen_random_uuid(), 'a', 'b' FROM executions_execution LIMIT 1000"
        )
    return url


def _migrate(url: str, *target: str) -> None:
    done = manage("migrate", *target, "--verbosity=0", environment=clean_environment(DATABASE_URL=url))
    assert done.returncode == 0, done.stderr


def _ask(url: str, statement: str, *parameters: Any) -> tuple[Any, ...]:
    with psycopg.connect(url) as connection:
        row: tuple[Any, ...] | None = connection.execute(statement, parameters).fetchone()
        assert row is not None
        return row


@pytest.mark.timeout(600)
def test_a_hundred_thousand_rows_get_parts_under_load_and_go_back(url: str) -> None:
    (now,) = _ask(url, "SELECT now()")
    before, files = _ask(url, _COUNTS, now), _ask(url, _FILES.format(table="executions_execution"))
    with Load(url) as load:
        eventually(lambda: load.done and load.read, within_s=60)
        _migrate(url)
        written, read = len(load.done), load.read
        eventually(lambda: len(load.done) > written and load.read > read, within_s=60)
        done = manage("periodic", "partitions", environment=clean_environment(DATABASE_URL=url))
        assert done.returncode == 0, done.stderr
    assert load.errors == []
    # What is told is for a person, with -s; a machine may be slow, and one that does not let go of a lock fails.
    sys.stderr.write(f"the longest wait was {load.longest_s:.2f} s\n")
    _all_is_there(url, before, now, len(load.done))
    assert _ask(url, "SELECT relkind FROM pg_class WHERE relname = 'executions_execution'") == ("p",)
    assert _ask(url, _FILES.format(table="executions_execution_before")) == files
    assert _ask(url, "SELECT count(*) FROM executions_execution_others") == (0,)
    assert _ask(url, "SELECT count(*) FROM pg_index WHERE NOT indisvalid") == (0,)
    _migrate(url, "executions", BEFORE)
    _all_is_there(url, before, now, len(load.done))


def _all_is_there(url: str, before: tuple[Any, ...], now: Any, more: int) -> None:
    rows, tags, received, finished, checksum = before
    counted = (int(received or 0) + more, int(finished or 0) + more)
    after = _ask(url, _COUNTS, now)
    assert after[:2] == (rows + more, tags)
    assert (int(after[2]), int(after[3])) == counted
    assert after[4] == checksum


@pytest.mark.timeout(600)
def test_ids_of_a_clock_that_was_wrong_and_a_try_that_was_cut_short(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        late = "f2345678-0000-7000-8000-000000000001"
        connection.execute(_ACCEPT.replace("%(id)s", f"'{late}'"))
        check = "ALTER TABLE executions_execution ADD CONSTRAINT execution_of_before CHECK (id > %s) NOT VALID"
        connection.execute(check.replace("%s", f"'{late}'"))
    _migrate(url)
    assert _ask(url, "SELECT count(*) FROM executions_execution_others WHERE id = %s", late) == (1,)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_ACCEPT, {"id": uuid7()})
        rows = connection.execute("SELECT conname FROM pg_constraint WHERE conname = 'execution_of_before'").fetchall()
    assert rows == []
