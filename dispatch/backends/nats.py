"""Tasks run by hosts, which are reached over NATS: see sandbox.bus and sandbox.host.

Theory of operation. This process has a line of its own, as a pool has one: so many of its tasks are with the hosts at
once, callers in turns, interactive ones before batch. One that has its turn is published as a job; the first host with
a free slot takes it. The thread that reads its events waits for what the host tells, and looks every second whether it
still can: a host that is silent for longer than its lease, or a NATS that is away, ends the wait with the error that
says so. Nothing is free for certain at a host, so nothing is reserved.

A task that a host had and lost before it said that it has begun is published once more. One that had begun is lost:
its row decides whether it begins again, as another attempt.
"""

from __future__ import annotations

import logging
import queue
import secrets
import time
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from hashlib import sha256
from uuid import UUID

from django.conf import settings
from nats.aio.msg import Msg

from dispatch import shares
from dispatch.base import Capacity, Event, Finished, Fleet, Leftover, Report, Reservation, Started, Task
from dispatch.keyboard import Keyboard
from dispatch.link import Link
from sandbox import bus
from sandbox.contents import is_one
from sandbox.docker import DockerImages, connect
from sandbox.engine import Images
from sandbox.errors import (
    Cancelled,
    ContainerLost,
    EngineUnavailable,
    HostLost,
    HostsUnavailable,
    ImageMissing,
    NotCarried,
    PoolBusy,
    PoolClosed,
    SandboxError,
)
from sandbox.hosts import name_of
from sandbox.messages import (
    MAX_BYTES,
    Assignment,
    Begun,
    Cancel,
    Ended,
    Failure,
    Heard,
    Kept,
    MessageError,
    Numbered,
    Said,
    Skip,
    Talked,
    Targets,
    decode,
    encode,
    packed,
)
from sandbox.pool import Place, Withdrawal
from sandbox.pool.permits import OwnPermits
from sandbox.pool.slots import Slots
from sandbox.types import (
    Artifact,
    ArtifactsCollected,
    Job,
    JobResult,
    Lane,
    Output,
    Profile,
    StepFinished,
    StepResult,
    WarmTarget,
)

logger = logging.getLogger(__name__)

_LOOK_S = 1.0
"""Between two looks of one that waits for its host's next word."""
_AWAY_S = 3.0
"""Without NATS, what has not begun is given up."""
_LOST_S = 8.0
"""Without NATS, what has begun is lost: its host has ended it long ago."""
_SILENT_S = 5.0
"""Of a host that lives: what it told may have been lost on the way, and its end is looked for where it is stored."""
_CANCEL_S = 3.0
_CANCEL_AGAIN_S = 0.2
_LATER_S = 1.0
_BUSY_RETRY_S = 2
_UNREAD_BYTES = 2 * MAX_BYTES
"""Of one run, that its reader has not read: more than any may print."""


