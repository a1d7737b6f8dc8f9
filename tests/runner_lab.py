"""A real runner in a real container, driven over its stdin and stdout: what the tests of the runner stand on."""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import io
import socket
import tarfile
import time
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

import docker
import pytest
from docker.errors import APIError, ImageNotFound

from languages.toolchain.base_image import ensure_base
from sandbox import protocol
from sandbox.docker import DockerImages, connect
from sandbox.docker.runner_volume import install_runner, runner_volume
from sandbox.docker.stream import AttachedStream
from sandbox.errors import ContainerLost
from sandbox.policy import RUNNER_PATH, SandboxPolicy, container_options, holder_options
from sandbox.protocol import (
    ArtifactData,
    ArtifactFound,
    Collected,
    FrameReader,
    Output,
    Ready,
    Result,
    RunnerFrame,
    Window,
)
from sandbox.types import Ahead, Profile, TerminalSize
from testkit.locks import MACHINE, one_at_a_time

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

RUNNER = Path(__file__).parent.parent / "sandbox" / "runner"
POLICY = SandboxPolicy(first_uid=64_001)
UID = POLICY.first_uid
AHEAD_UID = POLICY.ahead_uid
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin"}
LABELS = {"gexec-test": "runner"}
PATIENCE_S = 30.0

Frame = TypeVar("Frame", bound=RunnerFrame)

BINARIES = "runner asan filter fuzz guest interpreter printer"
_LAB = f"FROM {{build}}\nRUN make -C /src {BINARIES} && cd /src && mv {BINARIES} /usr/local/bin/\n"


@cache
def lab_image() -> str:
    """An image with the runner, its sanitized build, and what the tests start; built once a source."""
    files = sorted(path for path in RUNNER.rglob("*") if path.suffix in {".c", ".h"} or path.name[-4:] == "file")
    digest = hashlib.sha256(b"\0".join(path.name.encode() + path.read_bytes() for path in files)).hexdigest()[:16]
    tag = f"gexec-test/runner-lab:{digest}"
    with one_at_a_time(MACHINE / "gexec-test-lab.lock"), contextlib.closing(docker.from_env()) as client:
        try:
            client.images.get(tag)
        except ImageNotFound:
            build, _ = client.images.build(
                path=str(RUNNER), buildargs={"BASE": _base_image()}, target="build", rm=True, forcerm=True
            )
            recipe = _context(_LAB.format(build=build.id))
            client.images.build(fileobj=recipe, custom_context=True, tag=tag, rm=True, forcerm=True)
    return tag


@cache
def _base_image() -> str:
    with DockerImages() as images:
        return ensure_base(images, print)


@cache
def _runner_installed() -> str:
    """The volume that the product's containers have the runner from."""
    with contextlib.closing(connect(timeout_s=60.0)) as client:
        install_runner(client, base_image=_base_image(), labels=LABELS, on_line=print)
    return runner_volume()


@cache
def _policy() -> SandboxPolicy:
    """As an engine with nothing configured has it: with the best runtime that Docker has here."""
    with contextlib.closing(docker.from_env()) as client:
        info = client.info()
    runtime, *_ = POLICY.runtimes(default=info["DefaultRuntime"], known=info["Runtimes"])
    return replace(POLICY, runtime=runtime)


def holder_container(client: docker.APIClient, **different: Any) -> AttachedStream:
    """Starts the owner of the network namespace in which runners start. It ends with the stream.

    `different` are host options that are not the product's.
    """
    options = holder_options(_policy(), labels=LABELS, volume=_runner_installed())
    return _start(client, options["container"], options["host"] | different)


@cache
def _network() -> str:
    """One holder for all runners of these tests, as an engine has one; it ends with this process."""
    client = docker.from_env()
    stream = holder_container(client.api)
    atexit.register(client.close)
    atexit.register(stream.close)
    return f"container:{stream.container_id}"


def _start(client: docker.APIClient, container: dict[str, Any], host: dict[str, Any]) -> AttachedStream:
    created = client.create_container(lab_image(), host_config=client.create_host_config(**host), **container)
    parameters = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
    stream = AttachedStream(created["Id"], client.attach_socket(created["Id"], params=parameters))
    client.start(created["Id"])
    return stream


def _context(recipe: str) -> io.BytesIO:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        member = tarfile.TarInfo("Dockerfile")
        member.size = len(recipe)
        archive.addfile(member, io.BytesIO(recipe.encode()))
    packed.seek(0)
    return packed


@dataclass(frozen=True, slots=True)
class Ended:
    """A step's end and everything that it printed."""

    result: Result
    stdout: bytes
    stderr: bytes
    acknowledged: int


