"""GET /connect: a program that its client talks to, over a WebSocket, in Piston's words."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator, Mapping
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.exceptions import APIException, NotFound
from rest_framework.request import Request

from clients.origins import tokens_in
from clients.rights import Right
from executions.cancel import ON_REQUEST
from executions.compat import problems
from executions.compat.piston import answers
from executions.compat.piston.requests import encoded, refuse, talked_to_in
from executions.compat.piston.runtimes import Runtime
from executions.compat.piston.views import PistonView
from executions.compat.piston.words import message_of
from executions.compat.running import submission_of
from executions.compat.views import dumps
from executions.conversation import Conversation, Stop
from executions.interactive import InteractiveRun
from executions.live.events import Began, Event, Gap, Printed, StepBegan, StepEnded
from executions.models import Execution
from executions.origins import caller_of
from executions.outcomes import Outcome
from executions.printed import as_text
from executions.results import CLIENT_GONE, StepRecord
from executions.run import ENGINE_RETRY_AFTER_S
from executions.signals import SENDABLE
from rest import websocket
from rest.exceptions import Unavailable
from rest.parsers import AnyJSONParser
from rest.taken_over import taken_over
from rest.websocket import WebSocket

PROTOCOL = "piston"
"""The subprotocol, for pages that offer one beside their key; Piston has none."""
INIT_S = 1.0
"""How long a client may take to say what it wants, there as here."""
_COMPLETED = (4999, "Job Completed")
_TWICE = (4000, "Already Initialized")
_TOO_LATE = (4001, "Initialization Timeout")
_NOTIFIED = (4002, "Notified Error")
_TOO_EARLY = (4003, "Not yet initialized")
_NO_STDIN = (4004, "Can only write to stdin")
_NO_SIGNAL = (4005, "Invalid signal")
_STREAMS = {1: "stdout", 2: "stderr"}
_STDERR = 2
_KILL = "SIGKILL"
_SIGNALS = frozenset(
    {each.name for each in signal.Signals}
    | {f"SIGRTMIN+{number}" for number in range(1, 16)}
    | {f"SIGRTMAX-{number}" for number in range(1, 15)}
)
"""What Piston takes for one."""


class ConnectView(PistonView):
    """GET: the connection becomes a WebSocket."""

    http_method_names = ["get"]
    executes = ("GET",)
    rights = {"GET": Right.EXECUTE}
    for_pages = ("GET",)

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        """Browsers can send no header with a WebSocket: their key is one of its subprotocols."""
        for token in tokens_in(request.META):
            request.META.setdefault("HTTP_AUTHORIZATION", f"Bearer {token}")
        return super().initialize_request(request, *args, **kwargs)

    def get(self, request: Request) -> HttpResponseBase:
        """Take the connection over. To its server, without a WebSocket there is nothing here."""
        if not websocket.can_be_had(request.META):
            raise NotFound("this is for WebSockets of version 13")
        return PistonConversation(request, self.request_id).answer(PROTOCOL)

    def handle_exception(self, exc: Exception) -> Any:
        """Its server takes every handshake, and clients look for a message: so they are told that way."""
        if not websocket.can_be_had(self.request.META):
            return super().handle_exception(exc)
        message = message_of(problems.problem_in(exc))
        return taken_over(
            self.request, self.request_id, lambda socket: _notify(socket, message, wait_s=0), protocol=PROTOCOL
        )


class PistonConversation(Conversation):
    """Its client acknowledges nothing: what the connection has taken counts as shown."""

    _runtime: Runtime
    _stage = "run"
    _is_killed = False

    def begin(self) -> None:
        deadline, is_late = time.monotonic() + INIT_S, False
        while self.run is None:
            messages = self.receive_until(deadline)
            if not messages:
                if is_late:
                    raise Stop(*_TOO_LATE)
                # What lies there came in time, where this thread did not.
                is_late, messages = True, self.socket.receive(0.0)
            for text in messages:
                self.take(text)

    def take(self, text: str) -> None:
        """What it does not know, it does not mind."""
        message = AnyJSONParser().object_in(text.encode())
        match message.get("type"):
            case "init":
                self._init(message)
            case "data":
                self._type(message)
            case "signal":
                self._signal(message)

    def lines(self, event: Event | Gap) -> Iterator[str]:
        match event:
            case Began():
                runtime = self._runtime
                yield _json({"type": "runtime", "language": runtime.name, "version": runtime.version})
            case StepBegan():
                self._stage = event.step
                yield _json({"type": "stage", "stage": event.step})
            case Printed():
                yield _data(event.stream, event.data)
            case StepEnded():
                yield from _exits(event.record)

    def tell(self) -> None:
        super().tell()
        if self.run is not None and self.follower is not None and not self.socket.unsent_bytes:
            self.run.flow.show(self.follower.after)

    def ending(self) -> Stop:
        run = self._begun()
        if isinstance(run.error, Unavailable):
            raise run.error
        ended = run.ended
        if ended is not None and ended.outcome == Outcome.CANCELLED and self._is_killed:
            self.socket.send(_exit(self._stage, {"signal": _KILL}))
        elif ended is None or ended.outcome in {Outcome.CANCELLED, Outcome.SANDBOX_ERROR}:
            raise _broken_off(ended)
        return Stop(*_COMPLETED)

    def refuse(self, error: APIException) -> None:
        _notify(self.socket, message_of(problems.problem_in(error)))

    def fault(self) -> None:
        _notify(self.socket, "internal server error")

    def leave(self, run: InteractiveRun) -> None:
        """Nobody can come back to it."""
        if not self.is_done:
            run.end(CLIENT_GONE)
        super().leave(run)

    def _init(self, message: Mapping[str, Any]) -> None:
        if self.run is not None:
            raise self._stop(_TWICE)
        self._runtime, program = talked_to_in(message)
        self.start(self.run_of(submission_of(program, PistonView.door, caller_of(self.request))))

    def _type(self, message: Mapping[str, Any]) -> None:
        run = self._begun()
        if message.get("stream") != "stdin":
            raise self._stop(_NO_STDIN)
        data = message.get("data")
        if not isinstance(data, str):
            refuse("data must be a string")
        self.type(run, encoded(data))

    def _signal(self, message: Mapping[str, Any]) -> None:
        """Those that a sandbox does not pass on are let go, but for the one that ends everything."""
        run = self._begun()
        name = message.get("signal")
        if not isinstance(name, str) or name not in _SIGNALS:
            raise self._stop(_NO_SIGNAL)
        if name == _KILL:
            self._is_killed = True
            run.end(ON_REQUEST)
        elif name in SENDABLE:
            run.signal(SENDABLE[name])

    def _begun(self) -> InteractiveRun:
        if self.run is None:
            raise Stop(*_TOO_EARLY)
        return self.run

    def _stop(self, why: tuple[int, str]) -> Stop:
        """Nothing goes on behind a connection that is closed."""
        self.give_up(f"its client broke the protocol: {why[1]}")
        return Stop(*why)


def _broken_off(ended: Execution | None) -> Unavailable:
    why = ended.error if ended is not None else "the execution was broken off"
    return Unavailable(why, retry_after_s=ENGINE_RETRY_AFTER_S, code="engine_unavailable")


def _exits(record: StepRecord) -> Iterator[str]:
    if record.outcome in {Outcome.CANCELLED, Outcome.SANDBOX_ERROR}:
        # That is told at the end, with its cause.
        return
    if said := answers.said(record):
        yield _data(_STDERR, said)
    yield _exit(record.name, answers.ending(record))


def _exit(stage: str, ending: Mapping[str, Any]) -> str:
    return _json({"type": "exit", "stage": stage, "code": ending.get("code"), "signal": ending.get("signal")})


def _notify(socket: WebSocket, message: str, *, wait_s: float = websocket.CLOSE_S) -> None:
    socket.send(_json({"type": "error", "message": message}))
    socket.close(*_NOTIFIED, wait_s=wait_s)


def _data(stream: int, data: bytes) -> str:
    return _json({"type": "data", "stream": _STREAMS[stream], "data": as_text(data)})


def _json(message: Mapping[str, Any]) -> str:
    return dumps(message).decode()
