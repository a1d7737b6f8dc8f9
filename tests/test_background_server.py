"""Background runs over real server processes: whatever is killed, each ends, and none runs twice at the same time."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import threading
import time
from collections import Counter
from typing import Any

from testkit.processes import workers
from testkit.servers import Answer, RunningServer
from testkit.sightings import PROGRAM, watched_programs
from testkit.waiting import eventually
from tests.conftest import StartServer
from tests.test_shutdown import rows

URL = "/api/v1/executions"
SETTINGS = {"GEXEC_WORKERS": "2", "GEXEC_SLOTS": "4", "GEXEC_CALLER_SHARE": "1", "GEXEC_SHUTDOWN_GRACE_S": "1"}


def body(mark: str, seconds: float, **more: Any) -> dict[str, Any]:
    return {"language": "python", "source_code": PROGRAM.format(mark=mark, seconds=seconds), "wait": False, **more}


def ask(running: RunningServer, path: str, asked: Any) -> Answer:
    return running.request(path, asked, headers={"Content-Type": "application/json"})


def submit(running: RunningServer, mark: str, seconds: float, **more: Any) -> str:
    answer = ask(running, URL, body(mark, seconds, **more))
    assert answer.status == 202, answer.body
    return str(answer.json()["id"])


def open_rows(running: RunningServer) -> int:
    query = "SELECT count(*)::int FROM executions_execution WHERE status IN ('queued', 'running')"
    return int(rows(running, query)[0][0])


def row(running: RunningServer, execution_id: str) -> tuple[Any, ...]:
    columns = "status, outcome, error, attempt, convert_from(output, 'UTF8')"
    found: tuple[Any, ...] = rows(running, f"SELECT {columns} FROM executions_execution WHERE id = '{execution_id}'")[0]
    return found


def status(running: RunningServer, execution_id: str) -> str:
    return str(row(running, execution_id)[0])


def test_whatever_is_killed_or_stopped_each_ends_and_none_runs_twice_at_once(server: StartServer) -> None:
    running = server(**SETTINGS)
    marks = [f"mark-{os.getpid()}-{number}" for number in range(30)]
    with watched_programs() as sightings:
        for number, mark in enumerate(marks):
            # The last ones take longer than workers do to come back, so that some are left when the server is stopped.
            seconds = 0.3 + number % 4 * 0.3 if number < 24 else 8
            submit(running, mark, seconds, priority="batch" if number % 2 else "interactive")
        for victims in (1, 2, 1):
            eventually(lambda: sum(map(is_running, rows(running, STATUSES))) >= 2)
            for pid in workers(running.pid)[:victims]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            eventually(lambda: len(workers(running.pid)) == 2)
        assert running.stop() == 0
        assert open_rows(running) > 0, "there was nothing left to go on with"
        again = server(data_dir=running.data_dir, DATABASE_URL=running.environment["DATABASE_URL"], **SETTINGS)
        eventually(lambda: not open_rows(again), within_s=90, every_s=0.2)
    assert sightings.twice == []
    assert max(len(containers) for containers in sightings.containers.values()) <= 2
    endings = Counter(rows(again, "SELECT status, outcome, attempt FROM executions_execution"))
    assert endings.total() == len(marks)
    assert endings[("finished", "ok", 1)] > len(marks) / 2
    assert {(ended, outcome) for ended, outcome, _ in endings} <= {
        ("finished", "ok"),
        ("finished", "sandbox_error"),
        ("finished", "cancelled"),
    }
    assert {outcome for _, outcome, attempt in endings if attempt == 1} == {"ok"}
    assert {attempt for *_, attempt in endings} == {1, 2}


STATUSES = "SELECT status, worker FROM executions_execution WHERE status IN ('queued', 'running')"


def is_running(found: tuple[Any, ...]) -> bool:
    return bool(found[0] == "running")


def test_what_runs_in_any_process_ends_soon_after_its_cancel(server: StartServer) -> None:
    running = server(**SETTINGS)
    made = [ask(running, URL, body(f"mark-c{os.getpid()}-{number}", 60)).json() for number in range(6)]
    ids = [each["id"] for each in made]
    eventually(lambda: sum(status(running, each) == "running" for each in ids) == 4)
    took = []
    for each in made:
        # Whichever of the two processes is asked, and whichever has it.
        began = time.monotonic()
        path = f"{each['links']['cancel']}?access_token={each['access_token']}"
        assert ask(running, path, {"reason": "enough"}).status in (200, 202)
        eventually(lambda each=each: status(running, each["id"]) == "finished", within_s=10)  # type: ignore[misc]  # bound
        took.append(time.monotonic() - began)
    assert sorted(took)[len(took) // 2] < 2, took
    ended = [row(running, each) for each in ids]
    assert {each[:3] for each in ended} == {("finished", "cancelled", "execution cancelled: enough")}
    # What was printed until then is kept.
    assert Counter(each[4] for each in ended)["begun\n"] >= 4


def test_one_who_hangs_up_takes_the_execution_along_unless_it_is_to_go_on(server: StartServer) -> None:
    running = server(GEXEC_SLOTS="4")
    sent: dict[str, str] = {}
    for wait in (True, 30):
        for on_disconnect in ("cancel", "continue"):
            mark = f"mark-h{os.getpid()}-{wait}-{on_disconnect}"
            asked = body(mark, 2, on_disconnect=on_disconnect, tags={"mark": mark}) | {"wait": wait}
            client = post(running, asked)
            eventually(lambda mark=mark: of_mark(running, mark) and of_mark(running, mark)[0][0] == "running")  # type: ignore[misc]  # bound early
            client.close()
            sent[mark] = on_disconnect
    eventually(lambda: not open_rows(running))
    for mark, on_disconnect in sent.items():
        ((_, outcome, error),) = of_mark(running, mark)
        expected = ("cancelled", "execution cancelled: the client is gone") if on_disconnect == "cancel" else ("ok", "")
        assert (outcome, error) == expected, mark


def test_a_request_that_is_sent_again_after_a_kill_gets_the_same_execution(server: StartServer) -> None:
    running = server()
    asked = body(f"mark-k{os.getpid()}", 2) | {"wait": True}
    key = {"Content-Type": "application/json", "Idempotency-Key": "after-a-kill"}
    first = threading.Thread(target=lambda: _until_cut(running, asked, key))
    first.start()
    eventually(lambda: rows(running, "SELECT 1 FROM executions_execution WHERE status = 'running'"))
    for pid in workers(running.pid):
        os.kill(pid, signal.SIGKILL)
    first.join(60)
    eventually(lambda: bool(workers(running.pid)))
    running.wait_ready()
    answer = running.request(URL, asked, headers=key)
    assert (answer.status, answer.headers["Idempotency-Replayed"]) == (200, "true"), answer.body
    told = answer.json()
    assert (told["outcome"], told["attempt"]) == ("ok", 2)
    assert rows(running, "SELECT id::text FROM executions_execution") == [(told["id"],)]


def _until_cut(running: RunningServer, asked: dict[str, Any], headers: dict[str, str]) -> None:
    with contextlib.suppress(OSError, http.client.HTTPException):
        running.request(URL, asked, headers=headers)


def of_mark(running: RunningServer, mark: str) -> list[Any]:
    return rows(running, f"SELECT status, outcome, error FROM executions_execution WHERE tags->>'mark' = '{mark}'")


def post(running: RunningServer, asked: dict[str, Any]) -> socket.socket:
    """A request whose answer nobody has read yet."""
    data = json.dumps(asked).encode()
    client = socket.create_connection(("127.0.0.1", running.port), timeout=30)
    head = f"POST {URL} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(data)}\r\n\r\n"
    client.sendall(head.encode() + data)
    return client
