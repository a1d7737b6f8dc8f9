"""What is told of an execution while it runs."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from gexec_client.errors import UnexpectedAnswer
from gexec_client.results import Execution, result
from gexec_client.sse import Message


@dataclass(frozen=True, slots=True)
class Queued:
    """It was accepted, and may have to wait."""

    execution_id: str
    position: int | None
    estimate_ms: float | None


@dataclass(frozen=True, slots=True)
class Started:
    """It has its turn."""

    attempt: int


@dataclass(frozen=True, slots=True)
class StepStarted:
    """The compiler begins (`compile`), or the program (`run`, `run/2`)."""

    step: str


@dataclass(frozen=True, slots=True)
class Output:
    """A piece of what was printed, as it came: characters are whole where it is text."""

    step: str
    stream: Literal["stdout", "stderr"]
    data: bytes
    t_ms: float | None

    @property
    def text(self) -> str:
        """The bytes as text."""
        return self.data.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class StepFinished:
    """A step's end: `data` has of it what the result has, but for what it printed."""

    step: str
    outcome: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TestFinished:
    """A test's verdict."""

    __test__ = False

    index: int
    name: str
    verdict: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ArtifactTaken:
    """A file that the program has left."""

    name: str
    bytes: int | None
    skipped: str | None


@dataclass(frozen=True, slots=True)
class Restarted:
    """The run was lost and begins again: no output that came before counts."""

    attempt: int


@dataclass(frozen=True, slots=True)
class Gap:
    """Events are lost to this watcher. The execution at the end has its whole output all the same."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Cut:
    """The connection of an interactive execution was lost. The program goes on; so does this, within `within_s`."""

    within_s: float


@dataclass(frozen=True, slots=True)
class Reattached:
    """It is there again, and the output goes on to the same bytes."""

    unsure_bytes: int
    """So much of what was typed last may be lost: it was sent, and nobody has said that it arrived."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The end; nothing comes behind it."""

    execution: Execution


@dataclass(frozen=True, slots=True)
class Unknown:
    """What a newer server tells."""

    event: str
    data: Mapping[str, Any]


Event: TypeAlias = (
    Queued
    | Started
    | StepStarted
    | Output
    | StepFinished
    | TestFinished
    | ArtifactTaken
    | Restarted
    | Gap
    | Cut
    | Reattached
    | Finished
    | Unknown
)


def event_in(message: Message) -> tuple[Event, Mapping[str, Any]]:
    """The event, and the object that it was made of. Raises UnexpectedAnswer."""
    try:
        data = json.loads(message.data)
        if not isinstance(data, dict):
            raise UnexpectedAnswer(f"the data of {message.event:.40} is no object")
        return _event(message.event, data), data
    except (ValueError, KeyError, TypeError, binascii.Error):
        raise UnexpectedAnswer(f"the event {message.event:.40} cannot be read") from None


def _event(name: str, data: Mapping[str, Any]) -> Event:  # noqa: C901, PLR0911 (one for each kind)
    match name:
        case "execution.queued":
            return Queued(str(data["id"]), data.get("position"), data.get("estimate_ms"))
        case "execution.started":
            return Started(int(data.get("attempt", 1)))
        case "step.started":
            return StepStarted(str(data["step"]))
        case "output":
            return _output(data)
        case "step.finished":
            return StepFinished(str(data["step"]), str(data.get("outcome")), data)
        case "test.finished":
            return TestFinished(int(data["index"]), str(data.get("name", "")), str(data.get("verdict")), data)
        case "artifact":
            return ArtifactTaken(str(data["name"]), data.get("bytes"), data.get("skipped"))
        case "restarted":
            return Restarted(int(data.get("attempt", 2)))
        case "gap":
            return Gap(int(data["from"]), int(data["to"]))
        case "execution.finished":
            return Finished(result(Execution, data["execution"]))
    return Unknown(name, data)


def _output(data: Mapping[str, Any]) -> Output:
    raw = base64.b64decode(data["base64"], validate=True) if "base64" in data else str(data["text"]).encode()
    stream: Literal["stdout", "stderr"] = "stderr" if data.get("stream") == "stderr" else "stdout"
    return Output(str(data.get("step", "run")), stream, raw, data.get("t_ms"))
