"""What every door does that lets a client talk to its program over a WebSocket; what is said is the door's own.

Theory of operation. The thread of the request speaks for its connection until the end. It waits for nobody but the
connection: the program runs in a thread of its own, and what it prints is read here only as fast as the client takes
it.
"""

from __future__ import annotations

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from uuid import UUID

from django.http import StreamingHttpResponse
from rest_framework.exceptions import APIException
from rest_framework.request import Request

from executions import interactive
from executions.interactive import InteractiveRun
from executions.live.channel import Channel
from executions.live.channels import all_channels
from executions.live.events import Ended, Event, Gap
from executions.live.following import Follower
from executions.origins import origin_of
from executions.submission import Submission
from rest.connections import release_connection
from rest.exceptions import Refusal
from rest.problems import known, problem_of
from rest.taken_over import taken_over
from rest.websocket import Broken, Closed, WebSocket
from sandbox.console import WINDOW_BYTES as TYPED_BYTES
from sandbox.console import TypedTooMuch

logger = logging.getLogger(__name__)

_AHEAD_BYTES = 64 * 1024
"""Of events that the client has not taken: beyond it none is read."""
_LOOK_S = 0.5
_SETTLED_S = 1.0
"""Between the end in the row and the end of its thread are milliseconds."""
_GOING_AWAY, _FAULT = 1001, 1011


class Stop(Exception):
    """The connection is to be closed with this."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


class Conversation(ABC):
    """What is said over one connection, about one execution."""

    socket: WebSocket

    def __init__(self, request: Request, request_id: str) -> None:
        self.request, self.request_id = request, request_id
        self.run: InteractiveRun | None = None
        self.follower: Follower | None = None
        self.channel: Channel | None = None
        self.is_done = False
        """Whether all was told."""
        self._ends_listening: Callable[[], None] = lambda: None

    # What each door has its own way of.

    @abstractmethod
    def begin(self) -> None:
        """Wait for the first message, and do what it says."""

    @abstractmethod
    def take(self, text: str) -> None:
        """Do what a later message says."""

    @abstractmethod
    def lines(self, event: Event | Gap) -> Iterable[str]:
        """What is told of an event."""

    @abstractmethod
    def ending(self) -> Stop:
        """With what the connection is closed once all was told. May raise what `refuse` tells."""

    @abstractmethod
    def refuse(self, error: APIException) -> None:
        """Tell why it is over, and close the connection."""

    def fault(self) -> None:
        """Close the connection for a reason of ours, which is in the log."""
        self.socket.close(_FAULT, "internal_error")

    def leave(self, run: InteractiveRun) -> None:
        """The connection is over; the execution goes on for a while."""
        run.detach(self)

    # What they share.

    def answer(self, protocol: str | None = None) -> StreamingHttpResponse:
        """The request's. Takes one of the places for connections: raises Unavailable, or Limited for its share."""
        leave = interactive.connections.enter(origin_of(self.request).sharing)
        return taken_over(self.request, self.request_id, self.hold, protocol=protocol, when_over=leave)

    def hold(self, socket: WebSocket) -> None:
        """To its end, whatever that is."""
        self.socket = socket
        try:
            self.begin()
            self._go_on()
        except Stop as stop:
            socket.close(stop.code, stop.reason)
        except Broken as error:
            self.give_up("its client broke the protocol")
            socket.close(error.code, str(error))
        except Closed:
            pass
        except Exception as error:  # noqa: BLE001 (whatever it is, it is told, and what is no error of a request logged)
            self._fail(error)
        finally:
            self._ends_listening()
            if self.run is not None:
                self.leave(self.run)

    def receive_until(self, deadline: float) -> list[str]:
        """The next messages; none where there were none in time, by time.monotonic()."""
        messages: list[str] = []
        while not messages and (left := deadline - time.monotonic()) > 0:
            if all_channels().closing:
                raise Stop(_GOING_AWAY, "shutting_down")
            messages = self.socket.receive(min(left, _LOOK_S))
        return messages

    def run_of(self, submission: Submission) -> InteractiveRun:
        """The run of what is asked for over this connection, which is to `start`."""
        origin = origin_of(self.request)
        run = InteractiveRun(submission, origin, caller=origin.sharing, arrived_at=time.monotonic())
        run.attach(self, self.socket.wake)
        return run

    def start(self, run: InteractiveRun) -> None:
        """Return once it is accepted, and speak for it from now on. Raises what `begin` does."""
        release_connection()
        run.begin()
        self.speak_for(run, after=-1)

    def speak_for(self, run: InteractiveRun, after: int) -> None:
        """It is this connection's; all up to that place was told before."""
        self.run = run
        self.follow(run.id, after)

    def follow(self, execution_id: UUID, after: int) -> None:
        """Tell of this one what stands behind that place."""
        self.follower = Follower(execution_id, after=after)
        self.channel = all_channels().find(execution_id)
        if self.channel is not None:
            self._ends_listening = self.channel.listen(self.socket.wake)

    def type(self, run: InteractiveRun, data: bytes) -> None:
        """For its stdin. Raises Refusal for more than the window."""
        try:
            run.type(data)
        except TypedTooMuch:
            told = f"no more than {TYPED_BYTES} bytes that the program has not taken"
            raise Refusal(told, status=413, code="stdin_overflow") from None

    def give_up(self, cause: str) -> None:
        """The execution does not go on with a client that is confused."""
        if self.run is not None and not self.is_done and self.run.is_heard(self):
            self.run.end(cause)

    def tell(self) -> None:
        """What there is to tell, as far as the client takes it."""
        assert self.follower is not None  # noqa: S101 (begin has made it)
        while not self.is_done and self.socket.unsent_bytes <= _AHEAD_BYTES:
            events = self.follower.read(0.0)
            if events is None:
                self.is_done = True
                return
            for event in events:
                self._tell_of(event)
            if not events:
                return
            # It goes out before the next is read.
            for text in self.socket.receive(0.0):
                self.take(text)

    def _tell_of(self, event: Event | Gap) -> None:
        if isinstance(event, Ended) and self.run is not None:
            # Who is told of its end may begin the next.
            self.run.wait_over(_SETTLED_S)
        for line in self.lines(event):
            self.socket.send(line)
        self.is_done = self.is_done or isinstance(event, Ended)

    def _go_on(self) -> None:
        while True:
            self.tell()
            if self.is_done and not self.socket.unsent_bytes:
                raise self.ending()
            if all_channels().closing:
                raise Stop(_GOING_AWAY, "shutting_down")
            for text in self.socket.receive(self._pause_s()):
                self.take(text)

    def _pause_s(self) -> float:
        """Until when nothing has to be done but what wakes it."""
        due = self.channel.is_due_in_s if self.channel is not None else None
        return _LOOK_S if due is None or self.socket.unsent_bytes > _AHEAD_BYTES else min(due, _LOOK_S)

    def _fail(self, error: Exception) -> None:
        """What the client did wrong, or we could not do, is told."""
        # The client may take a moment to read it.
        release_connection()
        expected = known(error)
        if expected is None:
            logger.error("a conversation failed", exc_info=error)
            self.give_up("a fault of ours")
            self.fault()
            return
        self.give_up(f"its client was refused: {problem_of(expected)['code']}")
        self.refuse(expected)
