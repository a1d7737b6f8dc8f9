"""Runs programs on a gexec server, from tasks of asyncio."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from ssl import SSLContext
from types import TracebackType
from typing import Any, Literal, Self, Unpack

import anyio
import httpx

from gexec_client.aio_interaction import AsyncInteraction
from gexec_client.base import Base, history_params, program_of
from gexec_client.contents import Content, by_digest
from gexec_client.errors import GexecError
from gexec_client.events import Event
from gexec_client.following import Emit, Following
from gexec_client.interaction import Interaction, Known, New, Wire
from gexec_client.programs import Grading, Options, Program, ProgramTest, Settings, batch_body_of, body_of
from gexec_client.requests import Handle, token_of
from gexec_client.results import Artifact, Batch, Execution, Language, Me, Page, StoredFile
from gexec_client.retries import Deadline, Retries
from gexec_client.steps import Flow
from gexec_client.transport import CLEANING_UP_S, LIMITS, AsyncTransport, T, Transport, adrive, drive

Include = Sequence[Literal["source", "output", "timeline"]]


class AsyncClient(Base):
    """A gexec server, as whoever has this key sees it. It may be shared by tasks; close it, or use `async with`."""

    def __init__(
        self,
        server: str | None = None,
        key: str | None = None,
        *,
        retries: Retries | None = None,
        http: httpx.AsyncClient | None = None,
    ) -> None:
        """What is not given comes from `GEXEC_SERVER` and `GEXEC_API_KEY`; without a key some servers run programs too.

        `http` is for proxies, certificates and connections of your own; it stays yours to close. Raises ValueError.
        """
        super().__init__(server, key, retries)
        self._owned = http is None
        self._http = http or httpx.AsyncClient(limits=LIMITS)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close its connections."""
        if self._owned:
            await self._http.aclose()

    async def run(
        self,
        language: str,
        source_code: Content | None = None,
        *,
        timeout_s: float | None = None,
        idempotency_key: str | None = None,
        include: Include = (),
        **options: Unpack[Options],
    ) -> Execution:
        """Run a program to its end: the result, whatever the program did.

        What is interrupted here is cancelled there. Raises ApiError, ConnectionFailed; TimedOut after `timeout_s`,
        which is the whole call's: what the program may take is `limits`.
        """
        body = body_of(program_of(language, source_code, options))
        flow = self._flows.run(body, key=idempotency_key, include=include, deadline=Deadline(timeout_s))
        return await self._do(flow)

    async def run_tests(
        self,
        language: str,
        source_code: Content | None = None,
        *,
        tests: Sequence[ProgramTest],
        grading: Grading | None = None,
        timeout_s: float | None = None,
        idempotency_key: str | None = None,
        **options: Unpack[Settings],
    ) -> Execution:
        """Run a program for each test: `verdict`, `score` and `tests` say how it went. Raises as `run` does."""
        body = body_of(program_of(language, source_code, {**options, "tests": tests, "grading": grading}))
        flow = self._flows.run(body, key=idempotency_key, include=(), deadline=Deadline(timeout_s))
        return await self._do(flow)

    async def submit(
        self,
        language: str,
        source_code: Content | None = None,
        *,
        idempotency_key: str | None = None,
        **options: Unpack[Options],
    ) -> Execution:
        """Have it run in the background: it was accepted, and ends whatever happens here. `wait` has its end."""
        body = body_of(program_of(language, source_code, options))
        return await self._do(self._flows.submit(body, key=idempotency_key))

    async def get(self, execution: Handle, *, access_token: str | None = None, include: Include = ()) -> Execution:
        """As it is now."""
        return await self._do(self._flows.get(execution, access_token, include))

    async def wait(
        self,
        execution: Handle,
        *,
        timeout_s: float | None = None,
        access_token: str | None = None,
        include: Include = (),
    ) -> Execution:
        """As it ended. Raises TimedOut, which has it as it was seen last; it runs on."""
        return await self._do(self._flows.wait(execution, access_token, include, Deadline(timeout_s)))

    async def cancel(self, execution: Handle, *, reason: str = "", access_token: str | None = None) -> Execution:
        """Have it end. One that has ended stays as it is."""
        return await self._do(self._flows.cancel(execution, access_token, reason))

    async def cancel_tagged(self, name: str, value: str, *, reason: str = "") -> int:
        """Have all of the client's executions with this tag end; how many."""
        return await self._do(self._flows.cancel_tagged(name, value, reason))

    def stream(
        self,
        language: str,
        source_code: Content | None = None,
        *,
        idempotency_key: str | None = None,
        **options: Unpack[Options],
    ) -> AsyncStream:
        """Run a program and watch it. Use `async with`: whoever leaves it before the end cancels it."""
        body = body_of(program_of(language, source_code, options))
        return AsyncStream(self._transport(), Following.of_new(self._flows, body, idempotency_key))

    def watch(self, execution: Handle, *, after: str = "", access_token: str | None = None) -> AsyncStream:
        """Watch one that was submitted before, from its beginning or behind an event. Leaving it cancels nothing."""
        return AsyncStream(self._transport(), Following.of_known(self._flows, execution, access_token, after))

    def interact(
        self,
        language: str,
        source_code: Content | None = None,
        *,
        terminal: tuple[int, int] | None = None,
        ssl_context: SSLContext | None = None,
        **options: Unpack[Options],
    ) -> AsyncInteraction:
        """Run a program and talk to it: with a terminal of so many columns and rows, or over pipes.

        Use `with`: whoever leaves it before the end cancels it. Proxies are the environment's; `ssl_context` is for
        certificates of your own.
        """
        body = body_of(program_of(language, source_code, options))
        return self._interaction(New(body, terminal), ssl_context)

    def attach(
        self,
        execution: Handle,
        *,
        after: int = -1,
        access_token: str | None = None,
        ssl_context: SSLContext | None = None,
    ) -> AsyncInteraction:
        """Come back to one that was left with `detach`, or by a process that is no more. Leaving it cancels nothing."""
        id_ = execution if isinstance(execution, str) else execution.id
        return self._interaction(Known(id_, after, token_of(execution, access_token)), ssl_context)

    async def batch(
        self,
        items: Sequence[Program],
        *,
        defaults: Program | None = None,
        atomic: bool = False,
        webhook_url: str | None = None,
        idempotency_key: str | None = None,
    ) -> Batch:
        """Submit up to a hundred programs, each laid over `defaults`. One that is refused has its `error`."""
        more: dict[str, Any] = {"webhook_url": webhook_url} if webhook_url else {}
        body = batch_body_of(items, defaults, atomic=atomic, **more)
        return await self._do(self._flows.batch(body, key=idempotency_key))

    async def get_batch(self, batch: Handle, *, executions: bool = False, access_token: str | None = None) -> Batch:
        """As it is now, with its executions where they are asked for."""
        return await self._do(self._flows.get_batch(batch, access_token, executions=executions))

    async def wait_batch(
        self, batch: Handle, *, timeout_s: float | None = None, access_token: str | None = None
    ) -> Batch:
        """With its executions, once all have ended. Raises TimedOut; it runs on."""
        return await self._do(self._flows.wait_batch(batch, access_token, Deadline(timeout_s)))

    async def cancel_batch(self, batch: Handle, *, reason: str = "", access_token: str | None = None) -> Batch:
        """Have all of it end."""
        return await self._do(self._flows.cancel_batch(batch, access_token, reason))

    async def upload(self, *contents: str | bytes | Path) -> list[StoredFile]:
        """Have the server keep files; only those that it lacks are sent. They can stand where contents can."""
        return await self._do(self._flows.upload([by_digest(each) for each in contents]))

    async def download(self, file: str | StoredFile) -> bytes:
        """The bytes of a file that was uploaded, or that is too large to stand among the artifacts."""
        return await self._do(self._flows.download(file))

    async def delete_file(self, file: str | StoredFile) -> None:
        """Have the server forget it."""
        await self._do(self._flows.delete_file(file))

    async def artifact(self, execution: Handle, name: str | Artifact, *, access_token: str | None = None) -> bytes:
        """The bytes of a file that a program has left. Its name is the program's: trust no path in it."""
        return await self._do(self._flows.artifact(execution, name, access_token))

    async def languages(self) -> list[Language]:
        """What programs can be written in."""
        return await self._do(self._flows.languages())

    async def language(self, name: str) -> Language:
        """One of them, by its name or an alias. Raises NotFound."""
        return await self._do(self._flows.language(name))

    async def history(
        self,
        *,
        language: str | None = None,
        status: str | None = None,
        outcome: str | None = None,
        verdict: str | None = None,
        batch: str | None = None,
        created_after: datetime | None = None,
        created_before: datetime | None = None,
        tags: Mapping[str, str] | None = None,
        page_size: int = 100,
    ) -> AsyncIterator[Execution]:
        """The client's executions, newest first, without what they printed; pages are fetched as they are needed."""
        params = history_params(
            page_size, tags, language=language, status=status, outcome=outcome, verdict=verdict, batch=batch,
            created_after=created_after, created_before=created_before,
        )  # fmt: skip
        while params is not None:
            page: Page = await self._do(self._flows.page(params))
            for each in page.data:
                yield each
            params = self._next_page(params, page)

    async def me(self) -> Me:
        """What the server knows of the key: its rights, limits and quotas."""
        return await self._do(self._flows.me())

    def _interaction(self, what: New | Known, ssl_context: SSLContext | None) -> AsyncInteraction:
        wire = Wire(self.server, self._headers, ssl_context)
        return AsyncInteraction(Interaction(wire, self._flows, self._do_in_thread, what))

    def _do_in_thread(self, flow: Flow[T]) -> T:
        """What an interaction, which has a thread of its own, does over HTTP."""
        with httpx.Client() as http:
            return drive(flow, Transport(http, self.server, self._headers).perform)

    def _transport(self) -> AsyncTransport:
        return AsyncTransport(self._http, self.server, self._headers)

    async def _do(self, flow: Flow[T]) -> T:
        transport = self._transport()
        try:
            return await adrive(flow, transport.perform)
        finally:
            await transport.shut()


