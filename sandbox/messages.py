"""What web processes and hosts say to each other: versioned messages, as bytes of MessagePack and as values.

Theory of operation. A message is a map: its version, its kind, and the fields of one of the dataclasses below, nested
as they are. Either side may be a release ahead of the other, and a host may be in the hands of a program that got out.
So a reader takes nothing on trust: every field has the type that its dataclass says, or the message is refused as a
whole; lengths are bounded; a field that is not known is of a later release and passed over, one that is missing has
its default. A version is raised where that is not enough, and then the one before is understood as well.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from enum import Enum
from typing import Any, TypeVar

import msgpack

from sandbox import contents
from sandbox.contents import Reference
from sandbox.hosts import HostState, ImageState, Inventory
from sandbox.types import (
    Artifact,
    ArtifactsCollected,
    Job,
    JobResult,
    Lane,
    Output,
    Profile,
    StepFinished,
    StepResult,
    TerminalSize,
    WarmTarget,
)

VERSION = 1
MAX_BYTES = 64 * 1024 * 1024
"""Of one message. NATS has no larger ones."""
_WHOLE_BYTES = 1024 * 1024
"""A job of so many bytes goes whole."""
_NOTHING_APART: Mapping[str, bytes] = types.MappingProxyType({})
_MOST = 2**53
_MAX_NAME = 1000
_MOST_SLOTS = 100_000
"""Of a host, which has some ten."""
_MAX_PATH = 4096
_MAX_ITEMS = 100_000
"""Of one list: steps, files, pieces of output in the order in which they came."""

T = TypeVar("T")
Checked = Callable[[Any, str], Any]


class MessageError(Exception):
    """No message that this release understands; says why."""


class ContentsNeeded(MessageError):
    """It has references to contents; `references` tells which."""


@dataclass(frozen=True, slots=True)
class Talked:
    """How a job is talked to."""

    kept_bytes: int
    """Of what the step prints, so much is in its result."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """A task on its way to a host: all that is needed to run it there."""

    id: str
    attempt: int
    """The row's. Who asks, asks for one of them: what an earlier one has come to, is nobody's result."""
    answer_to: str
    """The subject below which its events and its result are told."""
    profile: Profile
    job: Job
    lane: Lane
    tenant: str | None = None
    stream_output: bool = False
    bare_results: bool = False
    start_ahead: bool = False
    skipped: tuple[str, ...] = ()
    talked: Talked | None = None
    """Where somebody talks to its last step."""


@dataclass(frozen=True, slots=True)
class Begun:
    """It has a container on this host; its first step begins."""

    host: str
    container_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no result: our fault, by the name of one of the sandbox's errors."""

    kind: str
    message: str
    retry_after_s: int = 1


@dataclass(frozen=True, slots=True)
class Ended:
    """The last word on an attempt. It is stored until a row has it."""

    id: str
    attempt: int
    host: str
    events: int
    """How many were told before it: what has not come yet, or is lost, is missing."""
    result: JobResult | None = None
    failure: Failure | None = None
    """One of the two."""
    cut: bool = False
    """Whether what was printed had no room here, and was only told as events."""
    begun: bool = False
    whole: Reference | None = None
    """Where it is cut: all of it, as it would be packed, among the contents of this attempt."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """A job that is too large for a message also without its large contents."""

    answer_to: str
    whole: Reference


@dataclass(frozen=True, slots=True)
class Numbered:
    """An event, with its number from 0 on."""

    number: int
    event: Begun | Output | StepFinished | ArtifactsCollected


@dataclass(frozen=True, slots=True)
class Skip:
    """Steps that are to be left out where they have not begun."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """All that was said to a job that is talked to, as far as no Heard has named it.

    It is said anew every second: what was lost on its way comes again, and who says nothing any more is gone.
    """

    read_bytes: int
    """So much of what the step has printed was read."""
    typed_from: int
    """Where in all that was typed `typed` begins."""
    typed: bytes = b""
    closed: bool = False
    """Whether nothing is typed after it."""
    signals_from: int = 0
    signals: tuple[int, ...] = ()
    size: TerminalSize | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """What a job that is talked to has of what was said."""

    begun: bool
    """Whether its last step runs: it is talked to from then on."""
    typed: int = 0
    signals: int = 0
    taken: int = 0
    """So much of what was typed has left the room for it."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """The attempt is to end. A host that has it answers with Holds."""

    unless_begun: bool = False
    """Whether it may go on where it has begun."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Whether a host but this one has the attempt: one that has answers with Holds."""

    host: str


