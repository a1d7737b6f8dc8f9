"""Whatever a view raises is told as a problem (RFC 9457) with a stable code, by one handler for the whole project."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest
from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import Http404
from django.test import Client, RequestFactory
from psycopg_pool import PoolTimeout
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from executions.seed.renderers import ErrorRenderer
from gexec import errors
from rest.exceptions import Unavailable
from rest.views import Endpoint

EXECUTION = UUID(int=7)


class _Limits(serializers.Serializer[Any]):
    memory_mb = serializers.IntegerField(max_value=256)


class _File(serializers.Serializer[Any]):
    name = serializers.CharField()
    size = serializers.IntegerField(required=False, error_messages={"invalid": "no\udcffnumber"})


class _Submission(serializers.Serializer[Any]):
    source_code = serializers.CharField(max_length=5)
    limits = _Limits()
    files = _File(many=True, required=False)
    tests = serializers.ListField(child=serializers.IntegerField(), required=False)
    env = serializers.DictField(child=serializers.IntegerField(), required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["source_code"] == "whole":
            raise serializers.ValidationError("these do not go together", code="invalid_field")
        return attrs


class SubmissionView(Endpoint):
    """What an endpoint of /api/v1 looks like."""

    def post(self, request: Request) -> Response:
        serializer = _Submission(data=request.data)
        serializer.is_valid(raise_exception=True)
        return Response(serializer.data, status=201)


def post(data: object, content_type: str = "application/json") -> Any:
    request = RequestFactory().post("/", json.dumps(data), content_type=content_type)
    return SubmissionView.as_view()(request).render()


def raised(exc: Exception, **attributes: Any) -> Any:
    """The answer of a view that raises `exc`."""

    def get(self: Endpoint, request: Request) -> Response:
        raise exc

    view: Any = type("RaisingView", (Endpoint,), {"get": get, **attributes})
    return view.as_view()(RequestFactory().get("/")).render()


def _lose_the_database() -> None:
    raise OperationalError("gone")


def test_a_serializer_is_all_that_a_view_needs() -> None:
    data = {"source_code": "x", "limits": {"memory_mb": 1}}
    response = post(data)
    assert (response.status_code, json.loads(response.content)) == (201, data)


def test_each_field_that_is_wrong_is_named() -> None:
    response = post({"source_code": "far too long", "limits": {"memory_mb": 512}})
    assert (response.status_code, response["Content-Type"]) == (400, "application/problem+json")
    assert json.loads(response.content) == {
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "detail": "source_code: Ensure this field has no more than 5 characters.",
        "code": "invalid_field",
        "errors": [
            {
                "pointer": "#/source_code",
                "code": "too_large",
                "detail": "Ensure this field has no more than 5 characters.",
            },
            {
                "pointer": "#/limits/memory_mb",
                "code": "too_large",
                "detail": "Ensure this value is less than or equal to 256.",
            },
        ],
    }


@pytest.mark.parametrize(
    ("fields", "pointer", "code"),
    [
        ({"limits": {}}, "#/limits/memory_mb", "missing_field"),
        ({"limits": None}, "#/limits", "null"),
        ({"limits": 1}, "#/limits", "invalid_field"),
        ({"files": [{"name": "a"}, {"name": ""}]}, "#/files/1/name", "blank"),
        ({"files": [1]}, "#/files/0", "invalid_field"),
        ({"files": {}}, "#/files", "not_a_list"),
        ({"files": [{"name": "a", "size": "x"}]}, "#/files/0/size", "invalid_field"),
        ({"tests": [1, "x"]}, "#/tests/1", "invalid_field"),
        ({"env": {"a/b~c": "x"}}, "#/env/a~1b~0c", "invalid_field"),
        ({"env": {"\ud800": "x"}}, "#/env/?", "invalid_field"),
        ({"env": {"x" * 300: "x"}}, f"#/env/{'x' * 63}…", "invalid_field"),
        ({"source_code": "whole"}, "#", "invalid_field"),
    ],
)
def test_a_pointer_leads_to_the_fault(fields: dict[str, Any], pointer: str, code: str) -> None:
    (error,) = json.loads(post({"source_code": "x", "limits": {"memory_mb": 1}, **fields}).content)["errors"]
    assert (error["pointer"], error["code"]) == (pointer, code)


def test_the_code_of_a_missing_field_is_the_problems_too() -> None:
    problem = json.loads(post({"source_code": "x", "limits": {}}).content)
    assert (problem["code"], problem["detail"]) == ("missing_field", "limits.memory_mb: This field is required.")


@pytest.mark.parametrize(
    ("exc", "status", "code", "detail"),
    [
        (exceptions.ParseError(), 400, "invalid_json", "Malformed request."),
        (exceptions.ValidationError([]), 400, "invalid_field", "Invalid input."),
        (exceptions.ValidationError("big", code="body_too_large"), 413, "body_too_large", "big"),
        (exceptions.NotAuthenticated("a key, please"), 401, "unauthorized", "a key, please"),
        (exceptions.AuthenticationFailed("no"), 401, "unauthorized", "no"),
        (PermissionDenied(), 403, "forbidden", "You do not have permission to perform this action."),
        (Http404("secret"), 404, "not_found", "Not found."),
        (exceptions.NotFound("none"), 404, "not_found", "none"),
        (
            exceptions.UnsupportedMediaType("a/b"),
            415,
            "unsupported_media_type",
            'Unsupported media type "a/b" in request.',
        ),
        (exceptions.Throttled(3), 429, "rate_limited", "Too many requests"),
        (exceptions.APIException("oh"), 500, "internal_error", "oh"),
        (Unavailable("full", retry_after_s=3, code="no_slot"), 503, "no_slot", "full"),
        (OperationalError("10.0.0.1 refused"), 503, "database_unavailable", "the database is not available"),
        (InterfaceError("closed"), 503, "database_unavailable", "the database is not available"),
        (PoolTimeout("5 s"), 503, "database_unavailable", "the database is not available"),
    ],
)
def test_each_exception_has_its_status_and_code(exc: Exception, status: int, code: str, detail: str) -> None:
    response = raised(exc)
    problem = json.loads(response.content)
    assert response["Content-Type"] == "application/problem+json"
    assert (response.status_code, problem["status"], problem["code"]) == (status, status, code)
    assert problem["detail"] == detail
    assert ("Retry-After" in response) == (status in (429, 503))
    # The same, in the seed's words.
    seeds = raised(exc, problem_renderer_class=ErrorRenderer)
    assert (seeds.status_code, seeds["Content-Type"]) == (status, "application/json")
    assert json.loads(seeds.content) == {"error": detail}


def test_what_waits_says_for_how_long_and_names_its_row() -> None:
    response = raised(Unavailable("full", retry_after_s=3, execution_id=EXECUTION, code="no_slot"))
    assert (response["Retry-After"], response["X-Execution-Id"]) == ("3", str(EXECUTION))
    assert json.loads(response.content)["execution_id"] == str(EXECUTION)
    assert raised(exceptions.Throttled(2.5))["Retry-After"] == "3"
    assert raised(OperationalError())["Retry-After"] == "5"


def test_a_missing_key_is_asked_for_by_both_schemes() -> None:
    assert raised(exceptions.NotAuthenticated())["WWW-Authenticate"] == "Api-Key, Bearer"


def test_an_answer_says_which_methods_there_are() -> None:
    response: Any = SubmissionView.as_view()(RequestFactory().get("/"))
    assert (response.status_code, response["Allow"]) == (405, "POST, OPTIONS")


def test_a_fault_of_the_code_is_hidden_from_nobody_but_the_client() -> None:
    with pytest.raises(ZeroDivisionError):
        raised(ZeroDivisionError())


@pytest.mark.parametrize(
    ("path", "media_type"), [("/api/v1/x", "application/problem+json"), ("/x", "application/json")]
)
def test_what_no_view_answers(path: str, media_type: str) -> None:
    request = RequestFactory().get(path)
    try:
        _lose_the_database()
    except OperationalError:
        away = errors.server_error(request)
    assert (away.status_code, away["Retry-After"], away["Content-Type"]) == (503, "5", media_type)
    fault = errors.server_error(request)
    assert (fault.status_code, fault["Content-Type"]) == (500, media_type)
    body = json.loads(fault.content)
    assert body.get("code", "internal_error") == "internal_error"
    assert body.get("detail", body.get("error")) == "internal server error"


def test_a_path_that_is_not_there() -> None:
    assert Client().get("/nothing").json() == {"error": "not found"}
    assert Client().get("/api/v1/nothing").json()["detail"] == "there is nothing at /api/v1/nothing"
