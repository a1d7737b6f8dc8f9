"""The bodies of errors that no view answers: problems for the API, {"error": …} for the seed, pages for the admin.

What is below a door of another service has that door's own words.
"""

from __future__ import annotations

import sys
from http import HTTPStatus
from typing import TYPE_CHECKING

import psycopg
from django.core.exceptions import DisallowedHost, RequestDataTooBig
from django.http import JsonResponse
from django.views import defaults

from executions.compat.problems import outside_views
from gexec.middleware import ADMIN_PATH, ForeignPage
from rest import refusals
from rest.connections import DATABASE_AWAY, DATABASE_AWAY_MESSAGE, DATABASE_RETRY_AFTER_S
from rest.problems import ProblemRenderer, problem
from rest.views import request_id_of

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

API_PATH = "/api/"

TOO_LONG = (psycopg.errors.QueryCanceled, psycopg.errors.LockNotAvailable)
TOO_LONG_MESSAGE = "the database took too long for this page; others may be waiting for the same rows"


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400, or 413 for a body that is too large to be read."""
    if _for_admin(request):
        return defaults.bad_request(request, exception)
    if isinstance(exception, RequestDataTooBig):
        return _error(request, "body_too_large", "request body too large", 413)
    if isinstance(exception, DisallowedHost):
        return _error(request, "bad_request", "host name not allowed (GEXEC_ALLOWED_HOSTS)", 400)
    return _error(request, "bad_request", "bad request", 400)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _for_admin(request):
        return defaults.permission_denied(request, exception)
    if isinstance(exception, ForeignPage):
        return _error(
            request, "forbidden", "pages of this origin may not call this server (GEXEC_ALLOWED_ORIGINS)", 403
        )
    return _error(request, "forbidden", "forbidden", 403)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _for_admin(request):
        return defaults.page_not_found(request, exception)
    return _error(request, "not_found", "not found", 404)


def server_error(request: HttpRequest) -> HttpResponse:
    """503 while the database is away, else 500. Django calls this while the exception is handled."""
    error = sys.exc_info()[1]
    if isinstance(error, DATABASE_AWAY):
        message = TOO_LONG_MESSAGE if isinstance(error.__cause__, TOO_LONG) else DATABASE_AWAY_MESSAGE
        response: HttpResponse = _error(request, "database_unavailable", message, HTTPStatus.SERVICE_UNAVAILABLE)
        response["Retry-After"] = str(DATABASE_RETRY_AFTER_S)
        return response
    if _for_admin(request):
        return defaults.server_error(request)
    return _error(request, "internal_error", "internal server error", 500)


def _for_admin(request: HttpRequest) -> bool:
    return request.path_info.startswith(ADMIN_PATH)


def _error(request: HttpRequest, code: str, message: str, status: int) -> HttpResponse:
    if (told_there := outside_views(request.path_info, status, code, message)) is not None:
        return told_there
    if request.path_info.startswith(API_PATH):
        request_id = request_id_of(request)
        told = problem(status, code, message, request_id=request_id, execution_id=None)
        headers = {"X-Request-Id": request_id, "Cache-Control": "no-store"}
        response = JsonResponse(told, status=status, content_type=ProblemRenderer.media_type, headers=headers)
    else:
        response = JsonResponse({"error": message}, status=status)
    refusals.mark(response, code)
    return response
