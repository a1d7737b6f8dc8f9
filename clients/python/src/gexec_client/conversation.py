"""What is said over the WebSocket of an interactive execution: docs/interactive.md of gexec has the messages."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

from gexec_client.errors import ApiError, ConnectionFailed, GexecError, UnexpectedAnswer, api_error
from gexec_client.events import Event, Queued, event_in
from gexec_client.programs import Body
from gexec_client.sse import Message

PATH = "/api/v1/executions/ws"
PROTOCOL = "gexec.v1"
DETACH_S = 30.0
"""How long a server keeps a program without a connection, unless it says otherwise."""
_TOO_LARGE = 1009
_OWN_CODES = 4000
_FAULT = 1011
_BROKEN = frozenset({1002, 1003, 1007})


@dataclass(frozen=True, slots=True)
class Window:
    """So many bytes more may be typed."""

    stdin_bytes: int
    detach_s: float | None


@dataclass(frozen=True, slots=True)
class Told:
    """An event, and how far all is told with it."""

    event: Event
    seq: int | None
    access_token: str | None


def said(kind: str, **fields: Any) -> str:
    """A message to the server."""
    return json.dumps({"type": kind, **fields}, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def start(body: Body, terminal: tuple[int, int] | None) -> str:
    """The first message, for a new one."""
    return said("start", execution=body.fields, **({"tty": size(terminal)} if terminal else {}))


def typed(data: bytes) -> str:
    """Bytes for stdin, whatever they are."""
    return said("stdin", base64=base64.b64encode(data).decode())


def size(terminal: tuple[int, int]) -> dict[str, int]:
    """Columns and rows, within what a server takes."""
    columns, rows = terminal
    return {"cols": min(max(columns, 1), 1000), "rows": min(max(rows, 1), 1000)}


def heard(text: str | bytes) -> Window | Told:
    """A message of the server. Raises the ApiError that it is, UnexpectedAnswer."""
    if isinstance(text, bytes):
        raise UnexpectedAnswer("messages are text")
    try:
        data = json.loads(text)
        kind = str(data["type"])
        if kind == "error":
            raise api_error(int(data["problem"]["status"]), data["problem"])
        if kind == "window":
            return Window(int(data["stdin_bytes"]), _number(data.get("detach_s")))
    except (ValueError, KeyError, TypeError):
        raise UnexpectedAnswer("a message of the server cannot be read") from None
    event, data = event_in(Message(kind, text, ""))
    seq = data.get("seq", data.get("to"))
    token = data.get("access_token") if isinstance(event, Queued) else None
    return Told(event, seq if isinstance(seq, int) else None, token if isinstance(token, str) else None)


def end_of(code: int | None, reason: str) -> GexecError:
    """What it means that a connection was closed so; ConnectionFailed where one may come back."""
    if code is not None and code >= _OWN_CODES:
        return api_error(
            code - _OWN_CODES, {"code": reason, "detail": f"the server has ended the connection: {reason}"}
        )
    if code == _TOO_LARGE:
        return api_error(413, {"code": "payload_too_large", "detail": reason or "the request is too large"})
    if code == _FAULT:
        return api_error(500, {"code": reason or "internal_error", "detail": "the server has a fault"})
    if code in _BROKEN:
        return UnexpectedAnswer(f"the server does not understand what it is told ({code})")
    return ConnectionFailed("the connection to the program was lost", sent=True)


def may_pass(error: GexecError) -> bool:
    """Whether who was refused so, and comes back, may be let in a moment later."""
    return isinstance(error, ConnectionFailed) or (
        isinstance(error, ApiError) and (error.status >= 500 or error.status == 429)
    )


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
