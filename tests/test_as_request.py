"""An execution as the request that it came as: for the API, a shell, and the playground."""

from __future__ import annotations

import base64
import json
import subprocess
import zlib
from typing import Any

import pytest

from executions import as_request
from executions.grading.asked import Grading
from executions.grading.asked import Test as AskedTest
from executions.models import Execution
from languages.models import Language

HIDDEN = "\u202e\U000e0100"
SOURCE = f"print('it''s', \"$HOME `x`\") # {HIDDEN} é\n"


@pytest.fixture
def language() -> Language:
    return Language(slug="python", run_command=["python3", "{source}"], environment={"LANG": "C"})


def execution(**job: Any) -> Execution:
    files = [
        {"name": "main.py", "content": {"column": "source"}, "executable": False},
        {"name": "data.bin", "content": {"base64": "AAE="}, "executable": True},
    ]
    run = {
        "name": "run", "argv": ["python3", "main.py", "a b", "c"], "environment": {"LANG": "C", "MODE": "x"},
        "stdin": {"column": "stdin"}, "limits": {},
    }  # fmt: skip
    limits = {"wall_ms": 4000, "cpu_ms": None, "memory_mb": 64, "capped": ["memory_mb"]}
    told = {"files": files, "entrypoint": "main.py", "steps": [run], "limits": limits}
    return Execution(language_slug="python", source=SOURCE, stdin=b"1\n", job=told | job)


def shared(fragment: str) -> Any:
    packed = base64.urlsafe_b64decode(fragment[1:] + "=" * (-len(fragment[1:]) % 4))
    return json.loads(zlib.decompress(packed, -15))


def test_the_body(language: Language) -> None:
    assert as_request.body_of(execution(), language) == {
        "language": "python",
        "files": [
            {"name": "main.py", "content": SOURCE},
            {"name": "data.bin", "content": {"base64": "AAE="}, "executable": True},
        ],
        "entrypoint": "main.py",
        "stdin": "1\n",
        "args": ["a b", "c"],
        "env": {"MODE": "x"},
        "limits": {"wall_ms": 4000},
    }
    assert as_request.body_of(Execution(job={}), language) is None


def test_a_shell_reads_what_was_sent_and_nobody_is_misled(language: Language) -> None:
    body = as_request.body_of(execution(), language)
    assert body is not None
    command = as_request.curl_of(body, "http://host/api", with_key=True)
    assert not set(HIDDEN) & set(command)
    assert "é" in command
    assert "Api-Key $KEY" in command
    told = subprocess.run(
        ["sh", "-c", f'curl() {{ for each in "$@"; do :; done; printf %s "$each"; }}\n{command}'],
        capture_output=True, check=True,
    ).stdout  # fmt: skip
    assert json.loads(told) == body
    long = body | {"stdin": "x" * as_request.LONGEST_ARGUMENT}
    assert as_request.curl_of(long, "http://host/api", with_key=False) == ""


def test_the_playgrounds_link(language: Language) -> None:
    fragment = as_request.fragment_of(execution(), language)
    assert fragment is not None
    assert shared(fragment) == {
        "l": "python",
        "f": [["main.py", SOURCE], ["data.bin", {"b": "AAE="}]],
        "i": "1\n",
        "a": "'a b' c",
    }


def test_tests_go_along(language: Language) -> None:
    tests = (AskedTest("one", {"text": "1"}, expected={"text": "2"}, points=3), AskedTest("two", {"text": ""}))
    graded = execution(grading=Grading(tests).to_json())
    body = as_request.body_of(graded, language)
    assert body is not None
    assert "stdin" not in body
    assert body["tests"] == [
        {"name": "one", "stdin": "1", "expected_stdout": "2", "points": 3},
        {"name": "two", "points": 1},
    ]
    fragment = as_request.fragment_of(graded, language)
    assert fragment is not None
    assert shared(fragment)["t"] == [["one", "1", "2"], ["two", "", ""]]


@pytest.mark.parametrize(
    "job",
    [
        {"files": []},
        {"files": [{"name": "a", "content": {"file": "sha256:1"}, "executable": False}]},
        {"files": [{"name": "a", "content": {"text": "x" * (as_request.LARGEST_SHARED + 1)}, "executable": False}]},
        {"grading": Grading((AskedTest("one", {"text": ""}, args=("x",)),)).to_json()},
    ],
    ids=["nothing", "stored", "large", "arguments"],
)
def test_what_the_playground_cannot_hold_has_no_link(language: Language, job: dict[str, Any]) -> None:
    assert as_request.fragment_of(execution(**job), language) is None
