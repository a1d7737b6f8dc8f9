"""One task of this process, wherever it runs: its turn, its job, and its events to the last."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from functools import partial

from dispatch.base import Event, Finished, Started, Task
from dispatch.hosted import ends
from dispatch.hosted.account import Account, Told
from dispatch.hosted.inbox import Inbox, Word
from dispatch.hosted.posting import Posting
from dispatch.hosted.runs import Runs
from dispatch.hosted.silence import Silence, says_lost
from dispatch.keyboard import Keyboard
from dispatch.link import Link
from sandbox import bus
from sandbox.errors import ContainerLost, HostLost, HostsUnavailable
from sandbox.hosts import name_of
from sandbox.messages import Begun, Ended, Heard, Numbered, Said, encode
from sandbox.pool import Place, Withdrawal
from sandbox.pool.slots import Slots
from sandbox.types import JobResult, Output, StepFinished

logger = logging.getLogger(__name__)

_BRIEF_S = 0.1
"""So long its start is not told alone: of most programs the end has come by then, and their row has both in one commit.
"""


@dataclass(frozen=True, slots=True)
class Office:
    """What all runs of a process share."""

    web: str
    """The process's part of subjects."""
    link: Link
    slots: Slots
    wait_ms: int
    runs: Runs


class NatsRun:
    """`cancel`, `skip`, `told`, `position` and `estimate_ms` are callable from any thread."""

    def __init__(self, office: Office, task: Task) -> None:
        self.task = task
        self.subject = _subject(office, task)
        self._office = office
        self._link = office.link
        self._withdrawal = Withdrawal()
        self._cancelled = False
        self._asked = False
        self._waits = True
        self._began = 0.0
        self._deadline = 0.0
        self._inbox = Inbox(task)
        self._ahead: list[Word | None] = []
        """What was read before its turn."""
        self._broken: ContainerLost | None = None
        """Why nothing can be read any more."""
        self._account = Account(task)
        self._posting = Posting(office.link, task)
        self._silence = Silence(office.link, task, self._posting, self._inbox)
        self.keyboard = None if task.console is None else Keyboard(task.console, self._say)
        """Where it is talked to."""

    def events(self) -> Generator[Event, None, None]:
        task, slots = self.task, self._office.slots
        self._asked = True
        self._office.runs.enter(self)
        self._began = time.monotonic()
        wait_ms = self._office.wait_ms if task.wait_ms is None else task.wait_ms
        self._deadline = self._began + wait_ms / 1000
        try:
            slots.acquire(wait_ms / 1000, self._withdrawal, task.caller, task.lane)
            has_slot_since = time.monotonic()
            try:
                self._withdrawal.check()
                self._publish()
                result = yield from self._follow()
            finally:
                self._waits = False
                self._posting.leave(has_begun=self._account.host is not None)
                slots.release(task.caller, task.lane, held_s=time.monotonic() - has_slot_since)
            yield Finished(result)
        finally:
            self._waits = False
            self._office.runs.leave(self)
            if task.console is not None:
                task.console.ended()

    def skip(self, names: Iterable[str]) -> None:
        names = tuple(names)
        self._account.skip(names)
        self._posting.say_skip(names)

    def position(self) -> int | None:
        place = self._standing()
        return None if place is None else place.position

    def estimate_ms(self) -> float | None:
        place = self._standing()
        return None if place is None else place.estimate_ms

    def is_gone(self) -> bool:
        if self._posting.place is None:
            return True
        if self._link.away_s():
            raise HostsUnavailable("NATS cannot be reached")
        place = self._link.place_of_job(self.task.id, self.task.attempt)
        if place is None:
            return True
        if self._account.host is not None and not self._link.is_alive(self._account.host):
            # Its lease is over, and its containers have ended with it.
            self._link.delete_job(place)
            return True
        self._posting.say_cancel()
        return False

    def cancel(self) -> None:
        """End it, wherever it is."""
        self._cancelled = True
        self._withdrawal.withdraw()
        self._inbox.wake()
        if self._posting.place is not None and self._account.host is not None:
            self._posting.say_cancel()

    def told(self, kind: str, data: bytes) -> None:
        """What came for it; its reader makes sense of it."""
        self._inbox.put(kind, data)

    def _publish(self) -> None:
        self._posting.publish(answer_to=self.subject, skipped=self._account.skipped)
        self._inbox.heard_at = time.monotonic()

    def _follow(self) -> Generator[Event, None, JobResult]:
        while True:
            word = self._next_word()
            if isinstance(word, Numbered):
                yield from self._take(word)
            elif word is not None:
                word = self._silence.known_end(word, self.subject)
                if self._may_publish_again(word):
                    continue
                yield from self._end(word)
                return self._account.result()

    def _next_word(self) -> Numbered | Ended | None:
        """What its host told, or has stored; None where that is nothing for its reader."""
        if self._broken is not None:
            raise self._broken
        word = self._ahead.pop() if self._ahead else self._inbox.next()
        if word is None:
            return self._silence.look(
                subject=self.subject,
                host=self._account.host,
                cancelled=self._cancelled,
                deadline=self._deadline,
            )
        if isinstance(word, Heard):
            if self.keyboard is not None:
                self.keyboard.heard(word)
            return None
        return word

    def _take(self, message: Numbered) -> Generator[Event, None, None]:
        try:
            for event in self._account.take(message):
                yield from self._pass_on(event)
        except HostLost:
            self._posting.say_cancel()
            self._posting.is_over = True
            raise

    def _pass_on(self, event: Told) -> Generator[Event, None, None]:
        if isinstance(event, Begun):
            yield self._begun(event)
        elif isinstance(event, Output):
            if self.task.stream_output and event.step not in self._account.skipped:
                yield event
            if self.keyboard is not None:
                self.keyboard.read(len(event.data))
        else:
            if isinstance(event, StepFinished):
                self._hang_up_after(event.result.name)
            yield event

    def _begun(self, event: Begun) -> Started:
        self._waits = False
        if self._cancelled:
            self._posting.say_cancel()
        queue_ms = round((time.monotonic() - self._began) * 1000, 3)
        return Started(queue_ms, event.container_ms, self._over_after_ms())

    def _over_after_ms(self) -> float | None:
        """How long it took to its end, where that comes in a moment."""
        if self._posting.is_over:
            return 0.0
        if self.task.stream_output or self.task.bare_results or self.keyboard is not None:
            return None
        began = time.monotonic()
        try:
            word = self._inbox.next(_BRIEF_S)
        except ContainerLost as error:
            # It has begun all the same.
            self._broken = error
            return None
        self._ahead.append(word)
        has_result = isinstance(word, Ended) and word.result is not None and word.failure is None
        return round((time.monotonic() - began) * 1000, 3) if has_result else None

    def _hang_up_after(self, step: str) -> None:
        if self.task.console is not None and step == self.task.job.steps[-1].name:
            self.task.console.ended()

    def _end(self, ended: Ended) -> Generator[Event, None, None]:
        """The last of its events, where some were lost on their way. Raises what the host could not do."""
        self._posting.is_over = True
        if ended.failure is not None:
            raise ends.error_of(ended.failure)
        for event in self._account.complete(ended, partial(ends.whole, self._link)):
            yield from self._pass_on(event)

    def _may_publish_again(self, ended: Ended) -> bool:
        """Whether it was lost with its host before it had begun, and is on its way to another now."""
        begun = self._account.host is not None
        if not says_lost(ended) or begun or self._posting.again or self._cancelled:
            return False
        logger.warning("%s was lost with its host before it had begun, and goes to another", self.task.id)
        self._posting.again = True
        # What is told of the run that was lost is another's from now on: its end may come once more, stored twice.
        self._office.runs.move(self, _subject(self._office, self.task))
        self._inbox.forget()
        self._publish()
        return True

    def _say(self, said: Said) -> None:
        """To the host that has it, once it is known which."""
        host = self._account.host
        if host is not None and (name := name_of(host)):
            self._link.publish(bus.said_subject(name, self.task.id, self.task.attempt), encode(said))

    def _standing(self) -> Place | None:
        """None once it does not wait any more. One that has its turn and waits for a host is the first."""
        if self._waits and not self._asked:
            return self._office.slots.newcomers_place(self.task.caller, self.task.lane)
        place = self._office.slots.place(self._withdrawal)
        # Looked at after the line, which it leaves before.
        return (place or Place(0, 0.0)) if self._waits else None


def _subject(office: Office, task: Task) -> str:
    """One that no other run has, also of the same attempt."""
    return bus.run_subject(office.web, task.id, task.attempt, secrets.token_hex(4))
