"""A real runner in a real container, driven over its stdin and stdout: what the tests of the runner stand on."""

from __future__ import annotations

import contextlib
import hashlib
import io
import select
import struct
import tarfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

import docker
from docker.errors import APIError, ImageNotFound

from languages.toolchain.base_image import ensure_base
from sandbox import protocol
from sandbox.docker import DockerImages
from sandbox.protocol import FrameReader, Output, Ready, Result, RunnerFrame, Window

if TYPE_CHECKING:
    from collections.abc import Mapping

RUNNER = Path(__file__).parent.parent / "sandbox" / "runner"
UID = 64001
AHEAD_UID = 64002
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin"}
CAPABILITIES = ["SYS_ADMIN", "NET_ADMIN", "SETPCAP", "SETUID", "SETGID", "KILL", "CHOWN", "DAC_OVERRIDE", "FOWNER"]
TMPFS = f"rw,exec,nosuid,nodev,size={64 << 20}"
PATIENCE_S = 30.0

Frame = TypeVar("Frame", bound=RunnerFrame)

BINARIES = "runner asan filter fuzz guest interpreter"
_LAB = f"FROM {{build}}\nRUN make -C /src {BINARIES} && cd /src && mv {BINARIES} /usr/local/bin/\n"


def lab_image(client: docker.DockerClient) -> str:
    """An image with the runner, its sanitized build, and what the tests start; built once a source."""
    files = sorted(path for path in RUNNER.rglob("*") if path.suffix in {".c", ".h"} or path.name[-4:] == "file")
    digest = hashlib.sha256(b"\0".join(path.name.encode() + path.read_bytes() for path in files)).hexdigest()[:16]
    tag = f"gexec-test/runner-lab:{digest}"
    try:
        client.images.get(tag)
    except ImageNotFound:
        with DockerImages() as images:
            base = ensure_base(images, print)
        build, _ = client.images.build(
            path=str(RUNNER), buildargs={"BASE": base}, target="build", rm=True, forcerm=True
        )
        client.images.build(
            fileobj=_context(_LAB.format(build=build.id)), custom_context=True, tag=tag, rm=True, forcerm=True
        )
    return tag


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


class RunnerGone(Exception):
    """The runner closed its stream."""


class LabRunner:
    """One container. `frames` that were read and not yet asked for are kept in order."""

    def __init__(
        self, binary: str = "runner", *, under: tuple[str, ...] = (), ahead: bool = True, **options: Any
    ) -> None:
        """`under` is a command that ends by becoming the runner; `options` are those of the container.

        `ahead` says whether the runner may start a command ahead, as it does for an A frame.
        """
        self._client = docker.from_env()
        self._reader = FrameReader()
        self._raw = bytearray()
        self._frames: list[RunnerFrame] = []
        self.heard = bytearray()
        self.stderr = b""
        command = [*under, binary, *(["--ahead-uid", str(AHEAD_UID)] if ahead else [])]
        self.container = self._create(command, options)
        self._response = self.container.attach_socket(params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1})
        self._socket = self._response._sock
        self.container.start()
        self.ready = self.expect(Ready)

    def _create(self, binary: list[str], options: dict[str, Any]) -> Any:
        command = [*binary, "--uid", str(UID), "--gid", str(UID), "--net", "unshare", "--work", "/box"]
        command += ["--wipe", "/tmp", "--wipe", "/dev/shm"]
        defaults: dict[str, Any] = {
            "network_mode": "none",
            "cap_drop": ["ALL"],
            "cap_add": CAPABILITIES,
            "security_opt": ["no-new-privileges"],
            "read_only": True,
            "tmpfs": {"/box": TMPFS, "/tmp": TMPFS},
            "ipc_mode": "private",
            "shm_size": 16 << 20,
            "pids_limit": 64,
            "mem_limit": 128 << 20,
            "memswap_limit": 128 << 20,
            "working_dir": "/",
            "log_config": {"type": "none"},
            "labels": {"gexec-test": "runner"},
        }
        low = self._client.api
        settings = defaults | options
        keep = {key: settings.pop(key) for key in ("working_dir", "labels", "command") if key in settings}
        command = keep.pop("command", command)
        settings["log_config"] = docker.types.LogConfig(type="none")
        created = low.create_container(
            lab_image(self._client),
            command,
            stdin_open=True,
            user="0:0",
            detach=False,
            host_config=low.create_host_config(auto_remove=True, **settings),
            **keep,
        )
        return self._client.containers.get(created["Id"])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self._response.close()
        with contextlib.suppress(APIError):
            self.container.remove(force=True)
        self._client.close()

    def send(self, data: bytes) -> None:
        """Sends frames, or anything else."""
        self._socket.sendall(data)

    def write_file(self, name: str, content: bytes, *, executable: bool = False) -> None:
        """Sends a file of the job."""
        self.send(protocol.file_frames(name, content, executable=executable))

    def close_stdin(self) -> None:
        """Lets the runner see the end of its stdin."""
        self._socket.shutdown(1)

    def next_frame(self, patience_s: float = PATIENCE_S) -> RunnerFrame:
        """The next frame, whatever it is. RunnerGone at the end of the stream."""
        deadline = time.monotonic() + patience_s
        while not self._frames:
            readable, _, _ = select.select([self._socket], [], [], max(0.0, deadline - time.monotonic()))
            if not readable:
                raise TimeoutError(f"no frame within {patience_s} s; stderr: {self.stderr!r}")
            data = self._socket.recv(1 << 20)
            if not data:
                raise RunnerGone(self.stderr)
            self._raw += data
            self._demultiplex()
        return self._frames.pop(0)

    def _demultiplex(self) -> None:
        while len(self._raw) >= 8:
            stream, size = struct.unpack_from(">BxxxI", self._raw)
            if len(self._raw) < 8 + size:
                return
            data = bytes(self._raw[8 : 8 + size])
            del self._raw[: 8 + size]
            if stream == 1:
                self.heard += data
                self._frames += self._reader.feed(data)
            else:
                self.stderr += data

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
            except RunnerGone:
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

    def end(self) -> Ready:
        """Ends the job; the runner has cleaned up when this returns."""
        self.send(protocol.end_frame())
        return self.expect(Ready)
