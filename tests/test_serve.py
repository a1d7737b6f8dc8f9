"""`manage.py serve` starts everything, refuses what cannot work with the way out, and starts again quickly."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import docker
import psycopg
import pytest

from gexec import process
from gexec.addresses import bound_socket
from gexec.embedded import USER, run_dir
from gexec.last_start import FILE
from serve.arbiter import Gunicorn
from serve.postgres import Server, answers
from serve.stops import Stops
from serve.supervisor import Supervisor
from serve.systemd import Notifier
from testkit import processes
from testkit.containers import containers_of
from testkit.databases import copy_data_dir, database_url
from testkit.servers import PROJECT, Answer, RunningServer, clean_environment, free_port, manage, refused_start
from testkit.waiting import eventually
from tests.conftest import StartServer

NO_DATABASE = "gexec: The database of DATABASE_URL does not answer"


def only_line(text: str, start: str) -> str:
    """What was printed beside ordinary progress: one line, which begins so."""
    (line,) = [line for line in text.splitlines() if "[info" not in line]
    assert line.startswith(start)
    return line


def test_it_serves_on_an_embedded_database_and_again_with_the_same_rows(server: StartServer) -> None:
    first = server(embedded=True)
    assert first.execute("print('one')").json() == {"stdout": "one\n", "stderr": "", "exit_code": 0, "error": ""}
    assert first.request("/metrics").json() == {"total_requests": 1, "total_errors": 0}
    assert first.stop() == 0
    assert not answers(run_dir(first.data_dir))
    second = server(embedded=True, data_dir=first.data_dir, port=first.port)
    assert second.request("/metrics").json() == {"total_requests": 1, "total_errors": 0}


def test_the_administrator_is_made_once_with_a_password_of_its_own(server: StartServer) -> None:
    first = server()
    file = first.data_dir / "admin-password"
    password = file.read_text().strip()
    assert file.stat().st_mode & 0o777 == 0o600
    assert len(password) >= 20
    assert password not in first.log
    assert first.log.endswith(f"the first password of 'admin' is in {file}.\n")
    first.stop()
    again = server(data_dir=first.data_dir, DATABASE_URL=first.environment["DATABASE_URL"])
    assert file.read_text().strip() == password
    assert password not in again.log


def test_the_last_lines_are_an_address_a_program_to_try_and_the_admin(server: StartServer) -> None:
    running = server()
    url = f"http://localhost:{running.port}"
    *_, address, _, command, _, admin = running.log.splitlines()
    assert address == f"gexec serves on {url}. Try it:"
    assert admin.startswith(f"The admin is at {url}/admin/")
    tried = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    assert json.loads(tried.stdout) == {"stdout": "42\n", "stderr": "", "exit_code": 0, "error": ""}


def test_a_log_for_collectors_has_no_lines_for_people(server: StartServer) -> None:
    assert all(json.loads(line) for line in server(GEXEC_LOG_JSON="1").log.splitlines() if "Made the admin" not in line)


def test_the_secret_key_is_made_once_and_kept_from_others(server: StartServer) -> None:
    first = server()
    file = first.data_dir / "secret-key"
    key = file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    assert key not in first.log
    first.stop()
    server(data_dir=first.data_dir, DATABASE_URL=first.environment["DATABASE_URL"])
    assert file.read_text() == key


def test_a_second_instance_is_told_who_runs_already_and_harms_nothing(server: StartServer) -> None:
    first = server(embedded=True)
    refused = refused_start(first.environment | {"GEXEC_PORT": str(free_port())})
    assert refused.returncode == 1
    assert f"already running on {first.data_dir} as process {first.pid}" in refused.stderr
    assert first.execute("print(1)").json()["stdout"] == "1\n"


def test_servers_on_copies_of_one_data_directory_leave_each_other_alone(
    server: StartServer, docker_client: docker.DockerClient
) -> None:
    """Their databases have one name and number, and neither has a row of the other's processes."""
    first = server(embedded=True)

    def that_stay() -> list[str]:
        """Not those that are made and removed again as it starts."""
        seen = containers_of(docker_client.api, first.data_dir)
        time.sleep(1)
        return sorted(seen) if sorted(seen) == sorted(containers_of(docker_client.api, first.data_dir)) else []

    before = eventually(that_stay)
    second = server(embedded=True)
    assert second.execute("print(2)").json()["stdout"] == "2\n"
    # The last thing that it does is to look for what others have left.
    assert second.stop() == 0
    assert not [each for each in before if f"removing container {each[:12]}" in second.log]
    assert set(before) <= set(containers_of(docker_client.api, first.data_dir))


