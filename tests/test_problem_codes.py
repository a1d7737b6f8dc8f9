"""The table of problem codes: everything in it is reached by a request, and nothing else is raised anywhere."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from clients.authentication import create
from clients.rights import Right
from dispatch.testing import FakeBackend
from languages import folders
from languages.models import Language
from rest.codes import CODES, FIELD_CODES
from testkit.servers import PROJECT

pytestmark = pytest.mark.usefixtures("rate_limit_off")
ROOMS = ("clients", "executions", "files", "gexec", "languages", "rest", "webhooks")
OF_PROBLEMS = {"Refusal", "Unavailable", "Limited", "PermissionDenied", "NotFound"}
OF_FIELDS = {"ErrorDetail", "ValidationError", "problem_with"}
ELSEWHERE = {
    "body_too_large": "test_api_executions.py",
    "checker_compile_error": "test_grading.py",
    "database_unavailable": "test_problems.py",
    "disk_full": "test_disk.py",
    "engine_unavailable": "test_api_executions.py",
    "expired": "test_idempotency.py",
    "file_missing": "test_stored_files_in_programs.py",
    "forbidden_language": "test_client_policy.py",
    "forbidden_origin": "test_client_policy.py",
    "idempotency_in_progress": "test_idempotency.py",
    "idempotency_mismatch": "test_idempotency.py",
    "image_missing": "test_api_executions.py",
    "internal_error": "test_problems.py",
    "no_slot": "test_api_executions.py",
    "not_acceptable": "test_event_answers.py",
    "upgrade_required": "test_interactive.py",
    "already_started": "test_interactive.py",
    "stdin_overflow": "test_interactive.py",
    "not_carried": "test_hosts.py",
    "not_ended": "test_history.py",
    "queue_full": "test_client_policy.py",
    "quota_exceeded": "test_client_policy.py",
    "rate_limited": "test_client_policy.py",
    "shutting_down": "test_api_executions.py",
    "request_timeout": "test_slow_clients.py",
    "too_many_concurrent": "test_client_policy.py",
    "too_many_uploads": "test_files.py",
    "too_many_watchers": "test_event_streams.py",
    "upload_lost": "test_files.py",
}
"""Codes that need more than one request, and the test that meets them."""
PROGRAM = {"language": "python", "source_code": "print(1)"}


def body(**fields: Any) -> dict[str, Any]:
    return {"data": json.dumps(PROGRAM | fields)}


GOLDEN: list[tuple[str, str, dict[str, Any], str | None]] = [
    ("invalid_json", "post", {"data": "{"}, None),
    ("duplicate_key", "post", {"data": '{"language": "a", "language": "b"}'}, None),
    ("invalid_field", "post", body(args=[1]), "#/args/0"),
    ("unknown_field", "post", body(limits={"wall": 1}), "#/limits/wall"),
    ("missing_field", "post", {"data": '{"source_code": "x"}'}, "#/language"),
    ("limit_exceeded", "post", body(limits={"memory_mb": 2**30}), "#/limits/memory_mb"),
    ("unsupported_language", "post", body(language="klingon"), "#/language"),
    ("invalid_file_name", "post", {"data": '{"language": "python", "files": [{"name": "../a", "content": ""}]}'},
     "#/files/0/name"),
    ("nul_character", "post", body(args=["a\0"]), "#/args/0"),
    ("lone_surrogate", "post", {"data": '{"language": "python", "source_code": "\\ud800"}'}, "#/source_code"),
    ("unauthorized", "get /me", {}, None),
    ("forbidden", "post", body() | {"headers": {"origin": "https://elsewhere.example"}}, None),
    ("forbidden_right", "get /keys", {"rights": [Right.EXECUTE]}, None),
    ("not_found", "get /nothing", {}, None),
    ("method_not_allowed", "delete", {}, None),
    ("unsupported_media_type", "post", {"data": "a=b", "content_type": "application/x-www-form-urlencoded"}, None),
    ("bad_request", "get /languages", {"headers": {"host": "not_a_host_of_ours!"}}, None),
]  # fmt: skip


@pytest.mark.parametrize(("code", "call", "asked", "pointer"), GOLDEN, ids=[each[0] for each in GOLDEN])
def test_a_request_that_meets_it(
    code: str, call: str, asked: dict[str, Any], pointer: str | None, python: Language, fake_backend: FakeBackend
) -> None:
    method, _, path = call.partition(" ")
    headers = dict(asked.get("headers", {}))
    if "rights" in asked:
        headers["authorization"] = f"Bearer {create('one', client='one', rights=asked['rights'])}"
    sent = {"content_type": asked.get("content_type", "application/json")} if method == "post" else {}
    data = {"data": asked["data"]} if "data" in asked else {}
    answer = getattr(Client(headers=headers), method)(f"/api/v1{path or '/executions'}", **data, **sent)
    told = answer.json()
    status, _ = CODES[code]
    assert (answer.status_code, told["status"], told["code"]) == (status, status, code)
    assert answer["Content-Type"] == "application/problem+json"
    assert told["request_id"] == answer["X-Request-Id"]
    assert (told["type"], told["execution_id"]) == ("about:blank", None)
    assert told["detail"]
    assert ([each["pointer"] for each in told["errors"]] if "errors" in told else [None]) == [pointer]
    assert fake_backend.jobs == []


def test_each_code_is_met_by_a_test() -> None:
    here = {code for code, *_ in GOLDEN}
    for code, name in ELSEWHERE.items():
        assert f'"{code}"' in (PROJECT / "tests" / name).read_text(), f"{name} does not look for {code}"
    assert here | set(ELSEWHERE) == set(CODES)


def calls(path: Path) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            yield node


def name_of(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def texts(node: ast.expr | None) -> Iterator[str]:
    """The strings that an expression may be."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from texts(node.body)
        yield from texts(node.orelse)


def _is_ours(path: Path) -> bool:
    """Not a program of a self-test, which may be of a Python that is newer than this one."""
    return "admin" not in path.name and not path.is_relative_to(folders.IMAGES)


def raised(kinds: set[str]) -> set[str]:
    """The codes that the source gives to errors of these kinds."""
    found: set[str] = set()
    for path in (path for room in ROOMS for path in (PROJECT / room).rglob("*.py") if _is_ours(path)):
        for call in calls(path):
            if name_of(call) in kinds:
                found |= {text for word in call.keywords if word.arg == "code" for text in texts(word.value)}
                found |= set(texts(call.args[1] if name_of(call) == "PermissionDenied" and call.args[1:] else None))
                found |= set(texts(call.args[2] if name_of(call) == "problem_with" and call.args[2:] else None))
    return found


def test_no_code_is_raised_that_is_not_in_the_table() -> None:
    codes = raised(OF_PROBLEMS)
    assert {"forbidden_right", "quota_exceeded", "body_too_large", "idempotency_mismatch"} <= codes
    assert codes - set(CODES) == set()


def test_no_code_of_a_field_is_raised_that_is_not_in_its_table() -> None:
    codes = raised(OF_FIELDS) - {"invalid"}
    assert {"unknown_field", "too_large", "limit_exceeded"} <= codes
    assert codes - set(CODES) - set(FIELD_CODES) == set()


def test_errors_that_no_view_answers_have_codes_of_the_table() -> None:
    text = (PROJECT / "gexec" / "errors.py").read_text()
    codes = set(re.findall(r'_error\(\s*request, "(\w+)"', text))
    assert {"bad_request", "internal_error"} <= codes
    assert codes - set(CODES) == set()
