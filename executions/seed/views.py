"""The seed contract over HTTP: /execute, /ping, /metrics."""

from __future__ import annotations

from typing import Any, cast

from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from rest_framework.exceptions import APIException
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from clients.policy import check_language
from clients.rights import Right
from clients.throttling import CallerThrottle
from executions import services
from executions.models import Execution
from executions.origins import caller_of, origin_of
from executions.outcomes import Outcome
from executions.run import SHUTDOWN_RETRY_AFTER_S
from executions.seed import metrics
from executions.seed.answer import Answer, answer
from executions.seed.renderers import (
    ErrorRenderer,
    ExpositionRenderer,
    JSONUnlessText,
    error_of,
)
from executions.seed.serializers import submission_in
from rest.disconnect import watched
from rest.exceptions import Refusal
from rest.parsers import AnyJSONParser
from rest.views import Endpoint

_STATUS_OF_OUTCOME = {Outcome.SANDBOX_ERROR: 500, Outcome.CANCELLED: 503}
"""A program that could not be run to its end for reasons of ours; every other ending is 200."""


class ExecuteView(Endpoint):
    """POST /execute."""

    http_method_names = ["post"]
    parser_classes = [AnyJSONParser]
    throttle_classes = [CallerThrottle]
    problem_renderer_class = ErrorRenderer
    rights = {"POST": Right.EXECUTE}
    for_pages = ("POST",)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """The rate limit alone: it counts guesses at keys too, and no request of a method that there is not."""
        self.format_kwarg = None
        request.accepted_renderer, request.accepted_media_type = self.perform_content_negotiation(request)
        if request.method == "POST":
            self.check_throttles(request)

    def post(self, request: Request) -> HttpResponseBase:
        """Run a program and answer with what it printed. What is refused leaves a row as well."""
        try:
            self.perform_authentication(request)
            self.check_permissions(request)
            data = cast("dict[str, Any]", request.data)  # AnyJSONParser makes nothing else
            caller = caller_of(request)
            submission = submission_in(data, has_key=caller is not None, caps=caller.caps if caller else {})
            check_language(caller, submission.language.slug)
        except APIException as exc:
            return self._refused(request, exc)
        with watched(request.META) as client:
            execution = services.execute(submission=submission, origin=origin_of(request), client=client)
        return _answered(execution)

    def get_authenticate_header(self, request: Request) -> str:
        """The scheme that the contract names; Bearer is taken as well."""
        return "Api-Key"

    def _refused(self, request: Request, exc: APIException) -> Response:
        response = self.handle_exception(exc)
        refusal = Refusal(error_of(response.data), status=response.status_code)
        return _with_id(response, services.record_refusal(refusal=refusal, origin=origin_of(request)))


class PingView(Endpoint):
    """GET /ping: this process answers."""

    http_method_names = ["get", "head"]
    authentication_classes = []
    permission_classes = []
    problem_renderer_class = ErrorRenderer

    def get(self, request: Request) -> Response:
        return Response({"status": "ok"})


class MetricsView(Endpoint):
    """GET /metrics: totals over all rows, as JSON, or everything as Prometheus text where the client prefers it."""

    http_method_names = ["get", "head"]
    authentication_classes = []
    permission_classes = []
    content_negotiation_class = JSONUnlessText
    renderer_classes = [JSONRenderer, ExpositionRenderer]
    problem_renderer_class = ErrorRenderer

    def get(self, request: Request) -> Response:
        """Totals for JSON, all metrics for a format of Prometheus."""
        return Response(metrics.totals() if request.accepted_renderer.format == "json" else metrics.exposition())


def _answered(execution: Execution) -> HttpResponseBase:
    status = _STATUS_OF_OUTCOME.get(Outcome(execution.outcome), 200)
    told = answer(execution)
    response: HttpResponseBase = Response(told.fields, status=status) if not told.is_large else _streamed(told, status)
    response["X-Execution-Id"] = str(execution.pk)
    if execution.outcome == Outcome.CANCELLED:
        response["Retry-After"] = str(SHUTDOWN_RETRY_AFTER_S)
    return response


def _streamed(told: Answer, status: int) -> HttpResponseBase:
    """An answer of which a slow client leaves no more in memory than what the program printed, and a piece."""
    length = sum(len(piece) for piece in told.pieces())
    headers = {"Content-Type": JSONRenderer.media_type, "Content-Length": str(length)}
    return StreamingHttpResponse(told.pieces(), status=status, headers=headers)


def _with_id(response: Response, execution: Execution) -> Response:
    response["X-Execution-Id"] = str(execution.pk)
    return response
