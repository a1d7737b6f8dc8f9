"""Stopping lets running programs finish within the grace, tells the others, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import docker
import psycopg
import pytest

from gexec.embedded import USER, run_dir
from serve.postgres import answers
from testkit.containers import left_after
from testkit.processes import family
from testkit.servers import Answer, RunningServer
from testkit.waiting import eventually
from tests.conftest import StartServer

SLEEPER = "import time; print('begun', flush=True); time.sleep({seconds}); print('done')"


class InFlight:
    """A request that a thread waits for."""

    def __init__(self, running: RunningServer, seconds: float) -> None:
        self._answers: list[Answer | OSError] = []
        self._thread = threading.Thread(target=self._ask, args=(running, SLEEPER.format(seconds=seconds)))
        self._thread.start()
        eventually(lambda: open_rows(running))

    def _ask(self, running: RunningServer, source: str) -> None:
        try:
            self._answers.append(running.execute(source))
        except OSError as error:
            self._answers.append(error)

    @property
    def is_answered(self) -> bool:
        return not self._thread.is_alive()

    def answer(self) -> Answer | OSError:
        self._thread.join(60)
        return self._answers[0]


def rows(running: RunningServer, query: str) -> list[Any]:
    url = running.environment.get("DATABASE_URL") or f"postgresql://{USER}@/gexec?host={run_dir(running.data_dir)}"
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()


def open_rows(running: RunningServer) -> int:
    return int(rows(running, "SELECT count(*) FROM executions_execution WHERE status = 'running'")[0][0])


def test_a_run_in_flight_finishes_and_new_requests_are_refused(server: StartServer) -> None:
    running = server()
    flight = InFlight(running, 5)
    running.process.send_signal(signal.SIGTERM)

    def refused() -> bool:
        try:
            running.request("/ping", timeout_s=2)
        except ConnectionRefusedError:
            return True
        except OSError as error:
            return isinstance(getattr(error, "reason", None), ConnectionRefusedError)
        return False

    eventually(refused)
    assert not flight.is_answered
    answer = flight.answer()
    assert isinstance(answer, Answer)
    assert answer.json() == {"stdout": "begun\ndone\n", "stderr": "", "exit_code": 0, "error": ""}
    assert running.process.wait(30) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_beyond_the_grace_a_program_is_killed_and_its_caller_told(
    server: StartServer, docker_client: docker.DockerClient, number: int
) -> None:
    running = server(GEXEC_SHUTDOWN_GRACE_S="1")
    flight = InFlight(running, 50)
    assert running.stop(number) == 0
    answer = flight.answer()
    assert isinstance(answer, Answer)
    assert answer.json()["error"] == "execution cancelled: the server is shutting down"
    assert rows(running, "SELECT status, outcome FROM executions_execution") == [("finished", "cancelled")]
    assert not left_after(docker_client.api, running.data_dir)


def test_what_supervises_is_the_process_that_was_started_and_small(server: StartServer) -> None:
    running = server(embedded=True)
    assert b"gunicorn" not in Path(f"/proc/{running.pid}/cmdline").read_bytes()
    resident_pages = int(Path(f"/proc/{running.pid}/statm").read_text().split()[1])
    assert resident_pages * os.sysconf("SC_PAGESIZE") < 25 * 1024 * 1024
    assert running.stop() == 0
    assert "stopping" in running.log


@pytest.mark.parametrize("after_s", [0.0, 0.2, 0.5, 1.0, 2.0])
def test_a_signal_during_the_preparation_ends_it_and_leaves_nothing(server: StartServer, after_s: float) -> None:
    running = server(embedded=True, ready=False)
    eventually((running.data_dir / "serve.lock").exists)
    time.sleep(after_s)
    began = time.monotonic()
    assert running.stop() == 0
    assert time.monotonic() - began < 10
    assert processes_of(running.data_dir) == []
    assert not run_dir(running.data_dir).exists()
    assert "Traceback" not in running.log


def test_kill_9_during_the_first_preparation_leaves_what_the_next_start_can_use(
    server: StartServer, tmp_path: Path
) -> None:
    data_dir = tmp_path / "new"
    first = server(embedded=True, data_dir=data_dir, ready=False)
    eventually(lambda: len(family(first.pid)) > 1)
    children = family(first.pid)[1:]
    first.process.kill()
    first.process.wait()
    eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in children), within_s=30)
    again = server(embedded=True, data_dir=data_dir, port=first.port)
    assert again.execute("print(1)").status == 200


def test_an_idle_server_stops_at_once_and_takes_the_database_along(server: StartServer) -> None:
    running = server(embedded=True)
    running.execute("print(1)")
    assert running.stop(signal.SIGINT) == 0
    assert not answers(run_dir(running.data_dir))
    assert processes_of(running.data_dir) == []


def test_after_kill_9_of_everything_the_next_start_accounts_for_every_row(
    server: StartServer, docker_client: docker.DockerClient
) -> None:
    first = server(embedded=True)
    assert first.execute("print('kept')").status == 200
    flight = InFlight(first, 50)
    for pid in family(first.pid):
        # Those that PostgreSQL starts for a moment may have ended since they were listed.
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    first.process.wait()
    assert isinstance(flight.answer(), OSError)
    second = server(embedded=True, data_dir=first.data_dir, port=first.port)
    eventually(lambda: open_rows(second), until=lambda count: count == 0)
    kept = rows(second, "SELECT status, outcome FROM executions_execution ORDER BY created_at")
    assert kept == [("finished", "ok"), ("finished", "sandbox_error")]
    assert second.execute("print('again')").json()["stdout"] == "again\n"
    assert second.stop() == 0
    assert not left_after(docker_client.api, first.data_dir)


def test_kill_9_of_serve_alone_ends_its_children(server: StartServer, docker_client: docker.DockerClient) -> None:
    running = server(embedded=True)
    running.execute("print(1)")
    children = family(running.pid)[1:]
    running.process.kill()
    running.process.wait()
    eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in children))
    assert not left_after(docker_client.api, running.data_dir, within_s=20)


def processes_of(data_dir: Path) -> list[str]:
    """Processes whose command line names the directory."""
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if str(data_dir) in line]
