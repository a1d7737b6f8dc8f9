"""DELETE of an execution, POST /api/v1/executions/erase and GET /api/v1/erasures/{id}."""

from __future__ import annotations

import re
from typing import Any, cast
from uuid import UUID

from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from clients.rights import Right
from executions import erasure
from executions.api import access, schema
from executions.api.fields import PlainText
from executions.models import Erasure
from executions.origins import origin_of, require
from rest.exceptions import Refusal
from rest.times import rfc3339
from rest.views import ApiEndpoint

_TAG = "tag."
_TAG_NAME = re.compile(r"tag\.[A-Za-z0-9_.:-]{1,64}")
"""What tags of requests may be called: no other can be found, and not every one can be looked for."""


class EraseView(ApiEndpoint):
    """POST: have all executions with a tag erased."""

    http_method_names = ["post"]

    @schema.erases
    def post(self, request: Request) -> Response:
        """202 with the erasure, which goes on by itself."""
        require(request, Right.ADMIN)
        name, value = tag_in(cast("dict[str, Any]", request.data))  # the parser makes nothing else
        made = erasure.erase_tagged(name, value, origin_of(request))
        return Response(told(made), status=202, headers={"Location": f"/api/v1/erasures/{made.pk}"})


class ErasureView(ApiEndpoint):
    """GET: how far an erasure is."""

    http_method_names = ["get", "head"]

    @schema.shows_erasure
    def get(self, request: Request, erasure_id: UUID) -> Response:
        """The caller's own only."""
        caller = require(request, Right.READ)
        found = Erasure.objects.filter(pk=erasure_id, client_id=caller.client_id).first()
        if found is None:
            raise NotFound(f"there is no erasure {erasure_id}")
        return Response(told(found))


def deleted(request: Request, execution_id: UUID) -> Response:
    """The tombstone of one that was deleted. Refusal where it has not ended."""
    require(request, Right.ADMIN)
    made = erasure.erase_one(access.owned(request, execution_id), origin_of(request))
    if made is None:
        raise Refusal("the execution has not ended: cancel it first", status=409, code="not_ended")
    return Response(told(made))


def told(made: Erasure) -> dict[str, Any]:
    """The resource of an erasure."""
    return {
        "object": "erasure",
        "id": str(made.pk),
        "status": "finished" if made.finished_at else "running",
        "what": made.what,
        "erased": made.erased,
        "key": made.api_key_id,
        "created_at": rfc3339(made.created_at),
        "finished_at": rfc3339(made.finished_at),
    }


def tag_in(data: dict[str, Any]) -> tuple[str, str]:
    """The one tag that the body names: {"tag.interview": "42"}."""
    if len(data) != 1:
        raise ValidationError({"": ["name exactly one tag, as tag.NAME"]})
    ((name, value),) = data.items()
    if not _TAG_NAME.fullmatch(name):
        raise ValidationError({name[:64]: ["is no tag: write tag.NAME"]}, code="unknown_field")
    try:
        return name.removeprefix(_TAG), PlainText(max_bytes=256).to_internal_value(value)
    except ValidationError as error:
        raise ValidationError({name: error.detail}) from None
