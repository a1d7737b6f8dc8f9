"""This process's connection to NATS: an event loop in a thread of its own, called from the threads that serve.

It is made anew by itself whenever it is lost. What is called while it is away fails at once, and nothing that was to be
sent is sent later: whoever called has told its client by then that nothing has run.
"""

from __future__ import annotations

import asyncio
import logging
import math
import threading
import time
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.errors import KeyNotFoundError, NoKeysError, NotFoundError

from sandbox import bus
from sandbox.contents import Reference, reference_to
from sandbox.errors import HostsUnavailable
from sandbox.hosts import HostState, name_of
from sandbox.messages import Cancel, Holds, MessageError, Targets, decode, encode
from sandbox.parcels import ContentsMissing, fetch, leave

logger = logging.getLogger(__name__)

R = TypeVar("R")

HEADROOM_BYTES = 4096
"""Of a message for its subject and headers."""
_CALL_S = bus.CALL_S + 1.0
_ANSWER_S = 0.3
"""Within which a host answers that has a job; those that have it not say nothing."""
_CONTENTS_S = 60.0
"""For as much as a job may refer to."""
_MOST_LEFT = 10_000
_BEGIN_S = 2.0
"""How long the first call waits for the first connection."""
_AGAIN_S = 0.5
_STATE_BYTES = 256 * 1024
"""Of what a host says of itself: a thousand kinds of warm containers."""
_ERRORS = (nats.errors.Error, OSError, TimeoutError, FutureTimeout)


