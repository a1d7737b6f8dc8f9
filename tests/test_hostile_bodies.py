"""Bodies that nobody means well with: each is taken, or refused with a code and its place; none is a fault.

HYPOTHESIS_EXAMPLES says how many; `make fuzz` sends 20,000.
"""

from __future__ import annotations

import copy
import io
import json
import os
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework.exceptions import APIException

from clients.authentication import create
from clients.rights import Right
from executions.api.requests import asked_in
from languages.models import Language
from rest.codes import CODES
from rest.exceptions import Refusal
from rest.parsers import StrictJSONParser
from rest.problems import handle
from rest.text import printable

EXAMPLES = int(os.environ.get("HYPOTHESIS_EXAMPLES", "300"))
STATUSES = {400, 403, 413, 415, 422}
WHOLE: dict[str, Any] = {
    "language": "python",
    "files": [
        {"name": "main.py", "content": "print(1)", "executable": False},
        {"name": "lib/data.bin", "content": {"base64": "AAEC"}},
    ],
    "entrypoint": "main.py",
    "stdin": {"base64": "eA=="},
    "args": ["-v"],
    "env": {"A": "1"},
    "compile_args": [],
    "merge_stderr": False,
    "limits": {
        "wall_ms": 1000, "cpu_ms": 1000, "memory_mb": 64, "output_bytes": 1000, "processes": 8, "file_bytes": 1000,
        "compile_wall_ms": 1000,
    },
    "repeat": 1,
    "artifacts": {"paths": ["*.txt"], "max_files": 1, "max_bytes": 1000},
    "wait": 1.5,
    "on_disconnect": "cancel",
    "priority": "interactive",
    "queue_ms": 1000,
    "store": "all",
    "tags": {"interview": "42"},
    "webhook_url": None,
}  # fmt: skip
GRADED: dict[str, Any] = {
    "language": "python",
    "source_code": "print(1)",
    "tests": [
        {"name": "sample", "stdin": "1", "args": ["a"], "files": [{"name": "in.txt", "content": "x"}],
         "expected_stdout": {"base64": "MQ=="}, "expected_exit_code": 0, "hidden": True, "points": 1, "group": "easy"},
    ],
    "grading": {"compare": "trim", "stop_on_failure": False, "report": "full"},
}  # fmt: skip

Path = tuple[str | int, ...]


def paths(value: Any, here: Path = ()) -> Iterator[Path]:
    """Every place of a value, itself and the keys of its objects among them."""
    yield here
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in entries:
        yield from paths(inner, (*here, key))


def at(value: Any, path: Path) -> Any:
    for key in path:
        value = value[key]
    return value


names = st.sampled_from(
    ["", ".", "..", "../x", "/etc/passwd", "a//b", "a/./b", "a/", "a" * 256, "a/" * 2048 + "a", "\0", "a\0b", "\ud800",
     "\udfff\ud800", "\x7f\x1b[0m", "~", "~1/", "\U0001f600" * 1100, "__proto__", "constructor"]
)  # fmt: skip
numbers = st.sampled_from(
    [0, -1, -0.0, 1e308, 5e-324, 2**31, 2**63, 2**64, -(2**63), 10**300, 0.1, 1.0000000000000002, 1e22]
)
plain = st.one_of(st.none(), st.booleans(), numbers, names, st.integers(), st.text(max_size=20))
values = st.recursive(
    plain, lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(names, inner, max_size=4)), max_leaves=8
)


def deep(levels: int) -> Any:
    value: Any = []
    for _ in range(levels):
        value = [value]
    return value


def put(body: Any, path: Path, value: Any) -> Any:
    """The body with another value at a place."""
    if not path:
        return value
    changed = copy.deepcopy(body)
    at(changed, path[:-1])[path[-1]] = value
    return changed


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """A good body, with something bad in one or two places."""
    body = draw(st.sampled_from([WHOLE, GRADED]))
    for _ in range(draw(st.integers(1, 2))):
        path = draw(st.sampled_from(sorted(paths(body), key=repr)))
        inner = at(body, path)
        if isinstance(inner, dict) and draw(st.booleans()):
            body = put(body, (*path, draw(names)), draw(values))
        else:
            body = put(body, path, draw(values | st.just(deep(50)) | st.just(["x"] * 600)))
    text = json.dumps(body, ensure_ascii=draw(st.booleans()))
    data = text.encode("utf-8", "surrogatepass")
    return draw(
        st.sampled_from([data, data, data, data[:-1], data + b"x", b"\xff" + data, data.replace(b":", b": ", 1)])
    )


def problem_with(data: bytes) -> dict[str, Any] | None:
    """What is wrong with a body, as it would be answered; None where it is taken."""
    try:
        asked_in(StrictJSONParser().parse(io.BytesIO(data)), caller=None)
    except APIException as error:
        answer = handle(error, {"view": SimpleNamespace(), "request": SimpleNamespace()})
        assert answer is not None
        assert answer.status_code in STATUSES
        told: dict[str, Any] = json.loads(json.dumps(answer.data))
        return told
    return None


