"""An answer that goes on as long as its execution: events as they come, and a sign of life where none do."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol

from django.http import StreamingHttpResponse
from rest_framework.exceptions import NotAcceptable
from rest_framework.request import Request

from executions.api.events import Form, JsonLines, ServerSentEvents, told
from executions.live.events import Ended, Event, Gap, Queued
from executions.models import Execution
from rest.connections import DATABASE_AWAY
from rest.streams import Reader

PING_S = 15.0
"""Proxies give up what is silent for a minute, some for half of one."""
LONGEST_S = 600.0
"""Then the answer ends, and who watches comes again with the last id: no thread is held for good."""
_LOOK_S = 0.5
"""How often it is looked whether the client is there."""
HEADERS: Mapping[str, str] = MappingProxyType({"Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no"})
"""Proxies are told to hold nothing of it back, and not to compress it."""
_FORMS: tuple[Form, ...] = (ServerSentEvents, JsonLines)
_MAX_ACCEPT_CHARACTERS = 1024


def asked_for(request: Request) -> Form | None:
    """The form that the request names in Accept; None where it names none of them."""
    accepted = _accepted(request)
    named = [form for form in _FORMS if form.media_type in accepted]
    return min(named, key=lambda form: accepted.index(form.media_type)) if named else None


def form_for(request: Request) -> Form:
    """The form of an answer that can only be events. Raises NotAcceptable."""
    if (form := asked_for(request)) is not None:
        return form
    accepted = _accepted(request)
    if not accepted or not {"*/*", "text/*"}.isdisjoint(accepted):
        return ServerSentEvents
    if "application/*" in accepted:
        return JsonLines
    raise NotAcceptable("events are text/event-stream or application/x-ndjson")


class Followed(Protocol):
    """What a stream reads from."""

    @property
    def reads_row(self) -> bool:
        """Whether the rest is in memory until it is read."""

    def read(self, wait_s: float) -> Sequence[Event | Gap] | None:
        """What comes next, an empty list where nothing does within `wait_s`; None where nothing comes any more."""


class Stream:
    """The bytes of the answer, for a server that asks for the next ones when it has sent those before."""

    def __init__(
        self,
        follower: Followed,
        form: Form,
        reader: Reader,
        *,
        resource: Callable[[], Mapping[str, Any] | None],
        first: Mapping[str, Any],
        when_over: Callable[[bool], None] = lambda _: None,
    ) -> None:
        """`resource` gives the execution as it ended; `first` stands in its first event.

        `when_over` is called once, at the end: whether that came because the client has gone.
        """
        self._follower, self._form, self._reader = follower, form, reader
        self._resource, self._first, self._when_over = resource, first, when_over
        self._opening = form.opening
        self._over = self._client_gone = False
        self._sent_at = time.monotonic()
        self._ends_at = self._sent_at + LONGEST_S

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        data = b"" if self._over else self._next()
        if not data:
            self.close()
            raise StopIteration
        self._sent_at = time.monotonic()
        return data

    def close(self) -> None:
        """The answer is over: sent to its end, or given up."""
        when_over, self._when_over = self._when_over, lambda _: None
        when_over(self._client_gone or not self._over)
        self._over = True

    def _next(self) -> bytes:
        """Nothing at the end."""
        while True:
            if self._reader.has_gone:
                self._client_gone = True
                return b""
            if self._reader.should_be_asked():
                return self._form.ping
            # What a finished row has is sent like any other answer, which is bounded over all clients, and not kept.
            if not self._follower.reads_row and not self._reader.takes_more(_LOOK_S):
                continue
            try:
                events = self._follower.read(_LOOK_S)
                if events:
                    return self._rendered(events)
            except DATABASE_AWAY:
                # It may be back when the client comes again, with its last id.
                events = None
            if events is None or time.monotonic() >= self._ends_at:
                self._over = True
                return b""
            if time.monotonic() - self._sent_at >= PING_S:
                return self._form.ping

    def _rendered(self, events: Sequence[Event | Gap]) -> bytes:
        opening, self._opening = self._opening, b""
        lines = [self._line(event) for event in events]
        # Nothing comes behind its end; the server hears of that without another look.
        self._over = isinstance(events[-1], Ended)
        return opening + b"".join(lines)

    def _line(self, event: Event | Gap) -> bytes:
        name, data = told(event)
        if isinstance(event, Queued):
            data |= self._first
        elif isinstance(event, Ended):
            data["execution"] = self._resource()
        return self._form.line(name, data)


def response(stream: Stream, form: Form, execution: Execution) -> StreamingHttpResponse:
    """The answer."""
    headers = {**HEADERS, "X-Execution-Id": str(execution.pk)}
    return StreamingHttpResponse(stream, content_type=form.media_type, headers=headers)


def _accepted(request: Request) -> list[str]:
    text = request.headers.get("Accept", "")[:_MAX_ACCEPT_CHARACTERS]
    return [name for part in text.split(",") if (name := part.partition(";")[0].strip().lower())]