@dataclass(frozen=True, slots=True)
class Holds:
    """What a host that was asked, or told to cancel, has of it."""

    begun: bool


@dataclass(frozen=True, slots=True)
class Kept:
    """So many of a profile are to wait, on each host."""

    profile: Profile
    target: WarmTarget


@dataclass(frozen=True, slots=True)
class Targets:
    """What hosts keep warm."""

    kept: tuple[Kept, ...]


Message = (
    Assignment
    | Parcel
    | Numbered
    | Ended
    | Skip
    | Said
    | Heard
    | Cancel
    | Ask
    | Holds
    | Targets
    | HostState
    | Inventory
)
_KINDS: Mapping[str, type[Any]] = {
    "job": Assignment,
    "parcel": Parcel,
    "event": Numbered,
    "end": Ended,
    "skip": Skip,
    "said": Said,
    "heard": Heard,
    "cancel": Cancel,
    "ask": Ask,
    "holds": Holds,
    "targets": Targets,
    "host": HostState,
    "inventory": Inventory,
}
_NAMES: Mapping[type[Any], str] = {kind: name for name, kind in _KINDS.items()}
_EVENTS: Mapping[str, type[Any]] = {
    "begun": Begun,
    "output": Output,
    "step": StepFinished,
    "artifacts": ArtifactsCollected,
}
_EVENT_NAMES: Mapping[type[Any], str] = {kind: name for name, kind in _EVENTS.items()}

M = TypeVar(
    "M", Assignment, Parcel, Numbered, Ended, Skip, Said, Heard, Cancel, Ask, Holds, Targets, HostState, Inventory
)


def encode(message: Message, *, version: int = 0) -> bytes:
    """The bytes of a message, in this release's version or the one that is asked for. MessageError: too large."""
    data = {"v": version or VERSION, "kind": _NAMES[type(message)], **_plain(message)}
    packed: bytes = msgpack.packb(data)
    if len(packed) > MAX_BYTES:
        raise MessageError(f"a message of {len(packed)} bytes is larger than any may be")
    return packed


def packed(job: Assignment, *, most_bytes: int) -> tuple[bytes, dict[str, bytes]]:
    """The bytes of a job, at most so many, and what else the host needs for it, by its digest. MessageError: too large.

    Contents of a job that is not small go by their digest even where they had room: hosts keep them.
    """
    data: Any = {"v": VERSION, "kind": _NAMES[Assignment], **_plain(job)}
    if (size := contents.size_of(data)) > contents.MOST_BYTES:
        raise MessageError(f"files, tests and input of {size} bytes together: {contents.MOST_BYTES} go to a host")
    apart: dict[str, bytes] = {}
    if size > min(most_bytes, _WHOLE_BYTES):
        data = contents.taken_out(data, apart)
    whole: bytes = msgpack.packb(data)
    if len(whole) <= most_bytes:
        return whole, apart
    if len(whole) > MAX_BYTES:
        raise MessageError(f"{len(whole)} bytes beside its large contents: {MAX_BYTES} go to a host")
    reference = contents.reference_to(whole)
    return encode(Parcel(job.answer_to, reference)), apart | {reference.sha256: whole}


def images_of(state: HostState) -> tuple[ImageState, ...]:
    """What a host has of the images of enabled languages; nothing where it does not say so in words of this release."""
    try:
        return decode(state.images, Inventory).images
    except MessageError:
        return ()


def answers_to(data: bytes) -> str:
    """The subject that a job names, whether or not the rest of it is understood. Raises MessageError."""
    subject = _unpacked(data).get("answer_to")
    if type(subject) is not str:
        raise MessageError("it names nobody who waits for it")
    return subject


