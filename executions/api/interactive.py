"""/api/v1/executions/ws: an execution that its client talks to, over a WebSocket.

Theory of operation. The request is checked like every other; then its connection is taken over, and its thread speaks
for it until the end. That thread waits for nobody but the connection: the program runs in a thread of its own, and what
it prints is read here only as fast as the client takes it.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from clients.origins import TOKEN_PROTOCOL
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
from executions.interactive import InteractiveRun
from executions.live.channel import Channel
from executions.live.channels import all_channels
from executions.live.events import Ended, Event, Gap, Queued
from executions.live.flow import WINDOW_BYTES
from executions.live.following import Follower
from executions.models import INTERACTIVE, Execution
from executions.origins import caller_of, origin_of
from rest import websocket
from rest.connections import release_connection
from rest.exceptions import Refusal, Unavailable
from rest.problems import known, problem_of
from rest.unknown import refuse_unknown
from rest.views import ApiEndpoint
from rest.websocket import Broken, Closed, WebSocket
from sandbox.console import WINDOW_BYTES as TYPED_BYTES
from sandbox.console import TypedTooMuch

logger = logging.getLogger(__name__)

PROTOCOL = "gexec.v1"
_KEY_PREFIX = "gx_"
START_S = 10.0
"""How long a client may take to say what it wants."""
_AHEAD_BYTES = 64 * 1024
"""Of events that the client has not taken: beyond it none is read."""
_LOOK_S = 0.5
_SETTLED_S = 1.0
"""Between the end in the row and the end of its thread are milliseconds."""
_DONE, _GOING_AWAY, _FAULT = 1000, 1001, 1011
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
        for name in websocket.protocols_in(request.META):
            if not name.startswith(TOKEN_PROTOCOL):
                continue
            token = name.removeprefix(TOKEN_PROTOCOL)
            if token.startswith(_KEY_PREFIX):
                request.META.setdefault("HTTP_AUTHORIZATION", f"Bearer {token}")
            else:
                request.META.setdefault("HTTP_X_ACCESS_TOKEN", token)
        return super().initialize_request(request, *args, **kwargs)

    def get(self, request: Request) -> HttpResponseBase:
        """Take the connection over."""
        refuse_unknown(request.query_params, (access.TOKEN_PARAMETER,), what="parameter")
        if not websocket.can_be_had(request.META):
            raise Refusal("this is for WebSockets of version 13", status=426, code="upgrade_required")
        leave = interactive.connections.enter(origin_of(request).sharing)
        conversation = Conversation(request, self.request_id)

        return StreamingHttpResponse(_TakenOver(request, self.request_id, conversation.hold, when_over=leave))

    def handle_exception(self, exc: Exception) -> Response:
        """Pages see no answer to a handshake that fails, only how a connection is closed: so they are told that way."""
        if known(exc) is None or not websocket.can_be_had(self.request.META):
            return super().handle_exception(exc)
        answer = super().handle_exception(exc)
        problem = answer.data

        def speak(socket: WebSocket) -> None:
            socket.send(_json({"type": "error", "problem": problem}))
            socket.close(_OWN_CODES + problem["status"], problem["code"], wait_s=0)

        return StreamingHttpResponse(_TakenOver(self.request, self.request_id, speak))  # type: ignore[return-value]  # DRF passes any on


class _TakenOver:
    """The bytes of an answer that is none: when the server asks for the first, `speak` has the connection."""

    def __init__(
        self,
        request: Request,
        request_id: str,
        speak: Callable[[WebSocket], None],
        *,
        when_over: Callable[[], None] = lambda: None,
    ) -> None:
        """`when_over` is called once, also where the server asks for nothing."""
        self._request, self._request_id = request, request_id
        self._speak, self._when_over = speak, when_over
        self._began = False

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if not self._began:
            self._began = True
            try:
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
            offered = PROTOCOL in websocket.protocols_in(self._request.META)
            socket.accept(PROTOCOL if offered else None, [("X-Request-Id", self._request_id)])
            self._speak(socket)
        finally:
            socket.release()
            release_connection()


class _Stop(Exception):
    """The connection is to be closed with this."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


