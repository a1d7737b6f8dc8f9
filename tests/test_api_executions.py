"""POST and GET /api/v1/executions: what is run, what is told of it, and what is refused."""

from __future__ import annotations

import base64
import json
import uuid
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client

from clients.authentication import create
from dispatch.testing import FakeBackend
from executions import transitions
from executions.models import Execution
from languages.models import Language
from sandbox.errors import EngineUnavailable, ImageMissing, PoolBusy, PoolClosed
from sandbox.types import Outcome
from tests.fake_backend import ran, result

pytestmark = pytest.mark.usefixtures("rate_limit_off")

URL = "/api/v1/executions"


def post(body: dict[str, Any], query: str = "", **headers: str) -> Any:
    return Client(headers=headers).post(URL + query, json.dumps(body), "application/json")


def program(**fields: Any) -> dict[str, Any]:
    return {"language": "python", "source_code": "print(1)"} | fields


def problem_of(response: Any) -> tuple[int, str, str | None]:
    told = response.json()
    assert response["Content-Type"] == "application/problem+json"
    assert told["request_id"] == response["X-Request-Id"]
    return response.status_code, told["code"], told["errors"][0]["pointer"] if "errors" in told else None


def test_a_program_that_ends_well(python: Language, fake_backend: FakeBackend) -> None:
    fake_backend.behave = lambda _job: result(ran("Hällo\n".encode(), peak_memory_bytes=9_000_000))
    response = post(program(stdin="in", args=["-v"], env={"A": "1"}, tags={"interview": "42"}))
    told = response.json()
    assert response.status_code == 200
    assert (told["object"], told["status"], told["outcome"], told["error"]) == ("execution", "finished", "ok", "")
    assert response["X-Execution-Id"] == told["id"]
    assert told["run"] == {
        "outcome": "ok", "exit_code": 0, "signal": None, "signal_name": None, "message": "",
        "stdout": "Hällo\n", "stdout_base64": None, "stdout_bytes": 7, "stdout_truncated": False,
        "stderr": "", "stderr_base64": None, "stderr_bytes": 0, "stderr_truncated": False,
        "wall_ms": 5.0, "cpu_ms": 4.0, "peak_memory_bytes": 9_000_000,
    }  # fmt: skip
    assert (told["compile"], told["tests"], told["score"], told["artifacts"]) == (None, None, None, [])
    assert told["language"] == {"slug": "python", "version": "Python 3.13.5", "image_digest": "sha256:1"}
    assert told["limits"]["memory_mb"] == python.memory_mb
    assert told["tags"] == {"interview": "42"}
    assert told["created_at"].endswith("Z")
    (job,) = fake_backend.jobs
    assert job.steps[0].argv == ("python3", "main.py", "-v")
    assert (job.steps[0].stdin, job.steps[0].environment["A"]) == (b"in", "1")


def test_means_and_sums_have_no_more_digits_than_what_they_are_made_of(
    python: Language, fake_backend: FakeBackend
) -> None:
    times = (0.1, 0.2, 0.4)
    fake_backend.behave = lambda job: result(
        *(replace(ran(wall_ms=ms, cpu_ms=ms), name=step.name) for step, ms in zip(job.steps, times, strict=True))
    )
    told = post(program(repeat=3)).json()
    assert (told["run"]["wall_ms"], told["run"]["cpu_ms"]) == (0.233, 0.233)
    assert told["queue_ms"] == round(told["queue_ms"], 3)
    post(program(tests=[{}, {}, {}]))
    assert Execution.objects.values_list("wall_ms", "cpu_ms")[0] == (0.7, 0.7)


def test_output_that_is_no_text_comes_as_base64_too(python: Language, fake_backend: FakeBackend) -> None:
    fake_backend.behave = lambda _job: result(ran(b"a\xff"))
    told = post(program()).json()["run"]
    assert (told["stdout"], told["stdout_base64"]) == ("a\ufffd", base64.b64encode(b"a\xff").decode())


def test_several_files_and_their_entrypoint(python: Language, fake_backend: FakeBackend) -> None:
    files = [{"name": "lib/util.py", "content": {"base64": "AP8="}}, {"name": "main.py", "content": "import lib.util"}]
    assert post({"language": "python", "files": files}).status_code == 200
    (job,) = fake_backend.jobs
    assert [(file.name, file.content) for file in job.files] == [
        ("lib/util.py", b"\x00\xff"), ("main.py", b"import lib.util"),
    ]  # fmt: skip
    assert Execution.objects.get().source == "import lib.util"


