"""An endpoint is closed, speaks JSON only and reads its body safely before its view says anything about it."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.db import connection
from django.http import HttpRequest
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from clients import authentication
from languages.models import Language
from rest.views import Endpoint


class _Slug(serializers.ModelSerializer[Language]):
    class Meta:
        model = Language
        fields = ["slug"]


class NewcomersView(generics.ListAPIView[Language]):
    """Written by somebody who has read DRF's tutorial and nothing of ours."""

    queryset = Language.objects.all()
    serializer_class = _Slug


class EchoView(APIView):
    """What it was sent, and no more."""

    def post(self, request: Request) -> Response:
        return Response(request.data)


class EarlyEchoView(Endpoint):
    """The same, where the body comes in before anything else."""

    def post(self, request: Request) -> Response:
        return Response(request.data)


@pytest.fixture(params=[EchoView, EarlyEchoView])
def echo(request: pytest.FixtureRequest) -> Any:
    return request.param.as_view()


def sent(view: Any, body: bytes, content_type: str = "application/json", **meta: Any) -> Any:
    return view(RequestFactory().generic("POST", "/", body, content_type=content_type, **meta)).render()


def listed(**headers: str) -> Any:
    return NewcomersView.as_view()(RequestFactory().get("/?format=api", headers=headers)).render()


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "*/*", "image/png;q=0"])
def test_a_plain_view_speaks_json_only(python: Language, accept: str) -> None:
    response = listed(accept=accept)
    assert (response.status_code, response["Content-Type"]) == (200, "application/json")
    assert json.loads(response.content) == [{"slug": "python"}]


def test_a_plain_view_is_closed_where_a_key_is_required(python: Language, settings: Any) -> None:
    settings.GEXEC_REQUIRE_API_KEY = True
    refused = listed()
    assert (refused.status_code, refused["Content-Type"]) == (401, "application/problem+json")
    assert json.loads(refused.content)["code"] == "unauthorized"
    assert listed(authorization=f"Bearer {authentication.create('x')}").status_code == 200


@pytest.mark.parametrize("authorization", ["Basic YWRtaW46YWRtaW4=", "Bearer x", "Token x"])
def test_a_plain_view_refuses_a_key_that_is_not_valid(python: Language, authorization: str) -> None:
    assert listed(authorization=authorization).status_code == 401


def test_nobody_is_logged_in(python: Language) -> None:
    class WhoView(APIView):
        def get(self, request: Request) -> Response:
            return Response([str(request.user), str(request.auth)])

    request = RequestFactory().get("/")
    request.user = "the admin's session"  # type: ignore[assignment]  # only that it is not looked at
    response: Any = WhoView.as_view()(request)
    assert response.data == ["None", "None"]


def test_options_tell_nothing_of_a_view(python: Language) -> None:
    response: Any = NewcomersView.as_view()(RequestFactory().options("/"))
    assert response.status_code == 405


@pytest.mark.parametrize(
    "content_type", ["application/json", "text/plain", "", "x", "application/json; charset=utf-16"]
)
def test_a_body_is_json_whatever_it_is_called(echo: Any, content_type: str) -> None:
    response = sent(echo, b'\xef\xbb\xbf{"a": [1]}', content_type)
    assert (response.status_code, json.loads(response.content)) == (200, {"a": [1]})


@pytest.mark.parametrize("content_type", ["multipart/form-data; boundary=x", "application/x-www-form-urlencoded"])
def test_a_form_is_no_json(echo: Any, content_type: str) -> None:
    response = sent(echo, b'{"a": 1}', content_type)
    problem = json.loads(response.content)
    assert (response.status_code, problem["code"]) == (415, "unsupported_media_type")
    assert "send Content-Type: application/json" in problem["detail"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "invalid_json"),
        (b"[]", "invalid_json"),
        (b'{"a": NaN}', "invalid_json"),
        (b'{"a": ' + b"9" * 5000 + b"}", "invalid_json"),
        (b'{"a":' * 100_000, "invalid_json"),
        (b'{"a": "\xff"}', "invalid_json"),
        (b'{"a": 1, "a": 1}', "duplicate_key"),
        (b'{"a": [{"b": {"c": 1, "d": 2, "c": 3}}]}', "duplicate_key"),
        (b'{"\\ud800": 1, "\\ud800": 2}', "duplicate_key"),
    ],
)
def test_json_is_read_strictly(echo: Any, body: bytes, code: str) -> None:
    response = sent(echo, body)
    assert (response.status_code, json.loads(response.content)["code"]) == (400, code)


def test_a_body_that_is_too_large_is_not_read(echo: Any, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    assert sent(echo, b'{"a": "b"}').status_code == 200
    response = sent(echo, b'{"a": "bc"}')
    assert (response.status_code, json.loads(response.content)["code"]) == (413, "body_too_large")


def test_a_chunked_body_is_a_body() -> None:
    meta: dict[str, Any] = {"wsgi.input": io.BytesIO(b'{"a": 1}'), "wsgi.input_terminated": True}
    response = sent(EarlyEchoView.as_view(), b"", HTTP_TRANSFER_ENCODING="chunked", **meta)
    assert json.loads(response.content) == {"a": 1}


def test_one_key_of_very_many_that_comes_twice_is_found_at_once(echo: Any) -> None:
    body = ",".join(f'"{number}":0' for number in range(100_000))
    response = sent(echo, f'{{{body},"99999":1}}'.encode())
    assert json.loads(response.content)["detail"] == "Invalid JSON: the key 99999 stands twice in an object"


def test_an_empty_body_is_no_json() -> None:
    assert sent(EarlyEchoView.as_view(), b"").status_code == 400


@pytest.mark.usefixtures("transactional_db")
def test_no_connection_is_held_while_the_body_comes_in() -> None:
    held: list[object] = []

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            held.append(connection.connection)
            return super().read(size)

    meta: dict[str, Any] = {"wsgi.input": Slow(b'{"a": 1}'), "wsgi.input_terminated": True}
    connection.close()
    headers = {"HTTP_TRANSFER_ENCODING": "chunked", "HTTP_AUTHORIZATION": f"Bearer {'x' * 8}.{'y' * 32}"}
    with CaptureQueriesContext(connection) as queries:
        connection.close()
        response = sent(EarlyEchoView.as_view(), b"", **headers, **meta)
    assert (response.status_code, len(queries)) == (401, 1)
    assert set(held) == {None}
    assert connection.connection is None


def test_a_body_of_a_method_that_there_is_not_is_left_alone() -> None:
    request: HttpRequest = RequestFactory().put("/", b"{}", content_type="application/json")
    response: Any = EarlyEchoView.as_view()(request)
    assert response.status_code == 405
    assert request.read() == b"{}"
