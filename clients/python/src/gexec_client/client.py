"""Runs programs on a gexec server, from threads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from ssl import SSLContext
from types import TracebackType
from typing import Any, Literal, Self, Unpack

import httpx

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
from gexec_client.transport import LIMITS, T, Transport, drive

Include = Sequence[Literal["source", "output", "timeline"]]


class Client(Base):
    """A gexec server, as whoever has this key sees it. It may be shared by threads; close it, or use `with`."""

    def __init__(
        self,
        server: str | None = None,
        key: str | None = None,
        *,
        retries: Retries | None = None,
        http: httpx.Client | None = None,
    ) -> None:
        """What is not given comes from `GEXEC_SERVER` and `GEXEC_API_KEY`; without a key some servers run programs too.

        `http` is for proxies, certificates and connections of your own; it stays yours to close. Raises ValueError.
        """
        super().__init__(server, key, retries)
        self._owned = http is None
        self._http = http or httpx.Client(limits=LIMITS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close its connections."""
        if self._owned:
            self._http.close()

    def run(
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
        return self._do(flow)

    def run_tests(
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
        return self._do(flow)

    def submit(
        self,
        language: str,
        source_code: Content | None = None,
        *,
        idempotency_key: str | None = None,
        **options: Unpack[Options],
    ) -> Execution:
        """Have it run in the background: it was accepted, and ends whatever happens here. `wait` has its end."""
        body = body_of(program_of(language, source_code, options))
        return self._do(self._flows.submit(body, key=idempotency_key))

    def get(self, execution: Handle, *, access_token: str | None = None, include: Include = ()) -> Execution:
        """As it is now."""
        return self._do(self._flows.get(execution, access_token, include))

    def wait(
        self,
        execution: Handle,
        *,
        timeout_s: float | None = None,
        access_token: str | None = None,
        include: Include = (),
    ) -> Execution:
        """As it ended. Raises TimedOut, which has it as it was seen last; it runs on."""
        return self._do(self._flows.wait(execution, access_token, include, Deadline(timeout_s)))

    def cancel(self, execution: Handle, *, reason: str = "", access_token: str | None = None) -> Execution:
        """Have it end. One that has ended stays as it is."""
        return self._do(self._flows.cancel(execution, access_token, reason))

    def cancel_tagged(self, name: str, value: str, *, reason: str = "") -> int:
        """Have all of the client's executions with this tag end; how many."""
        return self._do(self._flows.cancel_tagged(name, value, reason))

    def stream(
        self,
        language: str,
        source_code: Content | None = None,
        *,
        idempotency_key: str | None = None,
        **options: Unpack[Options],
    ) -> Stream:
        """Run a program and watch it. Use `with`: whoever leaves it before the end cancels it."""
        body = body_of(program_of(language, source_code, options))
        return Stream(self._transport(), Following.of_new(self._flows, body, idempotency_key))

    def watch(self, execution: Handle, *, after: str = "", access_token: str | None = None) -> Stream:
        """Watch one that was submitted before, from its beginning or behind an event. Leaving it cancels nothing."""
        return Stream(self._transport(), Following.of_known(self._flows, execution, access_token, after))

    def interact(
        self,
        language: str,
        source_code: Content | None = None,
        *,
        terminal: tuple[int, int] | None = None,
        ssl_context: SSLContext | None = None,
        **options: Unpack[Options],
    ) -> Interaction:
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
    ) -> Interaction:
        """Come back to one that was left with `detach`, or by a process that is no more. Leaving it cancels nothing."""
        id_ = execution if isinstance(execution, str) else execution.id
        return self._interaction(Known(id_, after, token_of(execution, access_token)), ssl_context)

    def batch(
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
        return self._do(self._flows.batch(body, key=idempotency_key))

    def get_batch(self, batch: Handle, *, executions: bool = False, access_token: str | None = None) -> Batch:
        """As it is now, with its executions where they are asked for."""
        return self._do(self._flows.get_batch(batch, access_token, executions=executions))

    def wait_batch(self, batch: Handle, *, timeout_s: float | None = None, access_token: str | None = None) -> Batch:
        """With its executions, once all have ended. Raises TimedOut; it runs on."""
        return self._do(self._flows.wait_batch(batch, access_token, Deadline(timeout_s)))

    def cancel_batch(self, batch: Handle, *, reason: str = "", access_token: str | None = None) -> Batch:
        """Have all of it end."""
        return self._do(self._flows.cancel_batch(batch, access_token, reason))

    def upload(self, *contents: str | bytes | Path) -> list[StoredFile]:
        """Have the server keep files; only those that it lacks are sent. They can stand where contents can."""
        return self._do(self._flows.upload([by_digest(each) for each in contents]))

    def download(self, file: str | StoredFile) -> bytes:
        """The bytes of a file that was uploaded, or that is too large to stand among the artifacts."""
        return self._do(self._flows.download(file))

    def delete_file(self, file: str | StoredFile) -> None:
        """Have the server forget it."""
        self._do(self._flows.delete_file(file))

    def artifact(self, execution: Handle, name: str | Artifact, *, access_token: str | None = None) -> bytes:
        """The bytes of a file that a program has left. Its name is the program's: trust no path in it."""
        return self._do(self._flows.artifact(execution, name, access_token))

    def languages(self) -> list[Language]:
        """What programs can be written in."""
        return self._do(self._flows.languages())

    def language(self, name: str) -> Language:
        """One of them, by its name or an alias. Raises NotFound."""
        return self._do(self._flows.language(name))

    def history(
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
    ) -> Iterator[Execution]:
        """The client's executions, newest first, without what they printed; pages are fetched as they are needed."""
        params = history_params(
            page_size, tags, language=language, status=status, outcome=outcome, verdict=verdict, batch=batch,
            created_after=created_after, created_before=created_before,
        )  # fmt: skip
        while params is not None:
            page: Page = self._do(self._flows.page(params))
            yield from page.data
            params = self._next_page(params, page)

    def me(self) -> Me:
        """What the server knows of the key: its rights, limits and quotas."""
        return self._do(self._flows.me())

    def _interaction(self, what: New | Known, ssl_context: SSLContext | None) -> Interaction:
        return Interaction(Wire(self.server, self._headers, ssl_context), self._flows, self._do, what)

    def _transport(self) -> Transport:
        return Transport(self._http, self.server, self._headers)

    def _do(self, flow: Flow[T]) -> T:
        transport = self._transport()
        try:
            return drive(flow, transport.perform)
        finally:
            transport.shut()


class Stream:
    """Events as they come, resumed after each cut. Iterate it within `with`."""

    def __init__(self, transport: Transport, following: Following) -> None:
        self._transport = transport
        self._following = following
        self._events = following.events()
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Event:
        step = next(self._events)
        while not isinstance(step, Emit):
            try:
                answer = self._transport.perform(step)
            except Exception as error:  # noqa: BLE001 (whatever it is, the stream decides)
                step = self._events.throw(error)
            else:
                step = self._events.send(answer)
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

    def result(self) -> Execution:
        """The execution at its end; events that were not read are passed over."""
        for _ in self:
            pass
        if self._following.finished is None:
            raise GexecError("the stream was closed before the end")
        return self._following.finished.execution

    def close(self) -> None:
        """Read no further. What this stream has submitted is cancelled where it has not ended."""
        if self._closed:
            return
        self._closed = True
        self._events.close()
        self._transport.shut()
        if self._following.is_submitter:
            with suppress(GexecError):
                drive(self._following.cancel(), self._transport.perform)
