"""Errors of /api/v1: RFC 9457 problem+json, each with a stable code."""

from __future__ import annotations

import logging
from http import HTTPStatus

from django.conf import settings
from django.db import InterfaceError, OperationalError
from rest_framework.exceptions import APIException, NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from rest import authentication
from rest.connections import DATABASE_RETRY_AFTER_S
from rest.exceptions import Refusal
from rest.text import printable
from rest.views import JsonView

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"


def problem(status: int, code: str, detail: str) -> Response:
    """What is wrong: `code` for programs and for good, `detail` for people."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
    }
    return Response(body, status=status, content_type=MEDIA_TYPE)


class ApiView(JsonView):
    """Errors as problems; a key where the settings ask for one."""

    http_method_names = ["get", "head"]

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        """Before every method."""
        super().initial(request, *args, **kwargs)
        if settings.GEXEC_REQUIRE_API_KEY:
            authentication.caller(request._request)

    def handle_exception(self, exc: Exception) -> Response:
        """The answer to what a view raised; what is not known here goes on to Django."""
        if isinstance(exc, Refusal):
            response = problem(exc.status, "unauthorized", exc.message)
            response["WWW-Authenticate"] = "Api-Key"
        elif isinstance(exc, (OperationalError, InterfaceError)):
            logger.error("the database is not available: %s", exc)
            response = problem(503, "database_unavailable", "the database is not available")
            response["Retry-After"] = str(DATABASE_RETRY_AFTER_S)
        elif isinstance(exc, APIException):
            response = problem(exc.status_code, exc.default_code, str(exc.detail))
            if exc.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
                response["Allow"] = ", ".join(self.allowed_methods)
        else:
            raise exc
        return response


class NoSuchPath(ApiView):
    """Everything below /api/v1 that is nothing else."""

    def initial(self, request: Request, *_args: object, **_kwargs: object) -> None:
        """Whatever the method is, there is nothing here."""
        raise NotFound(f"there is nothing at {printable(request.path)}")
