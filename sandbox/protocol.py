"""The frames between the pool and the runner, as values and bytes; runner/PROTOCOL.md is the page it follows."""

from __future__ import annotations

import signal
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sandbox.errors import ProtocolError
from sandbox.outcomes import Reason
from sandbox.types import TerminalSize

VERSION = 1
# The bounds are those of the page, and of frames.h: what either side must be able to keep in memory.
MAX_HOST_PAYLOAD = 1024 * 1024
MAX_RUNNER_PAYLOAD = 64 * 1024 + 64
MAX_OUTPUT_CHUNK = 64 * 1024
STDIN_WINDOW = 256 * 1024
"""Bytes of stdin that may be sent without an acknowledgement."""

SIGNALS = frozenset(
    {
        signal.SIGHUP,
        signal.SIGINT,
        signal.SIGQUIT,
        signal.SIGTERM,
        signal.SIGUSR1,
        signal.SIGUSR2,
        signal.SIGWINCH,
    }
)
"""What may be sent to a program. SIGHUP is followed by SIGCONT, as the kernel does it where a line is gone."""
_MAX_NAME_BYTES = 4096  # PATH_MAX
_MAX_COMPONENT_BYTES = 255  # NAME_MAX
_MAX_COMPONENTS = 32  # Each costs the runner an open directory on the way.
_MAX_AHEAD_PAYLOAD = 16 * 1024
_MAX_AHEAD_TEXTS = 256
_MAX_COLLECT_PAYLOAD = 256 * 1024
_MAX_PATTERNS = 64
MAX_ARTIFACTS = 1000
"""Files that one request can have."""
MAX_TOLD = 256
"""Files that are told beside them, without their bytes."""
_MAX_U16 = 0xFFFF
_MAX_U32 = 0xFFFF_FFFF
_MAX_U64 = 0xFFFF_FFFF_FFFF_FFFF

_HEADER = struct.Struct(">cI")
_FILE = struct.Struct(">BH")
_STEP = struct.Struct(">IIQQQIBHH")
_TEXT = struct.Struct(">I")
_AHEAD = struct.Struct(">HH")
_COLLECT = struct.Struct(">HQH")
_ARTIFACT = struct.Struct(">BQ")
_READY = struct.Struct(">HIB")
_WINDOW = struct.Struct(">I")
_SIZE = struct.Struct(">HH")
_RESULT = struct.Struct(">BBBBQQQ")

_FLAG_EXECUTABLE = 1
_FLAG_APPEND = 2
_FLAG_REPLACE = 4
_FLAG_LARGE_FILES_FAIL = 1
_FLAG_MERGED = 2
_FLAG_TERMINAL = 4
_FLAG_STDOUT_CUT = 1
_FLAG_STDERR_CUT = 2
_FLAG_STARTED_AHEAD = 4
_SKIPPED = ("", "too_large", "too_many", "not_regular")
_REASONS: Mapping[int, Reason] = {int(reason): reason for reason in Reason}
_FLAG_IN_CELL = 1
_RESULT_FLAGS = _FLAG_STDOUT_CUT | _FLAG_STDERR_CUT | _FLAG_STARTED_AHEAD


@dataclass(frozen=True, slots=True)
class Ready:
    """The runner waits for a job."""

    version: int
    jobs_done: int
    in_cell: bool
    """Whether the job will have a sandbox of its own within the container."""


@dataclass(frozen=True, slots=True)
class Output:
    """Bytes that the program wrote. `stream` is 1 for stdout and 2 for stderr."""

    stream: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Window:
    """So many bytes of stdin may be sent again."""

    size: int


@dataclass(frozen=True, slots=True)
class Result:
    """How a step ended."""

    reason: Reason
    exit_code: int
    signal: int
    stdout_cut: bool
    stderr_cut: bool
    started_ahead: bool
    wall_us: int
    cpu_us: int
    peak_memory_bytes: int
    detail: str


@dataclass(frozen=True, slots=True)
class ArtifactFound:
    """A file that was asked for. Where nothing was skipped, its bytes follow."""

    skipped: str
    """Empty, too_large, too_many or not_regular."""
    size: int
    name: str


