"""The pool's side of the frames: what it writes, what it reads, and what it refuses."""

from __future__ import annotations

import re
import struct
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox import protocol
from sandbox.errors import ProtocolError
from sandbox.outcomes import Reason
from sandbox.protocol import (
    ArtifactData,
    ArtifactFound,
    Collected,
    Fault,
    FrameReader,
    Output,
    Ready,
    Result,
    RunnerFrame,
    Window,
)
from sandbox.types import Outcome, TerminalSize
from tests.golden import FRAMES

U32 = st.integers(0, 2**32 - 1)
U64 = st.integers(0, 2**64 - 1)
U8 = st.integers(0, 255)
# Texts as exec takes them: anything but NUL.
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
FILE_NAMES = TEXTS.filter(lambda text: protocol.valid_file_name(text) is None)
NAMES = TEXTS.filter(lambda text: bool(text) and "=" not in text)

RUNNER_FRAMES = st.one_of(
    st.builds(Ready, st.just(1), U32, st.booleans()),
    st.builds(Output, st.sampled_from([1, 2]), st.binary(min_size=1, max_size=300)),
    st.builds(Window, U32),
    st.builds(
        Result, st.sampled_from(Reason), U8, U8, st.booleans(), st.booleans(), st.booleans(), U64, U64, U64, TEXTS
    ),
    st.builds(ArtifactFound, st.sampled_from(["", "too_large", "too_many", "not_regular"]), U64, FILE_NAMES),
    st.builds(ArtifactData, st.binary(min_size=1, max_size=300)),
    st.just(Collected()),
    st.builds(Fault, TEXTS),
)


def encoded(frame: RunnerFrame) -> bytes:
    """What the runner would write, by an encoder that is only here."""
    match frame:
        case Ready():
            kind, payload = b"R", struct.pack(">HIB", frame.version, frame.jobs_done, frame.in_cell)
        case Output():
            kind, payload = b"O", bytes([frame.stream]) + frame.data
        case Window():
            kind, payload = b"W", struct.pack(">I", frame.size)
        case ArtifactFound():
            code = ["", "too_large", "too_many", "not_regular"].index(frame.skipped)
            kind, payload = b"N", struct.pack(">BQ", code, frame.size) + frame.name.encode()
        case ArtifactData():
            kind, payload = b"D", frame.data
        case Collected():
            kind, payload = b"C", b""
        case Fault():
            kind, payload = b"!", frame.message.encode()
        case Result():
            flags = frame.stdout_cut | frame.stderr_cut << 1 | frame.started_ahead << 2
            numbers = (frame.wall_us, frame.cpu_us, frame.peak_memory_bytes)
            detail = frame.detail.encode()
            fixed = struct.pack(">BBBBQQQI", frame.reason, frame.exit_code, frame.signal, flags, *numbers, len(detail))
            kind, payload = b"X", fixed + detail
    return kind + struct.pack(">I", len(payload)) + payload


@given(st.lists(RUNNER_FRAMES, max_size=6))
def test_frames_come_back_as_they_were_written(frames: list[RunnerFrame]) -> None:
    reader = FrameReader()
    assert reader.feed(b"".join(map(encoded, frames))) == frames
    assert reader.pending == 0


@given(st.lists(RUNNER_FRAMES, min_size=1, max_size=3), st.data())
def test_frames_may_come_in_any_pieces(frames: list[RunnerFrame], data: st.DataObject) -> None:
    stream = b"".join(map(encoded, frames))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=5)))
    reader = FrameReader()
    pieces = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert [frame for piece in pieces for frame in reader.feed(piece)] == frames


def test_a_stream_is_read_byte_by_byte() -> None:
    stream = b"".join(bytes.fromhex(frame["hex"]) for frame in FRAMES["runner"])
    reader = FrameReader()
    assert sum(len(reader.feed(bytes([byte]))) for byte in stream) == len(FRAMES["runner"])


def test_an_unfinished_frame_is_known_to_be_unfinished() -> None:
    reader = FrameReader()
    assert reader.feed(encoded(Window(7))[:-1]) == []
    assert reader.pending == 8


@given(st.binary(max_size=400))
def test_garbage_is_a_protocol_error_or_frames(garbage: bytes) -> None:
    reader = FrameReader()
    try:
        reader.feed(garbage)
    except ProtocolError:
        return
    assert reader.pending <= len(garbage)


