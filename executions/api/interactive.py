"""/api/v1/executions/ws: an execution that its client talks to, over a WebSocket.

The request is checked like every other; then its connection is taken over, see executions.conversation.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.exceptions import APIException, NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from clients.origins import tokens_in
from clients.policy import check_right, reads_by_token
from clients.rights import Right
from executions import interactive
from executions.api import access
from executions.api.events import told
from executions.api.messages import (
    Attach,
    Cancelled,
    Message,
    Resized,
    Shown,
    Signalled,
    Start,
    StdinClosed,
    Typed,
    message_in,
)
from executions.api.requests import asked_in
from executions.api.resource import resource
from executions.api.tokens import access_token
from executions.cancel import ON_REQUEST
from executions.conversation import Conversation, Stop
from executions.interactive import InteractiveRun
from executions.live.channels import all_channels
from executions.live.events import Ended, Event, Gap, Queued
from executions.live.flow import WINDOW_BYTES
from executions.models import INTERACTIVE, Execution
from executions.origins import caller_of
from rest import staff_pages, websocket
from rest.connections import release_connection
from rest.exceptions import Refusal, Unavailable
from rest.problems import known, problem_of
from rest.taken_over import taken_over
from rest.unknown import refuse_unknown
from rest.views import ApiEndpoint
from rest.websocket import WebSocket

PROTOCOL = "gexec.v1"
_KEY_PREFIX = "gx_"
START_S = 10.0
"""How long a client may take to say what it wants."""
_DONE = 1000
_OWN_CODES = 4000
"""And a problem's status: which codes are free for that is in RFC 6455, 7.4.2."""


class InteractiveView(ApiEndpoint):
    """GET: the connection becomes a WebSocket, over which an execution is started and talked to."""

    http_method_names = ["get"]
    executes = ("GET",)
    rights = {"GET": Right.EXECUTE}
    for_pages = ("GET",)
    schema = None

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        """Browsers can send no header with a WebSocket: their key or token is one of its subprotocols."""
        for token in tokens_in(request.META):
            if token.startswith(_KEY_PREFIX):
                request.META.setdefault("HTTP_AUTHORIZATION", f"Bearer {token}")
            else:
                request.META.setdefault("HTTP_X_ACCESS_TOKEN", token)
        staff_pages.take_protocol(request.META)
        return super().initialize_request(request, *args, **kwargs)

    def get(self, request: Request) -> HttpResponseBase:
        """Take the connection over."""
        refuse_unknown(request.query_params, (access.TOKEN_PARAMETER,), what="parameter")
        if not websocket.can_be_had(request.META):
            raise Refusal("this is for WebSockets of version 13", status=426, code="upgrade_required")
        return OwnConversation(request, self.request_id).answer(PROTOCOL)

    def handle_exception(self, exc: Exception) -> Response:
        """Pages see no answer to a handshake that fails, only how a connection is closed: so they are told that way."""
        error = known(exc)
        answer = super().handle_exception(exc)
        if error is None or not websocket.can_be_had(self.request.META):
            return answer
        problem = answer.data

        def speak(socket: WebSocket) -> None:
            socket.send(_refusal(problem, error))
            socket.close(_OWN_CODES + problem["status"], problem["code"], wait_s=0)

        return taken_over(self.request, self.request_id, speak, protocol=PROTOCOL)  # type: ignore[return-value]  # DRF passes any on


