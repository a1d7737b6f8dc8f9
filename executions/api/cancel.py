"""POST /api/v1/executions/{id}/cancel, and /api/v1/executions/cancel for all with a tag."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from clients.rights import Right
from executions import services
from executions.api import access, schema, shape
from executions.api.erasures import tag_in
from executions.api.fields import PlainText
from executions.api.views import answered, told_of
from executions.cancel import MAX_REASON
from executions.origins import require
from rest.unknown import StrictSerializer, refuse_unknown
from rest.views import ApiEndpoint, body_of


class CancelSerializer(StrictSerializer):
    """Why it is to end."""

    reason = PlainText(
        max_bytes=MAX_REASON, required=False, default="", help_text="For `error`: execution cancelled: REASON."
    )


class CancelView(ApiEndpoint):
    """POST: have an execution end. One that has ended stays as it is."""

    http_method_names = ["post"]
    rights = {"POST": Right.EXECUTE}
    for_pages = ("POST",)

    @schema.cancels
    def post(self, request: Request, execution_id: UUID) -> Response:
        """200 once it has ended, 202 where that takes longer than a second."""
        refuse_unknown(request.query_params, (*shape.PARAMETERS, access.TOKEN_PARAMETER), what="parameter")
        shape.check_fields(request, schema.has_field)
        reason = reason_in(body_of(request))
        execution = access.found(request, execution_id)
        access.check_may_act(request, execution)
        execution = services.cancel(execution=execution, reason=reason)
        return answered(
            execution, shape.trimmed(told_of(request, execution), request), {"X-Execution-Id": str(execution.pk)}
        )


class CancelTaggedView(ApiEndpoint):
    """POST: have all of the client's executions with a tag end."""

    http_method_names = ["post"]
    rights = {"POST": Right.EXECUTE}

    @schema.cancels_tagged
    def post(self, request: Request) -> Response:
        """How many are to end. Those that run have ended within a second, and so have the first that wait."""
        caller = require(request, Right.EXECUTE)
        data = dict(cast("dict[str, Any]", request.data))  # the parser makes nothing else
        reason = reason_in({"reason": data.pop("reason")} if "reason" in data else {})
        name, value = tag_in(data)
        asked = services.cancel_tagged(client_id=caller.client_id, name=name, value=value, reason=reason)
        return Response({"cancelled": asked}, status=202)


def reason_in(data: Any) -> str:
    """The reason that a body gives. ValidationError."""
    serializer = CancelSerializer(data=data)
    serializer.is_valid(raise_exception=True)
    return str(serializer.validated_data["reason"])
