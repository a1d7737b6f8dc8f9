"""The one handler of errors: whatever a view raises becomes a problem (RFC 9457) with a stable code.

A view whose clients expect another shape names a renderer of its own as `problem_renderer_class`; what is an error,
and with which status and code, is decided here alone.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import exceptions
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.views import set_rollback

from rest import refusals
from rest.connections import DATABASE_AWAY, DATABASE_AWAY_MESSAGE, DATABASE_RETRY_AFTER_S
from rest.exceptions import Unavailable
from rest.text import encodable, printable

logger = logging.getLogger(__name__)

_CODES = {
    "authentication_failed": "unauthorized",
    "error": "internal_error",
    "not_authenticated": "unauthorized",
    "parse_error": "invalid_json",
    "permission_denied": "forbidden",
    "throttled": "rate_limited",
}
"""DRF's codes that have another name here."""
_FIELD_CODES = {
    "invalid": "invalid_field",
    "max_length": "too_large",
    "max_value": "too_large",
    "min_length": "too_small",
    "min_value": "too_small",
    "required": "missing_field",
}
_MEMBERS = ("execution_id", "policy")
"""What an exception may have besides, for the problem."""
_STATUSES = {"body_too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE}
"""Codes of a field that are no 400."""
_CODES_OF_A_BODY = {
    "body_too_large",
    "duplicate_key",
    "invalid_file_name",
    "invalid_json",
    "limit_exceeded",
    "lone_surrogate",
    "missing_field",
    "nul_character",
    "unknown_field",
    "unsupported_language",
}
"""Codes of a field that are codes of the whole problem too; every other one makes it an `invalid_field`."""


class ProblemRenderer(JSONRenderer):
    """A problem as it is."""

    media_type = "application/problem+json"


def handle(exc: Exception, context: Mapping[str, Any]) -> Response | None:
    """DRF's EXCEPTION_HANDLER: the problem that `exc` is, or None for what is a fault of the code."""
    understood = known(exc)
    if understood is None:
        return None
    set_rollback()
    problem = problem_of(understood)
    if (request_id := getattr(context["view"], "request_id", None)) is not None:
        problem |= {"request_id": request_id}
        problem.setdefault("execution_id", None)
    # The answer to an error does not depend on what the view would have answered with.
    renderer = getattr(context["view"], "problem_renderer_class", ProblemRenderer)
    context["request"].accepted_renderer = renderer()
    context["request"].accepted_media_type = renderer.media_type
    response = Response(problem, status=problem["status"], headers=_headers(understood))
    refusals.mark(response, problem["code"])
    return response


def problem(status: int, code: str, detail: str, **members: object) -> dict[str, Any]:
    """What is wrong: `code` for programs and for good, `detail` for people."""
    return {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "detail": detail,
        "code": code,
        **members,
    }


def known(exc: Exception) -> exceptions.APIException | None:
    """What of an exception a client may be told; None for what is a fault of the code."""
    if isinstance(exc, DATABASE_AWAY):
        logger.error("the database is not available: %s", exc)
        return Unavailable(DATABASE_AWAY_MESSAGE, retry_after_s=DATABASE_RETRY_AFTER_S, code="database_unavailable")
    if isinstance(exc, Http404):
        return exceptions.NotFound()
    if isinstance(exc, PermissionDenied):
        return exceptions.PermissionDenied()
    return exc if isinstance(exc, exceptions.APIException) else None


def problem_of(exc: exceptions.APIException) -> dict[str, Any]:
    """What a request would be answered with, but for its id."""
    if isinstance(exc.detail, (dict, list)):
        return _problem_of_fields(exc)
    # How long to wait stands in Retry-After; a sentence that changes by the second cannot be compared or translated.
    detail = "Too many requests" if isinstance(exc, exceptions.Throttled) else encodable(exc.detail)
    code = str(exc.detail.code)
    members = {name: str(value) for name in _MEMBERS if (value := getattr(exc, name, None))}
    return problem(exc.status_code, _CODES.get(code, code), detail, **members, **getattr(exc, "members", {}))


def _problem_of_fields(exc: exceptions.APIException) -> dict[str, Any]:
    errors = list(_errors(exc.detail)) or [{"pointer": "#", "code": "invalid_field", "detail": "Invalid input."}]
    first = errors[0]
    place = first["pointer"].removeprefix("#/").removeprefix("#").replace("/", ".")
    return problem(
        _STATUSES.get(first["code"], exc.status_code),
        first["code"] if first["code"] in _CODES_OF_A_BODY else "invalid_field",
        f"{place}: {first['detail']}" if place else first["detail"],
        errors=errors,
    )


def _errors(detail: Any, pointer: str = "#") -> Iterator[dict[str, str]]:
    """Each message of a serializer's errors, with a JSON pointer (RFC 6901) to what it is about."""
    if isinstance(detail, dict):
        for key, inner in detail.items():
            yield from _errors(inner, pointer if key == api_settings.NON_FIELD_ERRORS_KEY else _below(pointer, key))
    elif isinstance(detail, list):
        # Messages about one value stand side by side; anything else is about the entries of a list.
        for index, inner in enumerate(detail):
            yield from _errors(inner, pointer if isinstance(inner, str) else _below(pointer, index))
    else:
        code = str(detail.code)
        yield {"pointer": pointer, "code": _FIELD_CODES.get(code, code), "detail": encodable(detail)}


def _below(pointer: str, key: object) -> str:
    return f"{pointer}/{printable(str(key)).replace('~', '~0').replace('/', '~1')}"


def _headers(exc: exceptions.APIException) -> dict[str, str]:
    found = {
        "WWW-Authenticate": getattr(exc, "auth_header", None),
        "Retry-After": getattr(exc, "wait", None),
        "X-Execution-Id": getattr(exc, "execution_id", None),
    }
    return {name: str(value) for name, value in found.items() if value is not None}
