"""Answers that are none: the connection of a request becomes a WebSocket, and the request's thread speaks for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from django.conf import settings
from django.http import StreamingHttpResponse
from rest_framework.request import Request

from rest import correlation, tracing, websocket
from rest.connections import release_connection
from rest.websocket import WebSocket


def taken_over(
    request: Request,
    request_id: str,
    speak: Callable[[WebSocket], None],
    *,
    protocol: str | None = None,
    when_over: Callable[[], None] = lambda: None,
) -> StreamingHttpResponse:
    """For a request of which `can_be_had` is true. `protocol` is the subprotocol, for a client that offers it.

    `when_over` is called once, also where the server asks for nothing.
    """
    return StreamingHttpResponse(_TakenOver(request, request_id, speak, protocol, when_over))


class _TakenOver:
    """When the server asks for the first bytes of the answer, `speak` has the connection."""

    def __init__(
        self,
        request: Request,
        request_id: str,
        speak: Callable[[WebSocket], None],
        protocol: str | None,
        when_over: Callable[[], None],
    ) -> None:
        self._request, self._request_id, self._protocol = request, request_id, protocol
        self._speak, self._when_over = speak, when_over
        self._began = False
        # The request is answered when the connection is spoken on; what is done there belongs to it.
        self._traceparent = tracing.now().traceparent()

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if not self._began:
            self._began = True
            try:
                with correlation.within(self._request_id), tracing.now().part("conversation", of=self._traceparent):
                    self._converse()
            finally:
                self.close()
        raise StopIteration

    def close(self) -> None:
        """It is over, or was never asked for."""
        when_over, self._when_over = self._when_over, lambda: None
        when_over()

    def _converse(self) -> None:
        socket = WebSocket(self._request.META, max_message_bytes=settings.GEXEC_MAX_REQUEST_BYTES)
        try:
            offered = self._protocol in websocket.protocols_in(self._request.META)
            socket.accept(self._protocol if offered else None, [("X-Request-Id", self._request_id)])
            self._speak(socket)
        finally:
            socket.release()
            release_connection()
