"""What becomes of a run of which nothing is told: looked at every second, and whenever it is cancelled.

One that waits is taken back when its time is up, nobody is there to take it, or NATS is away; one that has begun is
lost with its host. What a living host told may have been lost on its way: then its end is looked for where it is
stored.
"""

from __future__ import annotations

import time
from contextlib import suppress

from dispatch.base import Task
from dispatch.hosted.inbox import Inbox, end_in
from dispatch.hosted.posting import Posting
from dispatch.link import Link
from sandbox.errors import Cancelled, HostLost, HostsUnavailable, PoolBusy
from sandbox.messages import Ended, MessageError

_AWAY_S = 3.0
"""Without NATS, what has not begun is given up."""
_LOST_S = 8.0
"""Without NATS, what has begun is lost: its host has ended it long ago."""
_SILENT_S = 5.0
"""Of a host that lives: what it told may have been lost on the way, and its end is looked for where it is stored."""
_BUSY_RETRY_S = 2


class Silence:
    """Of one run."""

    def __init__(self, link: Link, task: Task, posting: Posting, inbox: Inbox) -> None:
        self._link = link
        self._task = task
        self._posting = posting
        self._inbox = inbox

    def look(self, *, subject: str, host: str | None, cancelled: bool, deadline: float) -> Ended | None:
        """Its end, where that was told at `subject` and did not arrive. Raises what has become of it.

        It has begun on `host`, or has to by `deadline`.
        """
        if host is None:
            self._look_while_waiting(cancelled=cancelled, deadline=deadline)
        else:
            self._look_while_running(host, cancelled=cancelled)
        if time.monotonic() - self._inbox.heard_at < _SILENT_S or self._link.away_s():
            return None
        self._inbox.heard_at = time.monotonic()
        # NATS may be gone between two words: the next look tells.
        with suppress(HostsUnavailable):
            return self._stored_end(subject)
        return None

    def known_end(self, ended: Ended, subject: str) -> Ended:
        """What its host has stored before it was lost, where another one says only that it is lost."""
        if not says_lost(ended):
            return ended
        with suppress(HostsUnavailable, MessageError):
            if (data := self._link.end_of(subject)) is not None:
                stored = end_in(data, self._task)
                return ended if self._posting.again and stored.failure is not None else stored
        return ended

    def _stored_end(self, subject: str) -> Ended | None:
        """Where its end was told, and did not arrive. Raises HostLost where nobody knows of it any more."""
        # In this order: the end is stored before the job goes.
        place = self._link.place_of_job(self._task.id, self._task.attempt)
        data = self._link.end_of(subject)
        if data is None and place is None and not self._is_held():
            self._posting.is_over = True
            raise HostLost("neither it nor its end is there any more")
        try:
            ended = None if data is None else end_in(data, self._task)
        except MessageError:
            return None
        old = ended is not None and self._posting.again and ended.failure is not None
        return None if old else ended

    def _is_held(self) -> bool:
        """Whether a host has it all the same: then it is told to end it, since nothing leases it any more.

        One that was taken off the stream here, a moment after it had begun, goes on.
        """
        goes_on = self._posting.is_withdrawn
        return self._link.take_back(self._task.id, self._task.attempt, unless_begun=goes_on)

    def _look_while_waiting(self, *, cancelled: bool, deadline: float) -> None:
        away_s = self._link.away_s()
        if away_s > _AWAY_S or (away_s and cancelled):
            self._posting.is_over = True
            raise Cancelled("cancelled while it waited") if cancelled else HostsUnavailable("NATS is away")
        if away_s:
            return
        if cancelled and not self._posting.take_back():
            raise Cancelled("cancelled while it waited")
        if time.monotonic() > deadline and not self._posting.take_back():
            raise PoolBusy("no host had a free slot in time", retry_after_s=_BUSY_RETRY_S)
        if not self._link.hosts() and not self._posting.take_back():
            raise HostsUnavailable("no host is connected")

    def _look_while_running(self, host: str, *, cancelled: bool) -> None:
        if cancelled:
            # What said so before may have been lost.
            self._posting.say_cancel()
        away_s = self._link.away_s()
        if away_s > _LOST_S:
            raise HostLost("NATS was away for longer than hosts go on without it")
        if not away_s and host != "?" and not self._link.is_alive(host):
            with suppress(HostsUnavailable):
                self._posting.delete()
            self._posting.is_over = True
            raise HostLost(f"host {host} is silent")


def says_lost(ended: Ended) -> bool:
    """Whether it says only that the host that had it is gone."""
    return ended.failure is not None and ended.failure.kind == HostLost.__name__
