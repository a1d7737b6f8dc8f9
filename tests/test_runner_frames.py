"""The runner's side of the frames: the golden bytes, what it refuses, and when it goes."""

from __future__ import annotations

import docker
import pytest

from sandbox import protocol
from sandbox.protocol import Collected, Fault, Ready
from tests.golden import bytes_of
from tests.runner_lab import LabRunner, lab_image

HUGE = 2**20 + 1
STEP_HEAD = b"\0\0\0\1" + bytes(32)


def frame(kind: bytes, payload: bytes) -> bytes:
    """A frame of any type and payload."""
    return kind + len(payload).to_bytes(4, "big") + payload


def test_the_runner_reads_and_writes_the_golden_frames() -> None:
    with LabRunner() as runner:
        for name in ("a file", "an executable file", "a step", "some stdin", "the end of stdin"):
            runner.send(bytes_of(name))
        ended = runner.finish()
        assert (ended.stdout, ended.result.exit_code) == (b"hi\nin\n", 3)
        assert runner.collect("dir/*", max_files=1, max_bytes=3) == {"dir/a.txt": b"hi\n"}
        assert runner.collect("run", max_bytes=3) == {"run": "too_large"}
        for name in ("back to the state before", "a file in place of another", "back to the state before"):
            runner.send(bytes_of(name))
        assert runner.collect("dir/*") == {"dir/a.txt": b"hi\n"}
        for name in ("a file in place of another", "a request for files"):
            runner.send(bytes_of(name))
        runner.expect(Collected)
        assert runner.collect("dir/*") == {"dir/a.txt": b"ho\n"}
        for name in ("a kill", "a step that cannot start"):
            runner.send(bytes_of(name))
        runner.finish()
        runner.send(bytes_of("the end of the job"))
        runner.expect(Ready)
        runner.send(b"?")
        runner.wait_gone()
        received = bytes(runner.received)
    assert received.startswith(bytes_of("ready after the start") + b"O")
    files = ("a file that was asked for", "bytes of it", "the end of the files", "a file that is too large")
    assert b"".join(map(bytes_of, files)) + bytes_of("the end of the files") in received
    assert received.endswith(bytes_of("not started") + bytes_of("ready after a job") + bytes_of("a fault"))


def test_a_frame_may_come_byte_by_byte() -> None:
    with LabRunner() as runner:
        for name in ("a file", "an executable file", "a step", "some stdin", "the end of stdin"):
            for byte in bytes_of(name):
                runner.send(bytes([byte]))
        assert runner.finish().stdout == b"hi\nin\n"