class Nats:
    """The backend over hosts."""

    remote = True

    def __init__(
        self,
        url: str,
        *,
        slots: int,
        queue: int,
        wait_ms: int,
        trust: bus.Trust = bus.PLAIN,
        caller_share: float = 0.5,
        share_of: Callable[[str], float | None] = lambda _caller: None,
    ) -> None:
        """`slots` is how many of this process's tasks are with the hosts at once, `queue` how many wait for that."""
        self.web = secrets.token_hex(6)
        self.wait_ms = wait_ms
        self.slots = Slots(OwnPermits(slots), queue_limit=queue, caller_share=caller_share, share_of=share_of)
        self.link = Link(url, web=self.web, trust=trust, on_told=self._told, on_beat=self._beat)
        self._total = slots
        self._runs: dict[str, _NatsRun] = {}
        """By where they are told of."""
        self._in_flight: dict[str, _NatsRun] = {}
        self._images: dict[float, Images] = {}
        self._closed = False

    def prepare(self, report: Report) -> None:
        """Hosts prepare themselves."""
        report("Programs run on hosts")

    def reserve(
        self,
        profile: Profile,
        *,
        tenant: str | None,
        caller: str | None = None,
        lane: Lane = "interactive",
        companion: Profile | None = None,
    ) -> Reservation | None:
        del profile, tenant, caller, lane, companion
        if self._closed:
            raise PoolClosed("the server is shutting down")
        return None

    def submit(self, task: Task, *, reservation: Reservation | None = None) -> _NatsRun:
        del reservation
        return _NatsRun(self, task)

    def cancel(self, task_id: str) -> bool:
        run = self._in_flight.get(task_id)
        if run is None:
            return False
        run.cancel()
        return True

    def left_by(self, worker: UUID) -> bool:
        """Containers are the hosts', and `goes_on` tells of tasks."""
        del worker
        return False

    def goes_on(self, task_id: str, attempt: int) -> bool:
        # In this order: the end is stored before the job goes.
        if self.link.place_of_job(task_id, attempt) is not None:
            return True
        return self.link.end_of(bus.run_subject("*", task_id, attempt, "*")) is not None

    def abandon(self, task_id: str, attempt: int) -> None:
        self.link.say(task_id, attempt, encode(Cancel()))

    def leftovers(self, *, most: int, timeout_s: float) -> list[Leftover]:
        found = []
        for message in self.link.fetch_ends(most=most, timeout_s=timeout_s):
            done, later = partial(self.link.done, message), partial(self.link.later, message, delay_s=_LATER_S)
            try:
                ended = decode(message.data, Ended)
            except MessageError as error:
                logger.error("an end that is not understood is dropped: %s", error)
                done()
                continue
            found.append(self._leftover(message, ended, done, later))
        return found

    def _leftover(self, message: Msg, ended: Ended, done: Callable[[], None], later: Callable[[], None]) -> Leftover:
        result, goes_on = None if ended.cut else ended.result, False
        lost = ended.cut or ended.begun or (ended.failure is not None and ended.failure.kind == HostLost.__name__)
        if ended.whole is not None:
            done = partial(self._done_whole, message, ended)
            more = partial(self._whole, ended)
            return Leftover(ended.id, ended.attempt, None, lost, goes_on, done, later, more)
        goes_on = result is None and self.link.place_of_job(ended.id, ended.attempt) is not None
        return Leftover(ended.id, ended.attempt, result, lost, goes_on, done, later)

    def _done_whole(self, message: Msg, ended: Ended) -> None:
        self.link.done(message)
        self.link.forget_end(ended.id, ended.attempt)

    def _whole(self, ended: Ended) -> JobResult | None:
        """The result of an end that was cut. Raises HostsUnavailable."""
        if ended.whole is None or not is_one(ended.whole) or ended.whole.size > MAX_BYTES:
            return None
        data = self.link.whole_end(ended.id, ended.attempt, ended.whole)
        try:
            whole = None if data is None else decode(data, Ended)
        except MessageError as error:
            logger.warning("the end of %s is not understood: %s", ended.id, error)
            return None
        fits = whole is not None and (whole.id, whole.attempt) == (ended.id, ended.attempt)
        return whole.result if whole is not None and fits else None

    def whole(self, ended: Ended) -> Ended:
        """The end with its result, where that was cut and is there."""
        result = self._whole(ended) if ended.cut else None
        return ended if result is None else replace(ended, result=result, cut=False)

    def capacity(self) -> Capacity:
        warm: dict[Profile, int] = {}
        with suppress(HostsUnavailable):
            for host in self.link.hosts():
                for each in host.warm:
                    warm[each.profile] = warm.get(each.profile, 0) + each.count
        return Capacity(self._total, self.slots.in_use, self.slots.waiting, warm, self.slots.waiting_batch)

    def fleet(self) -> Fleet:
        waiting = self.link.waiting()
        return Fleet(self.link.hosts(), waiting)

    def drain(self, host: str, *, drained: bool) -> None:
        self.link.drain(host, drained=drained)

    def keep_warm(self, targets: Mapping[Profile, WarmTarget]) -> None:
        self.link.keep_warm(Targets(tuple(Kept(profile, target) for profile, target in targets.items())))

    def images(self, *, timeout_s: float) -> Images:
        """Of this machine's Docker, where there is one: what is built here is brought to the hosts by a registry."""
        if timeout_s not in self._images:
            self._images[timeout_s] = DockerImages(connect(timeout_s=timeout_s))
        return self._images[timeout_s]

    def check(self, *, timeout_s: float) -> None:
        del timeout_s
        self.require_hosts()

    def require_hosts(self) -> None:
        """Raises HostsUnavailable where nobody would take a job."""
        hosts = self.link.hosts()
        if self.link.away_s():
            raise HostsUnavailable("NATS cannot be reached")
        if not hosts:
            raise HostsUnavailable("no host is connected")
        if all(host.draining for host in hosts):
            raise HostsUnavailable("no host takes jobs")

    def close(self, *, grace_s: float) -> None:
        self._closed = True
        self.slots.close()
        if not self.slots.wait_until_unused(grace_s):
            self.slots.refuse_waiting()
            deadline = time.monotonic() + _CANCEL_S
            while time.monotonic() < deadline:
                for run in list(self._in_flight.values()):
                    run.cancel()
                if self.slots.wait_until_unused(_CANCEL_AGAIN_S):
                    break
        for each in self._images.values():
            each.close()
        self.link.close()

    # What runs ask for.

    def enter(self, run: _NatsRun) -> None:
        self._in_flight[run.task.id] = run
        self._runs[run.subject] = run

    def follow(self, run: _NatsRun, subject: str) -> None:
        """What is told there is of this run, and nothing else any more."""
        self._runs.pop(run.subject, None)
        run.subject = subject
        self._runs[subject] = run

    def leave(self, run: _NatsRun) -> None:
        self._runs.pop(run.subject, None)
        if self._in_flight.get(run.task.id) is run:
            del self._in_flight[run.task.id]

    def _told(self, subject: str, data: bytes) -> None:
        where, _, kind = subject.rpartition(".")
        run = self._runs.get(where)
        if run is not None:
            run.told(kind, data)

    def _beat(self) -> None:
        """Whoever talks is there, and what was lost is said again."""
        for run in list(self._runs.values()):
            if run.keyboard is not None:
                run.keyboard.repeat()


