"""The host itself: asks for jobs, says that it has them, stores what came of them, and ends in good order."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.errors import KeyNotFoundError

from sandbox import bus
from sandbox.contents import Reference, reference_to
from sandbox.engine import Images
from sandbox.errors import Cancelled, HostLost, NotCarried
from sandbox.host.images import HostImages
from sandbox.host.run import HostedRun
from sandbox.hosts import HostState, Inventory, Warm, is_name
from sandbox.messages import (
    Ask,
    Assignment,
    Cancel,
    ContentsNeeded,
    Ended,
    Failure,
    Heard,
    Holds,
    MessageError,
    Numbered,
    Parcel,
    Said,
    Skip,
    Targets,
    answers_to,
    decode,
    encode,
    references,
)
from sandbox.parcels import Cache, ContentsMissing, fetch, leave
from sandbox.pool import Pool
from sandbox.types import JobResult, Output

logger = logging.getLogger(__name__)

Errors = (nats.errors.Error, OSError, TimeoutError)
"""What NATS, and the way to it, raise."""
_ASK_S = 0.5
"""How long a free slot asks for an interactive job before it looks for a batch one."""
_IN_A_ROW = 3
"""Interactive jobs while batch waits: then it has its turn, as in a pool's line."""
_KNOWN_CANCELLED = 10_000
_HEADROOM_BYTES = 4096
"""Of a message for its subject and headers."""
_TELL_S = 10.0
_SOON_BYTES = 4096
"""An event that is so small is not waited for."""
_DOUBT_S = bus.UNREACHABLE_S + 1.0
"""After this host has come back to NATS: by then all others have, or have ended what they had."""
_ANSWER_S = 0.3
_CHUNK = b"+"
_LAST = b"."


@dataclass(frozen=True, slots=True)
class HostConfig:
    """Of one host."""

    url: str
    """Of NATS; several with commas between them."""
    id: str
    name: str
    slots: int
    version: str
    trust: bus.Trust = field(default_factory=bus.Trust)
    cache_bytes: int = 256 * 1024 * 1024
    """Of large contents that jobs have had, kept in memory for the next that have the same."""
    grace_s: float = 30.0
    """How long what runs may go on when the host is told to stop."""
    registry: str = ""
    """Where images are fetched from that are not here; empty: nowhere."""


@dataclass(eq=False, slots=True)
class _Held:
    """A job that this host was given."""

    message: Msg
    lane: str
    key: tuple[str, str]
    """Its id and attempt."""
    works: bool = False
    """Whether this host is at work on it, or about to be."""
    run: HostedRun | None = None
    forgotten: bool = False
    """Whether somebody else may have it by now: nothing more is said of it."""
    cancelled: bool = False


@dataclass(eq=False, slots=True)
class _Slot:
    inbox: str
    answer: asyncio.Future[_Held | None] | None = None


@dataclass(slots=True)
class _Counts:
    batch: int = 0
    """Batch jobs that slots have or ask for."""
    since_batch: int = 0
    """Interactive jobs since batch was asked for last."""


