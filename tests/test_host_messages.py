"""Messages between web processes and hosts: the same comes out as went in, and nothing else is taken."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgpack
import pytest

from sandbox import messages
from sandbox.hosts import HostState, ImageState, Inventory, Warm
from sandbox.messages import (
    Assignment,
    Begun,
    Ended,
    Failure,
    Heard,
    MessageError,
    Numbered,
    Said,
    Talked,
    decode,
    encode,
)
from sandbox.types import (
    Ahead,
    Artifact,
    ArtifactRequest,
    ArtifactsCollected,
    Check,
    Companion,
    File,
    Job,
    JobResult,
    Limits,
    Outcome,
    Output,
    Profile,
    Step,
    StepFinished,
    StepResult,
    TerminalSize,
)

PROFILE = Profile(
    image="sha256:" + "0" * 64,
    memory_bytes=1 << 27,
    cpu_quota_us=50_000,
    processes=128,
    tmpfs_bytes=1 << 26,
    ahead=Ahead("main.py", ("python3", "main.py"), (("PATH", "/bin"),)),
)
LIMITS = Limits(wall_ms=1000, output_bytes=1 << 20, cpu_ms=900)
STEP = Step("run", ("python3", "main.py"), LIMITS, {"PATH": "/bin"}, stdin=b"\x00\xff", terminal=TerminalSize(80, 24))
JOB = Job(
    (File("main.py", b"print()\xff", executable=True),),
    (STEP, replace(STEP, name="checked", check=Check(("true",), LIMITS))),
    artifacts=ArtifactRequest(("**",), 3, 1000),
    companion=Companion(PROFILE, (), (STEP,)),
)
ASSIGNMENT = Assignment(id="01", attempt=2, answer_to="gexec.run.w.01.2", profile=PROFILE, job=JOB, lane="batch")
RESULT = StepResult("run", Outcome.SIGNAL, b"out\xff", b"err", exit_code=None, signal=11, wall_ms=1.5, order=((1, 4),))
EVENTS: list[Begun | Output | StepFinished | ArtifactsCollected] = [
    Begun("h", 1.0),
    Output("run", 1, b"\xff"),
    StepFinished(RESULT),
    ArtifactsCollected(()),
]
ENDED = Ended("01", 2, "h", 3, JobResult((RESULT,), (Artifact("a", 1, None, "too_large"),)))


@pytest.mark.parametrize(
    "message",
    [
        ASSIGNMENT,
        ENDED,
        Ended("01", 1, "h", 0, failure=Failure("PoolBusy", "no slot", 3)),
        HostState("id", "name", 4, 1, "1.0", warm=(Warm(PROFILE, 2),), failures={"ImageMissing": 1}, images=b"\xff"),
        Inventory((ImageState("sha256:1", True, 3, 1), ImageState("sha256:2", False, problem="not there"))),
        Said(9, 3, b"\x00\xff", closed=True, signals_from=1, signals=(2, 15), size=TerminalSize(80, 24)),
        Heard(begun=True, typed=5, signals=3, taken=2),
        replace(ASSIGNMENT, talked=Talked(100)),
        *(Numbered(number, event) for number, event in enumerate(EVENTS)),
    ],
    ids=lambda message: type(getattr(message, "event", message)).__name__,
)
def test_what_is_sent_is_what_arrives(message: Any) -> None:
    assert decode(encode(message), type(message)) == message


def test_the_version_before_is_understood_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    now = encode(ASSIGNMENT)
    monkeypatch.setattr(messages, "VERSION", messages.VERSION + 1)
    assert decode(now, Assignment) == ASSIGNMENT
    assert decode(encode(ASSIGNMENT), Assignment) == ASSIGNMENT
    monkeypatch.setattr(messages, "VERSION", messages.VERSION + 1)
    with pytest.raises(MessageError, match="version 1: 2 to 3 are understood"):
        decode(now, Assignment)


def test_a_later_release_is_refused_with_a_reason() -> None:
    with pytest.raises(MessageError, match="version 2"):
        decode(encode(ENDED, version=2), Ended)


def test_fields_of_a_later_release_are_passed_over_and_missing_ones_have_their_default() -> None:
    data = msgpack.unpackb(encode(ASSIGNMENT))
    data["news"] = {"of": "later"}
    data["job"]["news"] = 1
    del data["tenant"], data["job"]["keep_going"]
    assert decode(msgpack.packb(data), Assignment) == ASSIGNMENT


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        (("attempt",), True, "attempt is no int"),
        (("attempt",), "1", "attempt is no int"),
        (("lane",), "fast", "lane is none"),
        (("lane",), ["batch"], "lane is none"),
        (("job", "files", 0, "content"), "text", "content is no bytes"),
        (("job", "files"), {"0": 1}, "files is no list"),
        (("job", "steps", 0, "environment"), {1: "x"}, "no MessagePack"),
        (("job", "steps", 0, "limits"), None, "limits is no map"),
        (("profile", "ahead", "environment"), [["a"]], "has not 2 parts"),
        (("v",), None, "version None"),
        (("v",), True, "version True"),
        (("v",), [[]] * 100, "version"),
        (("kind",), "event", "no job"),
        (("kind",), {}, "no job"),
    ],
    ids=str,
)
def test_what_has_another_type_is_refused(path: tuple[Any, ...], value: object, why: str) -> None:
    data = msgpack.unpackb(encode(ASSIGNMENT))
    *way, last = path
    at = data
    for part in way:
        at = at[part]
    at[last] = value
    with pytest.raises(MessageError, match=why):
        decode(msgpack.packb(data, strict_types=False), Assignment)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("exit_code", 256),
        ("exit_code", -1),
        ("signal", 65),
        ("wall_ms", float("nan")),
        ("wall_ms", float("inf")),
        ("cpu_ms", -1.0),
        ("peak_memory_bytes", 2**63),
        ("name", ""),
        ("name", "a\0"),
        ("order", [[3, 1]]),
        ("order", [[1, -1]]),
        ("outcome", "fine"),
    ],
    ids=str,
)
def test_a_step_that_cannot_be_is_refused(name: str, value: object) -> None:
    data = msgpack.unpackb(encode(ENDED))
    data["result"]["steps"][0][name] = value
    with pytest.raises(MessageError, match=r"end\.result\.steps"):
        decode(msgpack.packb(data), Ended)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("version", "1.0\x1b[2J"),
        ("version", "1\u202e0"),
        ("version", "1\n2"),
        ("version", "1" * 1001),
        ("failures", {"a\nb": 1}),
        ("failures", {"a": -1}),
        ("slots", -1),
        ("slots", 2**40),
        ("in_use", 2**60),
    ],
    ids=lambda value: ascii(value)[:20],
)
def test_a_host_that_cannot_be_is_refused(name: str, value: object) -> None:
    data = msgpack.unpackb(encode(HostState("id", "name", 4, 1, "1.0")))
    data[name] = value
    with pytest.raises(MessageError, match=r"^host"):
        decode(msgpack.packb(data), HostState)


@pytest.mark.parametrize(
    "message",
    [
        Ended("01", 1, "h", 0, failure=Failure("EngineUnavailable", "a\0b")),
        Numbered(0, Begun("h", float("nan"))),
        Numbered(0, Begun("h", float("inf"))),
        Numbered(0, Begun("h", -1.0)),
    ],
    ids=["failure", "nan", "infinity", "negative"],
)
def test_what_no_row_could_hold_is_refused(message: Any) -> None:
    with pytest.raises(MessageError, match="tells of what cannot be"):
        decode(encode(message), type(message))


@pytest.mark.parametrize(("name", "value"), [("name", ""), ("name", "a\0"), ("size_bytes", -1)], ids=str)
def test_a_file_that_cannot_be_is_refused(name: str, value: object) -> None:
    data = msgpack.unpackb(encode(ENDED))
    data["result"]["artifacts"][0][name] = value
    with pytest.raises(MessageError, match=r"end\.result\.artifacts"):
        decode(msgpack.packb(data), Ended)


def test_what_is_needed_is_missing() -> None:
    with pytest.raises(MessageError, match="job has no answer_to"):
        decode(
            msgpack.packb({"v": 1, "kind": "job", "id": "1", "attempt": 1, "profile": 1, "job": 1, "lane": ""}),
            Assignment,
        )


@pytest.mark.parametrize(
    "data",
    [
        "",
        "c1",
        "9301",
        "91" * 5000,
        "ddffffffff",
        "c7010578",
        "a1ff",
        "9101",
    ],
    ids=lambda data: data[:8] or "nothing",
)
def test_what_is_no_message_is_refused(data: str) -> None:
    with pytest.raises(MessageError):
        decode(bytes.fromhex(data), Ended)


def test_a_message_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    data = encode(ENDED)
    monkeypatch.setattr(messages, "MAX_BYTES", len(data) - 1)
    with pytest.raises(MessageError, match="larger"):
        encode(ENDED)
    with pytest.raises(MessageError, match="larger"):
        decode(data, Ended)