class AsyncStream:
    """Events as they come, resumed after each cut. Iterate it within `async with`."""

    def __init__(self, transport: AsyncTransport, following: Following) -> None:
        self._transport = transport
        self._following = following
        self._events = following.events()
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        try:
            step = next(self._events)
            while not isinstance(step, Emit):
                try:
                    answer = await self._transport.perform(step)
                except Exception as error:  # noqa: BLE001 (whatever it is, the stream decides)
                    step = self._events.throw(error)
                else:
                    step = self._events.send(answer)
        except StopIteration:
            raise StopAsyncIteration from None
        return step.event

    @property
    def execution_id(self) -> str:
        """Known from the first event on."""
        return self._following.execution_id

    @property
    def access_token(self) -> str | None:
        """Opens the execution for whoever has no key; known from the first event on."""
        return self._following.token

    @property
    def last_event_id(self) -> str:
        """For `watch`, in another process perhaps."""
        return self._following.last_event_id

    @property
    def resumed(self) -> int:
        """How often it went on after a cut."""
        return self._following.resumed

    async def result(self) -> Execution:
        """The execution at its end; events that were not read are passed over."""
        async for _ in self:
            pass
        if self._following.finished is None:
            raise GexecError("the stream was closed before the end")
        return self._following.finished.execution

    async def close(self) -> None:
        """Read no further. What this stream has submitted is cancelled where it has not ended."""
        if self._closed:
            return
        self._closed = True
        self._events.close()
        # Also where its task is cancelled: the program would run on.
        with anyio.move_on_after(CLEANING_UP_S, shield=True):
            await self._transport.shut()
            if self._following.is_submitter:
                with suppress(GexecError):
                    await adrive(self._following.cancel(), self._transport.perform)
