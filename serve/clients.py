"""Clients that hold no thread: those that send a request, those that read an answer, those that are seen off.

One poller waits for all of them, beside those that gunicorn keeps for their next request. Each has a time; where there
is no room for another, those go first that are missed least.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, Protocol

from serve import sockets
from serve.incoming import End
from serve.sockets import Connection, Shared

SEE_OFF_S = 2.0
"""How long a connection is still read after its last answer: closed with something unread in it, the kernel would reset
it, and the client lose what it has not read of its answer."""
STOP_SILENT_S = 2.0
"""A worker that stops waits so long for the first byte of a connection that was accepted already."""
STALLED_S = 0.5
"""Who has taken nothing for so long may lose its answer where others need the memory."""
HELD_UP_S = 0.05
"""Between two looks for memory for what is sent: there may be many that need it."""
SPARED_AT_ONCE = 16
"""Choosing whom to close takes a look at all of them, so a few are closed at a time."""


class Client(Protocol):
    """gunicorn's connection."""

    sock: Connection
    data_ready: bool

    def close(self) -> None: ...


class _Line:
    """Clients in the order in which their time is over. All have the same time."""

    def __init__(self) -> None:
        self._until: dict[Client, float] = {}

    def __contains__(self, client: Client) -> bool:
        return client in self._until

    def __iter__(self) -> Iterator[Client]:
        return iter(self._until)

    def join(self, client: Client, seconds: float) -> None:
        """At the end, also for one that is in it."""
        self._until.pop(client, None)
        self._until[client] = time.monotonic() + seconds

    def leave(self, client: Client) -> None:
        """It need not be in it."""
        self._until.pop(client, None)

    def over(self, *, before_s: float = 0.0) -> list[Client]:
        """Those whose time is over, or will be `before_s` seconds from now."""
        now, over = time.monotonic() + before_s, []
        for client, until in self._until.items():
            if until > now:
                break
            over.append(client)
        return over


