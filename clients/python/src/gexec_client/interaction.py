"""A program that is talked to while it runs, over a WebSocket that is made anew after each cut.

Theory of operation. One thread listens: it keeps what comes, counts what may be typed, and attaches again. Whoever
reads takes events from there, and by asking for the next one says that the one before was shown: that is acknowledged,
and as no more than a window goes without it, a reader who is slow slows the program. After a cut all that nobody has
taken yet is dropped, for it comes again.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from ssl import SSLContext
from types import TracebackType
from typing import Any, Self

import httpx
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, WebSocketException
from websockets.http11 import Response
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from gexec_client import conversation
from gexec_client.conversation import DETACH_S, PATH, Told, Window, may_pass, said
from gexec_client.errors import ApiError, ConnectionFailed, FilesMissing, GexecError, TimedOut
from gexec_client.events import Cut, Event, Finished, Output, Queued, Reattached
from gexec_client.flows import Flows, refusal
from gexec_client.programs import Body
from gexec_client.results import Execution
from gexec_client.retries import Deadline, Tries
from gexec_client.sse import MAX_EVENT_BYTES
from gexec_client.steps import Flow, Reply, Send
from gexec_client.transport import CONNECT_TIMEOUT_S

Do = Callable[[Flow[Any]], Any]

PING_S = 10.0
GONE_S = 15.0
"""Without an answer to a ping for so long, the line is dead: that leaves time to come back."""
CLOSING_S = 5.0
_PIECE_BYTES = 16 * 1024
_UNACKNOWLEDGED_BYTES = 64 * 1024
"""A quarter of what a server has on its way: more often than that is needless, less often may stop it."""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.25, 4.0
_GOING_IN = Send("GET", PATH)


@dataclass(frozen=True, slots=True)
class Wire:
    """How a server is reached."""

    server: str
    headers: dict[str, str] = field(repr=False)
    ssl_context: SSLContext | None = None

    @contextmanager
    def open(self, token: str | None) -> Iterator[ClientConnection]:
        """A connection. Raises ConnectionFailed, ApiError; ConnectionClosed within."""
        scheme, _, rest = self.server.partition("://")
        headers = self.headers | ({"X-Access-Token": token} if token else {})
        try:
            opening = connect(
                f"{'wss' if scheme == 'https' else 'ws'}://{rest}{PATH}",
                ssl=(self.ssl_context or httpx.create_ssl_context()) if scheme == "https" else None,
                additional_headers={name: value for name, value in headers.items() if name != "Accept"},
                user_agent_header=None,
                subprotocols=[Subprotocol(conversation.PROTOCOL)],
                compression=None,
                open_timeout=CONNECT_TIMEOUT_S,
                ping_interval=PING_S,
                ping_timeout=GONE_S,
                close_timeout=1,
                max_size=MAX_EVENT_BYTES,
                create_connection=_Line,
            )
            line = opening.__enter__()
        except _Refused as refused:
            raise refused.error from None
        except (OSError, InvalidHandshake, WebSocketException, EOFError) as error:
            told = str(error) or type(error).__name__
            raise ConnectionFailed(f"the server cannot be reached: {told}", sent=False) from None
        try:
            yield line
        finally:
            line.close()


class _Refused(Exception):
    def __init__(self, response: Response) -> None:
        super().__init__(response.status_code)
        headers = {name.lower(): value for name, value in response.headers.raw_items()}
        self.error = refusal(Reply(response.status_code, headers, bytes(response.body or b"")))


class _Line(ClientConnection):
    """Follows no redirect: neither a key nor a program goes anywhere but where it was sent."""

    def handshake(self, *args: Any, **more: Any) -> None:
        try:
            super().handshake(*args, **more)
        except InvalidStatus as error:
            raise _Refused(error.response) from None


@dataclass(frozen=True, slots=True)
class New:
    """What is begun."""

    body: Body
    terminal: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Known:
    """What is come back to."""

    execution_id: str
    after: int
    token: str | None


@dataclass(slots=True)
class _Sent:
    """A piece that was typed; the answer to a ping behind it says that it has arrived."""

    size: int
    answered: threading.Event = field(default_factory=threading.Event)


class Interaction:
    """Events as they come, and what is typed. Iterate it within `with`; write from any thread."""

    def __init__(self, wire: Wire, flows: Flows, do: Do, what: New | Known) -> None:
        self._wire, self._flows, self._do, self._what = wire, flows, do, what
        self._changed = threading.Condition()
        self._typing = threading.Lock()
        self._line: ClientConnection | None = None
        self._events: deque[tuple[Event, int | None]] = deque()
        self._over, self._closing, self._stop_trying = False, False, threading.Event()
        self._error: BaseException | None = None
        self._room = 0
        self._sent: deque[_Sent] = deque()
        self._unsure_bytes = 0
        self._is_cancelled = False
        self._terminal = what.terminal if isinstance(what, New) else None
        self._stdin_closed = False
        self._detach_s = DETACH_S
        self._unacknowledged_bytes = 0
        self._finished: Finished | None = None
        known = what if isinstance(what, Known) else Known("", -1, None)
        self._after = self._acknowledged = known.after
        self._token = known.token
        self._execution_id = known.execution_id
        self._resumed = 0
        self._is_there = False
        threading.Thread(target=self._listen, name="gexec-interaction", daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Event:
        while not self._wait_ready(None):
            pass
        event = self._take()
        if event is None:
            raise StopIteration
        return event

    @property
    def execution_id(self) -> str:
        """Known from the first event on."""
        return self._execution_id

    @property
    def access_token(self) -> str | None:
        """Opens the execution for whoever has no key; known from the first event on."""
        return self._token

    @property
    def last_seq(self) -> int:
        """For `attach`, in another process perhaps."""
        return self._after

    @property
    def has_finished(self) -> bool:
        """Whether its end is known."""
        return self._finished is not None

    @property
    def resumed(self) -> int:
        """How often it went on after a cut."""
        return self._resumed

    def write(self, data: str | bytes, *, timeout_s: float | None = None) -> None:
        """Type this. Waits while the program has not taken what was typed before; behind its end it goes nowhere.

        Raises TimedOut, and then some of it may have been typed.
        """
        whole = data.encode() if isinstance(data, str) else bytes(data)
        deadline = Deadline(timeout_s)
        with self._typing:
            while whole and (room := self._wait_room(deadline)):
                piece = whole[: min(room, _PIECE_BYTES)]
                if self._type(piece):
                    whole = whole[len(piece) :]

    def close_stdin(self) -> None:
        """The end of stdin; on a terminal it is ^D."""
        with self._typing:
            # On a terminal it is typed, and typed once.
            if self._wait_line() and self._say("stdin_close"):
                self._stdin_closed = self._terminal is None

    def signal(self, name: str) -> None:
        """`SIGINT` and so on; on a terminal it is for whoever is in the foreground."""
        if self._wait_line():
            self._say("signal", signal=name)

    def resize(self, columns: int, rows: int) -> None:
        """The terminal has another size."""
        with self._changed:
            self._terminal = (columns, rows)
        self._say("resize", **conversation.size((columns, rows)))

    def cancel(self) -> None:
        """Have it end. The events tell how."""
        self._is_cancelled = True
        if self._wait_line():
            self._say("cancel")

    def result(self) -> Execution:
        """The execution at its end; events that were not read are passed over."""
        for _ in self:
            pass
        if self._finished is None:
            raise GexecError("it was left before the end")
        return self._finished.execution

    def detach(self) -> None:
        """Leave it running. `attach` comes back, within the time that the server allows."""
        with self._changed:
            self._closing = True
        self._end(None)

    def close(self) -> None:
        """Read no further. What was begun here is cancelled where it has not ended."""
        with self._changed:
            left_already, self._closing = self._closing or self._over, True
        if not left_already and isinstance(self._what, New):
            # Its end is waited for: a connection that is closed at once may take the word along.
            if self._say("cancel"):
                with self._changed:
                    self._changed.wait_for(lambda: self._over, CLOSING_S)
            elif self._execution_id:
                with suppress(GexecError):
                    self._do(self._flows.leave(self._execution_id, self._token))
        self._end(None)

    # For whoever reads.

    def _wait_ready(self, timeout_s: float | None) -> bool:
        """Whether `_take` has something to give; what was taken before is acknowledged."""
        with self._changed:
            shown = self._after
            due = shown > self._acknowledged and (
                not self._events or self._unacknowledged_bytes >= _UNACKNOWLEDGED_BYTES
            )
            if due:
                self._acknowledged, self._unacknowledged_bytes = shown, 0
        if due:
            self._say("ack", seq=shown)
        with self._changed:
            return self._changed.wait_for(lambda: bool(self._events) or self._over, timeout_s)

    def _take(self) -> Event | None:
        """The next event; None at the end. Raises what went wrong."""
        with self._changed:
            if not self._events:
                error, self._error = self._error, None
                if error is not None:
                    raise error
                return None
            event, seq = self._events.popleft()
            self._after = self._after if seq is None else seq
            if isinstance(event, Output):
                self._unacknowledged_bytes += len(event.data)
            return event

    # For whoever types.

    def _wait_line(self) -> bool:
        """Whether there is a connection, which is waited for; none comes after the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._over or self._line is not None)
            return not self._over

    def _wait_room(self, deadline: Deadline) -> int:
        """How much may be typed; 0 after the end. Raises TimedOut."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._over or self._room > 0, deadline.left_s):
                raise TimedOut("the program does not read what is typed")
            return 0 if self._over else self._room

    def _type(self, piece: bytes) -> bool:
        """Whether it was sent; what was, and is then lost on its way, is counted."""
        with self._changed:
            line, sent = self._line, _Sent(len(piece))
            if line is None:
                return False
            self._room = max(0, self._room - len(piece))
            while self._sent and self._sent[0].answered.is_set():
                self._sent.popleft()
            self._sent.append(sent)
        with suppress(ConnectionClosed):
            line.send(conversation.typed(piece))
            sent.answered = line.ping()
        return True

    def _say(self, kind: str, **fields: Any) -> bool:
        line = self._line
        if line is None:
            return False
        try:
            line.send(said(kind, **fields))
        except ConnectionClosed:
            return False
        return True

    # The thread that listens.

    def _listen(self) -> None:
        try:
            if isinstance(self._what, New):
                self._begin(self._what)
            else:
                self._return(was_there=False)
            while self._finished is None and not self._closing:
                self._return(was_there=True)
        except BaseException as error:  # noqa: BLE001 (whatever it is, it is for whoever reads)
            self._end(error)
        else:
            self._end(None)

    def _begin(self, new: New) -> None:
        """Start it, and listen as long as the connection lasts. Raises what refuses it."""
        body: Body = self._do(self._flows.in_files(new.body))
        tries, uploaded = Tries(self._flows.retries, Deadline(None)), False
        while not self._closing:
            try:
                self._converse(conversation.start(body, self._terminal))
            except (ApiError, ConnectionFailed) as error:
                if self._execution_id and isinstance(error, ConnectionFailed):
                    return
                if isinstance(error, FilesMissing) and not uploaded:
                    self._do(self._flows.upload_missing(error, body.uploads))
                    uploaded = True
                    continue
                pause_s = tries.pause_after(_GOING_IN, error)
                if pause_s is None:
                    raise
            else:
                return
            self._stop_trying.wait(pause_s)

    def _return(self, *, was_there: bool) -> None:
        """Come back in the time that there is, and listen as long as the connection lasts. Raises what refuses it."""
        self._lose()
        if was_there:
            self._put(Cut(self._detach_s))
        until, pause_s = time.monotonic() + self._detach_s, _FIRST_PAUSE_S
        while not self._closing:
            self._is_there = False
            try:
                attach = said("attach", id=self._execution_id, after=self._after)
                self._converse(attach, comes_back=was_there)
            except (ApiError, ConnectionFailed) as error:
                if self._is_there and isinstance(error, ConnectionFailed):
                    return
                if not may_pass(error) or time.monotonic() + pause_s > until:
                    raise
            else:
                return
            self._stop_trying.wait(pause_s)
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)

    def _lose(self) -> None:
        """There is no connection: what nobody has taken comes again, and nothing can be typed."""
        with self._changed:
            self._line, self._room = None, 0
            self._unsure_bytes += sum(sent.size for sent in self._sent if not sent.answered.is_set())
            self._sent.clear()
            # But what nobody has taken of cuts is told only once.
            self._events = deque(each for each in self._events if isinstance(each[0], Cut | Reattached))
            self._acknowledged, self._unacknowledged_bytes = self._after, 0

    def _converse(self, first: str, *, comes_back: bool = False) -> None:
        with self._wire.open(self._token) as line:
            try:
                line.send(first)
                self._hear(line, comes_back=comes_back)
            except ConnectionClosed as closed:
                code, reason = (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (None, "")
                raise conversation.end_of(code, reason) from None
            finally:
                with self._changed:
                    self._line, self._room = None, 0

    def _hear(self, line: ClientConnection, *, comes_back: bool) -> None:
        first = True
        while not self._over:
            told = conversation.heard(line.recv())
            if first:
                first = False
                self._welcome(line, comes_back=comes_back)
            if isinstance(told, Window):
                self._open_window(told)
                continue
            self._learn(told)
            if self._closing and told.seq is not None:
                line.send(said("ack", seq=told.seq))
            self._put(told.event, told.seq)
            if self._finished is not None:
                self._end(None)

    def _welcome(self, line: ClientConnection, *, comes_back: bool) -> None:
        self._is_there = True
        with self._changed:
            self._line = line
            unsure, self._unsure_bytes = self._unsure_bytes, 0
            terminal, stdin_closed = self._terminal, self._stdin_closed
            self._changed.notify_all()
        if comes_back:
            self._resumed += 1
            self._put(Reattached(unsure))
            # They may have been said to nobody, and can be said twice.
            if terminal is not None:
                line.send(said("resize", **conversation.size(terminal)))
            if stdin_closed:
                line.send(said("stdin_close"))
            if self._is_cancelled:
                line.send(said("cancel"))

    def _open_window(self, window: Window) -> None:
        with self._changed:
            self._room += window.stdin_bytes
            self._detach_s = self._detach_s if window.detach_s is None else window.detach_s
            self._changed.notify_all()

    def _learn(self, told: Told) -> None:
        if isinstance(told.event, Queued):
            self._execution_id = told.event.execution_id
            self._token = told.access_token or self._token
        elif isinstance(told.event, Finished):
            self._finished = told.event

    def _put(self, event: Event, seq: int | None = None) -> None:
        with self._changed:
            self._events.append((event, seq))
            self._changed.notify_all()

    def _end(self, error: BaseException | None) -> None:
        """There is nothing more to come."""
        with self._changed:
            if not self._over:
                self._over, self._error = True, None if self._closing else error
            line, self._room = self._line, 0
            self._changed.notify_all()
        self._stop_trying.set()
        if line is not None and self._closing:
            line.close()
