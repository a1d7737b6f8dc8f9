"""/api/v1/executions: run a program, and look at one."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response

from clients.policy import reads_by_token
from clients.rights import Right
from executions import services
from executions.api import access, erasures, history, schema, shape
from executions.api.preferences import WAIT_PARAMETER, applied, preferred_wait, wait_in
from executions.api.repeated import claim_of, once
from executions.api.requests import Asked, asked_in
from executions.api.resource import INCLUDES, resource
from executions.api.streams import asked_for
from executions.api.tokens import access_token
from executions.api.watching import run_watched
from executions.graded import why_no_judge
from executions.idempotency import Claim
from executions.models import OPEN, Execution
from executions.origins import caller_of, origin_of
from rest.disconnect import Client, watched
from rest.exceptions import Refusal
from rest.unknown import refuse_unknown
from rest.views import ApiEndpoint, Revalidated

_SHAPED = (*shape.PARAMETERS, access.TOKEN_PARAMETER)
_POLL_AFTER_S = 1


class ExecutionsView(ApiEndpoint):
    """POST: run a program. GET: the caller's history."""

    http_method_names = ["get", "head", "post"]
    executes = ("POST",)
    rights = {"GET": Right.READ, "HEAD": Right.READ, "POST": Right.EXECUTE}
    for_pages = ("POST",)

    @schema.lists
    def get(self, request: Request) -> Response:
        """A page of it."""
        return Response(history.listed(request))

    @schema.runs
    def post(self, request: Request) -> HttpResponseBase:
        """Run it; 200 with its end, or its events as they come, or 202 where the answer waits for neither."""
        refuse_unknown(request.query_params, _SHAPED, what="parameter")
        include = shape.included(request, INCLUDES)
        shape.check_fields(request, schema.has_field)
        asked = asked_in(request.data, caller=caller_of(request))
        form = asked_for(request)
        if form is not None:
            return run_watched(request, asked, form)
        preferred = preferred_wait(request)
        execution, replayed = self._executed(request, asked, asked.wait if preferred is None else preferred)
        if (why := why_no_judge(execution)) is not None:
            raise Refusal(why, status=422, code="checker_compile_error", execution_id=str(execution.pk))
        told = told_of(request, execution, include)
        if reads_by_token(caller_of(request)):
            told["access_token"] = access_token(execution.pk)
        headers = {"X-Execution-Id": str(execution.pk)}
        if replayed:
            headers["Idempotency-Replayed"] = "true"
        if preferred is not None:
            headers["Preference-Applied"] = applied(preferred)
        return answered(execution, shape.trimmed(told, request), headers)

    def _executed(self, request: Request, asked: Asked, wait: float | bool) -> tuple[Execution, bool]:
        """The execution, and whether it was there before, made by the same request."""
        claim, origin = claim_of(request), origin_of(request)
        with watched(request.META) as client:
            # One that goes on without its client is not watched; that it has waited counts all the same.
            ends_with_client = asked.on_disconnect == "cancel"
            runs_for = client if ends_with_client else Client(arrived_at=client.arrived_at)

            def make(claim: Claim | None) -> Execution:
                if wait is True:
                    return services.execute(submission=asked.submission, origin=origin, client=runs_for, claim=claim)
                made = services.enqueue(submission=asked.submission, origin=origin, claim=claim)
                if not wait:
                    return made
                return services.wait(
                    execution=made,
                    timeout_s=wait,
                    client=client,
                    cancel_if_gone=ends_with_client,
                    by=origin.sharing,
                )

            if claim is None:
                return make(None), False
            return once(claim, make, wait=wait, client=client, by=origin.sharing)


class ExportView(ApiEndpoint):
    """GET: the caller's history as one stream."""

    http_method_names = ["get"]
    rights = {"GET": Right.READ}

    @schema.exports
    def get(self, request: Request) -> HttpResponseBase:
        """NDJSON or CSV."""
        return history.exported(request)


class ExecutionView(Revalidated):
    """GET: one execution. DELETE: it is gone for good."""

    http_method_names = ["get", "head", "delete"]
    rights = {"GET": Right.READ, "HEAD": Right.READ}
    for_pages = ("GET", "HEAD")

    @schema.deletes
    def delete(self, request: Request, execution_id: UUID) -> Response:
        """Its tombstone."""
        return erasures.deleted(request, execution_id)

    @schema.shows
    def get(self, request: Request, execution_id: UUID) -> Response:
        """As it is now; with `wait`, once it has ended, or when so many seconds are over."""
        refuse_unknown(request.query_params, (*_SHAPED, WAIT_PARAMETER), what="parameter")
        include = shape.included(request, INCLUDES)
        timeout_s = wait_in(request)
        shape.check_fields(request, schema.has_field)
        execution = access.found(request, execution_id)
        if timeout_s and execution.status in OPEN:
            with watched(request.META) as client:
                services.wait(execution=execution, timeout_s=timeout_s, client=client, by=origin_of(request).sharing)
        return Response(shape.trimmed(told_of(request, execution, include), request))


def told_of(request: Request, execution: Execution, include: Collection[str] = ()) -> dict[str, Any]:
    """The resource, with what its reader may see, and where it stands while it waits."""
    place = services.place_of(execution=execution)
    told = resource(execution, include=include, sees_hidden=access.sees_hidden(request, execution))
    return told | {"queue": place and place._asdict()}


def answered(execution: Execution, told: dict[str, Any], headers: dict[str, str]) -> Response:
    """200 for what has ended; 202 with the place to ask again for what has not."""
    if execution.status not in OPEN:
        return Response(told, headers=headers)
    again = {"Location": f"/api/v1/executions/{execution.pk}", "Retry-After": str(_POLL_AFTER_S)}
    return Response(told, status=202, headers=headers | again)