class Clients:
    """Used in the worker's main thread alone."""

    def __init__(
        self,
        poller: selectors.BaseSelector,
        shared: Shared,
        *,
        hand_over: Callable[[Any], None],
        drop: Callable[[Any], None],
    ) -> None:
        """`hand_over` gives a client with a request that is at its end to a thread, `drop` closes its connection."""
        self._poller = poller
        self._shared = shared
        self._hand_over = hand_over
        self._drop = drop
        self._sending = _Line()
        self._reading = _Line()
        self._slow = _Line()
        """The same ones, each with one time for its whole answer; who has used it up goes where room is needed."""
        self._leaving = _Line()
        self._held_up: dict[Client, None] = {}
        """Of those that send, who is not read at the moment, for want of memory."""
        self._look_at = 0.0
        self._stopping = False
        self._then: dict[Client, Callable[[], None]] = {}
        """Of those that read an answer, what comes behind it."""
        self._polled: set[Client] = set()

    def read(self, client: Client) -> None:
        """Wait for its next request."""
        if client.sock.incoming.end is not None:
            client.sock.begin_next()
        self._gather(client)

    def answer(self, client: Client, then: Callable[[], None]) -> None:
        """Send it what is left of its answer, and then call `then`."""
        self._then[client] = then
        self._reading.join(client, sockets.SEND_S)
        self._slow.join(client, sockets.SEND_S)
        self._poll(client, selectors.EVENT_WRITE, self._flush)

    def see_off(self, client: Client) -> None:
        """End the connection, of which the last answer is sent."""
        try:
            client.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._drop(client)
            return
        self._leaving.join(client, SEE_OFF_S)
        self._discard(client)

    def give_up_late(self, *, stopping: bool = False) -> None:
        """Of those whose time is over: who has sent a whole head is told so, all others are dropped."""
        self._stopping = stopping
        self._look_at_held_up()
        for client in self._sending.over():
            if client.sock.waits_for_room and not stopping:
                self._sending.join(client, sockets.READ_S)
            else:
                self._gather_at_last(client)
        for client in [*self._reading.over(), *self._leaving.over()]:
            self._dismiss(client)
        if stopping:
            for client in self._sending.over(before_s=sockets.READ_S - STOP_SILENT_S):
                if not client.sock.incoming.bytes:
                    self._dismiss(client)

    def make_room(self, kept: Iterable[Client], drop_kept: Callable[[Any], None]) -> bool:
        """Close some that are missed least; whether there were any. Not while the poller's events are gone through.

        That are those that are seen off; else, of those who wait with their next request (also the `kept`, which are
        gunicorn's) or are slow to send it, the oldest of the one that has most of them, and first who has sent nothing;
        else those who take nothing of their answer.
        """
        gone = list(self._leaving)
        if not gone:
            idle = [*self._sending, *kept]
            gone = _of_the_greediest(idle, Counter(client.sock.client for client in idle))
            gone.sort(key=lambda client: client in self._sending and client.sock.incoming.bytes > 0)
        gone = (gone or self._stalled())[:SPARED_AT_ONCE]
        for client in gone:
            if client in self._polled or client in self._held_up:
                self._dismiss(client)
            else:
                drop_kept(client)
        return bool(gone)

    def make_memory(self) -> None:
        """Close one that takes nothing of its answer, of those whose answers take most."""
        stalled = self._stalled()
        taken = Counter({client.sock.client: self._shared.unsent.taken_by(client.sock.client) for client in stalled})
        for client in _of_the_greediest(stalled, taken)[:1]:
            self._dismiss(client)

    def _stalled(self) -> list[Client]:
        """Those who take nothing; else those who take their time."""
        return self._reading.over(before_s=sockets.SEND_S - STALLED_S) or self._slow.over()

    def _look_at_held_up(self) -> None:
        now = time.monotonic()
        if not self._held_up or now < self._look_at:
            return
        self._look_at = now + HELD_UP_S
        for client in list(self._held_up):
            if not client.sock.is_held_up:
                self._gather(client)

    def _gather(self, client: Client) -> None:
        connection = client.sock
        try:
            connection.gather()
            if connection.incoming.end is None and connection.incoming.asks_to_go_on:
                connection.tell_to_go_on()
        except OSError:
            self._dismiss(client)
            return
        if connection.incoming.end is not None:
            self._take_up(client)
            return
        if client not in self._sending or (connection.makes_progress and not self._stopping):
            self._sending.join(client, sockets.READ_S)
        if connection.is_held_up:
            self._stop_polling(client)
            self._held_up[client] = None
        else:
            self._held_up.pop(client, None)
            self._poll(client, selectors.EVENT_READ, self._gather)

    def _gather_at_last(self, client: Client) -> None:
        """Take what has come in time: this process may have been suspended. Whose request is no whole one is late."""
        incoming, seen = client.sock.incoming, -1
        while client in self._sending and incoming.bytes > seen:
            seen = incoming.bytes
            self._gather(client)
        if client in self._sending:
            incoming.close(End.LATE)
            self._take_up(client)

    def _take_up(self, client: Client) -> None:
        """Its request is at its end. Without a head there is nothing to answer, unless it is refused."""
        incoming = client.sock.incoming
        if not incoming.head_bytes and incoming.end is not End.UNCLEAR:
            self._dismiss(client)
            return
        if client in self._sending:
            self._forget(client)
        client.data_ready = True
        client.sock.arrived_at = time.monotonic()
        self._hand_over(client)

    def _flush(self, client: Client) -> None:
        try:
            done = client.sock.flush()
        except OSError:
            self._dismiss(client)
            return
        if not done:
            self._reading.join(client, sockets.SEND_S)
            return
        then = self._then[client]
        self._forget(client)
        then()

    def _discard(self, client: Client) -> None:
        try:
            if client.sock.discard():
                self._dismiss(client)
                return
        except OSError:
            self._dismiss(client)
            return
        self._poll(client, selectors.EVENT_READ, self._discard)

    def _dismiss(self, client: Client) -> None:
        self._forget(client)
        self._drop(client)

    def _forget(self, client: Client) -> None:
        self._stop_polling(client)
        for line in (self._sending, self._reading, self._slow, self._leaving):
            line.leave(client)
        self._held_up.pop(client, None)
        self._then.pop(client, None)

    def _poll(self, client: Client, events: int, call: Callable[[Client], None]) -> None:
        if client not in self._polled:
            self._poller.register(client.sock, events, partial(self._call, client, call))
            self._polled.add(client)

    def _call(self, client: Client, call: Callable[[Client], None], _socket: object) -> None:
        # An event that was seen together with this one may have closed the connection.
        if client in self._polled:
            call(client)

    def _stop_polling(self, client: Client) -> None:
        if client in self._polled:
            self._polled.discard(client)
            with contextlib.suppress(OSError, KeyError, ValueError):
                self._poller.unregister(client.sock)


def _of_the_greediest(clients: list[Client], has: Counter[str]) -> list[Client]:
    """Those of the one, by address, that has most."""
    if not clients:
        return []
    greediest = has.most_common(1)[0][0]
    return [client for client in clients if client.sock.client == greediest]