def test_a_port_that_is_taken_is_named_with_the_way_out(tmp_path: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        environment = clean_environment(GEXEC_PORT=str(port), GEXEC_DATA_DIR=str(tmp_path))
        refused = refused_start(environment)
    assert refused.returncode == 1
    assert f"Port {port} of 127.0.0.1 is taken" in refused.stderr
    assert f"GEXEC_PORT={port + 1} make run" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_database_that_does_not_answer_is_named(tmp_path: Path) -> None:
    environment = clean_environment(
        GEXEC_PORT=str(free_port()),
        GEXEC_DATA_DIR=str(tmp_path),
        DATABASE_URL=f"postgresql://nobody@/nothing?host={tmp_path}",
    )
    refused = refused_start(environment)
    assert refused.returncode == 1
    assert "No such file or directory" in only_line(refused.stderr, NO_DATABASE)


def test_a_database_that_refuses_is_told_with_its_reason(prepared_postgres: Path, tmp_path: Path) -> None:
    environment = clean_environment(
        GEXEC_PORT=str(free_port()),
        GEXEC_DATA_DIR=str(tmp_path),
        DATABASE_URL=database_url(prepared_postgres, "there_is_none"),
    )
    for refused in (refused_start(environment), manage("languages", "list", environment=environment)):
        assert refused.returncode == 1
        assert 'database "there_is_none" does not exist' in only_line(refused.stderr, NO_DATABASE)


@pytest.mark.parametrize("settings", [{}, {"GEXEC_SECRET_KEY": "k" * 50}])
def test_a_data_directory_that_cannot_be_written_is_named(settings: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no directory")
    directory = tmp_path / "file" / "data"
    environment = clean_environment(GEXEC_PORT=str(free_port()), GEXEC_DATA_DIR=str(directory), **settings)
    for refused in (refused_start(environment), manage("languages", "list", environment=environment)):
        assert refused.returncode == 1
        line = only_line(refused.stderr, "gexec: The ")
        assert f"data directory {directory}" in line
        assert "Not a directory" in line
        assert "GEXEC_DATA_DIR" in line


def test_a_docker_engine_that_does_not_answer_is_named(tmp_path: Path) -> None:
    environment = clean_environment(
        GEXEC_PORT=str(free_port()), GEXEC_DATA_DIR=str(tmp_path), DOCKER_HOST=f"unix://{tmp_path}/none.sock"
    )
    refused = refused_start(environment)
    assert refused.returncode == 1
    assert f"The Docker engine at DOCKER_HOST=unix://{tmp_path}/none.sock does not answer" in refused.stderr
    assert "Traceback" not in refused.stderr
    # What was started before is ended.
    assert not answers(run_dir(tmp_path))


def test_a_database_of_another_version_is_told_once(prepared_data_dir: Path, tmp_path: Path) -> None:
    data_dir = tmp_path / "old"
    copy_data_dir(prepared_data_dir, data_dir)
    (data_dir / "postgres" / "PG_VERSION").write_text("15\n")
    refused = refused_start(clean_environment(GEXEC_PORT=str(free_port()), GEXEC_DATA_DIR=str(data_dir)))
    assert refused.returncode == 1
    assert refused.stderr.count("was made by PostgreSQL 15") == 1
    assert "Traceback" not in refused.stderr


def test_words_that_it_does_not_know_start_nothing() -> None:
    asked = subprocess.run(
        [sys.executable, "-m", "serve", "--port=80"], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert (asked.returncode, asked.stdout) == (2, "")
    assert "usage: python -m serve" in asked.stderr


def test_a_killed_database_is_started_again_and_requests_are_told_meanwhile(server: StartServer) -> None:
    running = server(embedded=True)
    postmaster = int((running.data_dir / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0])
    os.kill(postmaster, signal.SIGKILL)
    answers_: list[Answer] = []

    def ask() -> int:
        answers_.append(running.execute("print(1)"))
        return answers_[-1].status

    eventually(ask, until=lambda status: status == 200, every_s=0.1)
    *refused, answer = answers_
    assert all(early.status == 503 and early.json()["error"] for early in refused)
    assert answer.json()["stdout"] == "1\n"
    assert "PostgreSQL ended by itself" in running.log


def test_a_database_is_started_again_also_where_one_of_its_processes_hangs(server: StartServer) -> None:
    running = server(embedded=True)
    other = psycopg.connect(host=str(run_dir(running.data_dir)), user=USER, dbname="gexec")
    postmaster = processes.postmaster(running.data_dir)
    assert postmaster is not None
    os.kill(other.info.backend_pid, signal.SIGSTOP)
    os.kill(postmaster, signal.SIGKILL)
    try:
        assert eventually(lambda: running.execute("print(1)"), until=lambda answer: answer.status == 200, within_s=60)
    finally:
        with suppress(ProcessLookupError):
            os.kill(other.info.backend_pid, signal.SIGCONT)
        other.close()


def test_a_database_that_is_lost_is_told_while_it_serves_and_at_the_next_start(server: StartServer) -> None:
    running = server(embedded=True)
    assert running.execute("print(1)").status == 200
    lost, aside = running.data_dir / "postgres", running.data_dir / "aside"
    postmaster = processes.postmaster(running.data_dir)
    assert postmaster is not None
    lost.rename(aside)
    os.kill(postmaster, signal.SIGKILL)
    eventually(lambda: "PostgreSQL cannot be started now" in running.log)
    answer = running.execute("print(1)")
    assert (answer.status, answer.json()["error"]) == (503, "the database is not available")
    # A disk that is there again is enough.
    aside.rename(lost)
    eventually(lambda: running.execute("print(1)"), until=lambda answer: answer.status == 200, within_s=60)
    assert running.stop() == 0
    lost.rename(aside)
    assert (running.data_dir / FILE).exists()
    again = server(embedded=True, data_dir=running.data_dir, ready=False)
    eventually(lambda: "had a database when gexec started here last, and has none now" in again.log)
    assert "manage.py restore FILE --replace" in again.log


def test_a_database_that_cannot_be_started_now_is_tried_again(tmp_path: Path) -> None:
    postgres = NoRoom(tmp_path, print)
    with bound_socket("127.0.0.1", 0) as listener:
        gunicorn = Gunicorn(listener)
        supervisor = Supervisor(
            process.read(), postgres, Stops(), listener=listener, gunicorn=gunicorn, notifier=Notifier()
        )

        def tries() -> int:
            supervisor._restart_dead_postgres()
            return len(postgres.tries)

        try:
            eventually(tries, until=lambda count: count > 1)
        finally:
            gunicorn.end()


class NoRoom(Server):
    """A database that has ended, on a machine that has no room for another process."""

    def __init__(self, data_dir: Path, report: Callable[[str], None]) -> None:
        super().__init__(data_dir, report)
        self.tries: list[float] = []

    def spawn(self) -> None:
        self.tries.append(time.monotonic())
        raise BlockingIOError("Resource temporarily unavailable")


def test_commands_find_the_database_of_the_running_server(server: StartServer) -> None:
    running = server(embedded=True)
    listed = running.manage("languages", "list")
    assert listed.returncode == 0, listed.stderr
    assert "python" in listed.stdout
    with psycopg.connect(host=str(run_dir(running.data_dir)), user=USER, dbname="gexec") as connection:
        assert connection.execute("SELECT count(*) FROM languages_language WHERE enabled").fetchone() == (2,)


def test_a_dead_gunicorn_ends_everything_and_says_so(server: StartServer) -> None:
    running = server(embedded=True)
    children = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
    arbiter = next(pid for pid in children if b"-m\0gunicorn\0" in Path(f"/proc/{pid}/cmdline").read_bytes())
    os.kill(int(arbiter), signal.SIGKILL)
    assert running.process.wait(60) == 1
    assert "gunicorn ended by itself" in running.log
    assert not answers(run_dir(running.data_dir))


def test_it_serves_where_its_log_cannot_be_written(server: StartServer) -> None:
    running = server(embedded=True, under=["sh", "-c", 'exec "$@" 2>/dev/full', "sh"])
    postmaster = processes.postmaster(running.data_dir)
    assert postmaster is not None
    os.kill(postmaster, signal.SIGKILL)
    assert eventually(lambda: running.execute("print(1)"), until=lambda answer: answer.status == 200)
    assert running.stop() == 0


def test_what_is_no_http_is_answered_in_json(plain_server: RunningServer) -> None:
    with socket.create_connection(("127.0.0.1", plain_server.port), timeout=10) as connection:
        connection.sendall(b"GARBAGE\r\n\r\n")
        answer = connection.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b'{"error": "' in answer


def test_paths_and_hosts_that_are_not_there_are_answered_in_json(plain_server: RunningServer) -> None:
    assert plain_server.request("/nothing").json() == {"error": "not found"}
    foreign = plain_server.request("/ping", headers={"Host": "evil.example"})
    assert (foreign.status, list(foreign.json())) == (400, ["error"])
    assert plain_server.request("/admin/login/").body.startswith(b"<!DOCTYPE html>")


def test_the_api_sets_no_cookie_and_the_admin_has_a_content_policy(plain_server: RunningServer) -> None:
    ping = plain_server.request("/ping", headers={"Cookie": "sessionid=abc; csrftoken=def"})
    assert "Set-Cookie" not in ping.headers
    assert "Content-Security-Policy" not in ping.headers
    page = plain_server.request("/admin/login/")
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    assert plain_server.request("/static/admin/css/base.css").status == 200