@given(RUNNER_FRAMES, st.data())
def test_a_changed_byte_breaks_nothing_but_the_stream(frame: RunnerFrame, data: st.DataObject) -> None:
    stream = bytearray(encoded(frame))
    stream[data.draw(st.integers(0, len(stream) - 1))] = data.draw(U8)
    try:
        frames = FrameReader().feed(bytes(stream))
    except ProtocolError:
        return
    assert len(frames) <= len(stream)


@pytest.mark.parametrize(
    "stream",
    [
        b"Q",
        b"\0\0\0\0\0",
        b"F\0\0\0\0",
        b"R\0\0\0\5\0\1\0\0\0",
        b"R\0\0\0\6\0\2\0\0\0\0",
        b"O\0\0\0\1\1",
        b"O\0\0\0\2\3a",
        b"O\0\1\0\2\1" + b"a" * 65537,
        b"O\0\1\0\x41",
        b"W\0\0\0\0",
        b"W\0\0\0\5\0\0\0\0\0",
        b"N\0\0\0\x09" + bytes(9),
        b"N\0\0\0\x0a" + b"\4" + bytes(8) + b"a",
        b"N\0\0\0\x0a" + bytes(9) + b"\xff",
        b"N\0\0\0\x0a" + bytes(9) + b"/",
        b"N\0\0\0\x0d" + bytes(9) + b"../a",
        b"N\0\0\0\x0c" + bytes(9) + b"a\0b",
        b"D\0\0\0\0",
        b"D\0\1\0\1" + bytes(65537),
        b"C\0\0\0\1a",
        b"X\0\0\0\x1f" + bytes(31),
        b"X\0\0\0\x20\x08" + bytes(31),
        b"X\0\0\0\x20\0\0\0\x08" + bytes(28),
        b"X\0\0\0\x20" + bytes(28) + b"\0\0\0\1",
        b"X\0\0\0\x21" + bytes(28) + b"\0\0\0\0a",
    ],
)
def test_a_malformed_frame_is_refused(stream: bytes) -> None:
    with pytest.raises(ProtocolError):
        FrameReader().feed(stream + b"!\0\0\0\0")


def test_a_header_of_a_huge_frame_is_refused_before_its_bytes_come() -> None:
    with pytest.raises(ProtocolError):
        FrameReader().feed(b"!\xff\xff\xff\xff")


@pytest.mark.parametrize("golden", FRAMES["host"], ids=lambda golden: golden["name"])
def test_the_pool_writes_the_golden_frames(golden: dict[str, Any]) -> None:
    arguments = dict(golden["arguments"])
    for name in {"content", "data"} & arguments.keys():
        arguments[name] = arguments[name].encode()
    for name in {"size", "terminal"} & arguments.keys():
        arguments[name] = TerminalSize(*arguments[name])
    positional = [
        arguments.pop(name)
        for name in ("name", "script", "content", "patterns", "argv", "environment", "data")
        if name in arguments
    ]
    assert getattr(protocol, golden["call"])(*positional, **arguments).hex() == golden["hex"]


@pytest.mark.parametrize("golden", FRAMES["runner"], ids=lambda golden: golden["name"])
def test_the_pool_reads_the_golden_frames(golden: dict[str, Any]) -> None:
    (frame,) = FrameReader().feed(bytes.fromhex(golden["hex"]))
    fields = asdict(frame)
    if "data" in fields:
        fields["data"] = fields["data"].decode()
    assert type(frame).__name__ == golden["type"]
    assert fields == golden["fields"]


def test_a_large_file_becomes_several_frames() -> None:
    content = bytes(range(256)) * 10_000
    stream = protocol.file_frames("big", content, executable=True)
    flags, parts = [], []
    while stream:
        size = int.from_bytes(stream[1:5], "big")
        payload, stream = stream[5 : 5 + size], stream[5 + size :]
        flags.append(payload[0])
        parts.append(payload[3 + len("big") :])
    assert b"".join(parts) == content
    assert flags == [1, 3, 3]


@given(st.lists(TEXTS, min_size=1, max_size=4), st.dictionaries(NAMES, TEXTS, max_size=4))
def test_every_text_of_a_step_is_in_its_frame(argv: list[str], environment: dict[str, str]) -> None:
    frame = step(argv, environment)
    at, texts = 5 + 41, []
    while at < len(frame):
        size = int.from_bytes(frame[at : at + 4], "big")
        texts.append(frame[at + 4 : at + 4 + size].decode())
        at += 4 + size
    assert texts == [*argv, *(f"{name}={value}" for name, value in environment.items())]