class _NatsRun:
    """One task of this process, wherever it runs."""

    def __init__(self, backend: Nats, task: Task) -> None:
        self.task = task
        self.subject = bus.run_subject(backend.web, task.id, task.attempt, _ask())
        self._backend = backend
        self._link = backend.link
        self._inbox: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()
        self._unread = 0
        self._parts = bytearray()
        self._withdrawal = Withdrawal()
        self._cancelled = False
        self._skipped: set[str] = set()
        self._left_out: set[str] = set()
        self._asked = False
        self._waits = True
        self._began = 0.0
        self._deadline = 0.0
        self._place: int | None = None
        """In the stream of jobs."""
        self._host: str | None = None
        """Which one it has begun on."""
        self._next = 0
        """The number of the next event."""
        self._gap = False
        """Whether events were lost on their way."""
        self._bounds = _bounds_of(task.job)
        self._results: list[StepResult] = []
        self._artifacts: tuple[Artifact, ...] = ()
        self._again = False
        """Whether it was published a second time."""
        self._over = False
        self._heard_at = 0.0
        self.keyboard = None if task.console is None else Keyboard(task.console, self._say)
        """Where it is talked to."""

    def events(self) -> Generator[Event, None, None]:
        task = self.task
        self._asked = True
        self._backend.enter(self)
        self._began = time.monotonic()
        wait_ms = self._backend.wait_ms if task.wait_ms is None else task.wait_ms
        self._deadline = self._began + wait_ms / 1000
        try:
            self._backend.slots.acquire(wait_ms / 1000, self._withdrawal, task.caller, task.lane)
            has_slot_since = time.monotonic()
            try:
                self._withdrawal.check()
                self._publish()
                result = yield from self._follow()
            finally:
                self._waits = False
                self._leave_host()
                self._backend.slots.release(task.caller, task.lane, held_s=time.monotonic() - has_slot_since)
            yield Finished(result)
        finally:
            self._waits = False
            self._backend.leave(self)
            if task.console is not None:
                task.console.ended()

    def skip(self, names: Iterable[str]) -> None:
        names = tuple(names)
        self._skipped.update(names)
        if self._place is not None:
            self._link.say(self.task.id, self.task.attempt, encode(Skip(names)))

    def position(self) -> int | None:
        place = self._standing()
        return None if place is None else place.position

    def estimate_ms(self) -> float | None:
        place = self._standing()
        return None if place is None else place.estimate_ms

    def is_gone(self) -> bool:
        if self._place is None:
            return True
        self._require_link()
        place = self._link.place_of_job(self.task.id, self.task.attempt)
        if place is None:
            return True
        if self._host is not None and not self._link.is_alive(self._host):
            # Its lease is over, and its containers have ended with it.
            self._link.delete_job(place)
            return True
        self._say_cancel()
        return False

    def cancel(self) -> None:
        """End it, wherever it is. Callable from any thread."""
        self._cancelled = True
        self._withdrawal.withdraw()
        self._inbox.put(("", b""))
        if self._place is not None and self._host is not None:
            self._say_cancel()

    def told(self, kind: str, data: bytes) -> None:
        """What came for it; the reader makes sense of it."""
        self._unread += len(data)
        if self._unread <= _UNREAD_BYTES:
            self._inbox.put((kind, data))

    # On its way to a host.

    def _publish(self) -> None:
        self._backend.require_hosts()
        task = self.task
        assignment = Assignment(
            id=task.id,
            attempt=task.attempt,
            answer_to=self.subject,
            profile=task.profile,
            job=task.job,
            lane=task.lane,
            tenant=_unnamed(task.tenant),
            stream_output=task.stream_output,
            bare_results=task.bare_results,
            start_ahead=task.start_ahead,
            skipped=tuple(self._skipped),
            talked=None if task.console is None else Talked(task.console.kept_bytes),
        )
        try:
            data, apart = packed(assignment, most_bytes=self._link.max_bytes())
        except MessageError as error:
            raise NotCarried(str(error)) from error
        self._link.leave(apart, anew=self._again)
        self._heard_at = time.monotonic()
        message_id = f"{task.id}:{task.attempt}"
        subject = bus.job_subject(task.lane, task.id, task.attempt)
        if self._again:
            message_id += ":again"
        self._place, known = self._link.publish_job(subject, data, message_id=message_id)
        if known:
            self._place = self._publish_after_another(subject, data, message_id)

    def _publish_after_another(self, subject: str, data: bytes, message_id: str) -> int:
        """This attempt was published before, and nobody has followed it to its end: it must be over first."""
        place = self._link.place_of_job(self.task.id, self.task.attempt)
        if place is not None:
            self._link.delete_job(place)
            if self._link.take_back(self.task.id, self.task.attempt):
                self._say_cancel()
                raise HostsUnavailable("an earlier run of it is being ended")
        return self._link.publish_job(subject, data, message_id=f"{message_id}:{secrets.token_hex(4)}")[0]

    def _take_back(self) -> bool:
        """Have it not begin; whether it has."""
        if self._place is not None:
            self._link.delete_job(self._place)
            if self._link.take_back(self.task.id, self.task.attempt):
                return True
        self._over = True
        return False

    def _leave_host(self) -> None:
        """Where its reader has left before its end, nothing of it goes on."""
        if self._over or self._place is None:
            return
        with suppress(HostsUnavailable):
            if self._host is None:
                self._link.delete_job(self._place)
        self._say_cancel()

    def _say_cancel(self) -> None:
        self._link.say(self.task.id, self.task.attempt, encode(Cancel()))

    # What it tells.

    def _follow(self) -> Generator[Event, None, JobResult]:
        while True:
            message = self._receive()
            if isinstance(message, Numbered):
                yield from self._take(message)
            elif message is not None:
                message = self._known_end(message)
                if self._may_publish_again(message):
                    continue
                yield from self._end(message)
                return self._result(message)

    def _say(self, said: Said) -> None:
        """To the host that has it, once it is known which."""
        if self._host is not None and (name := name_of(self._host)):
            self._link.publish(bus.said_subject(name, self.task.id, self.task.attempt), encode(said))

    def _receive(self) -> Numbered | Ended | None:
        """What comes next; None where it was only time to look around."""
        try:
            kind, data = self._inbox.get(timeout=_LOOK_S)
        except queue.Empty:
            return self._look_around()
        self._unread -= len(data)
        if not kind:
            return self._look_around()
        self._heard_at = time.monotonic()
        try:
            if kind == "heard":
                self._take_heard(decode(data, Heard))
                return None
            return self._ended_in(data) if kind == "end" else self._numbered_in(data)
        except MessageError as error:
            raise ContainerLost(f"what its host told is not understood: {error}") from error

    def _take_heard(self, heard: Heard) -> None:
        if self.keyboard is not None:
            self.keyboard.heard(heard)

    def _ended_in(self, data: bytes) -> Ended:
        ended = decode(data, Ended)
        if (ended.id, ended.attempt) != (self.task.id, self.task.attempt):
            raise MessageError("the end of another")
        return ended

    def _numbered_in(self, data: bytes) -> Numbered | None:
        self._parts += data[1:]
        if data[:1] == b"+" and len(self._parts) <= MAX_BYTES:
            return None
        whole = bytes(self._parts)
        self._parts.clear()
        return decode(whole, Numbered)

    def _take(self, message: Numbered) -> Generator[Event, None, None]:
        if message.number < self._next:
            self._require_once(message)
            return
        self._gap = self._gap or message.number > self._next
        self._next = message.number + 1
        event = message.event
        if isinstance(event, Begun):
            yield from self._begun(event)
            return
        if self._host is None:
            # What said so was lost.
            yield from self._begun(Begun("?"))
        if isinstance(event, Output):
            if self.task.stream_output and event.step not in self._skipped:
                yield event
            if self.keyboard is not None:
                self.keyboard.read(len(event.data))
        elif isinstance(event, StepFinished):
            self._require_bounded(event.result)
            if self._is_wanted(event.result.name):
                self._results.append(event.result.bare() if self.task.bare_results else event.result)
                self._hang_up_after(event.result.name)
                yield event
        else:
            self._artifacts = event.artifacts
            yield event

    def _hang_up_after(self, step: str) -> None:
        if self.task.console is not None and step == self.task.job.steps[-1].name:
            self.task.console.ended()

    def _require_once(self, message: Numbered) -> None:
        """A NATS that crashed may give a job to a second host as if it was the first: what it tells is not the same."""
        if isinstance(message.event, Begun) and self._host is not None:
            self._say_cancel()
            self._over = True
            raise HostLost("it was begun a second time")

    def _begun(self, event: Begun) -> Generator[Event, None, None]:
        self._host = event.host
        self._waits = False
        if self._cancelled:
            self._say_cancel()
        yield Started(round((time.monotonic() - self._began) * 1000, 3), event.container_ms)

    def _require_bounded(self, result: StepResult) -> None:
        """Of a host that a program has taken over, no more is taken than of a program."""
        most = self._bounds.get(result.name)
        if most is None or max(len(result.stdout), len(result.stderr)) > most:
            raise ContainerLost(f"its host told of step {result.name!r:.100} what cannot be")

    def _is_wanted(self, name: str) -> bool:
        """Not what was to be skipped: the host may have heard of that too late."""
        of, _, what = name.rpartition("/")
        if name in self._skipped or (of in self._left_out and what in {"check", "interact"}):
            self._left_out.add(name)
            return False
        return True

    def _end(self, ended: Ended) -> Generator[Event, None, None]:
        """The last of its events, where some were lost on their way. Raises what the host could not do."""
        self._over = True
        if ended.failure is not None:
            raise _error_of(ended.failure)
        if ended.result is None:
            raise ContainerLost("its host told no result")
        if self._host is None:
            yield from self._begun(Begun(ended.host))
        self._gap = self._gap or ended.events != self._next
        if not self._gap:
            return
        ended = self._backend.whole(ended)
        result = ended.result or JobResult(())
        if self.task.stream_output or self.task.bare_results or ended.cut:
            raise ContainerLost("what it told was lost on its way")
        told = {step.name for step in self._results}
        for step in result.steps:
            self._require_bounded(step)
            if step.name not in told and self._is_wanted(step.name):
                self._results.append(step)
                yield StepFinished(step)
        if result.artifacts and not self._artifacts:
            self._artifacts = result.artifacts
            yield ArtifactsCollected(self._artifacts)

    def _result(self, ended: Ended) -> JobResult:
        del ended
        return JobResult(tuple(self._results), self._artifacts)

    def _known_end(self, ended: Ended) -> Ended:
        """What its host has stored before it was lost, where another one says only that it is lost."""
        if ended.failure is None or ended.failure.kind != HostLost.__name__:
            return ended
        with suppress(HostsUnavailable, MessageError):
            if (data := self._link.end_of(self.subject)) is not None:
                stored = self._ended_in(data)
                return ended if self._again and stored.failure is not None else stored
        return ended

    def _may_publish_again(self, ended: Ended) -> bool:
        """Whether it was lost with its host before it had begun, and is on its way to another now."""
        lost = ended.failure is not None and ended.failure.kind == HostLost.__name__
        if not lost or self._host is not None or self._again or self._cancelled:
            return False
        logger.warning("%s was lost with its host before it had begun, and goes to another", self.task.id)
        self._again = True
        self._forget_told()
        self._publish()
        return True

    def _forget_told(self) -> None:
        """What is told of the run that was lost is another's from now on: its end may come once more, stored twice."""
        self._backend.follow(self, bus.run_subject(self._backend.web, self.task.id, self.task.attempt, _ask()))
        self._parts.clear()
        with suppress(queue.Empty):
            while True:
                self._unread -= len(self._inbox.get_nowait()[1])

    # What becomes of it where nothing is told.

    def _look_around(self) -> Ended | None:
        if self._host is None:
            self._look_while_waiting()
        else:
            self._look_while_running(self._host)
        if time.monotonic() - self._heard_at < _SILENT_S or self._link.away_s():
            return None
        self._heard_at = time.monotonic()
        # NATS may be gone between two words: the next look tells.
        with suppress(HostsUnavailable):
            return self._stored_end()
        return None

    def _stored_end(self) -> Ended | None:
        """Where its end was told, and did not arrive. Raises HostLost where nobody knows of it any more."""
        # In this order: the end is stored before the job goes.
        place = self._link.place_of_job(self.task.id, self.task.attempt)
        data = self._link.end_of(self.subject)
        if data is None and place is None and not self._is_held():
            self._over = True
            raise HostLost("neither it nor its end is there any more")
        try:
            ended = None if data is None else self._ended_in(data)
        except MessageError:
            return None
        old = ended is not None and self._again and ended.failure is not None
        return None if old else ended

    def _is_held(self) -> bool:
        """Whether a host has it all the same: then it is told to end it, since nothing leases it any more."""
        return self._link.take_back(self.task.id, self.task.attempt, unless_begun=False)

    def _look_while_waiting(self) -> None:
        away_s = self._link.away_s()
        if away_s > _AWAY_S or (away_s and self._cancelled):
            self._over = True
            raise Cancelled("cancelled while it waited") if self._cancelled else HostsUnavailable("NATS is away")
        if away_s:
            return
        if self._cancelled and not self._take_back():
            raise Cancelled("cancelled while it waited")
        if time.monotonic() > self._deadline and not self._take_back():
            raise PoolBusy("no host had a free slot in time", retry_after_s=_BUSY_RETRY_S)
        if not self._link.hosts() and not self._take_back():
            raise HostsUnavailable("no host is connected")

    def _look_while_running(self, host: str) -> None:
        if self._cancelled:
            # What said so before may have been lost.
            self._say_cancel()
        away_s = self._link.away_s()
        if away_s > _LOST_S:
            raise HostLost("NATS was away for longer than hosts go on without it")
        if not away_s and host != "?" and not self._link.is_alive(host):
            with suppress(HostsUnavailable):
                if self._place is not None:
                    self._link.delete_job(self._place)
            self._over = True
            raise HostLost(f"host {host} is silent")

    def _require_link(self) -> None:
        if self._link.away_s():
            raise HostsUnavailable("NATS cannot be reached")

    def _standing(self) -> Place | None:
        """None once it does not wait any more. One that has its turn and waits for a host is the first."""
        if self._waits and not self._asked:
            return self._backend.slots.newcomers_place(self.task.caller, self.task.lane)
        place = self._backend.slots.place(self._withdrawal)
        # Looked at after the line, which it leaves before.
        return (place or Place(0, 0.0)) if self._waits else None