def test_limits_within_their_caps_hold_and_are_told(python: Language, fake_backend: FakeBackend) -> None:
    asked = {"wall_ms": 1500, "cpu_ms": 900, "memory_mb": 200, "output_bytes": 10, "processes": 8, "file_bytes": 99}
    told = post(program(limits=asked)).json()["limits"]
    assert {name: told[name] for name in asked} == asked
    (limits,) = [step.limits for step in fake_backend.jobs[0].steps]
    assert (limits.wall_ms, limits.cpu_ms, limits.memory_bytes) == (1500, 900, 200 * 1024 * 1024)
    assert (limits.output_bytes, limits.file_size_bytes) == (10, 99)


@pytest.mark.parametrize(
    ("body", "status", "code", "pointer"),
    [
        ({}, 400, "missing_field", "#/language"),
        (program(language="cobol"), 400, "unsupported_language", "#/language"),
        (program(language=7), 400, "invalid_field", "#/language"),
        ({"language": "python"}, 400, "missing_field", "#/source_code"),
        (program(source_code=""), 400, "invalid_field", "#/source_code"),
        (program(source_code="\x00"), 400, "nul_character", "#/source_code"),
        (program(source_code="\ud800"), 400, "lone_surrogate", "#/source_code"),
        (program(source_code={"base64": "!"}), 400, "invalid_field", "#/source_code"),
        (program(source_code={"file": "sha256:1"}), 400, "invalid_field", "#/source_code"),
        (program(sourcecode="x"), 400, "unknown_field", "#/sourcecode"),
        (program(limits={"time": 1}), 400, "unknown_field", "#/limits/time"),
        (program(limits={"memory_mb": 100_000}), 400, "limit_exceeded", "#/limits/memory_mb"),
        (program(limits={"wall_ms": True}), 400, "invalid_field", "#/limits/wall_ms"),
        (program(limits={"wall_ms": 1e999}), 400, "invalid_json", None),
        (program(args=["a"] * 257), 400, "invalid_field", "#/args"),
        (program(args=["a\x00"]), 400, "nul_character", "#/args/0"),
        (program(env={"LANG2": "1", "SET": "1"}), 400, "invalid_field", "#/env/SET"),
        (program(compile_args=["-O2"]), 400, "invalid_field", "#/compile_args/0"),
        (program(env={"A=B": "1"}), 400, "invalid_field", "#/env/A=B"),
        (program(files=[{"name": "a", "content": "b"}]), 400, "invalid_field", "#/source_code"),
        (program(repeat=0), 400, "invalid_field", "#/repeat"),
        (program(repeat=21), 400, "invalid_field", "#/repeat"),
        (program(wait="yes"), 400, "invalid_field", "#/wait"),
        (program(priority="high"), 400, "invalid_field", "#/priority"),
    ],
)
def test_what_is_refused(
    python: Language, fake_backend: FakeBackend, body: dict[str, Any], status: int, code: str, pointer: str | None
) -> None:
    python.environment = {"SET": "x"}
    python.save()
    assert problem_of(post(body)) == (status, code, pointer)
    assert not Execution.objects.exists()


@pytest.mark.parametrize(
    "name", ["", "../x", "/etc/passwd", "a//b", "a/./b", "a/", "x" * 256, "a/" * 40 + "b", "é" * 2100]
)
def test_names_that_lead_elsewhere(python: Language, fake_backend: FakeBackend, name: str) -> None:
    files = [{"name": "main.py", "content": "x"}, {"name": name, "content": "x"}]
    status, code, pointer = problem_of(post({"language": "python", "files": files}))
    assert (status, pointer) == (400, "#/files/1/name")
    assert code == ("invalid_field" if name == "" else "invalid_file_name")


@pytest.mark.parametrize("names", [["main.py", "main.py"], ["main.py", "main.py/x"], ["a/b", "a", "main.py"]])
def test_names_that_clash(python: Language, fake_backend: FakeBackend, names: list[str]) -> None:
    files = [{"name": name, "content": "x"} for name in names]
    assert problem_of(post({"language": "python", "files": files}))[1] == "invalid_file_name"


def test_a_larger_body_than_any_may_be(python: Language, fake_backend: FakeBackend, settings: Any) -> None:
    settings.GEXEC_MAX_REQUEST_BYTES = 1000
    assert problem_of(post(program(stdin="x" * 1000)))[:2] == (413, "body_too_large")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (PoolBusy("full", retry_after_s=3), "no_slot"),
        (PoolClosed("closing"), "shutting_down"),
        (EngineUnavailable("away"), "engine_unavailable"),
        (ImageMissing("gone"), "image_missing"),
    ],
)
def test_what_could_not_be_started(python: Language, fake_backend: FakeBackend, error: Exception, code: str) -> None:
    fake_backend.warm = False
    fake_backend.refuse = error
    response = post(program())
    assert problem_of(response)[:2] == (503, code)
    assert response["Retry-After"]
    assert response.json()["execution_id"] == response["X-Execution-Id"] == str(Execution.objects.get().pk)


