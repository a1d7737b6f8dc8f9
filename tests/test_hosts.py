"""Programs on hosts, over a real NATS: whatever is killed, frozen or away, each ends, once, and is told as it was."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from dispatch import base
from dispatch.testing import FakeBackend
from languages.models import Language
from sandbox.errors import NotCarried
from sandbox.hosts import HostState, Warm
from sandbox.types import Profile
from testkit.databases import create_database, database_url
from testkit.hosts import Fleet, Process, fleet
from testkit.processes import workers
from testkit.servers import PROJECT, Answer, RunningServer, clean_environment, free_port, start_server
from testkit.sightings import PROGRAM, Sightings, watched_programs
from testkit.waiting import eventually
from tests.test_background_server import URL, row, status, submit
from tests.test_shutdown import rows

HOSTS = ("one", "two", "three")
KINDS = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def hosts(prepared_data_dir: Path) -> Iterator[Fleet]:
    with fleet(*HOSTS, slots=3) as made:
        yield made


@pytest.fixture(scope="module")
def house(hosts: Fleet, prepared_postgres: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Two web processes, and the hosts."""
    create_database(prepared_postgres, "hosts", "gexec")
    running = start_server(
        tmp_path_factory.mktemp("hosts") / "data",
        clean_environment(
            DATABASE_URL=database_url(prepared_postgres, "hosts"),
            GEXEC_NATS_URL=hosts.url,
            GEXEC_WORKERS="2",
            GEXEC_SLOTS="6",
            GEXEC_CALLER_SHARE="1",
            # The first programs wait for their containers.
            GEXEC_WAIT_MS="60000",
            GEXEC_SHUTDOWN_GRACE_S="1",
        ),
    )
    try:
        running.wait_ready()
        eventually(lambda: running.request("/readyz").status == 200)
        yield running
    finally:
        running.stop()


def post(running: RunningServer, asked: dict[str, Any], **headers: str) -> Answer:
    return running.request(URL, {"language": "python", **asked}, headers={**KINDS, **headers})


def cancel(running: RunningServer, execution_id: str) -> None:
    """As an operator: what was asked for without a key is nobody's to cancel."""
    script = "from executions import services; from executions.models import Execution; "
    script += f"services.cancel_all(rows=Execution.objects.filter(pk='{execution_id}'))"
    done = running.manage("shell", "-c", script)
    assert done.returncode == 0, done.stderr


def mark(name: str) -> str:
    return f"mark-{os.getpid()}-{name}"


def ended(running: RunningServer, execution_id: str) -> tuple[Any, ...]:
    """Status, outcome, error, attempt and output of the row at its end."""
    eventually(lambda: status(running, execution_id) in {"finished", "rejected"}, within_s=60, every_s=0.1)
    return row(running, execution_id)


def seen(sightings: Sightings, *marks: str) -> None:
    eventually(lambda: all(sightings.containers.get(each) for each in marks))


def test_what_is_waited_for_is_answered(house: RunningServer) -> None:
    answer = house.execute("print(6 * 7)")
    assert (answer.status, answer.json()) == (200, {"stdout": "42\n", "stderr": "", "exit_code": 0, "error": ""})
    late = house.execute("print('x', flush=True)\nwhile True: pass", timeout_ms=500).json()
    assert (late["stdout"], late["exit_code"], late["error"]) == ("x\n", 137, "execution timed out after 500 ms")
    told = post(house, {"source_code": "print(input())", "stdin": "äö\n"}).json()
    assert (told["status"], told["outcome"], told["run"]["stdout"]) == ("finished", "ok", "äö\n")


def test_tests_are_run_and_judged(house: RunningServer) -> None:
    tests = [{"stdin": str(number), "expected_stdout": str(2 * number)} for number in (1, 2, 3)]
    told = post(house, {"source_code": "n = int(input())\nprint(n * 2 if n < 3 else 0)", "tests": tests}).json()
    assert [each["verdict"] for each in told["tests"]] == ["passed", "passed", "wrong_answer"]


def test_events_come_as_they_happen(house: RunningServer) -> None:
    program = "import time\nfor n in range(3):\n    print(n, flush=True)\n    time.sleep(0.1)"
    answer = post(house, {"source_code": program}, Accept="text/event-stream")
    assert answer.status == 200
    lines = answer.body.decode().splitlines()
    kinds = [line.removeprefix("event: ") for line in lines if line.startswith("event: ")]
    assert (kinds[0], kinds[-1]) == ("execution.queued", "execution.finished")
    told = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]
    assert "".join(each.get("text", "") for each in told) == "0\n1\n2\n"