def references(data: bytes) -> set[Reference]:
    """To all contents that a job needs beside its message. Raises MessageError where they are too large together."""
    try:
        found = contents.references_in(_unpacked(data))
    except RecursionError as error:
        raise MessageError("it is nested too deeply") from error
    if sum(each.size for each in found) > contents.MOST_BYTES:
        raise MessageError("it needs more contents than any job may have")
    return set(found)


def decode(data: bytes, kind: type[M], apart: Mapping[str, bytes] = _NOTHING_APART) -> M:
    """The message of this kind that the bytes are, with contents that are `apart`.

    Raises MessageError, and ContentsNeeded where contents are missing.
    """
    found = _unpacked(data)
    if apart:
        found = contents.put_back(found, apart)
    version = found.get("v")
    if type(version) is not int or not understands(version):
        raise MessageError(f"a message of version {version!r:.40}: {oldest()} to {VERSION} are understood")
    if found.get("kind") != _NAMES[kind]:
        raise MessageError(f"no {_NAMES[kind]}")
    made: M = _checker(kind)(found, _NAMES[kind])
    return made


def understands(version: int) -> bool:
    """This version and the one before."""
    return oldest() <= version <= VERSION


def oldest() -> int:
    """The version before this one, where there was one."""
    return max(1, VERSION - 1)


def _unpacked(data: bytes) -> dict[Any, Any]:
    if len(data) > MAX_BYTES:
        raise MessageError(f"a message of {len(data)} bytes is larger than any may be")
    try:
        found = msgpack.unpackb(data, max_array_len=_MAX_ITEMS, max_map_len=_MAX_ITEMS, max_ext_len=0)
    except (ValueError, msgpack.exceptions.UnpackException, RecursionError) as error:
        raise MessageError(f"no MessagePack: {error!s:.100}") from error
    if not isinstance(found, dict):
        raise MessageError("no map")
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, Numbered):
        return {"number": value.number, "event": {"kind": _EVENT_NAMES[type(value.event)], **_plain(value.event)}}
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(each) for each in value]
    return value


_checkers: dict[Any, Checked] = {}


def _checker(hint: Any) -> Checked:
    """What makes a value of this type of what was unpacked, or raises MessageError that says where it is not one."""
    if hint not in _checkers:
        _checkers[hint] = _made_checker(hint)
    return _checkers[hint]


def _made_checker(hint: Any) -> Checked:
    if hint is Numbered:
        return _numbered
    if is_dataclass(hint):
        checked = _dataclass(typing.cast("type[Any]", hint))
        return _closer[hint](checked) if hint in _closer else checked
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _one_of({member.value: member for member in hint})
    return _of_parts(hint, typing.get_origin(hint), typing.get_args(hint))


def _of_parts(hint: Any, origin: Any, parts: tuple[Any, ...]) -> Checked:
    if origin in {types.UnionType, typing.Union}:
        (kind,) = (part for part in parts if part is not type(None))
        inner = _checker(kind)
        return lambda value, where: None if value is None else inner(value, where)
    if origin is typing.Literal:
        return _one_of({part: part for part in parts})
    if origin is tuple:
        return _tuple(parts)
    return _mapping(parts[1]) if parts else _exactly(hint)


def _exactly(kind: type[Any]) -> Checked:
    def check(value: Any, where: str) -> Any:
        if kind is float and type(value) is int:
            return float(value)
        # A boolean is an int to isinstance.
        if type(value) is not kind:
            if kind is bytes and contents.as_reference(value) is not None:
                raise ContentsNeeded(f"{where} is apart")
            raise MessageError(f"{where} is no {kind.__name__}")
        return value

    return check


def _one_of(values: Mapping[Any, Any]) -> Checked:
    def check(value: Any, where: str) -> Any:
        if type(value) not in {str, int} or value not in values:
            raise MessageError(f"{where} is none that is known")
        return values[value]

    return check


def _tuple(parts: tuple[Any, ...]) -> Checked:
    def check(value: Any, where: str) -> Any:
        if not isinstance(value, list):
            raise MessageError(f"{where} is no list")
        if parts[-1] is Ellipsis:
            each = _checker(parts[0])
            return tuple(each(item, where) for item in value)
        if len(value) != len(parts):
            raise MessageError(f"{where} has not {len(parts)} parts")
        return tuple(_checker(part)(item, where) for part, item in zip(parts, value, strict=True))

    return check


