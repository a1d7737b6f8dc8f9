"""POST /api/v1/executions with tests: what is refused, what is told, and to whom."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client

from clients.authentication import create
from clients.models import Key
from clients.rights import Right
from dispatch.testing import FakeBackend
from executions.api.resource import resource
from executions.models import Execution
from languages.models import Language
from sandbox.types import Job, JobResult, Outcome, StepResult
from tests.judging import URL, grade, post, verdicts
from tests.test_api_executions import problem_of, program

pytestmark = pytest.mark.usefixtures("rate_limit_off")

CANARY = "c4n4ry"
CHECKER = {"language": "python", "source_code": "pass"}


def echo(job: Job) -> JobResult:
    """Every step prints what it read, and takes exactly as long as no other."""
    quiet = [
        StepResult(step.name, Outcome.OK, exit_code=0, wall_ms=1.2345, peak_memory_bytes=1, stdout=step.stdin)
        for step in job.steps
    ]
    loud = {"outcome": Outcome.NONZERO_EXIT, "exit_code": 67, "peak_memory_bytes": 7_654_321}
    return JobResult(tuple(replace(each, **loud, stderr=each.stdout) if each.stdout else each for each in quiet))  # type: ignore[arg-type]  # any field


@pytest.mark.parametrize(
    ("fields", "refused"),
    [
        ({"tests": []}, ("invalid_field", "#/tests")),
        ({"tests": [{}] * 501}, ("invalid_field", "#/tests")),
        ({"tests": {}}, ("invalid_field", "#/tests")),
        ({"grading": {}}, ("missing_field", "#/tests")),
        ({"tests": [{"expected": "1"}]}, ("unknown_field", "#/tests/0/expected")),
        ({"tests": [{}, {"points": -1}]}, ("invalid_field", "#/tests/1/points")),
        ({"tests": [{"points": True}]}, ("invalid_field", "#/tests/0/points")),
        ({"tests": [{"points": 1e9}]}, ("invalid_field", "#/tests/0/points")),
        ({"tests": [{"name": "x" * 101}]}, ("invalid_field", "#/tests/0/name")),
        ({"tests": [{"name": "a\0"}]}, ("nul_character", "#/tests/0/name")),
        ({"tests": [{"group": "\ud800"}]}, ("lone_surrogate", "#/tests/0/group")),
        ({"tests": [{"expected_exit_code": 256}]}, ("invalid_field", "#/tests/0/expected_exit_code")),
        ({"tests": [{"hidden": 1}]}, ("invalid_field", "#/tests/0/hidden")),
        ({"tests": [{"stdin": {"base64": "?"}}]}, ("invalid_field", "#/tests/0/stdin")),
        ({"tests": [{"limits": {"processes": 3}}]}, ("invalid_field", "#/tests/0/limits/processes")),
        ({"tests": [{"limits": {"wall_ms": 10**9}}]}, ("limit_exceeded", "#/tests/0/limits/wall_ms")),
        ({"tests": [{"limits": {"time_limit": 1}}]}, ("unknown_field", "#/tests/0/limits/time_limit")),
        ({"tests": [{"files": [{"name": "../x", "content": ""}]}]}, ("invalid_file_name", "#/tests/0/files/0/name")),
        ({"tests": [{"files": [{"name": "main.py", "content": ""}]}]}, ("invalid_file_name", "#/tests/0/files/0/name")),
        ({"tests": [{}], "stdin": "x"}, ("invalid_field", "#/stdin")),
        ({"tests": [{}], "repeat": 2}, ("invalid_field", "#/repeat")),
        ({"tests": [{}], "artifacts": {"paths": ["*"]}}, ("invalid_field", "#/artifacts")),
        ({"tests": [{}], "grading": {"compare": "fuzzy"}}, ("invalid_field", "#/grading/compare")),
        ({"tests": [{}], "grading": {"abs_tolerance": -1}}, ("invalid_field", "#/grading/abs_tolerance")),
        ({"tests": [{}], "grading": {"report": "none"}}, ("invalid_field", "#/grading/report")),
        ({"tests": [{}], "grading": {"checker": {}}}, ("missing_field", "#/grading/checker/language")),
        (
            {"tests": [{}], "grading": {"checker": CHECKER | {"language": "cobol"}}},
            ("unsupported_language", "#/grading/checker/language"),
        ),
        (
            {"tests": [{}], "grading": {"checker": CHECKER | {"protocol": "ejudge"}}},
            ("invalid_field", "#/grading/checker/protocol"),
        ),
        (
            {"tests": [{}], "grading": {"checker": CHECKER | {"limits": {"wall_ms": 10**9}}}},
            ("limit_exceeded", "#/grading/checker/limits/wall_ms"),
        ),
        (
            {"tests": [{}], "grading": {"checker": CHECKER, "interactor": CHECKER}},
            ("invalid_field", "#/grading/interactor"),
        ),
        (
            {"tests": [{}], "grading": {"interactor": CHECKER | {"protocol": "json"}}},
            ("invalid_field", "#/grading/interactor/protocol"),
        ),
        (
            {"tests": [{"expected_exit_code": 1}], "grading": {"checker": CHECKER}},
            ("invalid_field", "#/tests/0/expected_exit_code"),
        ),
    ],
)
def test_what_is_refused(
    fields: dict[str, Any], refused: tuple[str, str], python: Language, fake_backend: FakeBackend
) -> None:
    assert problem_of(post(program(**fields))) == (400, *refused)
    assert fake_backend.jobs == []


def test_nothing_expected_is_in_any_step(python: Language, fake_backend: FakeBackend) -> None:
    fake_backend.behave = echo
    tests = [{"stdin": "in", "expected_stdout": CANARY, "args": ["1"], "limits": {"wall_ms": 7, "memory_mb": 20}}]
    grade("print(1)", tests, args=["0"])
    (job,) = fake_backend.jobs
    assert CANARY not in repr(job)
    (step,) = job.steps
    assert (step.name, step.fresh, step.argv[-2:], step.stdin) == ("test/0", True, ("0", "1"), b"in")
    assert (step.limits.wall_ms, step.limits.memory_bytes) == (7, 20 << 20)
    assert job.keep_going


TESTS = [
    {"name": "shown", "expected_stdout": ""},
    {"name": "kept back", "stdin": CANARY, "expected_stdout": f"{CANARY}!", "hidden": True, "group": "g"},
]


def key_with(*rights: Right, client: str = "them") -> dict[str, str]:
    key = create(f"key {len(rights)}", client=client)
    Key.objects.filter(name=f"key {len(rights)}").update(rights=[right.value for right in rights])
    return {"Authorization": f"Api-Key {key}"}


def test_hidden_tests_are_told_by_name_and_verdict_alone(python: Language, fake_backend: FakeBackend) -> None:
    fake_backend.behave = echo
    headers = key_with(Right.EXECUTE, Right.READ)
    response = post(program(tests=TESTS), "?include=source,output,timeline", **headers)
    told = response.json()
    hidden = {"name": "kept back", "hidden": True, "verdict": "nonzero_exit"}
    assert told["tests"][1] == hidden
    assert told["tests"][0]["wall_ms"] == 1.2345
    again = Client(headers=headers).get(f"{URL}/{told['id']}?include=source,output,timeline")
    listed = Client(headers=headers).get(URL)
    exported = Client(headers=headers).get(f"{URL}/export?format=ndjson")
    for answer in (response, again, listed, exported):
        text = answer.getvalue().decode()
        assert CANARY not in text
        assert "7654321" not in text
    row = Execution.objects.get()
    assert (row.exit_code, row.wall_ms, row.cpu_ms, row.peak_memory_bytes) == (None, 0.0, 0.0, 8 << 20)


def test_whoever_does_not_say_whom_it_tells_tells_nothing_of_them(python: Language, fake_backend: FakeBackend) -> None:
    """Webhooks and events, which go to whoever listens, and what is still to be written."""
    fake_backend.behave = echo
    grade("print(1)", TESTS)
    assert CANARY not in json.dumps(resource(Execution.objects.get(), include=("source", "output", "timeline")))


def test_who_has_the_right_sees_them(python: Language, fake_backend: FakeBackend) -> None:
    fake_backend.behave = echo
    weak, strong = key_with(Right.EXECUTE), key_with(Right.READ, Right.SEE_HIDDEN)
    told = post(program(tests=TESTS), **weak).json()
    seen = Client(headers=strong).get(f"{URL}/{told['id']}").json()["tests"][1]
    assert (seen["stdout"], seen["exit_code"]) == (CANARY, 67)


def test_who_submits_without_a_key_sees_its_own(python: Language, fake_backend: FakeBackend) -> None:
    fake_backend.behave = echo
    told = grade("print(1)", TESTS)
    assert told["tests"][1]["stdout"] == CANARY
    seen = Client().get(f"{URL}/{told['id']}?access_token={told['access_token']}").json()
    assert seen["tests"][1]["stdout"] == CANARY


@pytest.mark.parametrize(
    ("report", "names"), [("verdicts", {"name", "verdict", "points", "group", "hidden"}), ("summary", None)]
)
def test_less_may_be_told_of_each(
    report: str, names: set[str] | None, python: Language, fake_backend: FakeBackend
) -> None:
    fake_backend.behave = echo
    told = grade("print(1)", TESTS, grading={"report": report})
    assert told["score"] == {
        "passed": 1, "total": 2, "points": 1, "max_points": 2, "groups": {"g": {"points": 0, "max_points": 1}},
    }  # fmt: skip
    assert told["verdict"] == "nonzero_exit"
    if names is None:
        assert told["tests"] is None
    else:
        assert set(told["tests"][1]) == names


def test_many_tests_keep_a_bounded_output(python: Language, fake_backend: FakeBackend) -> None:
    def flood(job: Job) -> JobResult:
        return JobResult(
            tuple(StepResult(step.name, Outcome.OK, stdout=b"x" * 50_000, exit_code=0) for step in job.steps)
        )

    fake_backend.behave = flood
    told = grade("print(1)", [{"expected_stdout": "x" * 50_000}] * 100)
    assert set(verdicts(told)) == {"passed"}
    assert {(test["stdout_truncated"], test["stdout_bytes"]) for test in told["tests"]} == {(True, 20_971)}
    assert len(Execution.objects.get().output) < 4 << 20


def test_what_was_brought_is_not_kept_where_that_was_asked_for(python: Language, fake_backend: FakeBackend) -> None:
    fake_backend.behave = echo
    checked = {"checker": CHECKER | {"source_code": f"# {CANARY}"}, "report": "verdicts"}
    told = grade("print(1)", TESTS, store="no_code")
    assert told["tests"][1]["stdout"] == CANARY
    grade("print(1)", TESTS, store="no_code", grading=checked)
    for row in Execution.objects.all():
        assert CANARY not in json.dumps([row.job, row.tests, row.steps, row.source])
        assert CANARY.encode() not in bytes(row.output)
        assert row.tests
        assert {test["checker_message"] for test in row.tests} == {""}


def test_a_stored_file_counts_as_often_as_it_is_named(python: Language, fake_backend: FakeBackend) -> None:
    headers = key_with(Right.EXECUTE, Right.READ, Right.MANAGE_FILES)
    large = b"x" * (1 << 20)
    sent = Client(headers=headers).put("/api/v1/files", large, content_type="application/octet-stream").json()
    named = {"stdin": {"file": sent["id"]}}
    assert post(program(tests=[named] * 60), **headers).status_code == 200
    assert {step.stdin for step in fake_backend.jobs[-1].steps} == {large}
    assert problem_of(post(program(tests=[named] * 65), **headers)) == (400, "limit_exceeded", None)


@pytest.mark.parametrize(
    ("own", "brought"),
    [("lib/x.py", ["lib"]), ("lib", ["lib/x.py"]), ("a", ["b", "b"]), ("a", ["b/c", "b"]), ("a", ["b", "b/c/d"])],
)
def test_a_tests_file_is_no_other_ones_folder(
    python: Language, fake_backend: FakeBackend, own: str, brought: list[str]
) -> None:
    files = [{"name": name, "content": "x"} for name in brought]
    body = {"language": "python", "files": [{"name": "main.py", "content": "x"}, {"name": own, "content": "x"}]}
    pointer = f"#/tests/0/files/{len(files) - 1}/name"
    assert problem_of(post(body | {"tests": [{"files": files}]})) == (400, "invalid_file_name", pointer)
    assert post(body | {"tests": [{"files": [{"name": "data/in.txt", "content": "x"}]}] * 2}).status_code == 200
