"""What the endpoints share beyond the settings: when the body comes in, and when the connection goes back."""

from __future__ import annotations

import io
from collections.abc import Collection
from functools import partial
from typing import IO, Any

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response, set_response_etag
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from rest.connections import release_connection
from rest.correlation import request_id_in
from rest.parsers import receive
from rest.text import printable


class ReceivedRequest(Request):
    """A request whose body was received before the view began; DRF would take a chunked one for empty."""

    received: IO[bytes]

    @property
    def is_empty(self) -> bool:
        """Whether it came without a body."""
        return isinstance(self.received, io.BytesIO) and not self.received.getbuffer().nbytes

    @property
    def stream(self) -> IO[bytes]:
        """What the parser reads."""
        return self.received


class Endpoint(APIView):
    """A view that holds a connection of the database neither while the body comes in nor while the answer is sent."""

    methods_with_a_body: Collection[str] = ("POST", "PUT", "PATCH")

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        """DRF's, with the whole body where the method has one."""
        if request.method not in self.methods_with_a_body or request.method not in self.allowed_methods:
            return super().initialize_request(request, *args, **kwargs)
        received = ReceivedRequest(
            request,
            parsers=self.get_parsers(),
            authenticators=self.get_authenticators(),
            negotiator=self.get_content_negotiator(),
            parser_context=self.get_parser_context(request),
        )
        received.received = self.receive(request)
        return received

    def receive(self, request: HttpRequest) -> IO[bytes]:
        """The body; a view that takes larger ones has it read as it comes."""
        return receive(request, max_bytes=self.received_at_most())

    def received_at_most(self) -> int:
        """How large a body may be, in bytes."""
        return int(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        """DRF's, with the connection given back: a client may take its time to read the answer."""
        release_connection()
        return super().finalize_response(request, response, *args, **kwargs)


class ApiEndpoint(Endpoint):
    """A view of /api/v1: what every one of its answers carries."""

    max_body_bytes: int | None = None
    """None: GEXEC_MAX_REQUEST_BYTES."""

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        """The same, with an id by which the request is found again: the client's own where it is a plain one."""
        self.request_id = request_id_of(request)
        return super().initialize_request(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """DRF's, with the rate limit first: it counts guesses at keys, and tells each answer where it stands."""
        self.format_kwarg = None
        request.accepted_renderer, request.accepted_media_type = self.perform_content_negotiation(request)
        self.check_throttles(request)
        self.perform_authentication(request)
        self.check_permissions(request)

    def received_at_most(self) -> int:
        """How large a body may be, in bytes."""
        return self.max_body_bytes or int(settings.GEXEC_MAX_REQUEST_BYTES)

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        """The same, never kept by a cache, unless the view says otherwise."""
        response = super().finalize_response(request, response, *args, **kwargs)
        response["X-Request-Id"] = self.request_id
        for name, value in getattr(request, "answer_headers", {}).items():
            response[name] = value
        response.setdefault("Cache-Control", "no-store")
        return response


class Revalidated(ApiEndpoint):
    """An answer with an ETag, which a client has to ask about each time; 304 where it has this one already."""

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        """The ETag is over the bytes, so it is made when they are."""
        response = super().finalize_response(request, response, *args, **kwargs)
        if response.status_code == 200:
            response["Cache-Control"] = "no-cache"
            response.add_post_render_callback(partial(_unless_known, request))
        return response


class NoSuchPath(ApiEndpoint):
    """Everything below /api/v1 that is nothing else."""

    http_method_names = []

    def initial(self, request: Request, *_args: object, **_kwargs: object) -> None:
        """404 for every method, with a key or without; raised here, before permissions are checked."""
        self.check_throttles(request)
        raise NotFound(f"there is nothing at {printable(request.path)}")


def request_id_of(request: HttpRequest) -> str:
    """See rest.correlation."""
    return request_id_in(request.META)


def _unless_known(request: HttpRequest, response: Response) -> HttpResponseBase | None:
    set_response_etag(response)
    return get_conditional_response(request, etag=response["ETag"], response=response)


def body_of(request: Request) -> Any:
    """What the parser made of the body; an empty object where there is none, for requests that need not bring one."""
    return {} if isinstance(request, ReceivedRequest) and request.is_empty else request.data
