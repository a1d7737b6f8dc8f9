"""Events as they are sent: as server-sent events (the HTML standard, 9.2) or as lines of JSON."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from executions.api.steps import ending_json
from executions.live.events import (
    Began,
    Collected,
    Ended,
    Event,
    Gap,
    Printed,
    Queued,
    Restarted,
    StepBegan,
    StepEnded,
    TestEnded,
)

RETRY_MS = 1000
"""After how long a browser comes again."""
_STREAMS = {1: "stdout", 2: "stderr"}

Json = Mapping[str, Any]


def told(event: Event | Gap) -> tuple[str, dict[str, Any]]:
    """An event's name and its data, but for what Ended adds: the execution itself."""
    if isinstance(event, Gap):
        return "gap", {"from": event.first, "to": event.last}
    name, data = _told(event)
    return name, {"seq": event.seq, **data}


def _told(event: Event) -> tuple[str, dict[str, Any]]:  # noqa: PLR0911 (one for each kind)
    match event:
        case Queued():
            return "execution.queued", {"position": event.position, "estimate_ms": event.estimate_ms}
        case Restarted():
            return "restarted", {"attempt": event.attempt}
        case Began():
            return "execution.started", {"attempt": event.attempt, "queue_ms": event.queue_ms}
        case StepBegan():
            return "step.started", {"step": event.step}
        case Printed():
            return "output", _output(event)
        case StepEnded():
            sizes = {"stdout_bytes": event.stdout_bytes, "stderr_bytes": event.stderr_bytes}
            return "step.finished", {"step": event.record.name, **ending_json(event.record, **sizes)}
        case TestEnded():
            return "test.finished", {"index": event.index, **event.told}
        case Collected():
            return "artifact", {"name": event.name, "bytes": event.bytes, "skipped": event.skipped}
        case Ended():
            return "execution.finished", {}
    raise TypeError(f"no name for {event!r:.100}")


def _output(event: Printed) -> dict[str, Any]:
    data = {"step": event.step, "stream": _STREAMS[event.stream], "t_ms": event.t_ms}
    try:
        return data | {"text": event.data.decode()}
    except UnicodeDecodeError:
        return data | {"base64": base64.b64encode(event.data).decode()}


class ServerSentEvents:
    """For browsers' EventSource, and curl."""

    media_type = "text/event-stream"
    opening = f"retry: {RETRY_MS}\n\n".encode()
    ping = b": ping\n\n"

    @staticmethod
    def line(name: str, data: Json) -> bytes:
        """One event. Its data is one line of JSON, in which no line can end, whatever a program prints."""
        place = data.get("seq", data.get("to"))
        return f"id: {place}\nevent: {name}\ndata: {_json(data)}\n\n".encode()


class JsonLines:
    """For programs: each line is an object with the event's name as `event`."""

    media_type = "application/x-ndjson"
    opening = b""
    ping = b'{"event": "ping"}\n'

    @staticmethod
    def line(name: str, data: Json) -> bytes:
        return f"{_json({'event': name, **data})}\n".encode()


Form = type[ServerSentEvents] | type[JsonLines]


def _json(data: Json) -> str:
    return json.dumps(data, ensure_ascii=False)