def test_what_runs_in_the_background_is_cancelled(house: RunningServer) -> None:
    with watched_programs() as sightings:
        execution_id = submit(house, mark("cancelled"), 60)
        seen(sightings, mark("cancelled"))
        cancel(house, execution_id)
        assert ended(house, execution_id)[:2] == ("finished", "cancelled")
        eventually(lambda: not _runs(mark("cancelled")))


def test_hosts_that_are_killed_or_frozen_lose_nothing_and_run_nothing_twice_at_once(
    house: RunningServer, hosts: Fleet
) -> None:
    # More than two of them have slots for, so that each has one.
    marks = [mark(f"host-{number}") for number in range(7)]
    with watched_programs() as sightings:
        ids = [submit(house, each, 3) for each in marks]
        seen(sightings, *marks)
        hosts.hosts["one"].kill()
        hosts.hosts["two"].signal(signal.SIGSTOP)
        endings = [ended(house, each) for each in ids]
        hosts.hosts["two"].signal(signal.SIGCONT)
        hosts.hosts["two"].wait_for("was given up here|NATS was out of reach")
    assert sightings.twice == []
    assert max(len(containers) for containers in sightings.containers.values()) == 2
    assert {ending[:2] for ending in endings} == {("finished", "ok")}
    assert {ending[3] for ending in endings} == {1, 2}
    assert {ending[4] for ending in endings} == {"begun\n"}
    # What came late changes nothing.
    assert [row(house, each) for each in ids] == endings
    hosts.start_host("one", slots=3)


def test_web_processes_that_are_killed_lose_no_run(house: RunningServer) -> None:
    marks = [mark("web-waits"), mark("web-background")]
    with watched_programs() as sightings:
        waiting = threading.Thread(target=_ask_and_lose, args=(house, marks[0]))
        waiting.start()
        background = submit(house, marks[1], 2.5)
        seen(sightings, *marks)
        for pid in workers(house.pid):
            os.kill(pid, signal.SIGKILL)
        waiting.join()
        eventually(lambda: len(workers(house.pid)) == 2)
        assert ended(house, background) == ("finished", "ok", "", 1, "begun\n")
        asked = "SELECT id::text FROM executions_execution WHERE door = 'execute' ORDER BY id DESC LIMIT 1"
        assert ended(house, rows(house, asked)[0][0]) == ("finished", "ok", "", 1, "begun\n")
    assert sightings.twice == []
    assert [len(sightings.containers[each]) for each in marks] == [1, 1]


def test_without_nats_nothing_hangs_and_with_it_all_goes_on(house: RunningServer, hosts: Fleet) -> None:
    with watched_programs() as sightings:
        short = submit(house, mark("blip"), 4)
        seen(sightings, mark("blip"))
        hosts.nats.kill()
        time.sleep(0.5)
        hosts.start_nats()
        assert ended(house, short)[:3] == ("finished", "ok", "")
        long = submit(house, mark("away"), 30)
        seen(sightings, mark("away"))
        hosts.nats.kill()
        began = time.monotonic()
        answer = house.execute("print(1)")
        assert (answer.status, answer.json()) == (
            503,
            {"error": "sandbox error: no host that runs programs can be reached"},
        )
        assert int(answer.headers["Retry-After"]) >= 1
        assert time.monotonic() - began < 15
        # Its program is ended where it ran, before anybody may begin it again.
        eventually(lambda: not _runs(mark("away")))
        hosts.start_nats()
        eventually(lambda: house.request("/readyz").status == 200)
        assert house.execute("print(1)").json()["stdout"] == "1\n"
        eventually(lambda: row(house, long)[3] == 2)
        eventually(lambda: _runs(mark("away")))
        cancel(house, long)
        assert ended(house, long)[:2] == ("finished", "cancelled")
    assert sightings.twice == []


def test_a_host_that_is_told_to_stop_ends_what_it_has_first(house: RunningServer, hosts: Fleet) -> None:
    with watched_programs() as sightings:
        ids = [submit(house, mark(f"drained-{number}"), 2) for number in range(4)]
        seen(sightings, *(mark(f"drained-{number}") for number in range(4)))
        assert hosts.hosts["three"].stop() == 0
        assert {ended(house, each)[:4] for each in ids} == {("finished", "ok", "", 1)}


def test_hosts_are_listed_drained_and_resumed(house: RunningServer) -> None:
    def metrics() -> str:
        return house.request("/metrics", headers={"Accept": "text/plain"}).body.decode()

    told = house.manage("hosts", "list")
    assert [line.split()[:3:2] for line in told.stdout.splitlines()] == [["one", "taking"], ["two", "taking"]]
    assert "gexec_hosts_slots 6.0" in metrics()
    assert "gexec_hosts_wanted 1.0" in metrics()
    assert house.manage("hosts", "drain", "one").returncode == 0
    eventually(lambda: 'gexec_hosts{state="draining"} 1.0' in metrics())
    assert house.execute("print(1)").json()["stdout"] == "1\n"
    assert house.manage("hosts", "resume", "one").returncode == 0
    eventually(lambda: 'gexec_hosts{state="draining"} 0.0' in metrics())