class Link:
    """One connection. Every call raises HostsUnavailable where NATS does not answer."""

    def __init__(
        self,
        url: str,
        *,
        web: str,
        trust: bus.Trust = bus.PLAIN,
        on_told: Callable[[str, bytes], None],
        on_beat: Callable[[], None] = lambda: None,
    ) -> None:
        """`web` is this process's part of subjects. `on_told` gets what hosts tell it; `on_beat` is called every second
        while NATS is there. Neither may wait.
        """
        self._url = url
        self._web = web
        self._trust = trust
        self._on_told = on_told
        self._on_beat = on_beat
        self._loop = asyncio.new_event_loop()
        self._began = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._nc: Client | None = None
        self._js: JetStreamContext | None = None
        self._buckets: bus.Buckets | None = None
        self._finisher: JetStreamContext.PullSubscription | None = None
        self._hosts: dict[str, tuple[HostState, float]] = {}
        self._targets: bytes | None = None
        self._left: dict[str, float] = {}
        """When contents were left, by digest."""
        self._away_since: float | None = time.monotonic()
        self._closed = False
        self._give_up_at = 0.0
        """Until then the first connection is waited for."""

    def start(self) -> None:
        """Begin to connect. Called by everything else here."""
        with self._lock:
            if self._thread is None and not self._closed:
                self._give_up_at = time.monotonic() + _BEGIN_S
                self._thread = threading.Thread(target=self._run, name="nats", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """End it; may be repeated. Calls fail from now on."""
        with self._lock:
            closed, self._closed = self._closed, True
            thread = self._thread
        if closed:
            return
        if thread is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join(_CALL_S)
        else:
            self._loop.close()

    def away_s(self) -> float:
        """How long it is away; 0 while it is not."""
        since = self._away_since
        return 0.0 if since is None else time.monotonic() - since

    def hosts(self) -> list[HostState]:
        """Those that have said so of late, by name."""
        self._started()
        least = time.monotonic() - bus.HOST_TTL_S
        states = [state for state, heard_at in list(self._hosts.values()) if heard_at > least]
        return sorted(states, key=lambda state: (state.name, state.id))

    def is_alive(self, host: str) -> bool:
        """Whether the host's process may have programs still."""
        self._started()
        _, heard_at = self._hosts.get(host, (None, 0.0))
        return heard_at > time.monotonic() - bus.GONE_S

    def max_bytes(self) -> int:
        """What one message may carry."""
        return self._client().max_payload - HEADROOM_BYTES

    def publish_job(self, subject: str, data: bytes, *, message_id: str) -> tuple[int, bool]:
        """Have it stored; its place in the stream, and whether a job of this id had been stored before."""
        stored = self._call(lambda: self._stream().publish(subject, data, headers={"Nats-Msg-Id": message_id}))
        return stored.seq, bool(stored.duplicate)

    def leave(self, contents: Mapping[str, bytes], *, anew: bool = False) -> None:
        """Have what a job refers to stored, unless this process has done so of late; with `anew` in any case."""
        for digest, data in contents.items():
            if anew or self._left.get(digest, -math.inf) < time.monotonic() - bus.INPUTS_AGE_S / 2:
                self._call(partial(self._leave, data), timeout_s=_CONTENTS_S)
                self._left[digest] = time.monotonic()
        if len(self._left) > _MOST_LEFT:
            self._left.clear()

    def whole_end(self, task_id: str, attempt: int, reference: Reference) -> bytes | None:
        """The end that its stream had no room for; None where it is not there, or is something else."""

        async def get() -> bytes | None:
            try:
                return await fetch(self._stores().outputs, reference, below=bus.outputs_below(task_id, attempt))
            except ContentsMissing as error:
                logger.warning("the end of %s is lost: %s", task_id, error)
                return None

        return self._call(get, timeout_s=_CONTENTS_S)

    def forget_end(self, task_id: str, attempt: int) -> None:
        """No row needs it any more."""
        subject = f"$KV.{bus.OUTPUTS}.{bus.outputs_below(task_id, attempt)}.>"
        with suppress(HostsUnavailable):
            self._call(lambda: self._stream().purge_stream(f"KV_{bus.OUTPUTS}", subject=subject))

    def delete_job(self, place: int) -> None:
        """Take it off the stream; one that is not there is fine."""
        self._call(lambda: _none_if_missing(self._stream().delete_msg(bus.JOBS, place)))

    def place_of_job(self, task_id: str, attempt: int) -> int | None:
        """Its place in the stream; None where it is not there, since it is done, or never was."""
        return self._last(bus.JOBS, bus.job_subject("*", task_id, attempt))[0]

    def end_of(self, subject: str) -> bytes | None:
        """The end that is stored of a run; `subject` is where it is told."""
        return self._last(bus.ENDS, f"{subject}.end")[1]

    def take_back(self, task_id: str, attempt: int, *, unless_begun: bool = True) -> bool:
        """Have a host that has it not begin it, or end it in any case; whether one has begun."""
        data = encode(Cancel(unless_begun=unless_begun))
        try:
            answer = self._call(
                lambda: self._client().request(bus.told_subject(task_id, attempt), data, timeout=_ANSWER_S)
            )
            return decode(answer.data, Holds).begun
        except (HostsUnavailable, MessageError):
            if self.away_s():
                raise
            return False

    def say(self, task_id: str, attempt: int, data: bytes) -> None:
        """Tell the host that has it, and wait for nothing; lost where none has it, or NATS is away."""
        self.publish(bus.told_subject(task_id, attempt), data)

    def publish(self, subject: str, data: bytes) -> None:
        """Have it sent, and wait for nothing; lost where nobody listens, or NATS is away."""
        self._send(lambda: self._client().publish(subject, data))

    def keep_warm(self, targets: Targets) -> None:
        """Let all hosts know, now or when the connection is there."""
        self._targets = encode(targets)
        with suppress(HostsUnavailable):
            self._call(self._put_targets)

    def drain(self, name: str, *, drained: bool) -> None:
        """Have the hosts of this name take no more jobs, or take them again."""

        async def put() -> None:
            wanted = self._stores().wanted
            if drained:
                await wanted.put(bus.drain_key(name), b"1")
            else:
                await wanted.delete(bus.drain_key(name))

        self._call(put)

    def waiting(self) -> dict[str, int]:
        """Jobs that no host has yet, by lane."""

        async def ask() -> dict[str, int]:
            found = {}
            for lane in ("interactive", "batch"):
                found[lane] = int((await self._stream().consumer_info(bus.JOBS, lane)).num_pending or 0)
            return found

        return self._call(ask)

    def fetch_ends(self, *, most: int, timeout_s: float) -> list[Msg]:
        """Ends that are stored, for this process to see to, for half a minute."""

        async def fetch() -> list[Msg]:
            if self._finisher is None:
                self._finisher = await self._stream().pull_subscribe_bind(durable=bus.FINISHER, stream=bus.ENDS)
            try:
                return await self._finisher.fetch(most, timeout=timeout_s)
            except TimeoutError:
                # NATS's own, or of what it waits by.
                return []

        return self._call(fetch, timeout_s=timeout_s + _CALL_S)

    def done(self, message: Msg) -> None:
        """It is not told again."""
        self._send(message.ack)

    def later(self, message: Msg, *, delay_s: float) -> None:
        """It is told again then, here or elsewhere."""
        self._send(partial(message.nak, delay=delay_s))

    def _send(self, send: Callable[[], Coroutine[Any, Any, object]]) -> None:
        """Without waiting for it; lost where NATS is away."""

        async def sent() -> None:
            with suppress(*_ERRORS, HostsUnavailable):
                if self._nc is not None and self._nc.is_connected:
                    await send()

        self.start()
        sending = sent()
        try:
            asyncio.run_coroutine_threadsafe(sending, self._loop)
        except RuntimeError:
            # The loop has ended.
            sending.close()

    async def _leave(self, data: bytes) -> None:
        await leave(self._stores().inputs, reference_to(data), data)

    # The loop, in its thread.

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        connecting = self._loop.create_task(self._connect())
        beating = self._loop.create_task(self._beat())
        self._loop.run_forever()
        with suppress(*_ERRORS, asyncio.CancelledError):
            connecting.cancel()
            beating.cancel()
            self._loop.run_until_complete(self._disconnect())
        left = asyncio.all_tasks(self._loop)
        for task in left:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self._loop.close()

    async def _disconnect(self) -> None:
        if self._nc is not None:
            await asyncio.wait_for(self._nc.close(), 2)

    async def _connect(self) -> None:
        while True:
            try:
                self._nc = await bus.connect(
                    self._url,
                    name=f"web-{self._web}",
                    inbox=bus.WEB_INBOX,
                    trust=self._trust,
                    on_lost=self._lost,
                    on_back=self._back,
                )
                self._js = self._nc.jetstream(timeout=bus.CALL_S)
                await self._set_up()
                await self._nc.subscribe(f"gexec.run.{self._web}.>", cb=self._told)
                await self._nc.subscribe(f"{bus.HOSTS_SUBJECT}>", cb=self._host_said)
                await self._load_hosts()
            except (*_ERRORS, ValueError) as error:
                logger.warning("NATS cannot be reached: %s", error)
                if self._nc is not None:
                    with suppress(*_ERRORS):
                        await self._nc.close()
                await asyncio.sleep(_AGAIN_S)
            else:
                self._away_since = None
                self._began.set()
                return

    async def _set_up(self) -> None:
        self._buckets = await bus.set_up(self._stream())
        await self._put_targets()

    async def _lost(self) -> None:
        if self._away_since is None and not self._closed:
            logger.warning("NATS is away")
            self._away_since = time.monotonic()

    async def _back(self) -> None:
        logger.info("NATS is back")
        self._away_since = None
        # A server that keeps nothing on its disk has none of it.
        self._left.clear()
        with suppress(*_ERRORS):
            await self._set_up()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(bus.RENEW_S)
            if not self._away_since:
                try:
                    self._on_beat()
                except Exception:
                    logger.exception("what is said every second failed, and goes on")

    async def _told(self, message: Msg) -> None:
        self._on_told(message.subject, message.data)

    async def _host_said(self, message: Msg) -> None:
        key = message.subject.removeprefix(bus.HOSTS_SUBJECT)
        if message.headers and message.headers.get("KV-Operation"):
            self._hosts.pop(key.replace(".", "-"), None)
            return
        self._note(key, message.data)

    def _note(self, key: str, data: bytes) -> None:
        try:
            state = decode(data[:_STATE_BYTES], HostState)
        except MessageError as error:
            logger.warning("what host %s says is not understood: %s", key, error)
            return
        # A host may speak for its own name alone.
        if bus.host_key(state.id) != key or state.name != name_of(state.id):
            return
        least = time.monotonic() - bus.GONE_S
        self._hosts = {name: each for name, each in self._hosts.items() if each[1] > least}
        self._hosts[state.id] = (state, time.monotonic())

    async def _load_hosts(self) -> None:
        hosts = self._stores().hosts
        try:
            keys = await hosts.keys()
        except NoKeysError:
            return
        for key in keys:
            with suppress(KeyNotFoundError):
                self._note(key, (await hosts.get(key)).value or b"")

    async def _put_targets(self) -> None:
        if self._targets is not None:
            await self._stores().wanted.put(bus.TARGETS, self._targets)

    def _last(self, stream: str, subject: str) -> tuple[int | None, bytes | None]:
        async def ask() -> tuple[int | None, bytes | None]:
            try:
                found = await self._stream().get_last_msg(stream, subject)
            except NotFoundError:
                return None, None
            return found.seq, found.data

        return self._call(ask)

    def _client(self) -> Client:
        self._started()
        if self._nc is None or self._away_since is not None:
            raise HostsUnavailable("NATS cannot be reached")
        return self._nc

    def _stream(self) -> JetStreamContext:
        if self._js is None:
            raise HostsUnavailable("NATS cannot be reached")
        return self._js

    def _stores(self) -> bus.Buckets:
        if self._buckets is None:
            raise HostsUnavailable("NATS cannot be reached")
        return self._buckets

    def _started(self) -> None:
        self.start()
        if not self._closed and threading.current_thread() is not self._thread:
            self._began.wait(max(0.0, self._give_up_at - time.monotonic()))

    def _call(self, make: Callable[[], Coroutine[Any, Any, R]], *, timeout_s: float = _CALL_S) -> R:
        """What it comes to, for another thread."""
        self._client()
        if self._closed:
            raise HostsUnavailable("the server is shutting down")

        async def call() -> R:
            # nats-py would keep what is sent while it reconnects, and send it afterwards.
            if self._nc is None or not self._nc.is_connected:
                raise HostsUnavailable("NATS cannot be reached")
            return await make()

        future = asyncio.run_coroutine_threadsafe(call(), self._loop)
        try:
            return future.result(timeout_s)
        except _ERRORS as error:
            future.cancel()
            raise HostsUnavailable(f"NATS does not answer: {str(error) or type(error).__name__}") from error


async def _none_if_missing(call: Coroutine[Any, Any, object]) -> None:
    with suppress(NotFoundError, nats.errors.Error):
        await call