@dataclass(frozen=True, slots=True)
class ArtifactData:
    """Bytes of the file that was found last."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Collected:
    """There are no more files."""


@dataclass(frozen=True, slots=True)
class Fault:
    """The runner cannot go on; it exits after this."""

    message: str


RunnerFrame = Ready | Output | Window | Result | ArtifactFound | ArtifactData | Collected | Fault


def valid_file_name(name: str) -> str | None:
    """Why the runner would refuse this file name, or None when it would take it."""
    try:
        encoded = name.encode()
    except UnicodeEncodeError:
        return "is not valid Unicode"
    if b"\0" in encoded:
        return "contains a NUL character"
    if len(encoded) > _MAX_NAME_BYTES:
        return f"is longer than {_MAX_NAME_BYTES} bytes"
    components = encoded.split(b"/")
    if len(components) > _MAX_COMPONENTS:
        return f"has more than {_MAX_COMPONENTS} components"
    return next((why for component in components if (why := _refused_component(component))), None)


def _refused_component(component: bytes) -> str | None:
    if component in (b"", b".", b".."):
        return "is absolute or has an empty, . or .. component"
    if len(component) > _MAX_COMPONENT_BYTES:
        return f"has a component of more than {_MAX_COMPONENT_BYTES} bytes"
    return None


def file_frames(name: str, content: bytes, *, executable: bool = False, replace: bool = False) -> bytes:
    """The frames that make one file, several where the content does not fit into one. ValueError for a bad name.

    `replace`: in place of whatever has its name, which is an error otherwise.
    """
    if why := valid_file_name(name):
        raise ValueError(f"the file name {why}")
    encoded = name.encode()
    room = MAX_HOST_PAYLOAD - _FILE.size - len(encoded)
    flags = _FLAG_EXECUTABLE if executable else 0
    first = _FLAG_REPLACE if replace else 0
    frames = []
    for start in range(0, max(len(content), 1), room):
        more = _FLAG_APPEND if start else first
        head = _FILE.pack(flags | more, len(encoded)) + encoded
        frames.append(_frame(b"F", head + content[start : start + room]))
    return b"".join(frames)


def ahead_frame(script: str, argv: Sequence[str], environment: Mapping[str, str]) -> bytes:
    """The frame that starts an interpreter before its script is there. ValueError where something does not fit."""
    if why := valid_file_name(script):
        raise ValueError(f"the script's name {why}")
    if not argv:
        raise ValueError("a command needs at least the program's name")
    variables = _variables(environment)
    _in_range(_MAX_AHEAD_TEXTS, argc=len(argv), envc=len(variables))
    payload = _AHEAD.pack(len(argv), len(variables)) + b"".join(_text(text) for text in (script, *argv, *variables))
    if len(payload) > _MAX_AHEAD_PAYLOAD:
        raise ValueError(f"a command and environment of {len(payload)} bytes is too long to be started ahead")
    return _frame(b"A", payload)


def step_frame(
    argv: Sequence[str],
    environment: Mapping[str, str],
    *,
    wall_ms: int,
    cpu_ms: int | None,
    output_bytes: int,
    file_size_bytes: int,
    memory_bytes: int = 0,
    open_files: int,
    large_files_fail: bool = False,
    merge_stderr: bool = False,
    terminal: TerminalSize | None = None,
) -> bytes:
    """The frame that starts a program. ValueError where something does not fit or cannot be passed to exec."""
    if not argv:
        raise ValueError("a step needs at least the program's name")
    variables = _variables(environment)
    _in_range(_MAX_U16, argc=len(argv), envc=len(variables))
    _in_range(_MAX_U32, wall_ms=wall_ms, cpu_ms=cpu_ms or 0, open_files=open_files)
    _in_range(_MAX_U64, output_bytes=output_bytes, file_size_bytes=file_size_bytes, memory_bytes=memory_bytes)
    flags = _FLAG_LARGE_FILES_FAIL * large_files_fail | _FLAG_MERGED * merge_stderr
    flags |= _FLAG_TERMINAL * (terminal is not None)
    limits = (wall_ms, cpu_ms or 0, output_bytes, file_size_bytes, memory_bytes, open_files)
    head = _STEP.pack(*limits, flags, len(argv), len(variables))
    head += b"" if terminal is None else _size(terminal)
    return _frame(b"S", head + b"".join(_text(text) for text in (*argv, *variables)))


def back_frame() -> bytes:
    """Ends everything and makes the writable places what they were at the job's first of these."""
    return _frame(b"B", b"")


