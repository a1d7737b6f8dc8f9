"""Executions that somebody talks to while they run, and those who do.

Theory of operation. Each is an execution like any other, with a row and a slot, run by a thread of its own (watched).
What is typed goes to its console, and how far its output was shown opens its flow. The connection of whoever talks to
it may come and go: nothing is lost by that, since the flow stands still at what was not shown. One thread looks after
all of them: who stays away, or is silent, for too long has its execution ended, as by a terminal whose line is cut
(SIGHUP) and a moment later by force.

Each holds a slot for minutes, so there are fewer of them than slots, and of these one caller has a share.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from signal import SIGHUP
from uuid import UUID

from django.conf import settings

from dispatch import active
from executions import in_flight
from executions.live.channels import all_channels
from executions.live.flow import Flow
from executions.models import Execution
from executions.results import SHUTTING_DOWN
from executions.submission import Origin, Submission
from executions.watched import WatchedRun
from rest.exceptions import Limited, Unavailable
from sandbox.console import Console

logger = logging.getLogger(__name__)

HANG_UP_S = 2.0
"""How long a program may take to end after it was told that its line is cut."""
_LOOK_S = 0.25
_AGAIN_S = 1.0
"""Between two tries to end one by force: it may be about to start, and not known to dispatch yet."""
_RETRY_AFTER_S = 5


class Places:
    """Counts something, and each caller's share of it. Safe for threads."""

    def __init__(self, most: Callable[[], int], what: str) -> None:
        self._most, self._what = most, what
        self._lock = threading.Lock()
        self._by_caller: Counter[str] = Counter()

    def enter(self, caller: str) -> Callable[[], None]:
        """Take a place; call what is returned, once, to give it back. Raises Unavailable, or Limited for its share."""
        with self._lock:
            most = self._most()
            share = max(1, math.ceil(most * settings.GEXEC_CALLER_SHARE))
            if self._by_caller.total() >= most:
                raise Unavailable(
                    f"too many {self._what} are open already", retry_after_s=_RETRY_AFTER_S, code="no_slot"
                )
            if self._by_caller[caller] >= share:
                message = f"{self._by_caller[caller]} {self._what} of yours are open already"
                raise Limited(message, code="too_many_concurrent", policy="interactive", retry_after_s=_RETRY_AFTER_S)
            self._by_caller[caller] += 1
        return partial(self._leave, caller)

    def _leave(self, caller: str) -> None:
        with self._lock:
            self._by_caller[caller] -= 1
            if not self._by_caller[caller]:
                del self._by_caller[caller]


connections = Places(lambda: settings.GEXEC_INTERACTIVE_CONNECTIONS, "connections to interactive executions")
_executions = Places(lambda: settings.GEXEC_INTERACTIVE, "interactive executions")


