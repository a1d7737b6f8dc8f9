"""What the pool asks of a container engine: an interface, so that the pool's races can be tested without Docker."""

from __future__ import annotations

from typing import Protocol

from sandbox.types import Profile


class Stream(Protocol):
    """A started container's stdin and stdout."""

    @property
    def container_id(self) -> str:
        """The engine's own id."""

    def send(self, data: bytes) -> None:
        """Write everything, in bounded time. Raises ContainerLost."""

    def receive(self, timeout_s: float) -> bytes | None:
        """The next bytes; None when none came within `timeout_s`. Raises ContainerLost at the end of the stream."""

    def quiet(self) -> bool:
        """Whether the stream is open and has nothing to say."""

    def close(self) -> None:
        """End stdin: the runner ends everything and exits, and the engine removes the container. May be repeated."""


class Engine(Protocol):
    """Makes and removes containers. Every call is bounded in time and may be made from many threads."""

    def prepare(self) -> None:
        """Put in place what every container needs. Raises EngineUnavailable, ImageMissing, ImageBuildFailed."""

    def start(self, profile: Profile) -> Stream:
        """Create, attach to and start one container. Raises EngineUnavailable, ImageMissing."""

    def resize(self, container_id: str, memory_bytes: int) -> None:
        """Change a running container's memory limit. Raises EngineUnavailable."""

    def remove(self, container_id: str) -> None:
        """Kill and remove a container; one that is gone is fine. Raises EngineUnavailable."""

    def owned(self) -> dict[str, str]:
        """Every sandbox container there is, whoever made it: id → owner. Raises EngineUnavailable."""

    def close(self) -> None:
        """Let go of what the engine itself keeps. May be repeated; other calls still work after it."""
