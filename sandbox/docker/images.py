"""Images on the Docker host: slow calls, with progress, for the installation of languages."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, BinaryIO

import docker
import docker.errors
from docker.utils import parse_repository_tag

from sandbox.docker.client import BUILD_TIMEOUT_S, Refused, connect, translated
from sandbox.docker.labels import KIND, LABEL
from sandbox.errors import ImageBuildFailed, ImageMissing
from sandbox.types import ImageInfo

BASE_IMAGE = "gexec/base"
"""What the runner is compiled in, and what every language's image starts from."""
_LOG_END_LINES = 40
"""Of a failed build, for its error: what a screen shows, and a compiler's complaint with what led to it."""
_IMPORT_PIECE_BYTES = 1 << 20
"""Read at once of a file system that may have gigabytes."""


class DockerImages:
    """Images on the Docker host: find, build, pull, import, remove."""

    def __init__(self, client: docker.APIClient | None = None) -> None:
        self._client = client or connect(timeout_s=BUILD_TIMEOUT_S)

    def __enter__(self) -> DockerImages:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close its connections. One that a process keeps need not be closed."""
        self._client.close()

    def ping(self) -> None:
        """Raise EngineUnavailable unless the daemon answers."""
        with translated("Docker does not answer"):
            self._client.ping()

    def runtimes(self) -> frozenset[str]:
        """The OCI runtimes that Docker can start containers with."""
        with translated("asking Docker for its runtimes"):
            return frozenset(self._client.info().get("Runtimes") or ())

    def find(self, name: str) -> ImageInfo | None:
        """What the host has under this name or digest, or None."""
        try:
            with translated(f"looking for the image {name}", name):
                found = self._client.inspect_image(name)
        except ImageMissing:
            return None
        return ImageInfo(found["Id"], tuple(found.get("RepoTags") or ()), found["Size"], found["Created"])

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
        """Build a tar of a Dockerfile and its files with the classic builder. Raises ImageBuildFailed."""
        lines: list[str] = []

        def note(text: str) -> None:
            for line in filter(None, map(str.rstrip, text.splitlines())):
                lines.append(line)
                on_line(line)

        with translated(f"building {tag}"):
            events = self._client.build(
                fileobj=io.BytesIO(context),
                custom_context=True,
                tag=tag,
                buildargs=dict(buildargs),
                labels=dict(labels),
                nocache=no_cache,
                container_limits={"memory": memory_bytes} if memory_bytes else None,
                rm=True,
                forcerm=True,
                decode=True,
            )
            error = ""
            # Read to the end whatever it says: a stream that is left open keeps its connection.
            for event in events:
                error = error or event.get("error", "")
                note(event.get("stream", ""))
        if error:
            raise ImageBuildFailed(f"building {tag} failed: {error}", log_end="\n".join(lines[-_LOG_END_LINES:]))
        return self._must_find(tag)

    def pull(self, name: str, on_line: Callable[[str], None]) -> ImageInfo:
        """Fetch an image from its registry. Raises ImageMissing, or EngineUnavailable where no registry answers."""
        repository, tag = parse_repository_tag(name)
        with translated(f"pulling {name}", name):
            error = ""
            for event in self._client.pull(repository, tag=tag or "latest", stream=True, decode=True):
                error = error or event.get("error", "")
                on_line(" ".join(str(event[key]) for key in ("id", "status", "progress") if event.get(key)))
        if error:
            raise ImageMissing(f"pulling {name} failed: {error}")
        return self._must_find(name)

    def push(self, name: str, on_line: Callable[[str], None]) -> None:
        """Bring an image to its registry. Raises ImageMissing, or EngineUnavailable where no registry takes it."""
        repository, tag = parse_repository_tag(name)
        with translated(f"pushing {name}", name):
            error = ""
            for event in self._client.push(repository, tag=tag or "latest", stream=True, decode=True):
                error = error or event.get("error", "")
                on_line(" ".join(str(event[key]) for key in ("id", "status", "progress") if event.get(key)))
        if error:
            raise Refused(f"pushing {name} failed: {error}")

    def import_tar(self, source: BinaryIO, tag: str) -> ImageInfo:
        """Make an image of a root file system's tar."""
        repository, version = parse_repository_tag(tag)
        with translated(f"importing {tag}"):
            # In pieces: the SDK says that it sends chunks, and sends a file as it is.
            pieces = iter(lambda: source.read(_IMPORT_PIECE_BYTES), b"")
            self._client.import_image_from_stream(pieces, repository=repository, tag=version or "latest")
        return self._must_find(tag)

    def tag(self, name: str, new_name: str) -> None:
        """Give an image a second name."""
        repository, version = parse_repository_tag(new_name)
        with translated(f"tagging {name}", name):
            self._client.tag(name, repository, version or "latest", force=True)

    def remove(self, name: str) -> None:
        """Take a name, and with the last name the image, off the host; an image that is not there is fine."""
        try:
            with translated(f"removing {name}", name):
                self._client.remove_image(name, noprune=False)
        except ImageMissing:
            return

    def made_here(self) -> list[ImageInfo]:
        """All that `build` has left on the host, also what has no name any more."""
        with translated("listing images"):
            listed = self._client.images(filters={"label": KIND}, quiet=True)
        found = [self.find(image_id) for image_id in dict.fromkeys(listed)]
        return [image for image in found if image is not None]

    def used(self) -> set[str]:
        """The ids of the images that containers run in, of whomever."""
        with translated("listing containers"):
            return {container["ImageID"] for container in self._client.containers(all=True)}

    def remove_left(self, *, older_than_s: float) -> int:
        """Remove containers that steps of builds, and processes that were killed, have left; how many went.

        Such a one does not run, and is older than whatever is still at work on it. What somebody made by hand of an
        image of ours has the image's name, no owner, and stays.
        """
        with translated("removing what builds have left"):
            # By the engine's clock, which their times are of.
            before = datetime.fromisoformat(self._client.info()["SystemTime"]).timestamp() - older_than_s
            ended = {entry["Id"]: entry for label in (KIND, LABEL) for entry in self._ended(label)}
            left = [entry["Id"] for entry in ended.values() if entry["Created"] < before and self._is_left(entry)]
            return sum(self._is_removed(container_id) for container_id in left)

    def _ended(self, label: str) -> list[dict[str, Any]]:
        filters = {"label": label, "status": ["created", "exited", "dead"]}
        return list(self._client.containers(all=True, filters=filters))

    def _is_left(self, entry: dict[str, Any]) -> bool:
        """Whether a pool made it, or a builder, which names an image by its digest."""
        if LABEL in entry["Labels"]:
            return True
        try:
            return str(self._client.inspect_container(entry["Id"])["Config"]["Image"]).startswith("sha256:")
        except docker.errors.NotFound:
            return False

    def _is_removed(self, container_id: str) -> bool:
        """False where it was started meanwhile, is on its way, or cannot be removed: it keeps none of the others."""
        try:
            # With the volumes that are its own.
            self._client.remove_container(container_id, v=True)
        except docker.errors.APIError:
            return False
        return True

    def _must_find(self, name: str) -> ImageInfo:
        found = self.find(name)
        if found is None:
            raise ImageMissing(f"the image {name} is not on the Docker host")
        return found
