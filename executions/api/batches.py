"""/api/v1/batches: many executions at once, followed and cancelled as one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast
from uuid import UUID

from rest_framework import serializers
from rest_framework.exceptions import APIException, ErrorDetail, NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from clients.policy import capped, reads_by_token, visible
from clients.rights import Right
from clients.throttling import charge
from executions import batches, services
from executions.api import access, schema, shape
from executions.api.cancel import reason_in
from executions.api.fields import PlainText, problem_with
from executions.api.preferences import WAIT_PARAMETER, applied, preferred_wait, wait_in
from executions.api.repeated import claim_of, once
from executions.api.requests import asked_in
from executions.api.resource import resource, summary
from executions.api.tokens import access_token, opens
from executions.batches import MAX_ITEMS, Refused
from executions.models import Batch
from executions.origins import caller_of, origin_of
from executions.submission import Submission
from rest.disconnect import watched
from rest.fields import Flag
from rest.problems import problem_of
from rest.times import rfc3339
from rest.unknown import StrictSerializer, refuse_unknown
from rest.views import ApiEndpoint, Revalidated, body_of

INCLUDES = ("executions",)
MAX_EXPANDED_BYTES = 64 * 1024 * 1024
"""Of all items with what they take from the defaults: those stand in each of the rows."""
MAX_INCLUDED_BYTES = 16 * 1024 * 1024
"""Of output in one answer; what comes after it is told without steps and output, as a list does."""
_OF_THE_BATCH = ("wait", "on_disconnect", "webhook_url")
"""Fields of an execution that an item cannot have."""
_PARAMETERS = (*shape.PARAMETERS, WAIT_PARAMETER, access.TOKEN_PARAMETER)
_POLL_AFTER_S = 1
_FIELDS = (
    "object", "id", "status", "counts", "items", "created_at", "cancelled_at", "links", "access_token",
)  # fmt: skip


class _JsonObject(serializers.Field[Any, Any, Any, Any]):
    """An object, whose fields are looked at where it is used."""

    default_error_messages = {"invalid": "must be an object"}

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            self.fail("invalid")
        return data


class BatchSerializer(StrictSerializer):
    """Executions that are submitted together."""

    defaults = _JsonObject(required=False, default=dict, help_text="What each item has that does not say otherwise.")
    items = serializers.ListField(
        child=_JsonObject(), min_length=1, max_length=MAX_ITEMS, help_text="Bodies of POST /api/v1/executions."
    )
    atomic = Flag(required=False, default=False, help_text="Whether one that is refused has all of them refused.")
    webhook_url = PlainText(
        max_bytes=2048, required=False, allow_null=True, default=None, help_text="Where its end is announced."
    )


class BatchesView(ApiEndpoint):
    """POST: submit many executions."""

    http_method_names = ["post"]
    executes = ("POST",)
    rights = {"POST": Right.EXECUTE}
    for_pages = ("POST",)

    @schema.runs_batch
    def post(self, request: Request) -> Response:
        """202 with the batch; 200 where it is waited for and all of it has ended."""
        refuse_unknown(request.query_params, _PARAMETERS, what="parameter")
        serializer = BatchSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        asked = serializer.validated_data
        _check_query(request)
        _refuse_too_many(request, len(asked["items"]))
        preferred = preferred_wait(request)
        # Before they are looked at: that is work as well.
        charge(request, len(asked["items"]) - 1)
        items = _items_in(asked, request)
        with watched(request.META) as client:
            batch, replayed = _submitted(request, items, asked["webhook_url"] or "")
            batches.wait(batch, preferred or wait_in(request), client, by=origin_of(request).sharing)
        told = told_of(batch, request)
        if reads_by_token(caller_of(request)):
            told["access_token"] = access_token(batch.pk)
        headers = {"Idempotency-Replayed": "true"} if replayed else {}
        if preferred is not None:
            headers["Preference-Applied"] = applied(preferred)
        return answered(told, request, headers)


class BatchView(Revalidated):
    """GET: how far it is."""

    http_method_names = ["get", "head"]
    rights = {"GET": Right.READ, "HEAD": Right.READ}
    for_pages = ("GET", "HEAD")

    @schema.shows_batch
    def get(self, request: Request, batch_id: UUID) -> Response:
        """As it is now; with `wait`, once all of it has ended, or when so many seconds are over."""
        refuse_unknown(request.query_params, _PARAMETERS, what="parameter")
        _check_query(request)
        timeout_s = wait_in(request)
        batch = found(request, batch_id)
        if timeout_s:
            with watched(request.META) as client:
                batches.wait(batch, timeout_s, client, by=origin_of(request).sharing)
        return Response(shape.trimmed(told_of(batch, request), request))


class CancelBatchView(ApiEndpoint):
    """POST: have all of it end."""

    http_method_names = ["post"]
    rights = {"POST": Right.EXECUTE}
    for_pages = ("POST",)

    @schema.cancels_batch
    def post(self, request: Request, batch_id: UUID) -> Response:
        """200 once all of it has ended, 202 where that takes longer than a second."""
        refuse_unknown(request.query_params, _PARAMETERS, what="parameter")
        _check_query(request)
        reason = reason_in(body_of(request))
        batch = found(request, batch_id)
        batches.cancel_all(batch, reason=reason)
        return answered(told_of(batch, request), request, {})


def found(request: Request, batch_id: UUID) -> Batch:
    """The batch, where the caller may see it. NotFound, the same for one of others as for none at all."""
    token = access.token_of(request)
    everybody = Batch.objects.all()
    rows = everybody if token and opens(token, batch_id) else visible(caller_of(request), everybody)
    batch = rows.filter(pk=batch_id).first()
    if batch is None:
        raise NotFound(f"there is no batch {batch_id}")
    return batch


def told_of(batch: Batch, request: Request) -> dict[str, Any]:
    """The resource, with its executions where they are asked for."""
    include = shape.included(request, INCLUDES)
    told = resource_of(batch)
    if "executions" in include:
        _include_executions(request, batch, told["items"])
    return told


def resource_of(batch: Batch) -> dict[str, Any]:
    """The resource, without its executions."""
    progress = batches.progress(batch)
    items: list[dict[str, Any]] = [
        {"index": index, **item} | ({"status": status} if "id" in item else {})
        for index, (item, status) in enumerate(zip(batch.items, progress.statuses, strict=True))
    ]
    path = f"/api/v1/batches/{batch.pk}"
    return {
        "object": "batch",
        "id": str(batch.pk),
        "status": "finished" if progress.is_finished else "running",
        "counts": progress.counts,
        "items": items,
        "created_at": rfc3339(batch.created_at),
        "cancelled_at": rfc3339(batch.cancelled_at),
        "links": {"self": path, "events": f"{path}/events", "cancel": f"{path}/cancel"},
    }


def answered(told: dict[str, Any], request: Request, headers: Mapping[str, str]) -> Response:
    """200 for one of which all has ended, else 202 with the place to ask again."""
    if told["status"] == "finished":
        return Response(shape.trimmed(told, request), headers=dict(headers))
    again = {"Location": told["links"]["self"], "Retry-After": str(_POLL_AFTER_S)}
    return Response(shape.trimmed(told, request), status=202, headers=dict(headers) | again)


def _include_executions(request: Request, batch: Batch, items: list[dict[str, Any]]) -> None:
    """One row after the other: each may have megabytes."""
    told_bytes = 0
    for item in items:
        if "id" not in item:
            continue
        execution = batches.execution_of(batch, UUID(item["id"]))
        if execution is None:
            item["execution"] = None
            continue
        told_bytes += len(execution.output)
        if told_bytes <= MAX_INCLUDED_BYTES:
            item["execution"] = resource(execution, sees_hidden=access.sees_hidden(request, execution))
        else:
            item["execution"] = summary(execution)


def _submitted(request: Request, items: list[Submission | Refused], webhook_url: str) -> tuple[Batch, bool]:
    """The batch, and whether it was there before, made by the same request: the first execution has the key."""
    origin, claim = origin_of(request), claim_of(request)
    if claim is None or not any(isinstance(each, Submission) for each in items):
        return batches.submit(items, origin, webhook_url=webhook_url), False
    with watched({}) as client:
        first, replayed = once(
            claim,
            lambda claim: batches.first_of(batches.submit(items, origin, webhook_url=webhook_url, claim=claim)),
            wait=False,
            client=client,
            by=origin.sharing,
        )
    return batches.batch_with(first), replayed


def _check_query(request: Request) -> None:
    """ValidationError for what no answer can be asked for: told before anything is done."""
    shape.included(request, INCLUDES)
    shape.check_fields(request, lambda path: path[0] in _FIELDS)


def _refuse_too_many(request: Request, items: int) -> None:
    """More than the caller's client may have in one batch."""
    most = capped(caller_of(request), "batch_items", items)
    if items > most:
        raise problem_with("items", f"at most {most}", "limit_exceeded")


