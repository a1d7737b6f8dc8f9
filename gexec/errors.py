"""The bodies of errors that no view answers: JSON for the API, Django's pages for the admin."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from django.core.exceptions import DisallowedHost, RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import JsonResponse
from django.views import defaults
from psycopg_pool import PoolTimeout

from gexec.middleware import ADMIN_PATH

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

_DATABASE_AWAY = (OperationalError, InterfaceError, PoolTimeout)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400, or 413 for a body that is too large to be read."""
    if _for_admin(request):
        return defaults.bad_request(request, exception)
    if isinstance(exception, RequestDataTooBig):
        return _error("request body too large", 413)
    if isinstance(exception, DisallowedHost):
        return _error("host name not allowed (GEXEC_ALLOWED_HOSTS)", 400)
    return _error("bad request", 400)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403."""
    return defaults.permission_denied(request, exception) if _for_admin(request) else _error("forbidden", 403)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404."""
    return defaults.page_not_found(request, exception) if _for_admin(request) else _error("not found", 404)


def server_error(request: HttpRequest) -> HttpResponse:
    """503 while the database is away, else 500. Django calls this while the exception is handled."""
    if isinstance(sys.exc_info()[1], _DATABASE_AWAY):
        response: HttpResponse = _error("the database does not answer; try again soon", 503)
        response["Retry-After"] = "1"
        return response
    return defaults.server_error(request) if _for_admin(request) else _error("internal server error", 500)


def _for_admin(request: HttpRequest) -> bool:
    return request.path_info.startswith(ADMIN_PATH)


def _error(message: str, status: int) -> JsonResponse:
    return JsonResponse({"error": message}, status=status)