def _mapping(kind: Any) -> Checked:
    def check(value: Any, where: str) -> Any:
        if not isinstance(value, dict) or not all(type(name) is str for name in value):
            raise MessageError(f"{where} is no map")
        inner = _checker(kind)
        return {name: inner(each, where) for name, each in value.items()}

    return check


def _dataclass(kind: type[Any]) -> Checked:
    hints = typing.get_type_hints(kind)
    needed = {each.name for each in fields(kind) if each.default is MISSING and each.default_factory is MISSING}

    def check(value: Any, where: str) -> Any:
        if not isinstance(value, dict):
            raise MessageError(f"{where} is no map")
        if missing := needed - value.keys():
            raise MessageError(f"{where} has no {min(missing)}")
        return kind(
            **{name: _checker(hint)(value[name], f"{where}.{name}") for name, hint in hints.items() if name in value}
        )

    return check


def _plausible(made: Checked) -> Checked:
    """What a host says of a step goes into rows: as no program ends, none has ended."""

    def check(value: Any, where: str) -> Any:
        result: StepResult = made(value, where)
        codes = (result.exit_code or 0) in range(256) and (result.signal or 1) in range(1, 65)
        numbers = all(0 <= each <= _MOST for each in (result.wall_ms, result.cpu_ms, result.peak_memory_bytes))
        name = 0 < len(result.name) <= _MAX_NAME and "\0" not in result.name
        pieces = all(stream in {1, 2} and 0 <= size <= MAX_BYTES for stream, size in result.order)
        if not (codes and numbers and name and pieces):
            raise MessageError(f"{where} tells of no step that there can be")
        return result

    return check


def _plausible_file(made: Checked) -> Checked:
    """The sandbox leaves out files of other names."""

    def check(value: Any, where: str) -> Any:
        file: Artifact = made(value, where)
        if not 0 < len(file.name) <= _MAX_PATH or "\0" in file.name or not 0 <= file.size_bytes <= _MOST:
            raise MessageError(f"{where} tells of no file that there can be")
        return file

    return check


def _numbered(value: Any, where: str) -> Numbered:
    event = value.get("event")
    kind = _EVENTS.get(event.get("kind", "")) if isinstance(event, dict) else None
    if kind is None:
        raise MessageError(f"{where} is none that is known")
    return Numbered(_exactly(int)(value.get("number"), f"{where}.number"), _checker(kind)(event, where))


def _possible(made: Checked) -> Checked:
    """Of what else a host says, that rows can hold it, and terminals, pages and sums of all hosts bear it."""

    def check(value: Any, where: str) -> Any:
        told = made(value, where)
        if isinstance(told, HostState):
            can_be = _can_stand_so(told)
        elif isinstance(told, ImageState):
            counts = (told.programs, told.failures)
            can_be = all(0 <= each <= _MOST for each in counts) and all(map(_can_be_shown, (told.image, told.problem)))
        elif isinstance(told, Failure):
            can_be = "\0" not in told.message
        else:
            can_be = 0 <= told.container_ms <= _MOST
        if not can_be:
            raise MessageError(f"{where} tells of what cannot be")
        return told

    return check


def _can_stand_so(state: HostState) -> bool:
    failures = state.failures or {}
    texts = (state.version, *failures, *(each.profile.image for each in state.warm))
    counts = (state.in_use, state.started, *failures.values(), *(each.count for each in state.warm))
    return (
        0 <= state.slots <= _MOST_SLOTS
        and all(0 <= each <= _MOST for each in counts)
        and all(_can_be_shown(each) for each in texts)
    )


def _can_be_shown(text: str) -> bool:
    return text.isprintable() and len(text) <= _MAX_NAME


_closer: dict[Any, Callable[[Checked], Checked]] = {
    Artifact: _plausible_file,
    Begun: _possible,
    Failure: _possible,
    HostState: _possible,
    ImageState: _possible,
    StepResult: _plausible,
}
"""What is looked at once more, beyond the types of its parts."""