class Host:
    """One host. `run` returns when it has ended."""

    def __init__(self, config: HostConfig, pool: Pool, images: Images) -> None:
        self._config = config
        self._pool = pool
        self._images = HostImages(images, config.registry)
        self._held: set[_Held] = set()
        self._extra: deque[_Held] = deque()
        """Jobs that came when their slot had given up waiting for an answer."""
        self._cancelled: OrderedDict[tuple[str, str], None] = OrderedDict()
        """What was cancelled and is not here: the job may be on its way."""
        self._contents = Cache(config.cache_bytes)
        self._fetching: dict[Reference, asyncio.Task[bytes]] = {}
        self._counts = _Counts()
        self._drained = False
        self._targets: bytes = b""
        self._stopping = asyncio.Event()
        self._reached_at = time.monotonic()
        self._doubt_until = 0.0
        """A NATS that crashed may have forgotten what it had just given to whom."""
        self._threads = ThreadPoolExecutor(config.slots + 1, thread_name_prefix="job")
        self._nc: Client
        self._js: JetStreamContext
        self._buckets: bus.Buckets

    def stop(self) -> None:
        """Take no more jobs, and end when those that run have."""
        self._stopping.set()

    async def run(self) -> None:
        """From the connection to the end."""
        if not await self._unless_stopped(self._connect()):
            return
        await self._nc.subscribe(bus.told_subject("*", "*"), cb=self._on_told)
        await self._nc.subscribe(bus.ask_subject("*", "*"), cb=self._on_asked)
        await self._nc.subscribe(bus.said_subject(self._config.name, "*", "*"), cb=self._on_said)
        beside = (self._renew(), self._watch(), self._tell_state(), self._images.keep())
        watching = [asyncio.create_task(each) for each in beside]
        await self._unless_stopped(self._has_images())
        slots = [asyncio.create_task(self._serve(number)) for number in range(self._config.slots)]
        logger.info("host %s takes jobs, %d at once", self._config.id, self._config.slots)
        await self._stopping.wait()
        self._images.stop()
        logger.info("host %s drains", self._config.id)
        _, late = await asyncio.wait(slots, timeout=self._config.grace_s)
        if late:
            self._end_all()
            await asyncio.wait(late, timeout=self._config.grace_s + 10)
        for task in watching:
            task.cancel()
        with suppress(*Errors):
            await self._buckets.hosts.delete(bus.host_key(self._config.id))
        with suppress(*Errors):
            await asyncio.wait_for(self._nc.close(), 5)
        self._threads.shutdown()

    async def _unless_stopped(self, call: Coroutine[Any, Any, None]) -> bool:
        """False where the host was told to stop before that was done: nats-py tries for the first time for ever."""
        calling, stopping = asyncio.create_task(call), asyncio.create_task(self._stopping.wait())
        done, _ = await asyncio.wait({calling, stopping}, return_when=asyncio.FIRST_COMPLETED)
        for task in {calling, stopping} - done:
            task.cancel()
        return calling in done and calling.exception() is None

    async def _connect(self) -> None:
        while True:
            try:
                self._nc = await bus.connect(
                    self._config.url,
                    name=self._config.id,
                    inbox=bus.host_inbox(self._config.name),
                    trust=self._config.trust,
                    on_back=self._back,
                )
                self._js = self._nc.jetstream(timeout=bus.CALL_S)
                self._buckets = await bus.found(self._js)
            except Errors as error:
                logger.warning("NATS cannot be reached: %s", error)
                await asyncio.sleep(1)
            else:
                self._reached_at = time.monotonic()
                return

    async def _back(self) -> None:
        self._forget_if_unreachable()
        # Before the first echo: what is given to this host from now on is not to be forgotten for what was before.
        self._reached_at = time.monotonic()
        self._doubt_until = time.monotonic() + _DOUBT_S

    async def _has_images(self) -> None:
        await self._images.ready.wait()

    # Asking for jobs.

    async def _serve(self, number: int) -> None:
        slot = _Slot(f"{bus.host_inbox(self._config.name)}.{self._config.id}.{number}")

        async def answered(message: Msg) -> None:
            self._answered(slot, message)

        await self._nc.subscribe(slot.inbox, cb=answered)
        while not self._stopping.is_set() or self._extra:
            held = self._extra.popleft() if self._extra else await self._next(slot)
            if held is not None:
                await self._guarded(held)

    async def _guarded(self, held: _Held) -> None:
        self._counts.batch += held.lane == "batch"
        try:
            await self._carry_out(held)
        except Exception:
            logger.exception("a job failed for a reason of ours, and comes again")
        finally:
            self._counts.batch -= held.lane == "batch"
            self._held.discard(held)

    async def _next(self, slot: _Slot) -> _Held | None:
        if self._drained or not self._nc.is_connected:
            await asyncio.sleep(_ASK_S / 2)
            return None
        if self._counts.since_batch >= _IN_A_ROW and (held := await self._ask_batch(slot)):
            return held
        if held := await self._ask(slot, "interactive", wait_s=_ASK_S):
            self._counts.since_batch += 1
            return held
        return await self._ask_batch(slot)

    async def _ask_batch(self, slot: _Slot) -> _Held | None:
        if self._counts.batch >= max(1, self._config.slots - 1) or self._stopping.is_set():
            return None
        self._counts.since_batch = 0
        # Before it is asked for: two slots must not both take the last that batch may have.
        self._counts.batch += 1
        try:
            return await self._ask(slot, "batch", wait_s=0)
        finally:
            self._counts.batch -= 1

    async def _ask(self, slot: _Slot, lane: str, *, wait_s: float) -> _Held | None:
        asked = {"batch": 1, "expires": int(wait_s * 1e9)} if wait_s else {"batch": 1, "no_wait": True}
        slot.answer = asyncio.get_running_loop().create_future()
        try:
            await self._nc.publish(
                f"$JS.API.CONSUMER.MSG.NEXT.{bus.JOBS}.{lane}", json.dumps(asked).encode(), reply=slot.inbox
            )
            return await asyncio.wait_for(slot.answer, wait_s + 2)
        except Errors:
            return None

    def _answered(self, slot: _Slot, message: Msg) -> None:
        waits = slot.answer is not None and not slot.answer.done()
        if message.headers and "Status" in message.headers and not message.data:
            if waits and slot.answer is not None:
                slot.answer.set_result(None)
            return
        _, _, lane, *key = message.subject.split(".")
        held = _Held(message, lane, (key[0], key[1]))
        self._held.add(held)
        if waits and slot.answer is not None:
            slot.answer.set_result(held)
        else:
            self._extra.append(held)

    # Carrying them out.

    async def _carry_out(self, held: _Held) -> None:
        task_id, attempt = held.key
        subject = bus.run_subject("unread", task_id, int(attempt), "unread")
        try:
            subject = _answers_to(held)
            if await self._was_given_before(held):
                await self._report_lost(held, subject)
                return
            held.works = True
            assignment = _checked(held, await self._assignment(held.message.data))
        except ContentsMissing as error:
            logger.warning("%s cannot be run: %s", task_id, error)
            # Whoever asked for it leaves them anew, and asks once more.
            await self._refuse(held, subject, Failure(HostLost.__name__, "what it needs was not there"))
            return
        except MessageError as error:
            logger.warning("%s is not understood: %s", task_id, error)
            why = f"host {self._config.name} does not understand the job: {error}"
            await self._refuse(held, subject, Failure(NotCarried.__name__, why))
            return
        if not await self._can_begin(held, assignment):
            return
        held.run = HostedRun(
            assignment,
            self._pool,
            host=self._config.id,
            tell=self._teller(assignment.answer_to),
            answer=self._answerer(assignment.answer_to),
        )
        if held.cancelled or held.key in self._cancelled:
            held.run.cancel()
        ended = await asyncio.get_running_loop().run_in_executor(self._threads, held.run.carry_out)
        if held.forgotten:
            logger.warning("attempt %s of %s was given up here", attempt, task_id)
            return
        if ended.result is not None or (ended.failure and ended.failure.kind != Cancelled.__name__):
            self._images.ran(assignment.profile.image, has_result=ended.result is not None)
        await self._store(held, assignment.answer_to, ended)

    async def _can_begin(self, held: _Held, assignment: Assignment) -> bool:
        """Once its images are here: one that was given up meanwhile may be somebody else's."""
        await self._images.need(_images_of(assignment))
        return not held.forgotten

    async def _assignment(self, data: bytes) -> Assignment:
        """The job with all of its contents. Raises MessageError, ContentsMissing, and what NATS does."""
        with suppress(MessageError):
            data = await self._content(decode(data, Parcel).whole)
        try:
            return decode(data, Assignment)
        except ContentsNeeded:
            apart = {each.sha256: await self._content(each) for each in references(data)}
            return decode(data, Assignment, apart)

    async def _content(self, reference: Reference) -> bytes:
        """Fetched once, however many jobs wait for it."""
        if (kept := self._contents.get(reference)) is not None:
            return kept
        if reference not in self._fetching:
            fetching = asyncio.create_task(fetch(self._buckets.inputs, reference))
            fetching.add_done_callback(lambda _: self._fetching.pop(reference, None))
            self._fetching[reference] = fetching
        data = await asyncio.shield(self._fetching[reference])
        self._contents.keep(reference, data)
        return data

    async def _was_given_before(self, held: _Held) -> bool:
        """Whether it was given to somebody before; returns when nobody works on it any more.

        A NATS that crashed does not know, and whoever has it may come back to NATS later than this host: it does so
        before UNREACHABLE_S, or ends its programs.
        """
        before = held.message.metadata.num_delivered > 1
        while not held.forgotten:
            if self._has_twin(held) or await self._is_elsewhere(held):
                if not before:
                    logger.warning("%s is worked on still, and was given anew", held.key[0])
                before = True
                await asyncio.sleep(bus.RENEW_S)
            elif before or time.monotonic() >= self._doubt_until:
                break
        return before

    def _has_twin(self, held: _Held) -> bool:
        return any(each.key == held.key and each.works for each in self._held if each is not held)

    async def _is_elsewhere(self, held: _Held) -> bool:
        if time.monotonic() >= self._doubt_until and held.message.metadata.num_delivered == 1:
            return False
        subject = bus.ask_subject(*held.key)
        try:
            await self._nc.request(subject, encode(Ask(self._config.id)), timeout=_ANSWER_S)
        except nats.errors.TimeoutError:
            return False
        return True

    async def _report_lost(self, held: _Held, subject: str) -> None:
        """What was given to a host before is not run: whether it begins again, the row decides."""
        task_id, _ = held.key
        logger.warning("%s had a host that is gone", task_id)
        await self._refuse(held, subject, Failure(HostLost.__name__, "the host that had it is gone"))

    async def _refuse(self, held: _Held, subject: str, failure: Failure) -> None:
        await self._store(held, subject, self._without_run(held, failure))

    def _without_run(self, held: _Held, failure: Failure) -> Ended:
        task_id, attempt = held.key
        return Ended(task_id, int(attempt), self._config.id, 0, failure=failure)

    def _teller(self, subject: str) -> Callable[[Numbered], None]:
        """Sends events from the job's thread, which waits until output, and what is large, is on its way.

        What is small goes in the order in which it was told, and what a program prints comes no faster than it goes.
        """
        loop = asyncio.get_running_loop()

        def tell(event: Numbered) -> None:
            data = encode(event)
            sent = asyncio.run_coroutine_threadsafe(self._send(f"{subject}.event", data), loop)
            if isinstance(event.event, Output) or len(data) > _SOON_BYTES:
                with suppress(*Errors):
                    sent.result(_TELL_S)

        return tell

    def _answerer(self, subject: str) -> Callable[[Heard], None]:
        """Sends what was heard, from any thread, which does not wait for it."""
        loop = asyncio.get_running_loop()

        async def send(heard: Heard) -> None:
            with suppress(*Errors):
                await self._nc.publish(f"{subject}.heard", encode(heard))

        def answer(heard: Heard) -> None:
            asyncio.run_coroutine_threadsafe(send(heard), loop)

        return answer

    async def _send(self, subject: str, data: bytes) -> None:
        most = self._nc.max_payload - _HEADROOM_BYTES
        while len(data) > most:
            await self._nc.publish(subject, _CHUNK + data[:most])
            data = data[most:]
        await self._nc.publish(subject, _LAST + data)

    async def _store(self, held: _Held, subject: str, ended: Ended) -> None:
        """Store the end, again until it is, then take the job off its stream; unless it is another's by then."""
        # One end for all deliveries of a job: where the host that had it before has stored one, this is dropped.
        headers = {"Nats-Msg-Id": f"{subject}.{held.message.metadata.sequence.stream}"}
        data, whole = self._fitting(ended)

        async def store() -> None:
            if whole is not None:
                below = bus.outputs_below(ended.id, ended.attempt)
                await leave(self._buckets.outputs, reference_to(whole), whole, below=below)
            await self._js.publish(f"{subject}.end", data, headers=headers)

        await self._again_and_again(held, store)
        # If this is lost, the job comes again, and whoever gets it finds the end.
        if not held.forgotten:
            with suppress(*Errors):
                await held.message.ack()

    def _fitting(self, ended: Ended) -> tuple[bytes, bytes | None]:
        """The end, and all of it where it had to be cut to be stored."""
        whole: bytes | None = None
        try:
            whole = encode(ended)
            if len(whole) <= self._nc.max_payload - _HEADROOM_BYTES:
                return whole, None
        except MessageError as error:
            logger.warning("%s is stored without what it has printed: %s", ended.id, error)
        steps = tuple(step.bare() for step in (ended.result or JobResult(())).steps)
        reference = None if whole is None else reference_to(whole)
        return encode(replace(ended, result=JobResult(steps), cut=True, whole=reference)), whole

    async def _again_and_again(self, held: _Held, call: Callable[[], Awaitable[object]]) -> None:
        while not held.forgotten:
            try:
                await call()
            except Errors as error:
                logger.info("%s is stored later: %r", held.key[0], error)
                await asyncio.sleep(_ASK_S)
            else:
                return

    # What others say.

    async def _on_told(self, message: Msg) -> None:
        _, _, *key = message.subject.split(".")
        known = (key[0], key[1])
        mine = [each for each in self._held if each.key == known and not each.forgotten]
        # Given twice to this host, it is the one that is worked on.
        held = max(mine, key=lambda each: each.works, default=None)
        with suppress(MessageError):
            names = decode(message.data, Skip).names
            if held is not None and held.run is not None:
                held.run.skip(names)
        with suppress(MessageError, *Errors):
            cancel = decode(message.data, Cancel)
            if held is None:
                self._remember_cancelled(known)
            else:
                await self._cancel(held, message, cancel)

    async def _on_asked(self, message: Msg) -> None:
        _, _, *key = message.subject.split(".")
        works = any(each.key == (key[0], key[1]) and each.works and not each.forgotten for each in self._held)
        with suppress(MessageError, *Errors):
            if works and decode(message.data, Ask).host != self._config.id and message.reply:
                await message.respond(encode(Holds(begun=True)))

    async def _on_said(self, message: Msg) -> None:
        _, _, _, *key = message.subject.split(".")
        for held in list(self._held):
            if held.key != (key[0], key[1]) or held.forgotten or held.run is None or held.run.talked is None:
                continue
            with suppress(MessageError):
                held.run.talked.said(decode(message.data, Said))
                # It writes to a container, which may be slow to take it.
                asyncio.get_running_loop().run_in_executor(None, held.run.talked.hear)

    async def _cancel(self, held: _Held, message: Msg, cancel: Cancel) -> None:
        begun = False
        if (run := held.run) is not None:
            call = run.withdraw if cancel.unless_begun else run.cancel
            begun = await asyncio.get_running_loop().run_in_executor(None, call)
        held.cancelled = not (begun and cancel.unless_begun)
        if message.reply:
            await message.respond(encode(Holds(begun)))

    def _remember_cancelled(self, known: tuple[str, str]) -> None:
        self._cancelled[known] = None
        if len(self._cancelled) > _KNOWN_CANCELLED:
            self._cancelled.popitem(last=False)

    # What goes on beside.

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(bus.RENEW_S)
            for held in list(self._held):
                self._end_if_mute(held)
                with suppress(*Errors):
                    await held.message.in_progress()

    async def _watch(self) -> None:
        """Forget the jobs when NATS was out of reach for too long, or this process stood still.

        It is in reach as of when that was sent which has come back: the answer may have lain here meanwhile.
        """
        echo = f"{bus.host_inbox(self._config.name)}.{self._config.id}.echo"

        async def echoed(message: Msg) -> None:
            self._reached_at = max(self._reached_at, float(message.data))

        await self._nc.subscribe(echo, cb=echoed)
        while True:
            await asyncio.sleep(bus.RENEW_S / 4)
            self._forget_if_unreachable()
            if self._nc.is_connected:
                with suppress(*Errors):
                    await self._nc.publish(echo, repr(time.monotonic()).encode())

    def _forget_if_unreachable(self) -> None:
        if time.monotonic() - self._reached_at < bus.UNREACHABLE_S or not self._held:
            return
        logger.error("NATS was out of reach for %.0f s: its jobs are ended here", bus.UNREACHABLE_S)
        for held in list(self._held):
            held.forgotten = True
            self._held.discard(held)
            self._end(held)

    def _end_all(self) -> None:
        for held in list(self._held):
            held.cancelled = True
            self._end(held)

    def _end_if_mute(self, held: _Held) -> None:
        talked = held.run.talked if held.run is not None else None
        if talked is not None and talked.is_mute and not held.cancelled:
            logger.warning("%s is ended: nobody talks to it any more", held.key[0])
            held.cancelled = True
            self._end(held)

    def _end(self, held: _Held) -> None:
        if held.run is not None:
            # It writes to a container, which may be slow to take it.
            asyncio.get_running_loop().run_in_executor(None, held.run.cancel)

    async def _tell_state(self) -> None:
        while True:
            try:
                await self._buckets.hosts.put(bus.host_key(self._config.id), encode(self._state()))
                await self._heed()
            except Errors as error:
                logger.info("the state is told later: %r", error)
                # A NATS that was begun anew has none of it.
                with suppress(*Errors):
                    self._buckets = await bus.found(self._js)
            except Exception:
                logger.exception("telling the state failed and goes on")
            await asyncio.sleep(bus.RENEW_S)

    def _state(self) -> HostState:
        pool = self._pool.snapshot()
        warm = tuple(Warm(profile, each.warm) for profile, each in pool.profiles.items() if each.warm)
        return HostState(
            id=self._config.id,
            name=self._config.name,
            slots=self._config.slots,
            in_use=len(self._held),
            version=self._config.version,
            draining=self._drained or self._stopping.is_set() or not self._images.ready.is_set(),
            warm=warm,
            started=pool.counters.containers_started,
            failures=dict(pool.counters.failures),
            images=encode(Inventory(self._images.states())),
        )

    async def _heed(self) -> None:
        """Do as is wanted of hosts: keep containers warm, take no more jobs."""
        self._drained = await self._wanted(bus.drain_key(self._config.name)) is not None
        targets = await self._wanted(bus.TARGETS)
        if targets is None:
            # No web process has been here yet, and nothing is wanted.
            self._images.want(())
        if targets is None or targets == self._targets:
            return
        self._targets = targets
        try:
            kept = {each.profile: each.target for each in decode(targets, Targets).kept}
        except MessageError as error:
            logger.warning("what is to be kept warm is not understood: %s", error)
            self._images.want(())
            return
        self._images.want(profile.image for profile in kept)
        await asyncio.get_running_loop().run_in_executor(None, self._pool.keep_warm, kept)

    async def _wanted(self, key: str) -> bytes | None:
        try:
            return (await self._buckets.wanted.get(key)).value
        except KeyNotFoundError:
            return None


def _images_of(assignment: Assignment) -> set[str]:
    companion = assignment.job.companion
    return {assignment.profile.image} | ({companion.profile.image} if companion else set())


def _checked(held: _Held, assignment: Assignment) -> Assignment:
    """The job, where it is what its subject says. Raises MessageError."""
    if (assignment.id, str(assignment.attempt)) != held.key:
        raise MessageError("it is not what its subject says")
    return assignment


def _answers_to(held: _Held) -> str:
    """Where the job is told of. Raises MessageError where that would be elsewhere than below its own subject."""
    subject = answers_to(held.message.data)
    parts = subject.split(".")
    web, ask = parts[2:3], parts[-1]
    fits = web and is_name(web[0]) and is_name(ask)
    if not fits or subject != bus.run_subject(web[0], held.key[0], int(held.key[1]), ask):
        raise MessageError("its answers would go elsewhere")
    return subject