def _items_in(asked: Mapping[str, Any], request: Request) -> list[Submission | Refused]:
    """Each item over the defaults. ValidationError where one is refused that has all refused."""
    defaults, items = asked["defaults"], asked["items"]
    if len(json.dumps(defaults)) * len(items) > MAX_EXPANDED_BYTES:
        message = f"items with their defaults are larger than {MAX_EXPANDED_BYTES} bytes: upload what they share"
        raise problem_with("defaults", message, "body_too_large")
    found: list[Submission | Refused] = []
    for index, item in enumerate(items):
        try:
            found.append(_submission_in({**defaults, **item}, request))
        except APIException as error:
            placed = _placed(error, index)
            if asked["atomic"]:
                raise placed from None
            found.append(Refused(problem_of(placed)))
    return found


def _submission_in(values: dict[str, Any], request: Request) -> Submission:
    for name in _OF_THE_BATCH:
        if name in values:
            raise problem_with(name, "is a matter of the whole batch", "unknown_field")
    submission = asked_in(values, caller=caller_of(request)).submission
    services.check_files(submission=submission, origin=origin_of(request))
    return submission


def _placed(error: APIException, index: int) -> APIException:
    """The same, with pointers into the batch's own body."""
    if not isinstance(error, ValidationError) or not isinstance(error.detail, dict):
        return error
    return ValidationError(cast("dict[str, ErrorDetail]", {"items": {str(index): error.detail}}))
