"""POST /execute answers everything malformed with a clear 4xx in JSON, and keeps a row of it."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.test import Client, RequestFactory

from dispatch.testing import FakeBackend
from executions.models import Execution, Status
from languages.models import Language
from rest.exceptions import Refusal
from rest.parsers import receive

pytestmark = pytest.mark.usefixtures("rate_limit_off", "python", "fake_backend")


def send(body: bytes, content_type: str = "application/json") -> Any:
    return Client().generic("POST", "/execute", body, content_type=content_type)


def fields(**changes: object) -> bytes:
    return json.dumps({"language": "python", "source_code": "x", **changes}).encode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b"print(1)",
        b"{'language': 'python'}",
        b'{"language": "python", "source_code": NaN}',
        b'{"language": "python", "source_code": "x", "timeout_ms": Infinity}',
        b'{"language": "python", "source_code": "x"} x',
        b'{"language": "python", "source_code": "a\nb"}',
        b'{"language": "python", "source_code": "\xff"}',
        '{"language": "python", "source_code": "x"}'.encode("utf-16"),
        b'{"language": "python", "source_code": "x", "timeout_ms": ' + b"9" * 5000 + b"}",
        b"\x00",
        b"language=python&source_code=x",
    ],
)
def test_what_is_not_json(body: bytes) -> None:
    response = send(body)
    assert (response.status_code, response.json()) == (400, {"error": "Invalid JSON"})
    row = Execution.objects.get(pk=response["X-Execution-Id"])
    assert (row.status, row.error, row.language_slug, row.source) == (Status.REJECTED, "Invalid JSON", "", "")


@pytest.mark.parametrize("body", [b"[]", b"null", b"1", b'"x"', b"true", b"[" + fields() + b"]"])
def test_json_that_is_no_object(body: bytes) -> None:
    assert send(body).json() == {"error": "Invalid JSON: expected an object"}


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 100_000, b"[" * 100_000 + b"]" * 100_000])
def test_json_nested_very_deep(body: bytes) -> None:
    response = send(body)
    assert (response.status_code, response.json()) == (400, {"error": "Invalid JSON: nested too deeply"})


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"language": "ruby"}, "unsupported language: ruby"),
        ({"language": " python"}, "unsupported language:  python"),
        ({"language": "x" * 100_000}, f"unsupported language: {'x' * 63}…"),
        ({"language": "a\x00\ud800b"}, "unsupported language: a\ufffd?b"),
        ({"language": ""}, "language cannot be empty"),
        ({"language": None}, "language cannot be empty"),
        ({"language": 5}, "language must be a string"),
        ({"language": ["python"]}, "language must be a string"),
        ({"source_code": ""}, "source_code cannot be empty"),
        ({"source_code": None}, "source_code cannot be empty"),
        ({"source_code": 5}, "source_code must be a string"),
        ({"source_code": False}, "source_code must be a string"),
        ({"source_code": {"a": 1}}, "source_code must be a string"),
        ({"source_code": "a\x00b"}, "source_code cannot contain NUL characters"),
        ({"source_code": "a\ud800b"}, "source_code cannot contain lone surrogates"),
        ({"timeout_ms": 0}, "timeout_ms must be between 1 and 60000"),
        ({"timeout_ms": -1}, "timeout_ms must be between 1 and 60000"),
        ({"timeout_ms": 10**400}, "timeout_ms must be between 1 and 60000"),
        ({"timeout_ms": 1.5}, "timeout_ms must be an integer"),
        ({"timeout_ms": "1000"}, "timeout_ms must be an integer"),
        ({"timeout_ms": True}, "timeout_ms must be an integer"),
        ({"timeout_ms": [1]}, "timeout_ms must be an integer"),
    ],
)
def test_fields_that_cannot_be_used(changes: dict[str, object], error: str) -> None:
    response = send(fields(**changes))
    assert (response.status_code, response.json()) == (400, {"error": error})
    assert Execution.objects.get().error == error


@pytest.mark.parametrize("coding", ["gzip", "deflate, gzip", "br", "zstd", "GZIP", "identity, gzip"])
def test_an_encoded_body_is_named_as_such(coding: str) -> None:
    response = Client(headers={"content-encoding": coding}).generic("POST", "/execute", b"\x1f\x8b")
    assert response.status_code == 415
    assert response.json() == {"error": f"Content-Encoding {coding} is not supported: send the body as it is"}
    assert Execution.objects.get().status == Status.REJECTED


@pytest.mark.parametrize("coding", ["identity", "", " Identity"])
def test_a_body_as_it_is_may_say_so(coding: str) -> None:
    assert Client(headers={"content-encoding": coding}).generic("POST", "/execute", fields()).status_code == 200


@pytest.mark.parametrize("number", [b"5000", b"5000.0", b"5e3", b"5.0E+3", b"50000e-1"])
def test_a_whole_number_is_whole_however_json_writes_it(fake_backend: FakeBackend, number: bytes) -> None:
    body = b'{"language": "python", "source_code": "x", "timeout_ms": ' + number + b"}"
    assert send(body).status_code == 200
    assert fake_backend.jobs[0].steps[-1].limits.wall_ms == 5000


@pytest.mark.parametrize(
    ("number", "error"),
    [
        (b"1e999", "timeout_ms must be an integer"),
        (b"-1e999", "timeout_ms must be an integer"),
        (b"5000.5", "timeout_ms must be an integer"),
        (b"1e300", "timeout_ms must be between 1 and 60000"),
        (b"-0.0", "timeout_ms must be between 1 and 60000"),
        (b"NaN", "Invalid JSON"),
    ],
)
def test_other_numbers_are_refused(number: bytes, error: str) -> None:
    body = b'{"language": "python", "source_code": "x", "timeout_ms": ' + number + b"}"
    assert (send(body).status_code, send(body).json()) == (400, {"error": error})


def test_missing_fields() -> None:
    assert send(b"{}").json() == {"error": "language cannot be empty"}
    assert send(b'{"language": "python"}').json() == {"error": "source_code cannot be empty"}


def test_a_disabled_language_is_not_supported(python: Language) -> None:
    python.enabled = False
    python.save()
    assert send(fields()).json() == {"error": "unsupported language: python"}


@pytest.mark.parametrize("size", [262_145, 1_000_000, 10_000_000])
def test_source_that_is_too_large(size: int) -> None:
    response = send(fields(source_code="x" * size))
    assert response.status_code == 413
    assert "larger than" in response.json()["error"]
    assert Execution.objects.get().status == Status.REJECTED


def test_source_of_the_largest_size(fake_backend: FakeBackend) -> None:
    assert send(fields(source_code="\x01" * 262_144)).status_code == 200
    assert fake_backend.jobs[0].files[0].content == b"\x01" * 262_144


def test_the_size_is_in_bytes() -> None:
    assert send(fields(source_code="é" * 131_073)).status_code == 413


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_any_content_type_is_read_as_json(content_type: str) -> None:
    assert send(fields(), content_type).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"\xef\xbb\xbf" + fields(),
        b" \r\n" + fields() + b"\n",
        b'{"language": "ruby", "language": "python", "source_code": "x"}',
        fields(timeout_ms=None),
        fields(source_code=" "),
        fields(extra={"nested": [1, 2, 1e400]}).replace(b"Infinity", b"1e400"),
    ],
)
def test_what_is_unusual_and_good(body: bytes) -> None:
    assert send(body).status_code == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
def test_other_methods(method: str) -> None:
    response = Client().generic(method, "/execute")
    assert (response.status_code, response["Allow"]) == (405, "POST")
    assert not Execution.objects.exists()
    if method != "HEAD":
        assert response.json()["error"] == f'Method "{method}" not allowed.'


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "", "*/*;q=0"])
def test_the_answer_is_json_whatever_is_accepted(accept: str) -> None:
    response = Client(headers={"accept": accept}).generic("POST", "/execute", b"")
    assert response["Content-Type"] == "application/json"


class Chunks(io.RawIOBase):
    """The stream of a body without Content-Length, as gunicorn gives it."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.left = size

    def read(self, size: int = -1) -> bytes:
        taken = self.left if size < 0 else min(size, self.left)
        self.left -= taken
        return b" " * taken


def test_a_chunked_body_is_bounded_and_drained() -> None:
    stream = Chunks(5_000_000)
    meta: dict[str, Any] = {
        "wsgi.input": stream,
        "wsgi.input_terminated": True,
        "HTTP_TRANSFER_ENCODING": "chunked",
    }
    request = RequestFactory().generic("POST", "/execute", **meta)
    with pytest.raises(Refusal) as refused:
        receive(request, max_bytes=1000).read()
    assert (refused.value.status_code, stream.left) == (413, 0)


def test_a_content_length_that_is_no_number() -> None:
    request = RequestFactory().generic("POST", "/execute", CONTENT_LENGTH="x")
    with pytest.raises(Refusal, match="Content-Length"):
        receive(request, max_bytes=1000).read()
