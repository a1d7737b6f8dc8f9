"""A server behind PgBouncer, which gives each transaction whichever session is free."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from gexec.embedded import USER
from testkit.databases import create_database, database_url
from testkit.servers import RunningServer, free_port
from testkit.waiting import eventually
from tests.conftest import StartServer

PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
NAME = "pooled"
SESSIONS = 4
CONFIGURATION = """
[databases]
{name} = host={directory} user={user} connect_query='SET statement_timeout = 30000; SET lock_timeout = 15000'
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {sessions}
ignore_startup_parameters = extra_float_digits, options
server_reset_query =
admin_users = {user}
"""

pytestmark = pytest.mark.skipif(PGBOUNCER is None, reason="PgBouncer is not installed")


@pytest.fixture
def pooler(prepared_postgres: Path, tmp_path: Path) -> Iterator[int]:
    """The port of one that has fewer sessions than a server process takes connections."""
    create_database(prepared_postgres, NAME, "gexec")
    port, log = free_port(), tmp_path / "pgbouncer.log"
    conf = tmp_path / "pgbouncer.ini"
    conf.write_text(
        CONFIGURATION.format(name=NAME, directory=prepared_postgres, port=port, sessions=SESSIONS, user=USER)
    )
    conf.chmod(0o644)
    # Of root, it takes the name of the user that it is to be; the folders above are root's alone.
    own = ["-u", prepared_postgres.owner()] if os.geteuid() == 0 else []
    with log.open("wb") as out:
        assert PGBOUNCER
        process = subprocess.Popen([PGBOUNCER, *own, str(conf)], stdout=out, stderr=out)
    try:
        eventually(lambda: process.poll() is not None or b"process up" in log.read_bytes())
        assert process.poll() is None, log.read_text()
        yield port
    finally:
        process.terminate()
        process.wait(30)
    assert " WARNING " not in log.read_text()


def advisory_locks(directory: Path) -> set[str]:
    """The names of the sessions that have some, in this database: others on its server have theirs."""
    query = (
        "SELECT DISTINCT application_name FROM pg_locks JOIN pg_stat_activity USING (pid)"
        " WHERE locktype = 'advisory' AND datname = current_database()"
    )
    with psycopg.connect(host=str(directory), user=USER, dbname=NAME) as connection:
        return {row[0] for row in connection.execute(query)}


def test_a_server_works_behind_a_pooler_and_its_locks_pass_it_by(
    pooler: int, prepared_postgres: Path, server: StartServer
) -> None:
    direct = f"{database_url(prepared_postgres, NAME)}&application_name=direct"
    running: RunningServer = server(
        DATABASE_URL=f"postgresql://{USER}@127.0.0.1:{pooler}/{NAME}?application_name=pooled",
        GEXEC_DATABASE_DIRECT_URL=direct,
        GEXEC_WORKERS="2",
        GEXEC_CALLER_SHARE="1",
    )
    body = {"language": "python", "source_code": "print(1)", "wait": False}
    with ThreadPoolExecutor(12) as callers:
        answers = list(callers.map(lambda _: running.execute("print(6 * 7)"), range(12)))
        accepted = list(
            callers.map(
                lambda _: running.request("/api/v1/executions", body, headers={"Content-Type": "application/json"}),
                range(12),
            )
        )
    assert {(answer.status, answer.json().get("stdout")) for answer in answers} == {(200, "42\n")}
    assert {answer.status for answer in accepted} == {202}
    with psycopg.connect(host=str(prepared_postgres), user=USER, dbname=NAME, autocommit=True) as connection:
        left = "SELECT count(*) FROM executions_execution WHERE status <> 'finished'"
        eventually(lambda: connection.execute(left).fetchone() == (0,))
        sessions = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pooled'"
        found = connection.execute(sessions).fetchone()
        assert found is not None
        assert 0 < found[0] <= SESSIONS
    assert running.manage("languages", "list").returncode == 0
    assert eventually(lambda: advisory_locks(prepared_postgres), within_s=60) == {"direct"}
    assert running.stop() == 0
    assert not advisory_locks(prepared_postgres)
