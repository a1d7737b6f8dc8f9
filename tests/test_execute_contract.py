"""POST /execute answers as the seed contract says, for every way in which a program may end."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from psycopg.errors import QueryCanceled

from dispatch.testing import FakeBackend
from executions import accept, recovery, transitions
from executions.jobs import limits_in
from executions.models import Execution, Status
from executions.outcomes import Outcome
from executions.results import steps_in
from languages.models import Language
from sandbox.errors import ContainerLost, EngineUnavailable, ImageMissing, PoolBusy
from sandbox.types import Outcome as Step
from sandbox.types import StepResult
from tests.fake_backend import ran, result

pytestmark = pytest.mark.usefixtures("rate_limit_off")


def post(data: object, **headers: Any) -> Any:
    return Client().post("/execute", data=json.dumps(data), content_type="application/json", **headers)


def program(source: str = "print(1)", **fields: object) -> dict[str, object]:
    return {"language": "python", "source_code": source, **fields}


def test_a_program_that_ends_well(python: Language, fake_backend: FakeBackend) -> None:
    response = post(program("héllo"))
    assert response.status_code == 200
    assert response.content == '{"stdout":"héllo","stderr":"","exit_code":0,"error":""}'.encode()
    assert response["Content-Type"] == "application/json"
    row = Execution.objects.get(pk=response["X-Execution-Id"])
    assert (row.status, row.outcome, row.language_slug, row.image_digest) == (
        Status.FINISHED,
        "ok",
        "python",
        "sha256:1",
    )
    (step,) = steps_in(row)
    assert (row.source, step.stdout, row.wall_ms) == ("héllo", "héllo".encode(), 5.0)
    assert limits_in(row.job, "run")["wall_ms"] == 60_000
    assert row.started_at is not None
    assert row.finished_at is not None
    assert row.created_at <= row.started_at <= row.finished_at


@pytest.mark.parametrize("name", ["python", "PYTHON", "py", "Py"])
def test_slug_and_alias_in_any_case(python: Language, fake_backend: FakeBackend, name: str) -> None:
    assert post({"language": name, "source_code": "x"}).status_code == 200


def test_the_job_is_the_source_and_the_command(python: Language, fake_backend: FakeBackend) -> None:
    post(program("x", timeout_ms=1234, unknown="ignored"))
    (job,) = fake_backend.jobs
    assert [(file.name, file.content) for file in job.files] == [("main.py", b"x")]
    assert [(step.name, step.argv, step.limits.wall_ms) for step in job.steps] == [
        ("run", ("python3", "main.py"), 1234)
    ]


def test_a_language_that_compiles_has_two_steps(go: Language, fake_backend: FakeBackend) -> None:
    response = post({"language": "golang", "source_code": "x"})
    assert [step.name for step in fake_backend.jobs[0].steps] == ["compile", "run"]
    assert fake_backend.jobs[0].steps[0].limits.memory_bytes == 256 * 1024 * 1024
    assert response.json()["stdout"] == "x"


@pytest.mark.parametrize(
    ("step", "exit_code", "error"),
    [
        (ran(b"p", Step.NONZERO_EXIT, exit_code=3), 3, ""),
        (ran(b"p", Step.SIGNAL, signal=11), 139, ""),
        (ran(b"p", Step.TIMEOUT_WALL, signal=9), 137, "execution timed out after 250 ms"),
        (ran(b"p", Step.TIMEOUT_CPU, signal=9), 137, "CPU time limit of 250 ms exceeded"),
        (ran(b"p", Step.OUT_OF_MEMORY, signal=9), 137, "memory limit of 128 MB exceeded"),
        (ran(b"p", Step.OUTPUT_LIMIT, signal=9), 137, "output limit of 1048576 bytes exceeded"),
    ],
)
def test_other_endings(
    python: Language, fake_backend: FakeBackend, step: StepResult, exit_code: int, error: str
) -> None:
    fake_backend.behave = lambda _job: result(step)
    response = post(program(timeout_ms=250))
    assert response.status_code == 200
    assert response.json() == {"stdout": "p", "stderr": "", "exit_code": exit_code, "error": error}
    assert Execution.objects.get().outcome == step.outcome.value


@pytest.mark.parametrize(
    ("step", "error"),
    [
        (
            ran(b"p", Step.SANDBOX_ERROR, exit_code=127, started=False, detail="pyhton3: No such file or directory"),
            "sandbox error: the command of this language cannot be started: pyhton3: No such file or directory",
        ),
        (
            ran(b"p", Step.SANDBOX_ERROR, detail="the container has ended: runner: /etc/hosts: No such file\n"),
            "sandbox error: the container was lost before the result was whole",
        ),
    ],
)
def test_a_fault_of_ours_is_told_as_what_it_means_and_its_detail_is_the_operators(
    python: Language, fake_backend: FakeBackend, caplog: pytest.LogCaptureFixture, step: StepResult, error: str
) -> None:
    fake_backend.behave = lambda _job: result(step)
    response = post(program())
    assert response.status_code == 500
    assert response.json() == {"stdout": "p", "stderr": "", "exit_code": -1, "error": error}
    row = Execution.objects.get()
    assert (row.outcome, row.steps[0]["detail"]) == (Outcome.SANDBOX_ERROR, step.detail)
    assert repr(step.detail) in caplog.text


def test_a_compile_error_is_told_in_stderr(go: Language, fake_backend: FakeBackend) -> None:
    fake_backend.behave = lambda _job: result(
        StepResult("compile", Step.NONZERO_EXIT, stdout=b"out ", stderr=b"main.go:1: no", exit_code=2)
    )
    response = post({"language": "go", "source_code": "x"})
    assert response.status_code == 200
    assert response.json() == {"stdout": "", "stderr": "out main.go:1: no", "exit_code": 2, "error": ""}
    assert Execution.objects.get().outcome == Outcome.COMPILE_ERROR


def test_a_compiler_that_takes_too_long(go: Language, fake_backend: FakeBackend) -> None:
    fake_backend.behave = lambda _job: result(StepResult("compile", Step.TIMEOUT_WALL, signal=9))
    answer = post({"language": "go", "source_code": "x"}).json()
    assert (answer["exit_code"], answer["error"]) == (137, "execution timed out after 60000 ms during compilation")


def test_warnings_of_a_compiler_that_passed_are_not_shown(go: Language, fake_backend: FakeBackend) -> None:
    fake_backend.behave = lambda _job: result(
        StepResult("compile", Step.OK, stderr=b"warning", exit_code=0), ran(b"", Step.NONZERO_EXIT, exit_code=1)
    )
    assert post({"language": "go", "source_code": "x"}).json()["stderr"] == ""
    compiled, _run = steps_in(Execution.objects.get())
    assert compiled.stderr == b"warning"


@pytest.mark.parametrize(
    ("stdout", "shown"),
    [
        ("aé".encode()[:-1], "a"),
        ("a€".encode()[:-1], "a"),
        ("a😀".encode()[:-1], "a"),
        ("a😀".encode(), "a😀"),
        (b"a\x80\x80\x80", "a\ufffd\ufffd\ufffd"),
        (b"", ""),
    ],
)
def test_cut_output_ends_with_a_whole_character(
    python: Language, fake_backend: FakeBackend, stdout: bytes, shown: str
) -> None:
    fake_backend.behave = lambda _job: result(ran(stdout, Step.OUTPUT_LIMIT, signal=9, stdout_truncated=True))
    assert post(program()).json()["stdout"] == shown
    assert steps_in(Execution.objects.get())[0].stdout == stdout


def test_output_that_is_not_utf_8(python: Language, fake_backend: FakeBackend) -> None:
    fake_backend.behave = lambda _job: result(ran(b"\xff\x00\xc3", stderr=b"\xfe"))
    assert post(program()).json() | {"exit_code": 0} == {
        "stdout": "\ufffd\x00\ufffd",
        "stderr": "\ufffd",
        "exit_code": 0,
        "error": "",
    }


def test_a_database_that_goes_away_after_the_row_was_made_is_503_with_its_id(
    python: Language, fake_backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(_execution: Execution, **_fields: object) -> None:
        raise OperationalError("the connection is closed")

    fake_backend.warm = False
    monkeypatch.setattr(transitions, "start", start)
    response = post(program())
    row = Execution.objects.get()
    assert (response.status_code, response["X-Execution-Id"]) == (503, str(row.pk))
    assert response.json() == {"error": "the database is not available; the result is lost"}
    recovery.sweep()
    row.refresh_from_db()
    assert row.error == "sandbox error: the database is not available; the result is lost"


def test_a_row_that_may_be_there_is_named(
    python: Language, fake_backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = accept._save

    def unanswered(rows: Sequence[Execution]) -> None:
        save(rows)
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(accept, "_save", unanswered)
    response = post(program())
    row = Execution.objects.get()
    assert (response.status_code, response["X-Execution-Id"]) == (503, str(row.pk))
    assert response.json() == {"error": "the database is not available"}
    recovery.sweep()
    row.refresh_from_db()
    assert row.error == "sandbox error: the database is not available; the result is lost"


def test_a_row_that_cannot_be_there_is_not_named(
    python: Language, fake_backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_rows: Sequence[Execution]) -> None:
        raise OperationalError("canceling statement due to statement timeout") from QueryCanceled()

    monkeypatch.setattr(accept, "_save", refused)
    response = post(program())
    assert (response.status_code, response.json()) == (503, {"error": "the database is not available"})
    assert "X-Execution-Id" not in response


def test_no_slot_is_503_and_the_row_says_so(python: Language, fake_backend: FakeBackend) -> None:
    fake_backend.refuse = PoolBusy("full", retry_after_s=7)
    response = post(program())
    assert (response.status_code, response["Retry-After"]) == (503, "7")
    assert response.json() == {"error": "no free slot: the server is busy"}
    row = Execution.objects.get(pk=response["X-Execution-Id"])
    assert (row.status, row.error, row.started_at) == (Status.REJECTED, "no free slot: the server is busy", None)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (EngineUnavailable("connect /var/run"), "sandbox error: the Docker engine is not available"),
        (ImageMissing("gexec/python"), "sandbox error: the language's image is missing"),
    ],
)
def test_no_container_is_503(python: Language, fake_backend: FakeBackend, fault: Exception, told: str) -> None:
    fake_backend.refuse = fault
    response = post(program())
    assert (response.status_code, response.json()) == (503, {"error": told})
    assert "Retry-After" in response
    assert Execution.objects.get().outcome == Outcome.SANDBOX_ERROR


def test_a_server_that_shuts_down_takes_nothing_new(python: Language, fake_backend: FakeBackend) -> None:
    fake_backend.close(grace_s=0.0)
    response = post(program())
    assert (response.status_code, response.json()) == (503, {"error": "the server is shutting down"})
    assert Execution.objects.get().status == Status.REJECTED


def test_a_cancelled_program_keeps_its_output(python: Language, fake_backend: FakeBackend) -> None:
    fake_backend.behave = lambda _job: result(ran(b"so far", Step.CANCELLED, signal=9))
    response = post(program())
    assert (response.status_code, response["Retry-After"]) == (503, "10")
    assert response.json() == {
        "stdout": "so far",
        "stderr": "",
        "exit_code": 137,
        "error": "execution cancelled: the server is shutting down",
    }


def test_a_lost_container_is_500(python: Language, fake_backend: FakeBackend) -> None:
    def lose(_job: object) -> Any:
        raise ContainerLost("stream broke")

    fake_backend.behave = lose
    response = post(program())
    assert response.status_code == 500
    assert response.json()["exit_code"] == -1
    assert response.json()["error"] == "sandbox error: the container was lost before the result was whole"
    assert Execution.objects.get().outcome == Outcome.SANDBOX_ERROR


@pytest.mark.usefixtures("transactional_db")
def test_one_that_waits_for_a_slot_is_queued_and_holds_no_connection(
    python: Language, fake_backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_backend.warm = False
    seen: list[object] = []
    real_take = fake_backend.take

    def take(run: Any) -> None:
        seen.append(connection.connection)
        seen.append(Execution.objects.get().status)
        real_take(run)

    monkeypatch.setattr(fake_backend, "take", take)
    assert post(program()).status_code == 200
    assert seen == [None, Status.QUEUED]
    row = Execution.objects.get()
    assert row.queue_ms is not None
    assert row.queue_ms > 0


@pytest.mark.usefixtures("transactional_db")
def test_a_running_program_holds_no_connection(python: Language, fake_backend: FakeBackend) -> None:
    seen: list[object] = []

    def behave(_job: object) -> Any:
        seen.append(connection.connection)
        return result(ran(b"x"))

    fake_backend.behave = behave
    assert post(program()).status_code == 200
    assert seen == [None]


@pytest.mark.usefixtures("transactional_db")
def test_more_requests_than_database_connections(python: Language, fake_backend: FakeBackend) -> None:
    statuses: list[int] = []

    def ask() -> None:
        statuses.append(post(program()).status_code)
        # The test client does not end a request as a server does.
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 40
    assert Execution.objects.filter(outcome="ok").count() == 40
