"""What tests of clients/python share: one server, both kinds of clients behind one face, a network that fails."""

from __future__ import annotations

import inspect
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from gexec_client import AsyncClient, AsyncStream, Client, Event, Stream
from testkit.containers import left_after
from testkit.databases import create_database, database_url
from testkit.servers import RunningServer, clean_environment, start_server

RIGHTS = "execute,stream,read,see_hidden,manage_files,manage_keys,admin"


@dataclass(frozen=True, slots=True)
class Gexec:
    """A running server and a key for it."""

    server: RunningServer
    key: str

    @property
    def url(self) -> str:
        return self.server.base_url


@pytest.fixture(scope="session")
def gexec(
    prepared_data_dir: Path,
    prepared_postgres: Path,
    tmp_path_factory: pytest.TempPathFactory,
    docker_client: docker.DockerClient,
) -> Iterator[Gexec]:
    """One server for all tests of the client."""
    create_database(prepared_postgres, "python_client", "gexec")
    environment = clean_environment(DATABASE_URL=database_url(prepared_postgres, "python_client"))
    running = start_server(tmp_path_factory.mktemp("client") / "data", environment)
    running.wait_ready(within_s=240)
    made = running.manage("create_api_key", "tests", "--rights", RIGHTS)
    yield Gexec(running, made.stdout.splitlines()[-1].strip())
    running.stop()
    assert not left_after(docker_client.api, running.data_dir)


class Blocking:
    """An AsyncClient, used as a Client is: what one can, the other can by the same names."""

    def __init__(self, portal: BlockingPortal, client: AsyncClient) -> None:
        self._portal, self._client = portal, client

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        return lambda *args, **more: self._done(method(*args, **more))

    def _done(self, made: Any) -> Any:
        if inspect.isawaitable(made):
            return self._portal.call(_awaited, made)
        if isinstance(made, AsyncStream):
            return BlockingStream(self._portal, made)
        return iter(self._portal.call(_all, made))


class BlockingStream:
    """An AsyncStream, used as a Stream is."""

    def __init__(self, portal: BlockingPortal, stream: AsyncStream) -> None:
        self._portal, self._stream = portal, stream

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._stream, name)
        return (lambda: self._portal.call(found)) if callable(found) else found

    def __enter__(self) -> BlockingStream:
        return self

    def __exit__(self, *error: object) -> None:
        self._portal.call(self._stream.close)

    def __iter__(self) -> BlockingStream:
        return self

    def __next__(self) -> Event:
        try:
            return self._portal.call(self._stream.__anext__)
        except StopAsyncIteration:
            raise StopIteration from None


async def _awaited(made: Any) -> Any:
    return await made


async def _all(made: Any) -> list[Any]:
    return [each async for each in made]


@contextmanager
def client_of(kind: str, url: str, key: str, **more: Any) -> Iterator[Any]:
    """One of both kinds, closed at the end."""
    if kind == "threads":
        with Client(url, key, **more) as threads:
            yield threads
        return
    with start_blocking_portal(kind) as portal:
        client = portal.call(lambda: _made(url, key, more))
        try:
            yield Blocking(portal, client)
        finally:
            portal.call(client.close)


async def _made(url: str, key: str, more: dict[str, Any]) -> AsyncClient:
    return AsyncClient(url, key, **more)


@pytest.fixture
def caller(gexec: Gexec) -> Iterator[Client]:
    """A client with a key."""
    with Client(gexec.url, gexec.key) as made:
        yield made


@pytest.fixture(params=["threads", "asyncio"])
def either(request: pytest.FixtureRequest, gexec: Gexec) -> Iterator[Any]:
    """The same, of both kinds: for what each kind does in a way of its own."""
    with client_of(request.param, gexec.url, gexec.key) as made:
        yield made


def events_of(stream: Stream | BlockingStream) -> list[Any]:
    """All events, of whatever kinds."""
    with stream:
        return list(stream)


class Cutting:
    """A proxy that cuts connections: the first after so many bytes of the answer, the next after the next number."""

    def __init__(self, port: int, after: Sequence[int | None]) -> None:
        self._to, self._after = port, list(after)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.connections = 0
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Cutting:
        self._begin(self._accept)
        return self

    def __exit__(self, *error: object) -> None:
        # Closing alone would leave `accept` waiting.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(30)

    def _begin(self, work: Any, *args: Any) -> None:
        thread = threading.Thread(target=work, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            left = self._after.pop(0) if self._after else None
            self.connections += 1
            server = socket.create_connection(("127.0.0.1", self._to))
            self._begin(_pass_on, client, server, None)
            self._begin(_pass_on, server, client, left)


def _pass_on(source: socket.socket, target: socket.socket, left: int | None) -> None:
    with suppress(OSError):
        while data := source.recv(65536 if left is None else min(65536, left)):
            target.sendall(data)
            left = None if left is None else left - len(data)
            if left == 0:
                break
    for each in (source, target):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
        each.close()
