"""GET /api/v1/executions/{id}/artifacts/{name}: a file that a program left.

It is a stranger's: whatever it is, a browser that opens it here may run nothing of it and see nothing of ours.
"""

from __future__ import annotations

from urllib.parse import quote
from uuid import UUID

from django.http import HttpResponse
from rest_framework.exceptions import NotFound
from rest_framework.request import Request

from clients.rights import Right
from executions import artifacts
from executions.api import access, schema
from files.store import FileMissing
from rest.text import printable
from rest.unknown import refuse_unknown
from rest.views import ApiEndpoint

SHOWN_BY_BROWSERS = ("image/png", "image/jpeg", "image/gif", "image/webp", "text/plain")
"""Types that hold no program."""


class ArtifactView(ApiEndpoint):
    """GET: its bytes."""

    http_method_names = ["get", "head"]
    rights = {"GET": Right.READ, "HEAD": Right.READ}
    for_pages = ("GET", "HEAD")

    @schema.shows_artifact
    def get(self, request: Request, execution_id: UUID, name: str) -> HttpResponse:
        """To be saved; only pictures and plain text are shown."""
        refuse_unknown(request.query_params, (access.TOKEN_PARAMETER,), what="parameter")
        execution = access.found(request, execution_id)
        entry = next((each for each in execution.artifacts or () if each["name"] == name), None)
        try:
            data = None if entry is None else artifacts.content_of(execution, entry)
        except FileMissing:
            data = None
        if entry is None or data is None:
            raise NotFound(f"there is no artifact {printable(name)}")
        kind = entry["media_type"]
        how = "inline" if kind in SHOWN_BY_BROWSERS else "attachment"
        response = HttpResponse(data, content_type="text/plain; charset=utf-8" if kind == "text/plain" else kind)
        response["Content-Disposition"] = f"{how}; filename*=UTF-8''{quote(name.rpartition('/')[2], safe='')}"
        response["Content-Security-Policy"] = "sandbox; default-src 'none'"
        response["X-Content-Type-Options"] = "nosniff"
        return response
