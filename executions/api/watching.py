"""/api/v1/executions/{id}/events: what an execution does, as it does it. And tokens, for browsers that watch."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from clients.policy import check_right, reads_by_token
from clients.rights import Right
from executions import services
from executions.api import access, schema, shape
from executions.api.events import Form
from executions.api.repeated import claim_of, made_once
from executions.api.requests import Asked, TokenRequestSerializer
from executions.api.resource import INCLUDES, resource
from executions.api.streams import Stream, form_for, response
from executions.api.tokens import access_token, short_token
from executions.live.following import Follower
from executions.live.watchers import watchers
from executions.models import Execution
from executions.origins import caller_of, origin_of
from executions.watched import WatchedRun
from rest.connections import release_connection
from rest.parsers import OptionalJSONParser
from rest.streams import Reader
from rest.times import rfc3339
from rest.unknown import refuse_unknown
from rest.views import ApiEndpoint

AFTER = "after"
_LAST_EVENT_ID = "Last-Event-ID"
_PARAMETERS = (*shape.PARAMETERS, access.TOKEN_PARAMETER, AFTER)
_PLACE = re.compile(r"[0-9]{1,15}")

Told = Callable[[Execution], Mapping[str, Any]]


class EventsView(ApiEndpoint):
    """GET: what happens, until the end; or what has happened."""

    http_method_names = ["get"]
    rights = {"GET": Right.STREAM}
    for_pages = ("GET",)

    @schema.watches
    def get(self, request: Request, execution_id: UUID) -> HttpResponseBase:
        """A stream of events behind the last one that the client has; 204 where it has them all."""
        refuse_unknown(request.query_params, _PARAMETERS, what="parameter")
        form = form_for(request)
        tells = resource_for(request)
        execution = access.found(request, execution_id)
        follower = Follower(execution.pk, after=after_in(request))
        if follower.is_at_end(execution):
            return HttpResponse(status=204)
        leave = watchers.enter(origin_of(request).sharing)
        stream = Stream(
            follower,
            form,
            Reader(request.META),
            resource=partial(_ended, execution.pk, tells),
            first={"id": str(execution.pk)},
            when_over=lambda _gone: leave(),
        )
        return response(stream, form, execution)


class TokensView(ApiEndpoint):
    """POST: a token that opens the execution for a while."""

    http_method_names = ["post"]
    rights = {"POST": Right.STREAM}
    for_pages = ("POST",)
    parser_classes = [OptionalJSONParser]
    max_body_bytes = 4096

    @schema.makes_token
    def post(self, request: Request, execution_id: UUID) -> Response:
        """For a browser, whose EventSource sends no header; it stands in the address as `access_token`."""
        refuse_unknown(request.query_params, (access.TOKEN_PARAMETER,), what="parameter")
        asked = TokenRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        execution = access.found(request, execution_id)
        access.check_may_act(request, execution)
        token, until = short_token(execution.pk, lifetime_s=asked.validated_data["lifetime_s"])
        expires_at = rfc3339(datetime.fromtimestamp(until, tz=UTC))
        return Response({"object": "token", "access_token": token, "expires_at": expires_at}, status=201)


def run_watched(request: Request, asked: Asked, form: Form) -> StreamingHttpResponse:
    """Run what was asked for, and answer with its events; or with those of the execution that its key has got before.

    Raises what running it raises at once.
    """
    check_right(caller_of(request), Right.STREAM)
    origin, reader, tells, claim = origin_of(request), Reader(request.META), resource_for(request), claim_of(request)
    begin = partial(services.execute_watched, submission=asked.submission, origin=origin, arrived_at=reader.arrived_at)
    leave = watchers.enter(origin.sharing)
    try:
        run = begin() if claim is None else made_once(claim, lambda claim: begin(claim=claim))
    except BaseException:
        leave()
        raise

    def when_over(client_gone: bool) -> None:
        if isinstance(run, WatchedRun):
            run.leave(cancel=client_gone and asked.on_disconnect == "cancel")
        leave()

    def ended() -> Mapping[str, Any] | None:
        # As it ended, also where not all of that is kept in its row.
        known = run.ended if isinstance(run, WatchedRun) else None
        return tells(known) if known is not None else _ended(run.execution.pk, tells)

    first = {"id": str(run.execution.pk)}
    if reads_by_token(caller_of(request)):
        first["access_token"] = access_token(run.execution.pk)
    stream = Stream(Follower(run.execution.pk), form, reader, resource=ended, first=first, when_over=when_over)
    answer = response(stream, form, run.execution)
    if not isinstance(run, WatchedRun):
        answer["Idempotency-Replayed"] = "true"
    return answer


def resource_for(request: Request) -> Told:
    """How this request wants an execution told. ValidationError for what it cannot be asked for."""
    include = shape.included(request, INCLUDES)
    shape.check_fields(request, schema.has_field)

    def told(execution: Execution) -> Mapping[str, Any]:
        return shape.trimmed(
            resource(execution, include=include, sees_hidden=access.sees_hidden(request, execution)), request
        )

    return told


def _ended(execution_id: UUID, tells: Told) -> Mapping[str, Any] | None:
    try:
        execution = Execution.objects.filter(pk=execution_id).first()
    finally:
        release_connection()
    return tells(execution) if execution is not None else None


def after_in(request: Request) -> int:
    """Up to where the client has all. The header is the browser's own, and newer than what the address says."""
    text = request.headers.get(_LAST_EVENT_ID) or request.query_params.get(AFTER, "")
    if not text:
        return -1
    if not _PLACE.fullmatch(text):
        raise ValidationError({AFTER: ErrorDetail("must be the id of an event", code="invalid")})
    return int(text)
