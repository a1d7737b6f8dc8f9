"""GET /api/v1/batches/{id}/events: the executions of a batch, as they end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from clients.rights import Right
from executions.api import access, batches, schema
from executions.api.events import Form
from executions.api.streams import HEADERS, Stream, form_for
from executions.api.watching import AFTER, after_in
from executions.live.batch_following import BatchBegan, BatchFollower, ItemEnded
from executions.live.events import Event, Gap
from executions.live.watchers import watchers
from executions.models import Batch
from executions.origins import origin_of
from rest.connections import release_connection
from rest.streams import Reader
from rest.unknown import refuse_unknown
from rest.views import ApiEndpoint


class BatchEventsView(ApiEndpoint):
    """GET: each execution of a batch that ends, until all have."""

    http_method_names = ["get"]
    rights = {"GET": Right.STREAM}
    for_pages = ("GET",)

    @schema.watches_batch
    def get(self, request: Request, batch_id: UUID) -> HttpResponseBase:
        """A stream of events behind the last one that the client has; 204 where it has them all."""
        refuse_unknown(request.query_params, (access.TOKEN_PARAMETER, AFTER), what="parameter")
        form = form_for(request)
        batch = batches.found(request, batch_id)
        follower = BatchFollower(batch, after=after_in(request))
        if follower.is_at_end():
            return HttpResponse(status=204)
        leave = watchers.enter(origin_of(request).sharing)
        stream = _BatchStream(
            follower,
            form,
            Reader(request.META),
            resource=lambda: _told(batch.pk),
            first={"id": str(batch.pk)},
            when_over=lambda _gone: leave(),
        )
        return StreamingHttpResponse(stream, content_type=form.media_type, headers=dict(HEADERS))


class _BatchStream(Stream):
    """As of an execution, with a batch's own events."""

    def _line(self, event: Event | Gap) -> bytes:
        form: Form = self._form
        match event:
            case BatchBegan():
                return form.line("batch.started", {"seq": 0, "executions": event.executions, **self._first})
            case ItemEnded():
                told = {"index": event.index, "id": str(event.execution_id), "status": event.status}
                more = {"outcome": event.outcome or None, "verdict": event.verdict or None}
                return form.line("item.finished", {"seq": event.seq, **told, **more})
            case Event():
                return form.line("batch.finished", {"seq": event.seq, "batch": self._resource()})
        raise TypeError(f"no event of a batch: {event!r:.100}")


def _told(batch_id: UUID) -> Mapping[str, Any] | None:
    try:
        batch = Batch.objects.filter(pk=batch_id).first()
        return None if batch is None else batches.resource_of(batch)
    finally:
        release_connection()