def stdin_frame(data: bytes) -> bytes:
    """Bytes for the program's stdin, at most STDIN_WINDOW of them; none at all closes it."""
    if len(data) > STDIN_WINDOW:
        raise ValueError("more bytes of stdin than the window takes")
    return _frame(b"I", data)


def signal_frame(number: int) -> bytes:
    """Sends one of SIGNALS to the program, or to what is in the foreground of its terminal. ValueError for another."""
    if number not in SIGNALS:
        raise ValueError(f"signal {number} is not passed on")
    return _frame(b"G", bytes([number]))


def resize_frame(size: TerminalSize) -> bytes:
    """Gives the window of the program's terminal another size."""
    return _frame(b"Z", _size(size))


def kill_frame() -> bytes:
    """Ends the step that runs, if one does."""
    return _frame(b"K", b"")


def collect_frame(patterns: Sequence[str], *, max_files: int, max_bytes: int) -> bytes:
    """The frame that asks for files of the work directory. ValueError for what the runner would refuse."""
    for pattern in patterns:
        if why := valid_file_name(pattern):
            raise ValueError(f"the pattern {why}")
    _in_range(_MAX_PATTERNS, patterns=len(patterns))
    _in_range(MAX_ARTIFACTS, max_files=max_files)
    _in_range(_MAX_U64, max_bytes=max_bytes)
    payload = _COLLECT.pack(max_files, max_bytes, len(patterns)) + b"".join(map(_text, patterns))
    if len(payload) > _MAX_COLLECT_PAYLOAD:
        raise ValueError(f"patterns of {len(payload)} bytes are too long")
    return _frame(b"P", payload)


def end_frame() -> bytes:
    """Says that the job is over; the runner cleans up and is ready again."""
    return _frame(b"E", b"")


def _frame(kind: bytes, payload: bytes) -> bytes:
    if len(payload) > MAX_HOST_PAYLOAD:
        raise ValueError(f"a frame of {len(payload)} bytes is longer than {MAX_HOST_PAYLOAD}")
    return _HEADER.pack(kind, len(payload)) + payload


def _variables(environment: Mapping[str, str]) -> list[str]:
    return [_variable(name, value) for name, value in environment.items()]


def _variable(name: str, value: str) -> str:
    if not name or "=" in name:
        raise ValueError("the name of an environment variable is not empty and has no =")
    return f"{name}={value}"


def _size(size: TerminalSize) -> bytes:
    if not (1 <= size.columns <= _MAX_U16 and 1 <= size.rows <= _MAX_U16):
        raise ValueError(f"a window of {size.columns} x {size.rows}")
    return _SIZE.pack(size.columns, size.rows)


def _text(text: str) -> bytes:
    # A name that came from the file system may carry bytes that are not UTF-8; they go back as they came.
    encoded = text.encode(errors="surrogateescape")
    if b"\0" in encoded:
        raise ValueError("an argument or environment variable contains a NUL character")
    return _TEXT.pack(len(encoded)) + encoded


def _in_range(maximum: int, **values: int) -> None:
    for name, value in values.items():
        if not 0 <= value <= maximum:
            raise ValueError(f"{name} is {value}, not within 0 and {maximum}")


