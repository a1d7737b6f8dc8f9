"""What a client says over the WebSocket of an interactive execution: each message is an object with its `type`."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from executions.api.fields import problem_with
from executions.signals import SENDABLE
from executions.submission import Interactive
from rest.parsers import StrictJSONParser
from rest.text import encodable
from rest.unknown import refuse_unknown
from sandbox.types import TerminalSize

MAX_COLUMNS, MAX_ROWS = 1000, 1000
"""No screen has more, and a program that fills it takes memory for each."""
_MAX_PLACE = 1 << 53


@dataclass(frozen=True, slots=True)
class Start:
    """Begin it, once."""

    execution: Mapping[str, Any]
    interactive: Interactive
    stdin_stays_open: bool


@dataclass(frozen=True, slots=True)
class Attach:
    """Come back to it."""

    execution_id: UUID
    after: int


@dataclass(frozen=True, slots=True)
class Typed:
    """Bytes for its stdin."""

    data: bytes


@dataclass(frozen=True, slots=True)
class StdinClosed:
    """There will be no more of them."""


@dataclass(frozen=True, slots=True)
class Signalled:
    number: int


@dataclass(frozen=True, slots=True)
class Resized:
    size: TerminalSize


@dataclass(frozen=True, slots=True)
class Shown:
    """All up to there was shown."""

    place: int


@dataclass(frozen=True, slots=True)
class Cancelled:
    """It is to end."""


Message = Start | Attach | Typed | StdinClosed | Signalled | Resized | Shown | Cancelled


def message_in(text: str) -> Message:
    """What it says. Raises ValidationError, or Refusal for what is no JSON object."""
    data = StrictJSONParser().object_in(text.encode())
    kind = data.pop("type", None)
    if not isinstance(kind, str) or kind not in _KINDS:
        raise problem_with(
            "type", f"is one of {', '.join(_KINDS)}", "missing_field" if kind is None else "invalid_field"
        )
    fields, read = _KINDS[kind]
    refuse_unknown(data, fields, what="field")
    return read(data)


def _start(data: Mapping[str, Any]) -> Start:
    execution = data.get("execution")
    if not isinstance(execution, dict):
        raise problem_with(
            "execution", "is the object that POST takes", "missing_field" if execution is None else "invalid_field"
        )
    tty, stdin = data.get("tty"), data.get("stdin", "open")
    if stdin not in ("open", "closed"):
        raise problem_with("stdin", "is open or closed", "invalid_field")
    if tty is not None and (not isinstance(tty, dict) or stdin != "open"):
        raise problem_with("tty", "has a size, and its stdin stays open", "invalid_field")
    if tty is not None:
        refuse_unknown(tty, ("cols", "rows"), what="field")
    terminal = None if tty is None else _size(tty, "tty.")
    return Start(execution, Interactive(terminal), stdin == "open")


def _attach(data: Mapping[str, Any]) -> Attach:
    try:
        execution_id = UUID(str(data.get("id")))
    except ValueError:
        raise problem_with("id", "is the id of an execution", "invalid_field") from None
    return Attach(execution_id, _whole(data, "after", -1, _MAX_PLACE, default=-1))


def _typed(data: Mapping[str, Any]) -> Typed:
    if ("text" in data) == ("base64" in data):
        raise problem_with("text", "either text or base64 is needed", "invalid_field")
    text = data.get("text", data.get("base64"))
    if not isinstance(text, str):
        raise problem_with("text" if "text" in data else "base64", "is a string", "invalid_field")
    if "text" in data:
        return Typed(encodable(text).encode())
    try:
        return Typed(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        raise problem_with("base64", "is no base64", "invalid_field") from None


def _signal(data: Mapping[str, Any]) -> Signalled:
    number = SENDABLE.get(data["signal"]) if isinstance(data.get("signal"), str) else None
    if number is None:
        raise problem_with("signal", f"is one of {', '.join(SENDABLE)}", "invalid_field")
    return Signalled(number)


def _size(data: Mapping[str, Any], at: str = "") -> TerminalSize:
    return TerminalSize(
        _whole(data, "cols", 1, MAX_COLUMNS, at=at, default=None if at == "" else 80),
        _whole(data, "rows", 1, MAX_ROWS, at=at, default=None if at == "" else 24),
    )


def _whole(data: Mapping[str, Any], name: str, low: int, high: int, *, default: int | None, at: str = "") -> int:
    value = data.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise problem_with(f"{at}{name}", f"is a whole number from {low} to {high}", "invalid_field")
    return value


_KINDS: Mapping[str, tuple[tuple[str, ...], Callable[[Mapping[str, Any]], Message]]] = {
    "start": (("execution", "tty", "stdin"), _start),
    "attach": (("id", "after"), _attach),
    "stdin": (("text", "base64"), _typed),
    "stdin_close": ((), lambda _: StdinClosed()),
    "signal": (("signal",), _signal),
    "resize": (("cols", "rows"), lambda data: Resized(_size(data))),
    "ack": (("seq",), lambda data: Shown(_whole(data, "seq", -1, _MAX_PLACE, default=None))),
    "cancel": ((), lambda _: Cancelled()),
}