def _ask() -> str:
    """What tells a run from others of the same attempt."""
    return secrets.token_hex(4)


def _unnamed(tenant: str | None) -> str | None:
    """The same for the same one: what a key is known by is no host's business."""
    return None if tenant is None else sha256(tenant.encode()).hexdigest()


def _bounds_of(job: Job) -> dict[str, int]:
    """What may be printed of each step that there can be a result of, by its name."""
    bounds = {}
    for step in job.steps:
        bounds[step.name] = step.limits.output_bytes
        for word, judging in (("check", step.check), ("interact", step.interaction)):
            if judging is not None:
                bounds[f"{step.name}/{word}"] = judging.limits.output_bytes
    if job.companion is not None:
        bounds |= {f"companion/{step.name}": step.limits.output_bytes for step in job.companion.steps}
    return bounds


def make_backend() -> Nats:
    """The backend that the settings describe."""
    return Nats(
        settings.GEXEC_NATS_URL,
        slots=settings.GEXEC_SLOTS,
        queue=settings.GEXEC_QUEUE,
        wait_ms=settings.GEXEC_WAIT_MS,
        trust=bus.Trust(settings.GEXEC_NATS_CREDENTIALS, settings.GEXEC_NATS_CA),
        caller_share=settings.GEXEC_CALLER_SHARE,
        share_of=shares.of,
    )


_KINDS: Mapping[str, type[SandboxError]] = {
    kind.__name__: kind
    for kind in (Cancelled, ContainerLost, EngineUnavailable, HostLost, ImageMissing, NotCarried, PoolClosed)
}


def _error_of(failure: Failure) -> SandboxError:
    """What a host could not do, as it would be raised here."""
    if failure.kind == PoolBusy.__name__:
        return PoolBusy(failure.message, retry_after_s=max(1, min(60, failure.retry_after_s)))
    return _KINDS.get(failure.kind, EngineUnavailable)(failure.message)
