"""The embedded PostgreSQL starts correctly after whatever happened to it, and listens on nothing but its socket."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from gexec.embedded import USER, run_dir
from serve import database
from serve.locks import FileLock, Held
from serve.postgres import PostgresError, Server, _remove_left_run_dirs, answers
from testkit.servers import PROJECT, clean_environment, manage

KEEP_RUNNING = """
import sys, time
from pathlib import Path
from serve.postgres import Server
Server(Path(sys.argv[1]), print).start()
print("ready", flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with a whole database, made once and copied."""
    data_dir = tmp_path_factory.mktemp("made")
    server = Server(data_dir, print)
    server.start()
    server.stop()
    return data_dir


@pytest.fixture
def data_dir(made: Path, tmp_path: Path) -> Iterator[Path]:
    """A data directory with a stopped database in it."""
    copy = tmp_path / "data"
    subprocess.run(["cp", "-a", made, copy], check=True)
    yield copy
    shutil.rmtree(run_dir(copy), ignore_errors=True)


def connect(data_dir: Path, name: str = "gexec") -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(host=str(run_dir(data_dir)), user=USER, dbname=name, autocommit=True)


def postmaster(data_dir: Path) -> int:
    return int((data_dir / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0])


def started(data_dir: Path) -> Server:
    server = Server(data_dir, print)
    server.start()
    return server


def looked_after_elsewhere(data_dir: Path) -> subprocess.Popen[str]:
    """Another process that has started the server of this data directory."""
    process = subprocess.Popen(
        [sys.executable, "-c", KEEP_RUNNING, str(data_dir)], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.stdout.close()
    return process


def test_committed_rows_survive_kill_9_of_the_supervisor_and_the_server(data_dir: Path) -> None:
    process = looked_after_elsewhere(data_dir)
    with connect(data_dir) as connection:
        connection.execute("CREATE TABLE kept (n integer)")
        connection.execute("INSERT INTO kept SELECT generate_series(1, 1000)")
        server_pid = postmaster(data_dir)
        process.kill()
        os.kill(server_pid, signal.SIGKILL)
    process.wait()
    server = started(data_dir)
    try:
        with connect(data_dir) as connection:
            row = connection.execute("SELECT count(*) FROM kept").fetchone()
        assert row == (1000,)
    finally:
        server.stop()


def test_a_server_follows_its_killed_supervisor_and_the_next_start_is_correct(data_dir: Path) -> None:
    process = looked_after_elsewhere(data_dir)
    orphan = postmaster(data_dir)
    process.kill()
    process.wait()
    server = started(data_dir)
    try:
        assert postmaster(data_dir) != orphan
        assert answers(run_dir(data_dir))
    finally:
        server.stop()


def test_a_pid_file_that_names_another_living_process_does_not_keep_it_from_starting(data_dir: Path) -> None:
    # The number of a process that lives and is no PostgreSQL, as after a reboot.
    (data_dir / "postgres" / "postmaster.pid").write_text(f"{os.getpid()}\n{data_dir}/postgres\n1\n5432\n\n\n\n")
    server = started(data_dir)
    try:
        assert postmaster(data_dir) != os.getpid()
    finally:
        server.stop()


def test_a_garbled_pid_file_does_not_keep_it_from_starting(data_dir: Path) -> None:
    (data_dir / "postgres" / "postmaster.pid").write_bytes(b"")
    server = started(data_dir)
    server.stop()
    assert not (data_dir / "postgres" / "postmaster.pid").exists()


def test_a_half_made_directory_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "postgres.new").mkdir()
    (tmp_path / "postgres.new" / "PG_VERSION").write_text("18\n")
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("18\n")
    server = started(tmp_path)
    try:
        assert answers(run_dir(tmp_path))
        assert not (tmp_path / "postgres.new").exists()
        # What was there may be somebody's: it is kept aside.
        assert len(list(tmp_path.glob("postgres.incomplete-*"))) == 1
    finally:
        server.stop()


def test_a_directory_of_another_version_is_refused_with_the_way_out(data_dir: Path) -> None:
    (data_dir / "postgres" / "PG_VERSION").write_text("15\n")
    with pytest.raises(PostgresError, match=r"made by PostgreSQL 15.*GEXEC_DATA_DIR"):
        started(data_dir)


def test_a_second_instance_is_told_who_has_the_first(data_dir: Path) -> None:
    server = started(data_dir)
    try:
        with pytest.raises(Held) as caught:
            started(data_dir)
        assert caught.value.pid == os.getpid()
        assert answers(run_dir(data_dir))
    finally:
        server.stop()


def test_nothing_listens_on_tcp(data_dir: Path) -> None:
    server = started(data_dir)
    try:
        sockets = {
            link.readlink().name
            for link in Path(f"/proc/{postmaster(data_dir)}/fd").iterdir()
            if str(link.readlink()).startswith("socket:")
        }
        inodes = {name.removeprefix("socket:[").removesuffix("]") for name in sockets}
        listening = {
            line.split()[9]
            for table in ("tcp", "tcp6")
            for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
        }
        assert inodes
        assert not inodes & listening
    finally:
        server.stop()


def test_the_socket_is_reached_by_its_owner_alone(data_dir: Path) -> None:
    server = started(data_dir)
    try:
        assert run_dir(data_dir).stat().st_mode & 0o777 == 0o700
        assert len(bytes(run_dir(data_dir) / ".s.PGSQL.5432")) < 93
    finally:
        server.stop()
    assert not run_dir(data_dir).exists()


def test_a_very_long_data_directory_works(made: Path, tmp_path: Path) -> None:
    deep = tmp_path / ("long-name-" * 12) / ("another-one-" * 12)
    deep.parent.mkdir()
    subprocess.run(["cp", "-a", made, deep], check=True)
    server = started(deep)
    server.stop()


def test_directories_that_killed_servers_have_left_go_at_a_start(tmp_path: Path) -> None:
    run = tmp_path / "gexec-0000000000000000"
    left, young, used, other = (tmp_path / f"gexec-{name}" for name in ("1" * 16, "2" * 16, "3" * 16, "bench-x"))
    for each in (left, young, used, other):
        each.mkdir()
    (used / ".s.PGSQL.5432").touch()
    for each in (left, used, other):
        os.utime(each, (1, 1))
    (tmp_path / f"gexec-{'4' * 16}").symlink_to(young)
    _remove_left_run_dirs(run)
    assert not left.exists()
    assert len(list(tmp_path.iterdir())) == 4


def test_a_socket_directory_of_somebody_else_is_refused(data_dir: Path) -> None:
    run_dir(data_dir).symlink_to(data_dir)
    try:
        with pytest.raises(PostgresError, match="belongs to somebody else"):
            started(data_dir)
    finally:
        run_dir(data_dir).unlink()


def test_it_is_durable_whatever_its_configuration_file_says(data_dir: Path) -> None:
    with (data_dir / "postgres" / "postgresql.conf").open("a") as conf:
        conf.write("fsync = off\nsynchronous_commit = off\nlisten_addresses = '*'\n")
    server = started(data_dir)
    try:
        with connect(data_dir) as connection:
            shown = [
                connection.execute(f"SHOW {name}").fetchone()
                for name in ("fsync", "synchronous_commit", "full_page_writes", "listen_addresses")
            ]
        assert shown == [("on",), ("on",), ("on",), ("",)]
    finally:
        server.stop()


def test_a_command_starts_the_server_and_ends_it_with_itself(data_dir: Path) -> None:
    environment = clean_environment(GEXEC_DATA_DIR=str(data_dir))
    shown = manage("migrate", "--plan", environment=environment)
    assert shown.returncode == 0, shown.stderr
    assert "Planned operations" in shown.stdout
    assert not answers(run_dir(data_dir))


def test_a_command_uses_the_server_that_runs(data_dir: Path) -> None:
    server = started(data_dir)
    try:
        before = postmaster(data_dir)
        shown = manage("migrate", "--plan", environment=clean_environment(GEXEC_DATA_DIR=str(data_dir)))
        assert shown.returncode == 0, shown.stderr
        assert postmaster(data_dir) == before
        assert answers(run_dir(data_dir))
    finally:
        server.stop()


def test_a_command_that_started_the_server_waits_for_the_others_that_use_it(data_dir: Path) -> None:
    users = FileLock(data_dir / "postgres.users")
    users.acquire(shared=True)
    process = subprocess.Popen(
        [sys.executable, "manage.py", "migrate", "--plan"],
        cwd=PROJECT,
        env=clean_environment(GEXEC_DATA_DIR=str(data_dir)),
        stdout=subprocess.DEVNULL,
    )
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(6)
    assert answers(run_dir(data_dir))
    users.release()
    assert process.wait(20) == 0
    assert not answers(run_dir(data_dir))


@pytest.mark.parametrize(
    ("arguments", "needed"),
    [
        ([], False),
        (["check"], False),
        (["migrate", "--help"], False),
        (["migrate"], True),
        (["languages", "list"], True),
    ],
)
def test_only_commands_that_ask_the_database_need_it(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], needed: bool
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    assert database.needed(arguments) is needed


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
def test_as_root_the_server_runs_as_nobody_even_below_a_closed_directory(made: Path, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    server = started(closed)
    try:
        status = Path(f"/proc/{postmaster(closed)}/status").read_text()
        uid = next(line for line in status.splitlines() if line.startswith("Uid:")).split()[1]
        assert uid == "65534"
    finally:
        server.stop()
