"""A database that hangs bounds every answer, loses nothing that ran, and slow pages of the admin stop nobody else."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress

import psycopg
import pytest
from django.db import connection

from testkit.processes import family, workers
from testkit.servers import Answer, RunningServer
from testkit.waiting import eventually
from tests.conftest import StartServer

SLEEPER = "import time; print('begun', flush=True); time.sleep(1.5); print('done')"


@contextmanager
def locked(running: RunningServer, table: str) -> Iterator[None]:
    """Another session holds the table, as a migration by hand would."""
    with psycopg.connect(running.environment["DATABASE_URL"]) as other:
        other.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield
        other.rollback()


@contextmanager
def frozen(running: RunningServer) -> Iterator[None]:
    """The embedded server with all its processes neither answers nor fails."""
    postmaster = int((running.data_dir / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0])
    # The one that makes the others first: its workers come and go until then.
    pids = [postmaster]
    os.kill(postmaster, signal.SIGSTOP)
    try:
        for pid in family(postmaster)[1:]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
                pids.append(pid)
        yield
    finally:
        for pid in reversed(pids):
            os.kill(pid, signal.SIGCONT)


def refused_within(running: RunningServer, seconds: float) -> str:
    began = time.monotonic()
    answer = running.execute("print(1)")
    assert time.monotonic() - began < seconds
    assert answer.status == 503
    return str(answer.json()["error"])


def in_flight(running: RunningServer, pool: ThreadPoolExecutor) -> Future[Answer]:
    """A program that runs for a while yet, when this returns."""
    flight = pool.submit(running.execute, SLEEPER)
    url = running.environment.get("DATABASE_URL") or f"host={_socket(running)} user=gexec dbname=gexec"

    def is_running() -> bool:
        with psycopg.connect(url) as other:
            rows = other.execute("SELECT 1 FROM executions_execution WHERE status = 'running'")
            return rows.fetchone() is not None

    eventually(is_running)
    return flight


def _socket(running: RunningServer) -> str:
    return (running.data_dir / "postgres" / "postmaster.pid").read_text().splitlines()[4]


def test_a_table_that_is_locked_is_told_in_time(server: StartServer) -> None:
    running = server(GEXEC_DATABASE_TIMEOUT_MS="1000")
    with locked(running, "executions_execution"):
        assert refused_within(running, 5) == "the database is not available"
        assert running.request("/ping").status == 200
    assert eventually(lambda: running.execute("print(1)"), until=lambda answer: answer.status == 200)
    assert "lock timeout" in running.log


def test_what_ran_while_a_table_was_locked_is_kept_and_written(server: StartServer) -> None:
    running = server(GEXEC_DATABASE_TIMEOUT_MS="1000")
    with ThreadPoolExecutor() as pool:
        flight = in_flight(running, pool)
        with locked(running, "executions_execution"):
            time.sleep(4)
        answer = flight.result(30)
    assert (answer.status, answer.json()["stdout"]) == (200, "begun\ndone\n")


def test_a_frozen_server_holds_nobody_and_what_ran_is_written_when_it_wakes(server: StartServer) -> None:
    running = server(embedded=True, GEXEC_DATABASE_TIMEOUT_MS="1000")
    with ThreadPoolExecutor() as pool:
        flight = in_flight(running, pool)
        with frozen(running):
            assert refused_within(running, 12) == "the database is not available"
        answer = flight.result(30)
    assert (answer.status, answer.json()["stdout"]) == (200, "begun\ndone\n")
    assert eventually(lambda: running.execute("print(1)"), until=lambda answer: answer.status == 200)


def test_a_worker_that_starts_on_a_frozen_server_holds_nobody_and_serves_when_it_wakes(server: StartServer) -> None:
    running = server(embedded=True, GEXEC_DATABASE_TIMEOUT_MS="1000")
    (first,) = workers(running.pid)
    crowd = 24
    with ThreadPoolExecutor(crowd) as pool:
        with frozen(running):
            os.kill(first, signal.SIGKILL)
            eventually(lambda: workers(running.pid), until=lambda pids: pids and pids != [first])
            eventually(lambda: serves(running), within_s=60)
            # Each would find out by itself, one after another, that nothing answers: seconds for each of them.
            refused = list(pool.map(lambda _: refused_within(running, 40), range(crowd)))
        assert set(refused) == {"the database is not available"}
    assert eventually(lambda: running.execute("print(1)"), until=lambda answer: answer.status == 200)
    assert running.process.poll() is None


def serves(running: RunningServer) -> bool:
    with suppress(OSError):
        return running.request("/healthz", timeout_s=5).status == 200
    return False


def test_ten_pages_of_the_admin_that_hang_keep_no_program_waiting(server: StartServer) -> None:
    running = server(GEXEC_DATABASE_ADMIN_TIMEOUT_MS="8000")
    pages: list[Answer] = []

    def look() -> None:
        pages.append(running.request("/admin/", headers={"Cookie": "sessionid=abcdefghijklmnopqrstuvwxyz012345"}))

    with locked(running, "django_session"):
        threads = [threading.Thread(target=look) for _ in range(10)]
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        began = time.monotonic()
        for _ in range(5):
            assert running.execute("print(1)").json()["stdout"] == "1\n"
        assert time.monotonic() - began < 4
        assert not pages
        for thread in threads:
            thread.join()
    assert {page.status for page in pages} == {503}
    assert any("took too long for this page" in page.json()["error"] for page in pages)
    assert "heartbeat: the database is away" not in running.log


@pytest.mark.django_db(transaction=True)
def test_commands_are_not_bounded() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)