@pytest.mark.parametrize(
    "garbage",
    [
        b"Q",
        b"\0" * 64,
        b"GET / HTTP/1.1\r\n\r\n",
        b"K\xff\xff\xff\xff",
        b"I" + HUGE.to_bytes(4, "big"),
        frame(b"K", b"a"),
        frame(b"E", b"a"),
        frame(b"B", b"a"),
        frame(b"P", b""),
        frame(b"P", bytes(11)),
        frame(b"P", bytes(13)),
        frame(b"P", b"\3\xe9" + bytes(10)),
        frame(b"P", bytes(10) + b"\0\x41" + b"\0\0\0\1a" * 65),
        frame(b"P", bytes(10) + b"\0\1" + b"\0\0\0\2a"),
        frame(b"P", bytes(10) + b"\0\1" + b"\0\0\0\1/"),
        frame(b"P", bytes(10) + b"\0\1" + b"\0\0\0\2.."),
        frame(b"P", bytes(10) + b"\0\2" + b"\0\0\0\1a"),
        frame(b"P", bytes(10) + b"\0\x40" + (b"\0\0\1\x2c" + b"a/" * 149 + b"aa") * 64),
        frame(b"S", b""),
        frame(b"S", STEP_HEAD + b"\0\0\0\0\0"),
        frame(b"S", STEP_HEAD + b"\x08\0\1\0\0\0\0\0\1a"),
        frame(b"S", STEP_HEAD + b"\4\0\1\0\0\0\x50\0"),
        frame(b"S", STEP_HEAD + b"\4\0\1\0\0\0\0\0\x18\0\0\0\1a"),
        # Well-formed, but there is no terminal.
        frame(b"S", STEP_HEAD + b"\4\0\1\0\0\0\x50\0\x18\0\0\0\1a"),
        frame(b"G", b""),
        frame(b"G", b"\x09"),
        frame(b"G", b"\x13"),
        frame(b"G", b"\0"),
        frame(b"G", b"\2\2"),
        frame(b"Z", b"\0\x50\0"),
        frame(b"Z", b"\0\x50\0\0"),
        frame(b"Z", b"\0\x50\0\x18\0"),
        frame(b"S", STEP_HEAD + b"\0\0\1\0\0\0\0\0\2a"),
        frame(b"S", STEP_HEAD + b"\0\0\1\0\0\0\0\0\1aa"),
        frame(b"S", STEP_HEAD + b"\0\0\1\0\0\0\0\0\1\0"),
        frame(b"S", STEP_HEAD + b"\0\0\1\0\1\0\0\0\1a\0\0\0\1b"),
        frame(b"S", STEP_HEAD + b"\0\xff\xff\xff\xff" + b"\0\0\0\0" * 65534),
        frame(b"F", b"\0\0"),
        frame(b"F", b"\x08\0\1a"),
        frame(b"F", b"\6\0\1a"),
        frame(b"F", b"\0\0\2a"),
        frame(b"F", b"\0\0\0"),
        frame(b"F", b"\0\0\2.."),
        frame(b"F", b"\0\0\6../../"),
        frame(b"F", b"\0\0\2/a"),
        frame(b"F", b"\0\0\4a//b"),
        frame(b"F", b"\0\0\3a\0b"),
        frame(b"F", b"\2\0\1a"),
        frame(b"F", b"\0\0\1a") * 2,
    ],
    ids=lambda garbage: garbage[:16].hex() if isinstance(garbage, bytes) else None,
)
def test_what_the_frames_do_not_allow_ends_the_runner(garbage: bytes) -> None:
    with LabRunner("asan") as runner:
        runner.send(garbage)
        assert [type(frame) for frame in runner.wait_gone()] == [Fault]
        assert b"Sanitizer" not in runner.stderr


@pytest.mark.parametrize(
    "untimely",
    [
        bytes_of(name)
        for name in ("the end of the job", "back to the state before", "a request for files", "a file", "a step")
    ],
)
def test_a_frame_at_the_wrong_time_ends_the_runner(untimely: bytes) -> None:
    with LabRunner() as runner:
        runner.start("sleep", "60")
        runner.send(untimely)
        assert [type(frame) for frame in runner.wait_gone()] == [Fault]


def test_more_stdin_than_the_window_ends_the_runner() -> None:
    with LabRunner() as runner:
        runner.start("sleep", "60", stdin=None)
        runner.send(protocol.stdin_frame(bytes(protocol.STDIN_WINDOW)) * 2)
        assert isinstance(runner.wait_gone()[-1], Fault)


@pytest.mark.parametrize("argv", [(), ("sleep", "60"), ("sh", "-c", "trap '' TERM HUP; yes")])
def test_the_runner_goes_when_its_stdin_closes(argv: tuple[str, ...]) -> None:
    with LabRunner() as runner:
        if argv:
            runner.start(*argv)
        runner.close_stdin()
        assert not any(isinstance(frame, Fault) for frame in runner.wait_gone())


def test_the_runner_goes_when_docker_stops_it() -> None:
    with LabRunner() as runner:
        runner.start("sleep", "60")
        runner.container.kill("SIGTERM")
        assert runner.wait_gone() == []


def test_the_frame_parser_survives_garbage() -> None:
    client = docker.from_env()
    output = client.containers.run(lab_image(), ["fuzz", "500000"], network_mode="none", remove=True)
    client.close()
    assert output == b"500000 rounds\n"
