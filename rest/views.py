"""What all views of the API share: JSON always, no session, no connection held while the answer is sent."""

from __future__ import annotations

from typing import Any

from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from rest.connections import release_connection


class AlwaysJSON(BaseContentNegotiation):
    """JSON whatever the Accept header says."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return None

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


class JsonView(APIView):
    """No session, no content negotiation; keys and rates are what each view makes of them."""

    authentication_classes = []
    permission_classes = []
    throttle_classes = []
    renderer_classes = [JSONRenderer]
    content_negotiation_class = AlwaysJSON
    metadata_class = None

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        """Give the database connection back before the answer is sent: a client may take its time to read it."""
        release_connection()
        return super().finalize_response(request, response, *args, **kwargs)
