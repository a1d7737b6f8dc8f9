"""The channels of this process: those of executions that run, and for a while of those that have ended."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from uuid import UUID

from django.conf import settings

from executions.live.channel import Channel
from languages.options import MIB

KEPT_S = 60.0
"""How long past its end: a browser that has lost its connection is back within seconds."""

_MOST_ENDED = 4096
"""A channel takes about 2 kB beside its events, which are counted."""


class Channels:
    """Safe for threads."""

    def __init__(self, *, most_bytes: int, most_bytes_each: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most_bytes, self._most_bytes_each, self._clock = most_bytes, most_bytes_each, clock
        self._changed = threading.Condition()
        self._channels: dict[UUID, Channel] = {}
        self._ended: dict[UUID, Channel] = {}
        """Those that are over as well, in the order of their ends."""
        self._bytes = 0
        self._closing = False

    @property
    def kept_bytes(self) -> int:
        """Of all channels together."""
        return self._bytes

    def open(self, execution_id: UUID, *, attempt: int) -> Channel:
        """A new channel; it takes the place of an attempt before."""
        channel = Channel(
            execution_id,
            attempt=attempt,
            most_bytes=self._most_bytes_each,
            charge=self._charge,
            clock=self._clock,
        )
        with self._changed:
            self._forget_old()
            if (before := self._channels.get(execution_id)) is not None:
                self._forget(before)
            self._channels[execution_id] = channel
            self._changed.notify_all()
        return channel

    def close(self, channel: Channel) -> None:
        """It is over: keep it for a while."""
        with self._changed:
            if channel.is_over:
                return
        channel.close()
        with self._changed:
            if self._channels.get(channel.execution_id) is channel:
                self._ended[channel.execution_id] = channel
            else:
                self._bytes -= channel.kept_bytes
            self._forget_old()
            self._changed.notify_all()

    def find(self, execution_id: UUID) -> Channel | None:
        """The one of this execution."""
        with self._changed:
            self._forget_old()
            return self._channels.get(execution_id)

    def wait(self, execution_id: UUID, timeout_s: float) -> None:
        """Wait until this one is opened, or the process is about to end."""
        with self._changed:
            self._changed.wait_for(lambda: self._closing or self._is_open(execution_id), timeout_s)

    @property
    def closing(self) -> bool:
        """Whether the process is about to end: then nobody waits for what other processes do."""
        return self._closing

    def begin_closing(self) -> None:
        """The process is about to end."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()

    def _is_open(self, execution_id: UUID) -> bool:
        channel = self._channels.get(execution_id)
        return channel is not None and not channel.is_over

    def _charge(self, more: int) -> bool:
        """Called with a channel's own lock held: no lock of another channel may be taken here."""
        with self._changed:
            self._bytes += more
            while self._bytes > self._most_bytes and self._ended:
                self._forget(next(iter(self._ended.values())))
            return self._bytes <= self._most_bytes

    def _forget_old(self) -> None:
        forgotten_until = self._clock() - KEPT_S
        while self._ended:
            oldest = next(iter(self._ended.values()))
            is_young = oldest.ended_at is None or oldest.ended_at > forgotten_until
            if is_young and len(self._ended) <= _MOST_ENDED:
                return
            self._forget(oldest)

    def _forget(self, channel: Channel) -> None:
        if self._channels.get(channel.execution_id) is channel:
            del self._channels[channel.execution_id]
        if self._ended.pop(channel.execution_id, None) is not None:
            self._bytes -= channel.kept_bytes


_making = threading.Lock()
_channels: Channels | None = None


def all_channels() -> Channels:
    """This process's, as the settings bound them."""
    global _channels  # noqa: PLW0603 (one a process, and nothing is made at import)
    if _channels is None:
        with _making:
            if _channels is None:
                _channels = Channels(
                    most_bytes=settings.GEXEC_EVENTS_MB * MIB, most_bytes_each=settings.GEXEC_EVENTS_BYTES
                )
    return _channels
