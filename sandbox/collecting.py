"""A conversation with a runner, of the files that a job left behind. No I/O."""

from __future__ import annotations

import time

from sandbox import protocol
from sandbox.errors import ContainerLost, ProtocolError
from sandbox.types import Artifact, ArtifactRequest

COLLECT_S = 15.0
"""The runner looks for files for at most five seconds, and sends them as fast as they are read here."""


class Collecting:
    """What has come of a request. Nothing that the runner says makes it more than was asked for."""

    def __init__(self, request: ArtifactRequest) -> None:
        """Raises ValueError for a request that cannot be passed on."""
        self.opening = protocol.collect_frame(
            request.patterns, max_files=request.max_files, max_bytes=request.max_bytes
        )
        self.result: tuple[Artifact, ...] | None = None
        self.failure = ""
        """Why there may be more than came."""
        self.stdin_due = False
        self.deadline = 0.0
        self.cpu_limit_ms: float | None = None
        self._files_left = request.max_files
        self._bytes_left = request.max_bytes
        self._told_left = protocol.MAX_TOLD
        self._found: dict[str, Artifact] = {}
        self._coming: protocol.ArtifactFound | None = None
        self._content = bytearray()

    def begin(self) -> None:
        """It is asked for now."""
        self.deadline = time.monotonic() + COLLECT_S

    def stdin_frames(self) -> bytes:
        return b""

    def take(self, frame: protocol.RunnerFrame) -> None:
        """Raises ProtocolError for a frame that has no place here, ContainerLost for a fault."""
        if self.result is not None:
            raise ProtocolError(f"{type(frame).__name__} after all was collected")
        if isinstance(frame, protocol.ArtifactData):
            self._collect(frame.data)
        elif isinstance(frame, protocol.ArtifactFound):
            self._finish_file()
            self._begin_file(frame)
        elif isinstance(frame, protocol.Collected):
            self._finish_file()
            self._conclude()
        elif isinstance(frame, protocol.Fault):
            raise ContainerLost(f"the runner gave up: {frame.message:.500}")
        else:
            raise ProtocolError(f"{type(frame).__name__} while files are collected")

    def overdue(self, *, cpu_ms: float) -> None:
        del cpu_ms
        self.fail("the runner did not answer in time")

    def fail(self, detail: str) -> None:
        """What was whole by then has come."""
        self.failure = detail
        self._conclude()

    def _begin_file(self, found: protocol.ArtifactFound) -> None:
        if found.name in self._found:
            raise ProtocolError("an artifact twice")
        if found.skipped:
            self._told_left -= 1
            self._found[found.name] = Artifact(found.name, found.size, None, found.skipped)
        else:
            self._files_left -= 1
            self._bytes_left -= found.size
            self._coming = found
        if min(self._told_left, self._files_left, self._bytes_left) < 0:
            raise ProtocolError("more artifacts than were asked for")

    def _collect(self, data: bytes) -> None:
        if self._coming is None or len(self._content) + len(data) > self._coming.size:
            raise ProtocolError("bytes of no artifact")
        self._content += data

    def _finish_file(self) -> None:
        if (found := self._coming) is None:
            return
        if len(self._content) != found.size:
            raise ProtocolError("an artifact that is not whole")
        self._found[found.name] = Artifact(found.name, found.size, bytes(self._content))
        self._coming = None
        self._content.clear()

    def _conclude(self) -> None:
        self.result = tuple(self._found[name] for name in sorted(self._found))