class LabRunner:
    """A container as the product makes it. Frames that were read and not yet asked for are kept in order."""

    def __init__(
        self,
        binary: str = RUNNER_PATH,
        *,
        under: tuple[str, ...] = (),
        ahead: bool = True,
        network: str | None = None,
        processes: int = 64,
        terminal: bool = False,
        cells: bool = False,
        extra: tuple[str, ...] = (),
    ) -> None:
        """What is not the product's: `binary` may be another build, `under` a command that ends by becoming it.

        `ahead` says whether the runner may start a command ahead, as it does for an A frame. `network` is Docker's mode
        where it is not a holder's namespace; `extra` stands behind the product's own arguments.
        """
        self._client = docker.from_env()
        self._reader = FrameReader()
        self._frames: list[RunnerFrame] = []
        self.received = bytearray()
        profile = Profile(
            image=lab_image(),
            memory_bytes=128 << 20,
            cpu_quota_us=200_000,
            processes=processes,
            tmpfs_bytes=64 << 20,
            stack_bytes=128 << 20,
            ahead=Ahead("", ()) if ahead else None,
            terminal=terminal,
            cells=1000 if cells else 0,
        )
        options = container_options(
            profile, _policy(), uid=UID, network=network or _network(), labels=LABELS, volume=_runner_installed()
        )
        options["container"]["entrypoint"] = [*under, binary]
        options["container"]["command"] += extra
        self._stream = _start(self._client.api, options["container"], options["host"])
        self.container = self._client.containers.get(self._stream.container_id)
        self.ready = self.expect(Ready)

    @property
    def stderr(self) -> bytes:
        """The end of what the runner told the operator."""
        return self._stream.notes

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()
        with contextlib.suppress(APIError):
            self.container.remove(force=True)
        self._client.close()

    def send(self, data: bytes) -> None:
        """Sends frames, or anything else."""
        self._stream.send(data)

    def write_file(self, name: str, content: bytes, *, executable: bool = False, replace: bool = False) -> None:
        """Sends a file of the job."""
        self.send(protocol.file_frames(name, content, executable=executable, replace=replace))

    def back(self) -> None:
        """Lets what comes next begin from the state that the first of these found."""
        self.send(protocol.back_frame())

    def close_stdin(self) -> None:
        """Lets the runner see the end of its stdin, and still receives what it sends."""
        self._stream._socket.shutdown(socket.SHUT_WR)

    def next_frame(self) -> RunnerFrame:
        """The next frame, whatever it is. Raises ContainerLost at the end of the stream."""
        deadline = time.monotonic() + PATIENCE_S
        while not self._frames:
            data = self._stream.receive(max(0.0, deadline - time.monotonic()))
            if data is None:
                raise TimeoutError(
                    f"no frame within {PATIENCE_S} s after {bytes(self.received[-200:])!r}; {self.stderr!r}"
                )
            self.received += data
            self._frames += self._reader.feed(data)
        return self._frames.pop(0)

    def expect(self, kind: type[Frame]) -> Frame:
        """The next frame, which is of this kind or the test fails."""
        frame = self.next_frame()
        assert isinstance(frame, kind), frame
        return frame

    def wait_gone(self) -> list[RunnerFrame]:
        """What the runner says until it closes its stream."""
        frames = []
        while True:
            try:
                frames.append(self.next_frame())
            except ContainerLost:
                return frames

    def start(
        self,
        *argv: str,
        stdin: bytes | None = b"",
        env: Mapping[str, str] = ENVIRONMENT,
        wall_ms: int = 20_000,
        cpu_ms: int | None = None,
        output_bytes: int = 1 << 20,
        file_size_bytes: int = 64 << 20,
        open_files: int = 256,
        large_files_fail: bool = False,
        merge_stderr: bool = False,
        terminal: TerminalSize | None = None,
    ) -> None:
        """Starts a step with this stdin, closed after it; None leaves it open."""
        self.send(
            protocol.step_frame(
                argv,
                env,
                wall_ms=wall_ms,
                cpu_ms=cpu_ms,
                output_bytes=output_bytes,
                file_size_bytes=file_size_bytes,
                open_files=open_files,
                large_files_fail=large_files_fail,
                merge_stderr=merge_stderr,
                terminal=terminal,
            )
        )
        if stdin is not None:
            self.send((protocol.stdin_frame(stdin) if stdin else b"") + protocol.stdin_frame(b""))

    def finish(self) -> Ended:
        """Collects the step's output up to its end."""
        streams = {1: bytearray(), 2: bytearray()}
        acknowledged = 0
        while not isinstance(frame := self.next_frame(), Result):
            if isinstance(frame, Output):
                streams[frame.stream] += frame.data
            else:
                assert isinstance(frame, Window), frame
                acknowledged += frame.size
        return Ended(frame, bytes(streams[1]), bytes(streams[2]), acknowledged)

    def run(self, *argv: str, **limits: Any) -> Ended:
        """One step from its start to its end."""
        self.start(*argv, **limits)
        return self.finish()

    def perl(self, code: str, *arguments: str, **limits: Any) -> Ended:
        """One step that is a line of perl."""
        return self.run("perl", "-e", code, *arguments, **limits)

    def collect(self, *patterns: str, max_files: int = 100, max_bytes: int = 1 << 24) -> dict[str, bytes | str]:
        """What these ask for: each file's bytes, or why they were not taken."""
        self.send(protocol.collect_frame(patterns, max_files=max_files, max_bytes=max_bytes))
        found: dict[str, bytes | str] = {}
        name = ""
        while not isinstance(frame := self.next_frame(), Collected):
            if isinstance(frame, ArtifactFound):
                name = frame.name
                assert name not in found
                found[name] = frame.skipped or b""
            else:
                assert isinstance(frame, ArtifactData), frame
                content = found[name]
                assert isinstance(content, bytes)
                found[name] = content + frame.data
        return found

    def end(self) -> Ready:
        """Ends the job; the runner has cleaned up when this returns."""
        self.send(protocol.end_frame())
        return self.expect(Ready)


@pytest.fixture(scope="module")
def container() -> Iterator[LabRunner]:
    """A runner for all tests of a module."""
    with LabRunner() as runner:
        yield runner


@pytest.fixture
def runner(container: LabRunner) -> Iterator[LabRunner]:
    """The module's runner, cleaned up after each test."""
    yield container
    container.end()