def leads_somewhere(pointer: str, body: Any) -> bool:
    """Whether it names a place of the body, or one in an object of it that should be there."""
    if not pointer.startswith("#"):
        return False
    words = [word.replace("~1", "/").replace("~0", "~") for word in pointer.split("/")[1:]]
    for position, word in enumerate(words):
        if isinstance(body, dict):
            found = {printable(name): inner for name, inner in body.items()}
            if word not in found:
                return position == len(words) - 1
            body = found[word]
        elif isinstance(body, list) and word.isdecimal() and int(word) < len(body):
            body = body[int(word)]
        else:
            return False
    return True


@pytest.mark.timeout(900)
@pytest.mark.usefixtures("rate_limit_off")
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize="HYPOTHESIS_EXAMPLES" not in os.environ,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(data=bodies())
def test_any_body_is_taken_or_refused_at_its_place(python: Language, data: bytes) -> None:
    told = problem_with(data)
    if told is None:
        return
    assert told["code"] in CODES
    for error in told.get("errors", ()):
        assert leads_somewhere(error["pointer"], json.loads(data)), error
        assert error["detail"]
        assert len(error["detail"]) < 2000
    # What is told can be sent: it has no lone surrogate in it.
    json.dumps(told, ensure_ascii=False).encode()


def wrong_at(path: Path, body: dict[str, Any]) -> Any:
    """A value of a type that this place cannot have."""
    return 7 if isinstance(at(body, path), (str, dict, list)) or path == ("webhook_url",) else "seven"


PLACES = [(name, path) for name, body in (("whole", WHOLE), ("graded", GRADED)) for path in paths(body)]


@pytest.mark.parametrize(("name", "path"), PLACES, ids=[f"{name}/{'/'.join(map(str, path))}" for name, path in PLACES])
def test_a_wrong_type_at_any_place_is_refused_there(name: str, path: Path, python: Language) -> None:
    body = {"whole": WHOLE, "graded": GRADED}[name]
    told = problem_with(json.dumps(put(body, path, wrong_at(path, body))).encode())
    assert told is not None
    assert told["status"] == 400
    if path:
        pointers = [error["pointer"] for error in told["errors"]]
        place = "#/" + "/".join(map(str, path))
        # Contents are one value, in whichever form they come.
        assert pointers == [place] or place.rpartition("/")[0] in pointers
    else:
        assert told["code"] == "invalid_json"


@pytest.mark.parametrize("depth", [90, 900, 100_000])
def test_deep_nesting_is_no_fault(depth: int, python: Language) -> None:
    for data in (b"[" * depth + b"]" * depth, b'{"stdin": ' * depth + b"1" + b"}" * depth, b"[" * depth):
        told = problem_with(data)
        assert told is not None
        assert told["status"] == 400


@pytest.mark.parametrize(("opened", "closed"), [(b"[", b"]"), (b'{"":', b"}")])
def test_nesting_has_a_bound_of_its_own(opened: bytes, closed: bytes) -> None:
    """Not the interpreter's, which is another one wherever the value is walked through."""
    parser = StrictJSONParser()
    for depth in (98, 99):
        data = b'{"a": [1, ' + opened * (depth - 1) + b"1" + closed * (depth - 1) + b"]}"
        assert parser.object_in(data)["a"][0] == 1
    for depth in (100, 500, 932):
        data = b'{"a": [1, ' + opened * depth + b"1" + closed * depth + b"]}"
        with pytest.raises(Refusal, match="nested too deeply"):
            parser.object_in(data)
    broad = b'{"a": [' + b",".join([opened + b"1" + closed] * 1000) + b"]}"
    assert len(parser.object_in(broad)["a"]) == 1000


def test_a_huge_number_is_no_fault(python: Language) -> None:
    for number in ("9" * 5000, "1e999999", "-1e400", "1" + "0" * 400, "NaN", "Infinity"):
        told = problem_with(f'{{"language": "python", "source_code": "x", "repeat": {number}}}'.encode())
        assert told is not None
        assert told["status"] == 400


@pytest.mark.usefixtures("rate_limit_off", "db")
@pytest.mark.parametrize(
    "data",
    ['{"tag.\\u0000": "x"}', '{"tag.\\ud800": "x"}', '{"tag.a": "\\ud800"}', '{"tag.a": "\\u0000"}', '{"tag.": ""}'],
)
@pytest.mark.parametrize("path", ["executions/erase", "executions/cancel"])
def test_a_tag_that_no_request_can_have_is_refused(path: str, data: str) -> None:
    key = {"authorization": f"Bearer {create('one', client='one', rights=list(Right))}"}
    answer = Client(headers=key).post(f"/api/v1/{path}", data, "application/json")
    assert answer.status_code == 400
    assert answer.json()["code"] in CODES