def test_a_fault_of_ours_is_told_as_a_result(
    python: Language, fake_backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transitions, "MAX_ATTEMPTS", 1)
    fake_backend.behave = lambda _job: result(ran(b"so far", Outcome.SANDBOX_ERROR))
    response = post(program())
    told = response.json()
    assert (response.status_code, told["outcome"], told["run"]["stdout"]) == (200, "sandbox_error", "so far")
    assert told["error"].startswith("sandbox error:")


def test_one_that_need_not_be_waited_for(python: Language, fake_backend: FakeBackend) -> None:
    for response in (post(program(wait=False)), post(program(), Prefer="respond-async")):
        told = response.json()
        assert (response.status_code, told["status"], response["Retry-After"]) == (202, "queued", "1")
        assert response["Location"] == told["links"]["self"] == f"{URL}/{told['id']}"
    assert response["Preference-Applied"] == "respond-async"


def test_only_its_own_client_sees_it(python: Language, fake_backend: FakeBackend) -> None:
    mine, other = ({"authorization": f"Bearer {create(name)}"} for name in ("mine", "other"))
    told = post(program(), **mine).json()
    where = told["links"]["self"]
    assert "access_token" not in told
    assert Client(headers=mine).get(where).json() == told
    for headers in (other, {}):
        assert problem_of(Client(headers=headers).get(where))[:2] == (404, "not_found")
    assert problem_of(Client(headers=mine).get(f"{URL}/{uuid.uuid4()}"))[:2] == (404, "not_found")


def test_without_a_key_a_token_opens_it(python: Language, fake_backend: FakeBackend) -> None:
    told, other = post(program()).json(), post(program()).json()
    token = told.pop("access_token")
    where = told["links"]["self"]
    assert Client().get(f"{where}?access_token={token}").json() == told
    assert Client(headers={"X-Access-Token": token}).get(where).json() == told
    for wrong in ("", "x", token + "x", other["access_token"], "9999999999." + token):
        assert Client().get(f"{where}?access_token={wrong}").status_code == 404


def test_an_answer_is_shaped_as_asked(python: Language, fake_backend: FakeBackend) -> None:
    fake_backend.behave = lambda _job: result(ran(b"1\n", order=((1, 2),)))
    told = post(program(), "?fields=status,run.stdout,run.wall_ms,compile.stdout").json()
    assert told == {"status": "finished", "run": {"stdout": "1\n", "wall_ms": 5.0}, "compile": None}
    told = post(program(stdin="in"), "?include=source,output,timeline").json()
    assert told["files"] == [{"name": "main.py", "content": "print(1)", "executable": False}]
    assert (told["stdin"], told["run"]["output"]) == ("in", [{"stream": "stdout", "text": "1\n"}])
    assert [each["event"] for each in told["timeline"]] == ["created", "started", "finished"]
    assert post(program(), "?fields=runs,run.output,tags.any,tests.name").json() == {
        "run": {},
        "tags": {},
        "tests": None,
    }


@pytest.mark.parametrize(
    "query", ["fields=nothing", "fields=run.nothing", "fields=id.x", "include=secrets", "wat=1", "fields=" + "a," * 40]
)
@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
def test_what_no_answer_can_have_is_refused_before_anything_is_run(
    python: Language, fake_backend: FakeBackend, query: str, accept: str
) -> None:
    assert problem_of(post(program(), f"?{query}", accept=accept))[:2] == (400, "unknown_field")
    assert not Execution.objects.exists()
    done = post(program()).json()
    token = {"x-access-token": done["access_token"]}
    for path, kind in ((done["links"]["self"], accept), (done["links"]["events"], "text/event-stream")):
        told = Client(headers=token | {"accept": kind}).get(f"{path}?{query}")
        assert problem_of(told)[:2] == (400, "unknown_field")


def test_output_in_order_of_arrival(python: Language, fake_backend: FakeBackend) -> None:
    fake_backend.behave = lambda _job: result(ran(b"ac", stderr=b"b", order=((1, 1), (2, 1), (1, 1))))
    told = post(program(), "?include=output").json()["run"]["output"]
    assert told == [
        {"stream": name, "text": text} for name, text in (("stdout", "a"), ("stderr", "b"), ("stdout", "c"))
    ]


def test_the_request_has_an_id(python: Language, fake_backend: FakeBackend) -> None:
    assert post(program(), **{"X-Request-Id": "mine-1"})["X-Request-Id"] == "mine-1"
    for wrong in ("", "a b", "x" * 65, "é"):
        assert post(program(), **{"X-Request-Id": wrong})["X-Request-Id"].startswith("req_")
    assert post(program())["Cache-Control"] == "no-store"
