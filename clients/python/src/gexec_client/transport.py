"""How steps are done: over httpx, by threads or by tasks. Headers with keys are given to httpx and shown to nobody."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

import anyio
import httpx

from gexec_client.errors import ConnectionFailed
from gexec_client.steps import Flow, Open, Read, Reply, Send, Shut, Sleep, Step

T = TypeVar("T")

DEFAULT_SERVER = "http://localhost:8080"
SERVER_VARIABLE = "GEXEC_SERVER"
KEY_VARIABLE = "GEXEC_API_KEY"
CONNECT_TIMEOUT_S = 10.0
LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=3.0)
"""The server closes what was idle for 5 seconds; what is used at that very moment would be cut."""
READ_TIMEOUT_S = 60.0
CLEANING_UP_S = 20.0
"""What a task that was cancelled may take to tell the server."""
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


@dataclass(frozen=True, slots=True)
class Place:
    """Which server, and as whom."""

    server: str
    key: str | None = field(repr=False)

    @classmethod
    def given(cls, server: str | None, key: str | None) -> Place:
        """What is not given comes from the environment. Raises ValueError, which never shows the key."""
        server = (server or os.environ.get(SERVER_VARIABLE) or DEFAULT_SERVER).strip().rstrip("/")
        parts = urlsplit(server)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("the server's address is one like https://gexec.example.org")
        if parts.username or parts.password:
            raise ValueError("the server's address must have no user: the key is given apart from it")
        key = (key if key is not None else os.environ.get(KEY_VARIABLE, "")).strip() or None
        if key is not None and not (key.isascii() and key.isprintable() and " " not in key):
            raise ValueError("the key has characters that no key has")
        return cls(server, key)

    def headers(self, version: str) -> dict[str, str]:
        """What goes with every request."""
        agent = f"gexec-client/{version} python/{platform.python_version()}"
        headers = {"User-Agent": agent, "Accept": "application/json"}
        return headers | ({"Authorization": f"Api-Key {self.key}"} if self.key else {})


def timeout(read_s: float | None) -> httpx.Timeout:
    """As httpx has it."""
    read_s = READ_TIMEOUT_S if read_s is None else read_s
    return httpx.Timeout(read_s, connect=min(read_s, CONNECT_TIMEOUT_S))


def drive(flow: Flow[T], perform: Callable[[Step], Any]) -> T:
    """The result of an operation, whose steps are done here."""
    try:
        step = next(flow)
        while True:
            try:
                answer = perform(step)
            except BaseException as error:  # noqa: BLE001 (whatever it is, the operation decides)
                step = flow.throw(error)
            else:
                step = flow.send(answer)
    except StopIteration as end:
        value: T = end.value
        return value


async def adrive(flow: Flow[T], perform: Callable[[Step], Awaitable[Any]]) -> T:
    """The same in a task. Steps that follow its cancellation are done all the same, within a bound."""
    try:
        step = next(flow)
        while True:
            try:
                answer = await perform(step)
            except Exception as error:  # noqa: BLE001 (whatever it is, the operation decides)
                step = flow.throw(error)
            except BaseException as error:
                await _clean_up(flow, error, perform)
                raise
            else:
                step = flow.send(answer)
    except StopIteration as end:
        value: T = end.value
        return value


async def _clean_up(flow: Flow[T], error: BaseException, perform: Callable[[Step], Awaitable[Any]]) -> None:
    with anyio.move_on_after(CLEANING_UP_S, shield=True):
        try:
            step = flow.throw(error)
            while True:
                try:
                    answer = await perform(step)
                except Exception as failed:  # noqa: BLE001 (as above)
                    step = flow.throw(failed)
                else:
                    step = flow.send(answer)
        except StopIteration:
            pass
        except BaseException as raised:
            if raised is not error:
                raise
    flow.close()


class Transport:
    """Does steps, one at a time; it may hold one open answer."""

    def __init__(self, http: httpx.Client, server: str, headers: Mapping[str, str]) -> None:
        """`http` may be shared by clients with different keys: nothing of this one goes into it."""
        self._http, self._server, self._headers = http, server, headers
        self._opened: httpx.Response | None = None
        self._chunks: Any = None

    def perform(self, step: Step) -> Any:
        """What comes of it. Raises ConnectionFailed."""
        match step:
            case Send():
                return self._send(step)
            case Open():
                return self._open(step.send)
            case Read():
                return self._read()
            case Shut():
                return self.shut()
            case Sleep():
                time.sleep(step.seconds)
        return None

    def shut(self) -> None:
        """Read no further."""
        opened, self._opened, self._chunks = self._opened, None, None
        if opened is not None:
            opened.close()

    def _send(self, send: Send) -> Reply:
        request = _request(self._http, self._server, self._headers, send)
        try:
            response = self._http.send(request, follow_redirects=False)
        except httpx.TransportError as error:
            raise failed(error) from None
        return _reply(response, response.content)

    def _open(self, send: Send) -> Reply:
        self.shut()
        request = _request(self._http, self._server, self._headers, send)
        try:
            self._opened = self._http.send(request, stream=True, follow_redirects=False)
            self._chunks = self._opened.iter_bytes()
            return _reply(self._opened, b"" if self._opened.is_success else self._opened.read())
        except httpx.TransportError as error:
            raise failed(error) from None

    def _read(self) -> bytes:
        try:
            chunk: bytes = next(self._chunks, b"")
        except httpx.TransportError as error:
            raise failed(error) from None
        return chunk


class AsyncTransport:
    """The same for tasks."""

    def __init__(self, http: httpx.AsyncClient, server: str, headers: Mapping[str, str]) -> None:
        """`http` may be shared by clients with different keys: nothing of this one goes into it."""
        self._http, self._server, self._headers = http, server, headers
        self._opened: httpx.Response | None = None
        self._chunks: Any = None

    async def perform(self, step: Step) -> Any:
        """What comes of it. Raises ConnectionFailed."""
        match step:
            case Send():
                return await self._send(step)
            case Open():
                return await self._open(step.send)
            case Read():
                return await self._read()
            case Shut():
                return await self.shut()
            case Sleep():
                await anyio.sleep(step.seconds)
        return None

    async def shut(self) -> None:
        """Read no further."""
        opened, self._opened, self._chunks = self._opened, None, None
        if opened is not None:
            await opened.aclose()

    async def _send(self, send: Send) -> Reply:
        try:
            response = await self._http.send(
                _request(self._http, self._server, self._headers, send), follow_redirects=False
            )
        except httpx.TransportError as error:
            raise failed(error) from None
        return _reply(response, response.content)

    async def _open(self, send: Send) -> Reply:
        await self.shut()
        request = _request(self._http, self._server, self._headers, send)
        try:
            self._opened = await self._http.send(request, stream=True, follow_redirects=False)
            self._chunks = self._opened.aiter_bytes()
            return _reply(self._opened, b"" if self._opened.is_success else await self._opened.aread())
        except httpx.TransportError as error:
            raise failed(error) from None

    async def _read(self) -> bytes:
        try:
            chunk: bytes = await anext(self._chunks, b"")
        except httpx.TransportError as error:
            raise failed(error) from None
        return chunk


def failed(error: httpx.TransportError) -> ConnectionFailed:
    """What went wrong, in a word; the address and what was sent are not in it."""
    told = str(error) or type(error).__name__
    return ConnectionFailed(f"the server cannot be reached: {told}", sent=not isinstance(error, _NEVER_SENT))


def _request(
    http: httpx.Client | httpx.AsyncClient, server: str, headers: Mapping[str, str], send: Send
) -> httpx.Request:
    return http.build_request(
        send.method,
        server + send.path,
        params=_params(send),
        headers={**headers, **send.headers},
        content=send.content,
        timeout=timeout(send.read_timeout_s),
    )


def _params(send: Send) -> Mapping[str, Any] | None:
    # An empty mapping would have httpx take away the query that stands in the path.
    return {name: value for name, value in send.params.items() if value is not None} or None


def _reply(response: httpx.Response, body: bytes) -> Reply:
    return Reply(response.status_code, {name.lower(): value for name, value in response.headers.items()}, body)