class FrameReader:
    """Turns the runner's bytes into frames, whatever pieces they come in. It keeps at most one unfinished frame."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[RunnerFrame]:
        """The frames that these bytes complete. Raises ProtocolError; the reader must not be used after that."""
        self._buffer += data
        frames: list[RunnerFrame] = []
        start = 0
        while (end := self._end_of_frame(start)) is not None:
            payload = bytes(self._buffer[start + _HEADER.size : end])
            frames.append(_PARSERS[self._buffer[start]](payload))
            start = end
        del self._buffer[:start]
        return frames

    @property
    def pending(self) -> int:
        """How many bytes of an unfinished frame are held: not 0 at the end of the stream means that it was cut."""
        return len(self._buffer)

    def _end_of_frame(self, start: int) -> int | None:
        if len(self._buffer) - start < _HEADER.size:
            return None
        kind, length = _HEADER.unpack_from(self._buffer, start)
        if kind[0] not in _PARSERS:
            raise ProtocolError(f"unknown frame type {kind!r}")
        if length > MAX_RUNNER_PAYLOAD:
            raise ProtocolError(f"a frame of {length} bytes")
        end = start + _HEADER.size + int(length)
        return end if end <= len(self._buffer) else None


def _parse_ready(payload: bytes) -> Ready:
    version, jobs_done, flags = _unpack(_READY, payload, "R")
    if version != VERSION:
        raise ProtocolError(f"the runner speaks version {version}, not {VERSION}")
    if flags & ~_FLAG_IN_CELL:
        raise ProtocolError(f"an R frame with the flags {flags}")
    return Ready(version, jobs_done, flags == _FLAG_IN_CELL)


def _parse_output(payload: bytes) -> Output:
    if not 1 <= len(payload) - 1 <= MAX_OUTPUT_CHUNK or payload[0] not in (1, 2):
        raise ProtocolError("a malformed O frame")
    return Output(payload[0], payload[1:])


def _parse_window(payload: bytes) -> Window:
    (size,) = _unpack(_WINDOW, payload, "W")
    return Window(size)


def _parse_result(payload: bytes) -> Result:
    fixed, rest = payload[: _RESULT.size], payload[_RESULT.size :]
    code, exit_code, signal, flags, wall_us, cpu_us, peak = _unpack(_RESULT, fixed, "X")
    (length,) = _unpack(_TEXT, rest[: _TEXT.size], "X")
    detail = rest[_TEXT.size :]
    reason = _REASONS.get(code)
    if len(detail) != length or flags & ~_RESULT_FLAGS or reason is None:
        raise ProtocolError("a malformed X frame")
    return Result(
        reason=reason,
        exit_code=exit_code,
        signal=signal,
        stdout_cut=bool(flags & _FLAG_STDOUT_CUT),
        stderr_cut=bool(flags & _FLAG_STDERR_CUT),
        started_ahead=bool(flags & _FLAG_STARTED_AHEAD),
        wall_us=wall_us,
        cpu_us=cpu_us,
        peak_memory_bytes=peak,
        detail=detail.decode(errors="replace"),
    )


def _parse_artifact(payload: bytes) -> ArtifactFound:
    code, size = _unpack(_ARTIFACT, payload[: _ARTIFACT.size], "N")
    try:
        name = payload[_ARTIFACT.size :].decode()
    except UnicodeDecodeError:
        raise ProtocolError("an artifact's name that is not UTF-8") from None
    if code >= len(_SKIPPED) or valid_file_name(name):
        raise ProtocolError("a malformed N frame")
    return ArtifactFound(_SKIPPED[code], size, name)


def _parse_artifact_data(payload: bytes) -> ArtifactData:
    if not 1 <= len(payload) <= MAX_OUTPUT_CHUNK:
        raise ProtocolError("a malformed D frame")
    return ArtifactData(payload)


def _parse_collected(payload: bytes) -> Collected:
    if payload:
        raise ProtocolError("a malformed C frame")
    return Collected()


def _parse_fault(payload: bytes) -> Fault:
    return Fault(payload.decode(errors="replace"))


def _unpack(shape: struct.Struct, payload: bytes, kind: str) -> tuple[int, ...]:
    if len(payload) != shape.size:
        raise ProtocolError(f"a malformed {kind} frame")
    return shape.unpack(payload)


_PARSERS: Mapping[int, Callable[[bytes], RunnerFrame]] = {
    ord("R"): _parse_ready,
    ord("O"): _parse_output,
    ord("W"): _parse_window,
    ord("X"): _parse_result,
    ord("N"): _parse_artifact,
    ord("D"): _parse_artifact_data,
    ord("C"): _parse_collected,
    ord("!"): _parse_fault,
}
