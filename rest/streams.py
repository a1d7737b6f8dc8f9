"""Whoever reads an answer that has no end yet: whether it is still there, and takes what it is sent."""

from __future__ import annotations

import select
import time
from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

STALLED_S = 10.0
"""Who takes nothing for so long is given up; it can come again, and go on where it was."""
_GONE = select.POLLHUP | select.POLLERR | select.POLLNVAL


@runtime_checkable
class Peer(Protocol):
    """The socket of a client; serve/sockets.py has the real one."""

    arrived_at: float
    """When its request had come, in time.monotonic()."""

    def fileno(self) -> int:
        """The descriptor."""

    def drain(self, timeout_s: float) -> int:
        """Send what is kept for it, waiting so long; how many bytes are kept still. Raises OSError."""


class Reader:
    """The client of one request. Without a socket of ours, as in a test, it takes all, and never goes."""

    def __init__(self, environ: Mapping[str, Any], *, stalled_s: float = STALLED_S) -> None:
        peer = environ.get("gunicorn.socket")
        self._peer = peer if isinstance(peer, Peer) else None
        self._stalled_s = stalled_s
        self._asked = False
        self._kept_bytes = 0
        self._waits_since = 0.0
        """Since when it has taken nothing of these."""
        self.arrived_at = self._peer.arrived_at if self._peer else time.monotonic()

    @property
    def has_gone(self) -> bool:
        """Whether it has closed the connection, or takes nothing any more."""
        if self._kept_bytes and time.monotonic() - self._waits_since > self._stalled_s:
            return True
        return bool(self._state(0) & _GONE)

    def should_be_asked(self) -> bool:
        """Whether it has ended its sending, true once: one that reads on takes what it is sent now, and the kernel of
        one that has closed answers with a reset.
        """
        if self._asked or not self._state(select.POLLRDHUP) & select.POLLRDHUP:
            return False
        self._asked = True
        return True

    def takes_more(self, timeout_s: float) -> bool:
        """Whether it has all that it was sent, within so long: what comes next is not to pile up here."""
        if self._peer is None:
            return True
        asked_at = time.monotonic()
        try:
            kept = self._peer.drain(timeout_s)
        except OSError:
            # The next look at the socket says so.
            return False
        if not self._kept_bytes or kept < self._kept_bytes:
            self._waits_since = asked_at
        self._kept_bytes = kept
        return not kept

    def _state(self, events: int) -> int:
        if self._peer is None:
            return 0
        poll = select.poll()
        poll.register(self._peer.fileno(), events)
        return next((state for _, state in poll.poll(0)), 0)
