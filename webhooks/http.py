"""One request to an address that a client chose: bounded in time and size, and to no place that is not public.

Theory of operation. The name is resolved once, all addresses that come back are checked, and the connection is made to
one of these very addresses, with the name for TLS and Host: an answer of the DNS that changes a moment later is not
asked for. No redirect is followed, no proxy of the environment is used. One clock runs over all of it, and a socket
waits no longer than is left of it, so that a receiver that sends a byte now and then is cut off as well.
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

from webhooks.addresses import Network, is_reachable
from webhooks.targets import Target

TOTAL_S = 15.0
RESOLVE_S = 5.0
MAX_HEAD_BYTES = 32 * 1024
MAX_ANSWER_BYTES = 64 * 1024
_MAX_TRIED = 3
"""Addresses of one name."""

Resolve = Callable[[str, int], Sequence[str]]


class Unreached(Exception):
    """No answer came; the text says why, in words for the one whose address it is."""


class Reply(NamedTuple):
    """What a receiver answered."""

    status: int
    retry_after: str
    body: bytes
    """As much as came, and may be read."""


def resolved(host: str, port: int) -> list[str]:
    """All addresses of a name. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True)
class Sender:
    """Sends requests."""

    allowed: Sequence[Network] = ()
    """Networks that may be reached though they are private."""
    resolve: Resolve = resolved
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    total_s: float = TOTAL_S

    def send(self, target: Target, method: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Send it once. Raises Unreached."""
        clock = _Clock(self.total_s)
        addresses = self._checked(target, clock)
        try:
            with self._connected(target, addresses, clock) as connection:
                connection.settimeout(clock.left_s())
                connection.sendall(_request(target, method, headers, body))
                return _reply(connection, clock)
        except TimeoutError:
            raise Unreached(f"no answer within {self.total_s:g} s") from None
        except ssl.SSLCertVerificationError as exc:
            raise Unreached(f"the certificate is not valid: {exc.verify_message}") from None
        except (OSError, http.client.HTTPException, ValueError) as exc:
            raise Unreached(f"{type(exc).__name__}: {exc}"[:200]) from None

    def _checked(self, target: Target, clock: _Clock) -> Sequence[str]:
        """Its addresses, every one of which may be reached. Raises Unreached."""
        addresses = _within(min(RESOLVE_S, clock.left_s()), lambda: self.resolve(target.host, target.port))
        if not addresses:
            raise Unreached("the name has no address")
        if not all(is_reachable(address, self.allowed) for address in addresses):
            # Which ones they are is for nobody to learn who cannot ask our resolver himself.
            raise Unreached("the name leads to an address that is not public")
        return addresses[:_MAX_TRIED]

    def _connected(self, target: Target, addresses: Sequence[str], clock: _Clock) -> socket.socket:
        failed: OSError | None = None
        for number, address in enumerate(addresses):
            # One that does not answer leaves time for the others.
            share_s = clock.left_s() / (len(addresses) - number)
            try:
                plain = socket.create_connection((address, target.port), timeout=share_s)
            except OSError as exc:
                failed = exc
                continue
            return self._secured(plain, target, clock) if target.is_tls else plain
        raise failed or OSError("no address")

    def _secured(self, plain: socket.socket, target: Target, clock: _Clock) -> socket.socket:
        """With TLS. One clock over the whole handshake: the socket's own would begin anew with every byte."""
        watchdog = threading.Timer(clock.left_s(), _shut, [plain])
        watchdog.daemon = True
        watchdog.start()
        try:
            plain.settimeout(clock.left_s())
            return self.tls.wrap_socket(plain, server_hostname=target.host)
        except OSError:
            plain.close()
            clock.left_s()
            raise
        finally:
            watchdog.cancel()


class _Clock:
    """What is left of the time for one request."""

    def __init__(self, total_s: float) -> None:
        self._until = time.monotonic() + total_s

    def left_s(self) -> float:
        """Raises TimeoutError where it is over."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


class _Answer(io.RawIOBase):
    """What comes of an answer, up to a size and within the time. `http.client` takes it for a socket."""

    def __init__(self, connection: socket.socket, clock: _Clock) -> None:
        super().__init__()
        self._connection = connection
        self._clock = clock
        self._left = MAX_HEAD_BYTES + MAX_ANSWER_BYTES

    def makefile(self, *_: Any) -> io.BufferedReader:
        return io.BufferedReader(self, 4096)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._left:
            raise http.client.LineTooLong("answer")
        self._connection.settimeout(self._clock.left_s())
        count = self._connection.recv_into(buffer, min(len(buffer), self._left))
        self._left -= count
        return count


def _request(target: Target, method: str, headers: Mapping[str, str], body: bytes) -> bytes:
    fields = {
        "Host": target.authority,
        "Connection": "close",
        "Content-Length": str(len(body)),
        **headers,
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"{method} {target.path} HTTP/1.1\r\n{head}\r\n".encode("ascii") + body


def _reply(connection: socket.socket, clock: _Clock) -> Reply:
    answer = http.client.HTTPResponse(cast("socket.socket", _Answer(connection, clock)))
    answer.begin()
    body = bytearray()
    try:
        while len(body) < MAX_ANSWER_BYTES and (data := answer.read1(4096)):
            body += data
    except (OSError, http.client.HTTPException, ValueError):
        # What counts is the status, which has come; the rest is for people to read.
        pass
    return Reply(answer.status, answer.headers.get("Retry-After", ""), bytes(body[:MAX_ANSWER_BYTES]))


def _within(seconds: float, resolve: Callable[[], Sequence[str]]) -> Sequence[str]:
    """What a call returns that has no time-out of its own; in a thread, which is left alone where it is late."""
    found: list[Sequence[str]] = []
    failed: list[Exception] = []

    def call() -> None:
        try:
            found.append(resolve())
        except (OSError, UnicodeError) as exc:
            failed.append(exc)

    thread = threading.Thread(target=call, name="resolve", daemon=True)
    thread.start()
    thread.join(seconds)
    if found:
        return found[0]
    raise Unreached("the name cannot be resolved" if failed else "the name was not resolved in time")


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
