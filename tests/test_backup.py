"""Backup and restore: by gexec's own commands and by PostgreSQL's, with every row, total and byte as it was."""

from __future__ import annotations

import stat
import subprocess
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from gexec.embedded import program
from testkit.databases import copy_data_dir, create_database, database_url
from testkit.servers import RunningServer, clean_environment, manage, start_server
from tests.conftest import START_S

Done = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def kept(prepared_postgres: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a database in which something has happened, and in which nothing happens any more."""
    create_database(prepared_postgres, "kept", "gexec")
    url = database_url(prepared_postgres, "kept")
    running = start_server(tmp_path_factory.mktemp("kept") / "data", clean_environment(DATABASE_URL=url))
    try:
        running.wait_ready(within_s=START_S)
        key = {"Authorization": f"Api-Key {running.create_api_key('kept')}"}
        sent = key | {"Content-Type": "application/octet-stream"}
        json_sent = key | {"Content-Type": "application/json", "Prefer": "wait=60"}
        assert running.request("/api/v1/files", b"\0\xff" * 50_000, method="PUT", headers=sent).status == 201
        assert running.execute("print('no key')").status == 200
        for source in ("print('ü')", "raise SystemExit(3)"):
            body = {"language": "python", "source_code": source, "tags": {"exam": "1"}}
            assert running.request("/api/v1/executions", body, headers=json_sent).status < 300
        running.execute("print(", "nothing")
    finally:
        running.stop()
    purged = manage("purge", "--older-than", "0d", "--client", "kept", environment=clean_environment(DATABASE_URL=url))
    assert purged.returncode == 0, purged.stderr
    assert contents(url)["executions_execution"][0] == 2
    return url


@pytest.fixture(scope="module")
def backup(kept: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Done]:
    file = tmp_path_factory.mktemp("backups") / "gexec.dump"
    return file, manage("backup", str(file), environment=clean_environment(DATABASE_URL=kept))


@pytest.fixture
def empty(prepared_postgres: Path, request: pytest.FixtureRequest) -> str:
    name = f"empty_{abs(hash(request.node.name))}"
    create_database(prepared_postgres, name)
    return database_url(prepared_postgres, name)


def contents(url: str) -> dict[str, tuple[int, str]]:
    """Of each table and view how many rows it has, and a digest of all of them."""
    digest = "SELECT count(*), coalesce(md5(string_agg(t::text, chr(10) ORDER BY t::text COLLATE \"C\")), '') FROM {} t"
    with psycopg.connect(url) as connection:
        names = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v', 'p')"
        ).fetchall()
        found = {name: connection.execute(sql.SQL(digest).format(sql.Identifier(name))).fetchone() for (name,) in names}
        shapes = connection.execute(
            "SELECT count(*), coalesce(md5(string_agg(shape, chr(10) ORDER BY shape)), '') FROM ("
            " SELECT pg_get_triggerdef(oid) AS shape FROM pg_trigger WHERE NOT tgisinternal"
            " UNION ALL SELECT indexname FROM pg_indexes WHERE schemaname = 'public'"
            " UNION ALL SELECT conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace"
            ") shapes"
        ).fetchone()
    return {name: row for name, row in {**found, "shapes": shapes}.items() if row is not None}


def restore(file: Path, url: str, *more: str) -> Done:
    return manage("restore", str(file), *more, environment=clean_environment(DATABASE_URL=url))


def test_a_backup_is_restored_as_it_was(kept: str, backup: tuple[Path, Done], empty: str) -> None:
    file, made = backup
    assert made.returncode == 0, made.stderr
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "secret-key" in made.stderr
    assert list(file.parent.iterdir()) == [file]
    done = restore(file, empty)
    assert done.returncode == 0, done.stderr
    assert "2 executions are there, and 4 have ended in all." in done.stderr
    assert contents(empty) == contents(kept)


def test_what_is_restored_serves_and_goes_on_counting(
    kept: str, backup: tuple[Path, Done], empty: str, tmp_path: Path
) -> None:
    assert restore(backup[0], empty).returncode == 0
    running = start_server(tmp_path / "data", clean_environment(DATABASE_URL=empty))
    try:
        running.wait_ready(within_s=START_S)
        assert finished(running) == 4
        assert running.execute("print(1)").status == 200
        assert finished(running) == 5
    finally:
        running.stop()


def finished(running: RunningServer) -> int:
    lines = running.request("/metrics", headers={"Accept": "text/plain"}).body.decode().splitlines()
    return sum(int(float(line.split()[-1])) for line in lines if line.startswith("gexec_executions_total{"))


def test_plain_pg_dump_does_it_too(kept: str, empty: str) -> None:
    dump, psql = program("pg_dump"), program("psql")
    assert dump
    assert psql
    dumped = subprocess.run([dump, "--no-owner", kept], capture_output=True, check=True)
    subprocess.run(
        [psql, "-v", "ON_ERROR_STOP=1", "-q", "-1", empty], input=dumped.stdout, capture_output=True, check=True
    )
    assert contents(empty) == contents(kept)


def test_what_is_there_already_goes_only_where_that_is_said_and_all_is_well(
    kept: str, backup: tuple[Path, Done], empty: str, tmp_path: Path
) -> None:
    file, _ = backup
    with psycopg.connect(empty) as other:
        other.execute("CREATE TABLE executions_execution (mine int)")
        other.commit()
        refused = restore(file, empty)
        assert refused.returncode == 1
        assert "the database is not empty" in refused.stderr
        assert "the database has other users (1 connections)" in restore(file, empty, "--replace").stderr
    half = tmp_path / "half.dump"
    half.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    broken = restore(half, empty, "--replace")
    assert "Nothing was restored: pg_restore failed" in broken.stderr
    with psycopg.connect(empty) as look:
        assert look.execute("SELECT count(mine) FROM executions_execution").fetchone() == (0,)
    done = restore(file, empty, "--replace")
    assert done.returncode == 0, done.stderr
    assert contents(empty) == contents(kept)


def test_a_file_is_never_written_over_and_another_kind_is_not_taken(
    kept: str, backup: tuple[Path, Done], tmp_path: Path
) -> None:
    other = tmp_path / "plain.sql"
    other.write_text("SELECT 1;")
    again = manage("backup", str(other), environment=clean_environment(DATABASE_URL=kept))
    assert again.returncode == 1
    assert "exists, and is left as it is" in again.stderr
    assert other.read_text() == "SELECT 1;"
    assert "is no file of `manage.py backup`" in restore(other, kept).stderr


def test_the_embedded_database_is_moved_to_another_data_directory(prepared_data_dir: Path, tmp_path: Path) -> None:
    old, new, file = tmp_path / "old", tmp_path / "new", tmp_path / "file"
    copy_data_dir(prepared_data_dir, old)
    made = manage("backup", str(file), environment=clean_environment(GEXEC_DATA_DIR=str(old)))
    assert made.returncode == 0, made.stderr
    done = manage("restore", str(file), environment=clean_environment(GEXEC_DATA_DIR=str(new)))
    assert done.returncode == 0, done.stderr
    listed = manage("languages", "list", "python", environment=clean_environment(GEXEC_DATA_DIR=str(new)))
    assert "enabled" in listed.stdout
