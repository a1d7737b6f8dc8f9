"""The last events of one execution that this process runs: one thread publishes, any number reads."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from itertools import takewhile
from typing import NamedTuple
from uuid import UUID

from executions.live.characters import Characters
from executions.live.events import Began, Ended, Event, Gap, Printed, Queued, Restarted, StepBegan, first_place
from executions.live.flow import Flow

MERGED_BYTES = 4096
MERGED_S = 0.02
"""An output event has so many bytes, or comes so long after the one before it: 50 a second are fluent to the eye."""
READ_BYTES = 64 * 1024
"""About as much is read at once: what is on its way to a client, and not in the ring any more."""


class Read(NamedTuple):
    """What a reader gets."""

    events: list[Event | Gap]
    is_over: bool
    """Nothing comes any more from this channel, beyond these events."""


class Channel:
    """Its methods are safe for threads; the publishing ones are for one thread at a time, and wait for no reader."""

    def __init__(
        self,
        execution_id: UUID,
        *,
        attempt: int = 1,
        most_bytes: int,
        charge: Callable[[int], bool] = lambda _: True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`most_bytes` of events are kept. `charge` is told how much more, or less, that is each time, and says whether
        there is room for it.
        """
        self.execution_id = execution_id
        self.attempt = attempt
        self.kept_bytes = 0
        self.ended_at: float | None = None
        self.flow: Flow | None = None
        """Where whoever publishes waits for the reader, and what that has not shown is kept. Set it before anything is
        published."""
        self._most_bytes = most_bytes
        self._charge, self._clock = charge, clock
        self._changed = threading.Condition()
        self._listeners: set[Callable[[], object]] = set()
        self._place = first_place(attempt) - 1
        self._first: Event | None = None
        """Queued or Restarted: kept whatever happens."""
        self._events: deque[Event] = deque()
        self._lost_to = self._place
        """The last place that was dropped from the ring, and at least the one before its first event."""
        self._over = self._has_ended = False
        self._step, self._stream = "", 0
        self._pending = bytearray()
        self._pending_since = 0.0
        self._characters = Characters()
        self._step_began = 0.0
        self._sealed_at = 0.0

    def listen(self, call: Callable[[], object]) -> Callable[[], None]:
        """Have `call` called, which must not wait, whenever there is something new. Call what is returned to end it."""
        with self._changed:
            self._listeners.add(call)

        def end() -> None:
            with self._changed:
                self._listeners.discard(call)

        return end

    @property
    def is_due_in_s(self) -> float | None:
        """When something that is held back for a moment should be read, where there is such a thing."""
        return max(0.0, self._due - self._clock()) if self._pending else None

    @property
    def place(self) -> int:
        """The last one that was told; of output that is held back for a moment too, if any."""
        return self._place + len(self._pending)

    @property
    def is_over(self) -> bool:
        """Whether it was closed."""
        return self._over

    def has_lost(self, after: int) -> bool:
        """Whether something behind that place was dropped."""
        return after < self._lost_to and self._lost_to > first_place(self.attempt)

    def has_ended_by(self, place: int) -> bool:
        """Whether the execution's end stands there, or before."""
        with self._changed:
            return self._has_ended and place >= self._place

    def open(self, *, position: int | None = None, estimate_ms: float | None = None) -> None:
        """The first event of the attempt. Where another one comes before it, it is told with nothing known."""
        with self._changed:
            if self._first is not None:
                return
            seq = self._place + 1
            if self.attempt == 1:
                self._first = Queued(seq=seq, position=position, estimate_ms=estimate_ms)
            else:
                self._first = Restarted(seq=seq, attempt=self.attempt)
            self._place = self._lost_to = seq
            self._tell()

    def began(self, queue_ms: float | None) -> None:
        self.publish(lambda seq: Began(seq=seq, attempt=self.attempt, queue_ms=queue_ms))

    def step_began(self, step: str) -> None:
        self._step_began = self._clock()
        self.publish(lambda seq: StepBegan(seq=seq, step=step))

    def printed(self, step: str, stream: int, data: bytes) -> None:
        """Output as it comes. Small pieces are merged."""
        with self._changed:
            self.open()
            now = self._clock()
            if (step, stream) != (self._step, self._stream):
                self._seal(now)
                self._step, self._stream = step, stream
            if not self._pending:
                self._pending_since = now
            self._pending += data
            if len(self._pending) >= MERGED_BYTES or now - self._sealed_at >= MERGED_S:
                self._seal(now)
            elif len(self._pending) == len(data):
                # Whoever reads has to come back for it in time: nobody else does.
                self._tell()

    def step_is_over(self) -> None:
        """Tell what was held back of its output; call it before the step's end is published."""
        with self._changed:
            now = self._clock()
            self._seal(now)
            for stream, data in self._characters.rest():
                self._append_printed(stream, data, now)

    def publish(self, make: Callable[[int], Event]) -> None:
        """Any event but output; `make` gets its place."""
        with self._changed:
            self.open()
            self._seal(self._clock())
            self._append(make(self._place + 1))
            self._tell()

    def end(self) -> None:
        """The row has its final status. Close it then."""
        self.publish(lambda seq: Ended(seq=seq))
        self._has_ended = True

    def close(self) -> None:
        """Nothing more is published here: it has ended, or is begun again elsewhere."""
        with self._changed:
            self._over = True
            self.ended_at = self._clock()
            self._tell()

    def read(self, after: int, *, wait_s: float) -> Read:
        """What stands behind that place, about READ_BYTES of it; waits so long for the first of it."""
        give_up_at = self._clock() + wait_s
        with self._changed:
            while True:
                now = self._clock()
                if self._pending and now >= self._due:
                    self._seal(now)
                if self._place > after and (found := self._found(after)):
                    return Read(found, self._over and last_place(found, after) >= self._place)
                if self._over or now >= give_up_at:
                    return Read([], self._over)
                self._changed.wait(max(0.0, min(give_up_at, self._due if self._pending else give_up_at) - now))

    @property
    def _due(self) -> float:
        """When what waits to be merged is told in any case."""
        return self._sealed_at + MERGED_S

    def _found(self, after: int) -> list[Event | Gap]:
        found: list[Event | Gap] = []
        if after < 0 and self.attempt > 1:
            found.append(Queued(seq=0))
        if self._first is not None and after < self._first.seq:
            found.append(self._first)
            after = self._first.seq
        if after < self._lost_to:
            found.append(Gap(after + 1, self._lost_to))
            after = self._lost_to
        # Most have read all but the last ones.
        later = list(takewhile(lambda event: event.seq > after, reversed(self._events)))
        room = READ_BYTES
        while later and room > 0:
            event = later.pop()
            room -= event.size_bytes
            found.append(event.after(after) if isinstance(event, Printed) else event)
        return found

    def _seal(self, now: float) -> None:
        """Make an event of what waits."""
        if not self._pending:
            return
        data = self._characters.whole(self._stream, bytes(self._pending))
        self._pending.clear()
        self._sealed_at = now
        if data:
            self._append_printed(self._stream, data, self._pending_since)

    def _append_printed(self, stream: int, data: bytes, at: float) -> None:
        t_ms = round((at - self._step_began) * 1000, 1)
        self._append(Printed(seq=self._place + len(data), step=self._step, stream=stream, data=data, t_ms=t_ms))
        self._tell()

    def _append(self, event: Event) -> None:
        self._place = event.seq
        self._events.append(event)
        self.kept_bytes += event.size_bytes
        fits = self._charge(event.size_bytes)
        while self._events and (self.kept_bytes > self._most_bytes or not fits) and not self._is_kept(self._events[0]):
            dropped = self._events.popleft()
            self._lost_to = dropped.seq
            self.kept_bytes -= dropped.size_bytes
            fits = self._charge(-dropped.size_bytes)

    def _is_kept(self, event: Event) -> bool:
        """Whether its reader has not shown it yet. That is a window at most, and no budget's to take."""
        return self.flow is not None and not self.flow.is_open and event.seq > self.flow.shown

    def _tell(self) -> None:
        self._changed.notify_all()
        for call in self._listeners:
            call()


def last_place(events: list[Event | Gap], after: int) -> int:
    """Up to where one has read who has read these."""
    if not events:
        return after
    return events[-1].last if isinstance(events[-1], Gap) else events[-1].seq
