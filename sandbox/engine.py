"""What the rest asks of a container engine: interfaces, so that its users can be tested without Docker."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import BinaryIO, Protocol

from sandbox.types import ImageInfo, Profile

LEFT_AFTER_S = 3600.0
"""A container that does not run is nobody's by then: between its making and its start lie seconds, on a host that is
short of everything minutes, and one that has ended goes at once."""


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

    def unthrottle(self, container_id: str) -> None:
        """Let a running container have all the processors that there are: it has to end. Raises EngineUnavailable."""

    def cpu_ms(self, container_id: str) -> float:
        """What a running container has used since it was started. Raises EngineUnavailable."""

    def remove(self, container_id: str) -> None:
        """Kill and remove a container; one that is gone is fine. Raises EngineUnavailable."""

    def owned(self) -> dict[str, str]:
        """Every sandbox container there is, of any owner, but for what this engine itself keeps: id → owner.

        Raises EngineUnavailable.
        """

    def close(self) -> None:
        """Let go of what the engine itself keeps. May be repeated; other calls still work after it."""


class Images(Protocol):
    """The images on the engine's host. Calls may be slow; every one raises EngineUnavailable where nothing answers."""

    def close(self) -> None:
        """Let go of its connections. May be repeated."""

    def ping(self) -> None:
        """Raise EngineUnavailable unless the engine answers."""

    def runtimes(self) -> frozenset[str]:
        """The OCI runtimes that the engine can start containers with, by the names that it knows them by."""

    def find(self, name: str) -> ImageInfo | None:
        """What the host has under this name or digest, or None."""

    def build(
        self,
        *,
        tag: str,
        context: bytes,
        buildargs: Mapping[str, str],
        labels: Mapping[str, str],
        on_line: Callable[[str], None],
        no_cache: bool = False,
        memory_bytes: int | None = None,
    ) -> ImageInfo:
        """Build a tar of a Dockerfile and its files; `on_line` gets what the builder says. Raises ImageBuildFailed.

        memory_bytes: what each of its steps may have; None: whatever the host has.
        """

    def pull(self, name: str, on_line: Callable[[str], None]) -> ImageInfo:
        """Fetch an image from its registry. Raises ImageMissing."""

    def push(self, name: str, on_line: Callable[[str], None]) -> None:
        """Bring an image to the registry that its name begins with. Raises ImageMissing."""

    def import_tar(self, source: BinaryIO, tag: str) -> ImageInfo:
        """Make an image of a root file system's tar."""

    def tag(self, name: str, new_name: str) -> None:
        """Give an image a second name. Raises ImageMissing."""

    def remove(self, name: str) -> None:
        """Take a name, and with the last name the image, off the host; an image that is not there is fine."""

    def made_here(self) -> list[ImageInfo]:
        """All that `build` has left on the host, also what has no name any more."""

    def used(self) -> set[str]:
        """The ids of the images that containers run in, of whomever."""

    def remove_left(self, *, older_than_s: float) -> int:
        """Remove containers that steps of builds, and processes that were killed, have left; how many went."""