class InteractiveRun:
    """One of them, from its submission to its end. Safe for threads."""

    def __init__(self, submission: Submission, origin: Origin, *, caller: str, arrived_at: float) -> None:
        self._new_room = 0
        self.flow = Flow(self._is_ending)
        self._console = Console(kept_bytes=submission.limits.output_bytes, on_room=self._note_room)
        self._watched = WatchedRun(
            submission, origin, arrived_at=arrived_at, console=self._console, flow=self.flow, when_over=self._over
        )
        self._on_terminal = submission.interactive is not None and submission.interactive.terminal is not None
        self._caller = caller
        self._leave: Callable[[], None] = lambda: None
        self._lock = threading.Lock()
        self._speaker: object | None = None
        self._wake: Callable[[], object] = lambda: None
        self._spoken_at = self._attached_at = time.monotonic()
        self._cause = ""
        self._ended_at = math.inf
        """When it is ended by force."""

    def begin(self) -> None:
        """Return once it is accepted. Raises what running it raises at once, and what `Places.enter` does."""
        self._leave = _executions.enter(self._caller)
        _runs.look_after(self)
        self._watched.begin()

    @property
    def is_accepted(self) -> bool:
        """Whether it has a row."""
        return hasattr(self._watched, "execution")

    @property
    def id(self) -> UUID:
        """Its execution's."""
        return self._watched.execution.pk

    @property
    def ended(self) -> Execution | None:
        """Its row, where this run has ended it; see WatchedRun."""
        return self._watched.ended

    @property
    def error(self) -> BaseException | None:
        """Why it could not be started; see WatchedRun."""
        return self._watched.error

    @property
    def cause(self) -> str:
        """Why it was to end, where it did not by itself; its program may have ended in a way of its own when told."""
        return self._cause

    # Who talks to it.

    def attach(self, speaker: object, wake: Callable[[], object]) -> None:
        """It is this one's now, whoever had it before; `wake` is called when there is more room to type."""
        with self._lock:
            before, self._wake, self._speaker = self._wake, wake, speaker
            self._spoken_at = time.monotonic()
        before()

    def detach(self, speaker: object) -> None:
        """This one does not talk to it any more."""
        with self._lock:
            if self._speaker is speaker:
                self._speaker, self._wake = None, lambda: None
                self._attached_at = time.monotonic()

    def is_heard(self, speaker: object) -> bool:
        """Whether it is still this one's."""
        return self._speaker is speaker

    def take_room(self) -> int:
        """How much more may be typed than was told before."""
        with self._lock:
            room, self._new_room = self._new_room, 0
        return room

    def room_now(self) -> int:
        """How much may be typed, for one who was told of nothing yet."""
        with self._lock:
            self._new_room = 0
            return self._console.room

    # What is said to it.

    def type(self, data: bytes) -> None:
        """Raises TypedTooMuch."""
        self._spoken_at = time.monotonic()
        self._console.type(data)

    def close_stdin(self) -> None:
        """A terminal has no end of stdin but the key for it."""
        self._spoken_at = time.monotonic()
        if self._on_terminal:
            self._console.type(b"\x04")
        else:
            self._console.close_stdin()

    def signal(self, number: int) -> None:
        """See Console."""
        self._spoken_at = time.monotonic()
        self._console.signal(number)

    @property
    def resize(self) -> Callable[..., None]:
        """See Console."""
        return self._console.resize

    def end(self, cause: str, *, hang_up: bool = False) -> None:
        """Have it end; with `hang_up` it is told first, where it has a terminal. The first cause stays."""
        with self._lock:
            if self._cause:
                return
            self._cause = cause
            hang_up = hang_up and self._on_terminal
            self._ended_at = time.monotonic() + (HANG_UP_S if hang_up else 0.0)
        # What nobody shows any more keeps its end from nobody.
        self.flow.open()
        if hang_up:
            self._console.signal(SIGHUP)
        else:
            self._end_now()

    def look(self) -> bool:
        """See whether it has to end; False once it has."""
        if self._watched.is_over:
            return False
        now = time.monotonic()
        if not self._console.has_begun:
            # It waits for its slot, or is compiled: that has bounds of its own.
            self._spoken_at = now
        if now >= self._ended_at:
            self._end_now()
        elif self._cause:
            pass
        elif all_channels().closing:
            self.end(SHUTTING_DOWN, hang_up=True)
        elif self._speaker is None and now - self._attached_at > settings.GEXEC_INTERACTIVE_DETACH_S:
            self.end(f"nobody came back to it within {settings.GEXEC_INTERACTIVE_DETACH_S} s", hang_up=True)
        elif now - max(self._spoken_at, self.flow.printed_at) > settings.GEXEC_INTERACTIVE_IDLE_S:
            self.end(f"nothing was typed or shown for {settings.GEXEC_INTERACTIVE_IDLE_S} s", hang_up=True)
        return True

    def _end_now(self) -> None:
        if self.is_accepted:
            self._ended_at = time.monotonic() + _AGAIN_S
            in_flight.end(self.id, self._cause)
            active.backend().cancel(str(self.id))

    def wait_over(self, timeout_s: float) -> None:
        """Wait so long for its end."""
        self._watched.wait_over(timeout_s)

    def _over(self) -> None:
        self._leave()

    def _is_ending(self) -> bool:
        return bool(self._cause or in_flight.cause_of(self.id))

    def _note_room(self, size: int) -> None:
        with self._lock:
            self._new_room += size
            wake = self._wake
        wake()


class _Runs:
    """All of this process, and the thread that looks after them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._runs: set[InteractiveRun] = set()
        self._any = threading.Event()
        self._thread: threading.Thread | None = None

    def look_after(self, run: InteractiveRun) -> None:
        with self._lock:
            self._runs.add(run)
            self._any.set()
            if self._thread is None:
                self._thread = threading.Thread(target=self._look, name="interactive", daemon=True)
                self._thread.start()

    def find(self, execution_id: UUID) -> InteractiveRun | None:
        with self._lock:
            return next((run for run in self._runs if run.is_accepted and run.id == execution_id), None)

    def _look(self) -> None:
        while True:
            self._any.wait()
            with self._lock:
                runs = list(self._runs)
            gone = [run for run in runs if not self._goes_on(run)]
            with self._lock:
                self._runs.difference_update(gone)
                if not self._runs:
                    self._any.clear()
            time.sleep(_LOOK_S)

    def _goes_on(self, run: InteractiveRun) -> bool:
        try:
            return run.look()
        except Exception:
            logger.exception("an interactive execution could not be looked after")
            return True


_runs = _Runs()


def find(execution_id: UUID) -> InteractiveRun | None:
    """The one that runs in this process, or has just ended."""
    return _runs.find(execution_id)
