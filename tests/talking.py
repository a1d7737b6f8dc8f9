"""A client of interactive executions, over a real socket."""

from __future__ import annotations

import json
import socket
import time
from collections import deque
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Subprotocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from websockets.sync.client import ClientConnection

PATIENCE_S = 60.0


class Talk:
    """One connection, and what was told over it."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.events: list[dict[str, Any]] = []
        self.printed = ""
        """What was told of output, and not looked for yet."""
        self.acknowledges = True
        self.room = 0
        self.after = -1
        self.id = ""
        self.token = ""
        self.code = 0
        self.reason = ""
        """How the server has closed it."""
        self._later: deque[dict[str, Any]] = deque()

    def say(self, kind: str, **fields: Any) -> None:
        self.connection.send(json.dumps({"type": kind, **fields}))

    def type(self, text: str) -> None:
        self.say("stdin", text=text)

    def start(self, source: str, *, tty: bool = False, stdin: str = "open", **execution: Any) -> Talk:
        body = {"language": "python", "source_code": source, **execution}
        self.say("start", execution=body, stdin=stdin, **({"tty": {"cols": 80, "rows": 24}} if tty else {}))
        return self

    def shell(self, command: str = "exec('bash', '--norc', '--noediting', '-i')", **execution: Any) -> Talk:
        source = f"import os\nos.environ['PS1'] = '$ '\ndef exec(*argv): os.execvp(argv[0], argv)\n{command}"
        return self.start(source, tty=True, **execution)

    def next(self, timeout_s: float = PATIENCE_S) -> dict[str, Any] | None:
        """The next message; None at the end of the connection."""
        try:
            text = self.connection.recv(timeout=timeout_s)
        except ConnectionClosed as closed:
            if closed.rcvd is not None:
                self.code, self.reason = closed.rcvd.code, closed.rcvd.reason
            return None
        message: dict[str, Any] = json.loads(text)
        self.events.append(message)
        self.after = message.get("seq", message.get("to", self.after))
        self.id = message.get("id", self.id)
        self.token = message.get("access_token", self.token)
        if message["type"] == "window":
            self.room += message["stdin_bytes"]
        if message["type"] == "output":
            self.printed += message.get("text", "")
            if self.acknowledges:
                with suppress(ConnectionClosed):
                    self.say("ack", seq=message["seq"])
        return message

    def until(self, text: str) -> str:
        """Waits for this output; what came up to its end, and is not looked at again."""
        deadline = time.monotonic() + PATIENCE_S
        while text not in self.printed:
            assert time.monotonic() < deadline, self.printed[-2000:]
            assert self.next() is not None, (self.printed[-2000:], self.code, self.reason, self.events[-3:])
        end = self.printed.index(text) + len(text)
        seen, self.printed = self.printed[:end], self.printed[end:]
        return seen

    def until_told(self, kind: str) -> dict[str, Any]:
        """Waits for a message of this kind, which may have come already."""
        while not (found := [event for event in self.events if event["type"] == kind]):
            assert self.next() is not None, (kind, self.code, self.reason, self.events[-3:])
        return found[-1]

    def end(self) -> dict[str, Any]:
        """Reads to the end; the execution as it was told, or the last problem."""
        while self.next() is not None:
            pass
        last = self.events[-1] if self.events else {}
        told: dict[str, Any] = last.get("execution") or last.get("problem") or {}
        return told

    def output(self) -> bytes:
        """All that was told of it."""
        return "".join(event.get("text", "") for event in self.events if event["type"] == "output").encode()


@contextmanager
def talk(
    port: int, *, protocols: Sequence[str] = ("gexec.v1",), leaves_it: bool = False, **options: Any
) -> Iterator[Talk]:
    """A connection, closed at the end, and what was started over it is cancelled, unless it `leaves_it`."""
    named = [Subprotocol(name) for name in protocols]
    url = f"ws://127.0.0.1:{port}/api/v1/executions/ws"
    with connect(url, subprotocols=named, compression=None, max_size=None, close_timeout=2, **options) as connection:
        talked = Talk(connection)
        yield talked
        if leaves_it:
            return
        with suppress(ConnectionClosed, TimeoutError, OSError):
            talked.say("cancel")
            while talked.next(timeout_s=10):
                pass


class RawSocket:
    """A client that keeps to nothing."""

    def __init__(self, port: int, *, head: str = "", token: str = "", behind: bytes = b"") -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        access = f"X-Access-Token: {token}\r\n" if token else ""
        request = head or (
            f"GET /api/v1/executions/ws HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
            "Connection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Extensions: permessage-deflate\r\n"
            f"{access}\r\n"
        )
        self.socket.sendall(request.encode() + behind)
        self.received = b""

    def __enter__(self) -> RawSocket:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def head(self) -> str:
        """The answer to the handshake."""
        while b"\r\n\r\n" not in self.received:
            self.received += self.socket.recv(65_536)
        head, _, self.received = self.received.partition(b"\r\n\r\n")
        return head.decode()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def frame(self) -> tuple[int, bytes] | None:
        """The next one's first byte and payload; None at the end."""
        while True:
            if len(self.received) >= 2:
                size, start = self.received[1], 2
                if size == 126:
                    size, start = int.from_bytes(self.received[2:4], "big"), 4
                elif size == 127:
                    size, start = int.from_bytes(self.received[2:10], "big"), 10
                if len(self.received) >= start + size:
                    first, payload = self.received[0], self.received[start : start + size]
                    self.received = self.received[start + size :]
                    return first, payload
            try:
                data = self.socket.recv(65_536)
            except ConnectionError:
                return None
            if not data:
                return None
            self.received += data

    def close_code(self) -> int:
        """What the server closes it with; 0 where it does without a word."""
        while (frame := self.frame()) is not None:
            if frame[0] == 0x88:
                return int.from_bytes(frame[1][:2], "big")
        return 0


def frame(first: int, payload: bytes, *, masked: bool = True, size: int | None = None) -> bytes:
    """A client's frame, by its first byte; `size` is what it says of its length."""
    size = len(payload) if size is None else size
    mask_bit = 0x80 if masked else 0
    if size < 126:
        head = bytes([first, mask_bit | size])
    elif size < 1 << 16:
        head = bytes([first, mask_bit | 126]) + size.to_bytes(2, "big")
    else:
        head = bytes([first, mask_bit | 127]) + size.to_bytes(8, "big")
    # A mask of zeroes changes nothing.
    return head + (bytes(4) if masked else b"") + payload
