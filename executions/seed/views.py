"""The seed contract over HTTP: /execute, /ping, /metrics."""

from __future__ import annotations

import logging

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpResponse
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response

from executions import services
from executions.models import Execution
from executions.outcomes import Outcome
from executions.run import SHUTDOWN_RETRY_AFTER_S
from executions.seed import metrics
from executions.seed.answer import answer
from executions.submission import Origin, submission_of
from rest import authentication
from rest.client_address import client_address
from rest.connections import DATABASE_RETRY_AFTER_S
from rest.exceptions import RateLimited, Refusal, Unavailable
from rest.parsers import json_object, receive
from rest.throttling import check_rate
from rest.views import JsonView

logger = logging.getLogger(__name__)

_STATUS_OF_OUTCOME = {Outcome.SANDBOX_ERROR: 500, Outcome.CANCELLED: 503}
"""A program that could not be run to its end for reasons of ours; every other ending is 200."""


class SeedView(JsonView):
    """Errors as {"error": …}."""

    def handle_exception(self, exc: Exception) -> Response:
        """The answer to what a view raised; what is not known here goes on to Django."""
        if isinstance(exc, RateLimited):
            return _error(str(exc), 429, retry_after_s=exc.retry_after_s)
        if isinstance(exc, Unavailable):
            return _with_id(_error(exc.message, 503, retry_after_s=exc.retry_after_s), exc.execution_id)
        if isinstance(exc, (OperationalError, InterfaceError)):
            logger.error("the database is not available: %s", exc)
            return _error("the database is not available", 503, retry_after_s=DATABASE_RETRY_AFTER_S)
        if isinstance(exc, APIException):
            response = _error(str(exc.detail), exc.status_code)
            if exc.status_code == 405:
                response["Allow"] = ", ".join(self.allowed_methods)
            return response
        raise exc


class ExecuteView(SeedView):
    """POST /execute."""

    http_method_names = ["post"]

    def post(self, request: Request) -> Response:
        """Run a program and answer with what it printed."""
        body = receive(request._request, max_bytes=settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
        check_rate(request._request)
        address = client_address(request.META, trusted_proxies=settings.GEXEC_TRUSTED_PROXIES)
        origin = Origin(address)
        try:
            origin = Origin(address, authentication.caller(request._request))
            submission = submission_of(json_object(body), max_source_bytes=settings.GEXEC_MAX_SOURCE_BYTES)
        except Refusal as refusal:
            return _refused(refusal, services.record_refusal(refusal=refusal, origin=origin))
        return _answered(services.execute(submission=submission, origin=origin))


class PingView(SeedView):
    """GET /ping: this process answers."""

    http_method_names = ["get", "head"]

    def get(self, request: Request) -> Response:
        """Always the same."""
        return Response({"status": "ok"})


class MetricsView(SeedView):
    """GET /metrics: totals over all rows, as JSON, or as Prometheus text where the client asks for it."""

    http_method_names = ["get", "head"]

    def get(self, request: Request) -> HttpResponse:
        """The totals."""
        accept = request.META.get("HTTP_ACCEPT", "")
        if metrics.wants_text(accept):
            body, content_type = metrics.text(accept)
            return HttpResponse(body, content_type=content_type)
        return Response(metrics.totals())


def _answered(execution: Execution) -> Response:
    status = _STATUS_OF_OUTCOME.get(Outcome(execution.outcome), 200)
    response = _with_id(Response(answer(execution), status=status), execution.pk)
    if execution.outcome == Outcome.CANCELLED:
        response["Retry-After"] = str(SHUTDOWN_RETRY_AFTER_S)
    return response


def _refused(refusal: Refusal, row: Execution) -> Response:
    response = _with_id(_error(refusal.message, refusal.status), row.pk)
    if refusal.status == 401:
        response["WWW-Authenticate"] = "Api-Key"
    return response


def _error(message: str, status: int, *, retry_after_s: int | None = None) -> Response:
    response = Response({"error": message}, status=status)
    if retry_after_s is not None:
        response["Retry-After"] = str(retry_after_s)
    return response


def _with_id(response: Response, execution_id: object) -> Response:
    if execution_id is not None:
        response["X-Execution-Id"] = str(execution_id)
    return response