KIND = Profile("sha256:" + "1" * 64, 1 << 27, 50_000, 128, 1 << 26)
WARM = (Warm(KIND, 2), Warm(replace(KIND, terminal=True), 1), Warm(replace(KIND, image="sha256:" + "2" * 64), 4))
HOST = HostState("one-1", "one", slots=4, in_use=1, version="1<b>", warm=WARM, failures={"ImageMissing": 2})


@pytest.mark.usefixtures("engine_answers")
def test_the_admin_shows_hosts_and_drains_them(
    fake_backend: FakeBackend, admin_client: Client, monkeypatch: pytest.MonkeyPatch, python: Language
) -> None:
    Language.objects.filter(pk=python.pk).update(image_digest=KIND.image)
    assert "own process" in admin_client.get("/admin/hosts/").content.decode()
    told: list[tuple[str, bool]] = []
    monkeypatch.setattr(fake_backend, "fleet", lambda: base.Fleet([HOST], {"interactive": 3, "batch": 0}))

    def drain(host: str, *, drained: bool) -> None:
        told.append((host, drained))

    monkeypatch.setattr(fake_backend, "drain", drain)
    page = admin_client.get("/admin/hosts/").content.decode()
    assert "1 of 4" in page
    assert "3 interactive" in page
    assert "ImageMissing 2" in page
    assert f"{python.name} 3" in page
    assert "sha256:222222222222 4" in page
    assert "<b>" not in page.split("1&lt;b&gt;")[0].rpartition("<td>")[2]
    assert admin_client.post("/admin/hosts/", {"host": "one", "what": "drain"}).status_code == 302
    assert admin_client.post("/admin/hosts/", {"host": "../x", "what": "drain"}).status_code == 302
    assert told == [("one", True)]


def test_the_page_of_hosts_is_for_those_who_may_see_it(client: Client, django_user_model: Any) -> None:
    client.force_login(django_user_model.objects.create_user("plain", password="x", is_staff=True))
    assert client.get("/admin/hosts/").status_code == 403
    assert Client().get("/admin/hosts/").status_code == 302


@pytest.mark.usefixtures("fake_backend")
def test_without_hosts_the_command_says_why() -> None:
    with pytest.raises(CommandError, match="GEXEC_NATS_URL"):
        call_command("hosts", "list")


@pytest.mark.parametrize(
    ("start", "unknown"),
    [
        ("import sandbox.host.__main__", ("django", "psycopg", "dispatch", "rest_framework")),
        ("import gexec.wsgi, serve.background, dispatch.active; dispatch.active.backend()", ("nats", "msgpack")),
    ],
    ids=["host", "server"],
)
def test_a_host_loads_no_django_and_a_server_without_hosts_no_nats(start: str, unknown: tuple[str, ...]) -> None:
    script = f"{start}\nimport sys; print([each for each in {unknown!r} if each in sys.modules])"
    environment = clean_environment(DJANGO_SETTINGS_MODULE="gexec.settings", DATABASE_URL="postgresql://nowhere/x")
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=PROJECT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines()[-1:] == ["[]"], done.stderr


def test_a_host_that_never_finds_nats_ends_when_it_is_told_to(tmp_path: Path, prepared_data_dir: Path) -> None:
    environment = clean_environment(GEXEC_NATS_URL=f"nats://127.0.0.1:{free_port()}", GEXEC_HOST_NAME="lonely")
    host = Process([sys.executable, "-m", "sandbox.host"], tmp_path / "log", environment)
    host.wait_for("Connect call failed")
    assert host.stop() == 0


def _ask_and_lose(running: RunningServer, name: str) -> None:
    with contextlib.suppress(OSError, HTTPException):
        running.execute(PROGRAM.format(mark=name, seconds=2.5))


def _runs(name: str) -> bool:
    sightings = Sightings()
    sightings.look()
    return bool(sightings.containers.get(name))


@pytest.mark.usefixtures("rate_limit_off")
def test_what_cannot_be_passed_on_is_refused(fake_backend: FakeBackend, python: Language) -> None:
    fake_backend.refuse = NotCarried("files of 9 bytes, where 8 go to a host")
    answer = Client().post("/api/v1/executions", {"language": "python", "source_code": "1"}, "application/json")
    told = answer.json()
    assert (answer.status_code, told["code"]) == (503, "not_carried")
    assert "files of 9 bytes" in told["detail"]