class Conversation:
    """What is said over one connection."""

    def __init__(self, request: Request, request_id: str) -> None:
        self._request, self._request_id = request, request_id
        self._run: InteractiveRun | None = None
        self._follower: Follower | None = None
        self._channel: Channel | None = None
        self._ends_listening: Callable[[], None] = lambda: None
        self._done = False

    def hold(self, socket: WebSocket) -> None:
        """To its end, whatever that is."""
        self._socket = socket
        try:
            self._begin()
            self._go_on()
        except _Stop as stop:
            socket.close(stop.code, stop.reason)
        except Broken as error:
            self._give_up("its client broke the protocol")
            socket.close(error.code, str(error))
        except Closed:
            pass
        except Exception as error:  # noqa: BLE001 (whatever it is, it is told, and what is no error of a request logged)
            self._fail(error)
        finally:
            self._ends_listening()
            if self._run is not None:
                self._run.detach(self)

    def _fail(self, error: Exception) -> None:
        """What the client did wrong, or we could not do, is told; the execution does not go on with a confused one."""
        expected = known(error)
        if expected is None:
            logger.error("a conversation failed", exc_info=error)
            self._give_up("a fault of ours")
            self._socket.close(_FAULT, "internal_error")
            return
        problem = problem_of(expected) | {"request_id": self._request_id}
        self._give_up(f"its client was refused: {problem['code']}")
        try:
            self._socket.send(_json({"type": "error", "problem": problem}))
        finally:
            self._socket.close(_OWN_CODES + problem["status"], problem["code"])

    def _give_up(self, cause: str) -> None:
        if self._run is not None and self._run.is_heard(self):
            self._run.end(cause)

    def _begin(self) -> None:
        """Wait for the first message, and do it."""
        until = time.monotonic() + START_S
        messages: list[str] = []
        while not messages:
            left = until - time.monotonic()
            if left <= 0:
                raise Refusal("there was no start in time", status=408, code="request_timeout")
            if all_channels().closing:
                raise _Stop(_GOING_AWAY, "shutting_down")
            messages = self._socket.receive(min(left, _LOOK_S))
        first = message_in(messages[0])
        if isinstance(first, Start):
            self._start(first)
        elif isinstance(first, Attach):
            self._attach(first)
        else:
            raise Refusal("the first message is start or attach", code="invalid_field")
        for text in messages[1:]:
            self._take(message_in(text))

    def _start(self, start: Start) -> None:
        origin = origin_of(self._request)
        try:
            asked = asked_in(dict(start.execution), caller=caller_of(self._request), interactive=start.interactive)
        except ValidationError as error:
            raise ValidationError({"execution": error.detail}) from None
        run = InteractiveRun(asked.submission, origin, caller=origin.sharing, arrived_at=time.monotonic())
        if not start.stdin_stays_open:
            run.close_stdin()
        run.attach(self, self._socket.wake)
        release_connection()
        run.begin()
        self._speak_for(run, after=-1)

    def _attach(self, attach: Attach) -> None:
        check_right(caller_of(self._request), Right.STREAM)
        execution = access.found(self._request, attach.execution_id)
        access.check_may_act(self._request, execution)
        release_connection()
        if execution.door != INTERACTIVE:
            raise NotFound(f"there is no interactive execution {execution.pk}")
        run = interactive.find(execution.pk)
        if run is None:
            # It has ended, or another process has it: all that can be told of it is.
            self._follow(attach.execution_id, attach.after)
            return
        channel = all_channels().find(execution.pk)
        after = attach.after if channel is None else min(attach.after, channel.place)
        run.attach(self, self._socket.wake)
        run.flow.show(after)
        self._speak_for(run, after)

    def _speak_for(self, run: InteractiveRun, after: int) -> None:
        self._run = run
        self._follow(run.id, after)
        bounds = {
            "output_bytes": WINDOW_BYTES,
            "idle_s": settings.GEXEC_INTERACTIVE_IDLE_S,
            "detach_s": settings.GEXEC_INTERACTIVE_DETACH_S,
        }
        self._socket.send(_json({"type": "window", "stdin_bytes": run.room_now(), **bounds}))

    def _follow(self, execution_id: Any, after: int) -> None:
        self._follower = Follower(execution_id, after=after)
        self._channel = all_channels().find(execution_id)
        if self._channel is not None:
            self._ends_listening = self._channel.listen(self._socket.wake)

    def _go_on(self) -> None:
        while True:
            if self._run is not None and not self._run.is_heard(self):
                raise _Stop(_OWN_CODES + 409, "attached_elsewhere")
            self._tell()
            if self._done and not self._socket.unsent_bytes:
                raise self._end()
            if all_channels().closing:
                raise _Stop(_GOING_AWAY, "shutting_down")
            for text in self._socket.receive(self._pause_s()):
                self._take(message_in(text))

    def _pause_s(self) -> float:
        """Until when nothing has to be done but what wakes it."""
        due = self._channel.is_due_in_s if self._channel is not None else None
        return _LOOK_S if due is None or self._socket.unsent_bytes > _AHEAD_BYTES else min(due, _LOOK_S)

    def _tell(self) -> None:
        """What there is to tell, as far as the client takes it."""
        if self._run is not None and (room := self._run.take_room()):
            self._socket.send(_json({"type": "window", "stdin_bytes": room}))
        assert self._follower is not None  # noqa: S101 (_begin has made it)
        while not self._done and self._socket.unsent_bytes <= _AHEAD_BYTES:
            events = self._follower.read(0.0)
            if events is None:
                self._done = True
                return
            for event in events:
                self._socket.send(self._line(event))
                self._done = self._done or isinstance(event, Ended)
            if not events:
                return
            # It goes out before the next is read.
            for text in self._socket.receive(0.0):
                self._take(message_in(text))

    def _line(self, event: Event | Gap) -> str:
        name, data = told(event)
        if isinstance(event, Queued) and self._follower is not None:
            data["id"] = str(self._execution_id)
            if reads_by_token(caller_of(self._request)):
                data["access_token"] = access_token(self._execution_id)
        elif isinstance(event, Ended):
            if self._run is not None:
                # Who is told of its end may begin the next.
                self._run.wait_over(_SETTLED_S)
            data["execution"] = self._resource()
        return _json({"type": name, **data})

    @property
    def _execution_id(self) -> Any:
        assert self._follower is not None  # noqa: S101 (_begin has made it)
        return self._follower.execution_id

    def _resource(self) -> Mapping[str, Any] | None:
        ended = self._run.ended if self._run is not None else None
        try:
            execution = ended or Execution.objects.filter(pk=self._execution_id).first()
        finally:
            release_connection()
        return None if execution is None else resource(execution, sees_hidden=False)

    def _end(self) -> _Stop:
        error = self._run.error if self._run is not None else None
        if isinstance(error, Unavailable):
            return _Stop(_OWN_CODES + error.status_code, problem_of(error)["code"])
        return _Stop(_DONE, "")

    def _take(self, message: Message) -> None:
        if isinstance(message, (Start, Attach)):
            raise Refusal("a connection is for one execution", status=409, code="already_started")
        run = self._run
        if run is None:
            return
        match message:
            case Typed(data):
                try:
                    run.type(data)
                except TypedTooMuch:
                    told = f"no more than {TYPED_BYTES} bytes that the program has not taken"
                    raise Refusal(told, status=413, code="stdin_overflow") from None
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
        if self._follower is not None and place > self._follower.after:
            raise Refusal("ack: nothing of that number was sent yet", code="invalid_field")
        run.flow.show(place)


def _json(data: Mapping[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False)
