"""Clients that hang up while they wait for a program: seen by one thread of the process, whatever their number.

Theory of operation. Who closes a connection sends FIN, and so does who only ends its sending and reads on; no look at
the socket tells them apart. Only what is sent tells: the kernel of the one that has closed answers with a reset. So
where FIN has come, the first byte of the answer is sent ahead of the rest. Who reads on gets the same bytes as ever,
and of who has gone the socket says so (POLLHUP, POLLERR), as it does at once where the client resets the connection.
"""

from __future__ import annotations

import contextlib
import logging
import select
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol, runtime_checkable

logger = logging.getLogger(__name__)

_AGAIN_S = 0.1
"""Between two tries to cancel what is about to start and not known to dispatch yet: well within the promised second."""
_RESET_MS = 20
"""How long one that had sent FIN before its request was read is waited for: a reset takes a round trip to come."""
_GONE = select.POLLHUP | select.POLLERR | select.POLLNVAL


@runtime_checkable
class Peer(Protocol):
    """The socket of a client; serve/sockets.py has the real one."""

    def fileno(self) -> int:
        """The descriptor."""

    def send_ahead(self) -> None:
        """Send the first byte of the answer, once, without waiting. Raises OSError."""


class Client:
    """Whoever waits for an answer. One that nothing watches is never gone."""

    def __init__(self) -> None:
        self.gone = False
        self._cancel: Callable[[], bool] = _nothing_to_cancel

    def when_gone(self, cancel: Callable[[], bool]) -> None:
        """Have `cancel` called, in another thread, once the client is gone, and again until it says that it did."""
        self._cancel = cancel

    def cancel(self) -> bool:
        """Whether there was something to cancel."""
        return self._cancel()


@contextmanager
def watched(environ: Mapping[str, Any]) -> Iterator[Client]:
    """The client of a request, watched inside; nothing may be sent to it meanwhile."""
    peer = environ.get("gunicorn.socket")
    if not isinstance(peer, Peer):
        yield Client()
        return
    with _watcher().watching(peer) as client:
        yield client


@dataclass(slots=True)
class _Watched:
    """One client and its socket."""

    peer: Peer
    client: Client
    asked: bool = False
    """A byte was sent to see whether the client is still there."""
    told: bool = False
    """What it waited for was cancelled."""

    @property
    def awaited(self) -> int:
        """What to wake for, once; POLLHUP and POLLERR always do."""
        return select.EPOLLONESHOT | (0 if self.asked else select.EPOLLRDHUP)

    def look(self, wait_ms: int = 0) -> None:
        """Notice that it is gone; where it may be, ask, and wait so long for the reset."""
        state = self._state(select.POLLRDHUP, 0)
        if state & select.POLLRDHUP and not state & _GONE and not self.asked:
            self.asked = True
            with contextlib.suppress(OSError):
                self.peer.send_ahead()
            state = self._state(0, wait_ms)
        self.client.gone = bool(state & _GONE)

    def _state(self, events: int, wait_ms: int) -> int:
        poll = select.poll()
        poll.register(self.peer.fileno(), events)
        return next((state for _, state in poll.poll(wait_ms)), 0)


class _Watcher:
    """The thread and what it watches."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._lock = threading.Lock()
        self._watched: dict[int, _Watched] = {}
        threading.Thread(target=self._watch, name="gexec-disconnect", daemon=True).start()

    @contextmanager
    def watching(self, peer: Peer) -> Iterator[Client]:
        descriptor, one = peer.fileno(), _Watched(peer, Client())
        one.look(_RESET_MS)
        with self._lock:
            self._watched[descriptor] = one
            self._epoll.register(descriptor, one.awaited)
        try:
            yield one.client
        finally:
            # Under the lock, so that nothing is sent ahead once the answer may be on its way.
            with self._lock:
                del self._watched[descriptor]
                self._epoll.unregister(descriptor)

    def _watch(self) -> None:
        waiting = False
        while True:
            for descriptor, _ in self._epoll.poll(_AGAIN_S if waiting else None):
                try:
                    self._look(descriptor)
                except Exception:
                    # One thread sees to all clients: what goes wrong with one is not to keep it from the others.
                    logger.exception("a client could not be looked at")
            waiting = self._cancel_gone()

    def _look(self, descriptor: int) -> None:
        with self._lock:
            # The event may be of one that has left, and the number another's now: what counts is what is seen here.
            one = self._watched.get(descriptor)
            if one is None:
                return
            one.look()
            if not one.client.gone:
                self._epoll.modify(descriptor, one.awaited)

    def _cancel_gone(self) -> bool:
        """Whether some are gone whose work was not found yet: it is about to start, or has just ended."""
        with self._lock:
            gone = [one for one in self._watched.values() if one.client.gone and not one.told]
        for one in gone:
            try:
                one.told = one.client.cancel()
            except Exception:
                logger.exception("what a client left behind could not be cancelled")
        return not all(one.told for one in gone)


_making = threading.Lock()


def _watcher() -> _Watcher:
    # Two threads that ask at once would make two: `cache` alone does not keep them apart.
    with _making:
        return _the_watcher()


@cache
def _the_watcher() -> _Watcher:
    return _Watcher()


def _nothing_to_cancel() -> bool:
    return False