def step(argv: list[str], environment: dict[str, str], **limits: int | None) -> bytes:
    """A step's frame with ordinary limits where no others are given."""
    settings: dict[str, Any] = {"wall_ms": 1, "cpu_ms": None, "output_bytes": 0, "file_size_bytes": 0, "open_files": 3}
    return protocol.step_frame(argv, environment, **(settings | limits))


@pytest.mark.parametrize(
    ("argv", "environment", "limits"),
    [
        ([], {}, {}),
        (["a\0b"], {}, {}),
        (["a"], {"": "b"}, {}),
        (["a"], {"a=b": "c"}, {}),
        (["a"], {"a": "\0"}, {}),
        (["a"] * 65536, {}, {}),
        (["a" * 2**20], {}, {}),
        (["a"], {}, {"wall_ms": 2**32}),
        (["a"], {}, {"cpu_ms": -1}),
        (["a"], {}, {"output_bytes": 2**64}),
        (["a"], {}, {"memory_bytes": 2**64}),
    ],
)
def test_a_step_that_does_not_fit_is_refused(
    argv: list[str], environment: dict[str, str], limits: dict[str, int]
) -> None:
    with pytest.raises(ValueError, match=r"."):
        step(argv, environment, **limits)


@pytest.mark.parametrize(
    ("patterns", "bounds"),
    [
        (["/etc/*"], {}),
        (["../*"], {}),
        ([""], {}),
        (["a\0"], {}),
        (["*"] * 65, {}),
        (["*"], {"max_files": 1001}),
        (["/".join(["a" * 255] * 16)] * 64, {}),
        (["*"], {"max_files": -1}),
        (["*"], {"max_bytes": 2**64}),
    ],
)
def test_a_request_for_files_that_the_runner_would_refuse_is_refused(
    patterns: list[str], bounds: dict[str, int]
) -> None:
    with pytest.raises(ValueError, match=r"."):
        protocol.collect_frame(patterns, **({"max_files": 1, "max_bytes": 1} | bounds))


def test_as_many_patterns_as_fit_into_their_frame_are_taken() -> None:
    longest = "/".join(["a" * 255] * 16)
    assert len(protocol.collect_frame([longest] * 63, max_files=1000, max_bytes=2**64 - 1)) > 63 * len(longest)


def test_more_stdin_than_the_window_is_refused() -> None:
    with pytest.raises(ValueError, match="window"):
        protocol.stdin_frame(bytes(protocol.STDIN_WINDOW + 1))


@pytest.mark.parametrize("name", ["main.py", "a/b/c", "..a", "...", "a b\n", "é" * 127, "/".join("a" * 32), "\x01"])
def test_a_good_file_name_is_taken(name: str) -> None:
    assert protocol.valid_file_name(name) is None


@pytest.mark.parametrize(
    "name",
    ["", "/a", "a/", "a//b", ".", "..", "a/../b", "a\0", "é" * 128, "/".join("a" * 33), "a/" * 2100 + "a", "\ud800"],
)
def test_a_bad_file_name_is_refused(name: str) -> None:
    assert protocol.valid_file_name(name)
    with pytest.raises(ValueError, match="the file name"):
        protocol.file_frames(name, b"")


@pytest.mark.parametrize(
    ("reason", "exit_code", "outcome"),
    [
        (Reason.EXITED, 0, Outcome.OK),
        (Reason.EXITED, 1, Outcome.NONZERO_EXIT),
        (Reason.SIGNALED, 0, Outcome.SIGNAL),
        (Reason.WALL, 0, Outcome.TIMEOUT_WALL),
        (Reason.CPU, 0, Outcome.TIMEOUT_CPU),
        (Reason.MEMORY, 0, Outcome.OUT_OF_MEMORY),
        (Reason.OUTPUT, 0, Outcome.OUTPUT_LIMIT),
        (Reason.KILLED, 0, Outcome.CANCELLED),
        (Reason.NOT_STARTED, 127, Outcome.SANDBOX_ERROR),
    ],
)
def test_every_reason_has_its_outcome(reason: Reason, exit_code: int, outcome: Outcome) -> None:
    assert reason.outcome_with(exit_code) is outcome


def test_every_outcome_has_a_reason() -> None:
    assert {reason.outcome_with(exit_code) for reason in Reason for exit_code in (0, 1)} == set(Outcome)


def test_the_reasons_are_those_of_the_page() -> None:
    page = (Path(protocol.__file__).parent / "runner" / "PROTOCOL.md").read_text()
    section = page.partition("## Reasons")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (\w+) \| (\d+) \|", section, re.MULTILINE)
    assert {name.upper(): int(code) for name, code in rows} == {reason.name: int(reason) for reason in Reason}