class OwnConversation(Conversation):
    """In our own words (docs/interactive.md)."""

    def begin(self) -> None:
        """Start one, or come back to one."""
        messages = self.receive_until(time.monotonic() + START_S)
        if not messages:
            raise Refusal("there was no start in time", status=408, code="request_timeout")
        first = message_in(messages[0])
        if isinstance(first, Start):
            self._start(first)
        elif isinstance(first, Attach):
            self._attach(first)
        else:
            raise Refusal("the first message is start or attach", code="invalid_field")
        for text in messages[1:]:
            self.take(text)

    def take(self, text: str) -> None:
        self._do(message_in(text))

    def lines(self, event: Event | Gap) -> Iterator[str]:
        name, data = told(event)
        if isinstance(event, Queued):
            data["id"] = str(self._execution_id)
            if reads_by_token(caller_of(self.request)):
                data["access_token"] = access_token(self._execution_id)
        elif isinstance(event, Ended):
            data["execution"] = self._resource()
            if self.run is not None and self.run.cause:
                data["cause"] = self.run.cause
        yield _json({"type": name, **data})

    def ending(self) -> Stop:
        error = self.run.error if self.run is not None else None
        if isinstance(error, Unavailable):
            return Stop(_OWN_CODES + error.status_code, problem_of(error)["code"])
        return Stop(_DONE, "")

    def refuse(self, error: APIException) -> None:
        problem = problem_of(error) | {"request_id": self.request_id}
        try:
            self.socket.send(_refusal(problem, error))
        finally:
            self.socket.close(_OWN_CODES + problem["status"], problem["code"])

    def speak_for(self, run: InteractiveRun, after: int) -> None:
        super().speak_for(run, after)
        bounds = {
            "output_bytes": WINDOW_BYTES,
            "idle_s": settings.GEXEC_INTERACTIVE_IDLE_S,
            "detach_s": settings.GEXEC_INTERACTIVE_DETACH_S,
        }
        self.socket.send(_json({"type": "window", "stdin_bytes": run.room_now(), **bounds}))

    def tell(self) -> None:
        if self.run is not None:
            if not self.run.is_heard(self):
                raise Stop(_OWN_CODES + 409, "attached_elsewhere")
            if room := self.run.take_room():
                self.socket.send(_json({"type": "window", "stdin_bytes": room}))
        super().tell()

    def _start(self, start: Start) -> None:
        try:
            asked = asked_in(dict(start.execution), caller=caller_of(self.request), interactive=start.interactive)
        except ValidationError as error:
            raise ValidationError({"execution": error.detail}) from None
        run = self.run_of(asked.submission)
        if not start.stdin_stays_open:
            run.close_stdin()
        self.start(run)

    def _attach(self, attach: Attach) -> None:
        check_right(caller_of(self.request), Right.STREAM)
        execution = access.found(self.request, attach.execution_id)
        access.check_may_act(self.request, execution)
        release_connection()
        if execution.door != INTERACTIVE:
            raise NotFound(f"there is no interactive execution {execution.pk}")
        run = interactive.find(execution.pk)
        if run is None:
            # It has ended, or another process has it: all that can be told of it is.
            self.follow(attach.execution_id, attach.after)
            return
        channel = all_channels().find(execution.pk)
        after = attach.after if channel is None else min(attach.after, channel.place)
        run.attach(self, self.socket.wake)
        run.flow.show(after)
        self.speak_for(run, after)

    @property
    def _execution_id(self) -> Any:
        assert self.follower is not None  # noqa: S101 (begin has made it)
        return self.follower.execution_id

    def _resource(self) -> Mapping[str, Any] | None:
        ended = self.run.ended if self.run is not None else None
        try:
            execution = ended or Execution.objects.filter(pk=self._execution_id).first()
        finally:
            release_connection()
        return None if execution is None else resource(execution, sees_hidden=False)

    def _do(self, message: Message) -> None:
        if isinstance(message, (Start, Attach)):
            raise Refusal("a connection is for one execution", status=409, code="already_started")
        run = self.run
        if run is None:
            return
        match message:
            case Typed(data):
                self.type(run, data)
            case StdinClosed():
                run.close_stdin()
            case Signalled(number):
                run.signal(number)
            case Resized(size):
                run.resize(size)
            case Shown(place):
                self._show(run, place)
            case Cancelled():
                run.end(ON_REQUEST)

    def _show(self, run: InteractiveRun, place: int) -> None:
        if self.follower is not None and place > self.follower.after:
            raise Refusal("ack: nothing of that number was sent yet", code="invalid_field")
        run.flow.show(place)


def _refusal(problem: Mapping[str, Any], error: APIException) -> str:
    """What Retry-After says elsewhere stands beside the problem."""
    wait_s: int | None = getattr(error, "wait", None)
    return _json({"type": "error", "problem": problem} | ({} if wait_s is None else {"retry_after_s": wait_s}))


def _json(data: Mapping[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False)
