"""The Docker Engine as the sandbox sees it: the only file that imports the docker SDK.

Theory of operation. Every call is bounded by the client's time-out, and every failure leaves as one of the sandbox's
own errors, so that nobody above has to know the SDK. `DockerImages` serves installation (slow, with progress),
`DockerEngine` serves the pool (quick, many at once).
"""

from __future__ import annotations

import io
import logging
import secrets
import tarfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from typing import Any, BinaryIO

import docker
import docker.errors
import requests.exceptions
import urllib3.exceptions

from sandbox.errors import EngineUnavailable, ImageBuildFailed, ImageMissing
from sandbox.policy import SandboxPolicy, container_options, holder_options
from sandbox.stream import AttachedStream
from sandbox.types import ImageInfo as ImageInfo  # noqa: PLC0414 (the rest imports it from here)
from sandbox.types import Profile

logger = logging.getLogger(__name__)

RUNNER_SOURCES = Path(__file__).parent / "runner"
BASE_IMAGE = "gexec/base"
"""What the runner is compiled in, and what every language's image starts from."""
LABEL = "gexec.owner"
_REFUSALS = 3
"""After so many in a row, where another runtime did start the container, a runtime is not tried again."""
_UNREACHABLE = (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, OSError)


class _Refused(EngineUnavailable):
    """The daemon answered, and does not do what it was asked."""


@contextmanager
def _translated(what: str, image: str = "") -> Iterator[None]:
    """Turn the SDK's and the transport's exceptions into ours."""
    try:
        yield
    except docker.errors.ImageNotFound as error:
        raise ImageMissing(f"{what}: {error.explanation or error}") from error
    except docker.errors.APIError as error:
        text = str(error.explanation or error)
        if image and error.status_code == HTTPStatus.NOT_FOUND and "no such image" in text.lower():
            raise ImageMissing(f"the image {image} is not on the Docker host") from error
        raise _Refused(f"{what}: {text}") from error
    except docker.errors.DockerException as error:
        raise EngineUnavailable(f"{what}: {error}") from error
    except _UNREACHABLE as error:
        raise EngineUnavailable(f"{what}: {error}") from error


def connect(*, timeout_s: float = 30.0, base_url: str | None = None, connections: int = 16) -> docker.APIClient:
    """Make a client from DOCKER_HOST and its companions, or for one address; nothing is sent before the first call."""
    with _translated("connecting to Docker"):
        options = {"base_url": base_url} if base_url else docker.utils.kwargs_from_env()
        client = docker.APIClient(**options, version="1.41", timeout=timeout_s, num_pools=connections)
    # To a socket there is no proxy, and looking for one takes a third of a call's time.
    client.trust_env = not client.base_url.startswith("http+docker://")
    return client


class DockerImages:
    """Images on the Docker host: find, build, pull, import, remove."""

    def __init__(self, client: docker.APIClient | None = None) -> None:
        self._client = client or connect(timeout_s=600.0)

    def __enter__(self) -> DockerImages:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close its connections. One that a process keeps need not be closed."""
        self._client.close()

    def ping(self) -> None:
        """Raise EngineUnavailable unless the daemon answers."""
        with _translated("Docker does not answer"):
            self._client.ping()

    def find(self, name: str) -> ImageInfo | None:
        """What the host has under this name or digest, or None."""
        try:
            with _translated(f"looking for the image {name}", name):
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
    ) -> ImageInfo:
        """Build a tar of a Dockerfile and its files with the classic builder. Raises ImageBuildFailed."""
        lines: list[str] = []

        def note(text: str) -> None:
            for line in filter(None, map(str.rstrip, text.splitlines())):
                lines.append(line)
                on_line(line)

        with _translated(f"building {tag}"):
            events = self._client.build(
                fileobj=io.BytesIO(context),
                custom_context=True,
                tag=tag,
                buildargs=dict(buildargs),
                labels=dict(labels),
                nocache=no_cache,
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
            raise ImageBuildFailed(f"building {tag} failed: {error}", log_end="\n".join(lines[-40:]))
        return self._must_find(tag)

    def pull(self, name: str, on_line: Callable[[str], None]) -> ImageInfo:
        """Fetch an image from its registry. Raises ImageMissing, or EngineUnavailable where no registry answers."""
        repository, _, tag = name.partition("@") if "@" in name else _split_tag(name)
        with _translated(f"pulling {name}", name):
            error = ""
            for event in self._client.pull(repository, tag=tag or "latest", stream=True, decode=True):
                error = error or event.get("error", "")
                on_line(" ".join(str(event[key]) for key in ("id", "status", "progress") if event.get(key)))
        if error:
            raise ImageMissing(f"pulling {name} failed: {error}")
        return self._must_find(name)

    def import_tar(self, source: BinaryIO, tag: str) -> ImageInfo:
        """Make an image of a root file system's tar."""
        repository, _, version = _split_tag(tag)
        with _translated(f"importing {tag}"):
            # In pieces: the SDK says that it sends chunks, and sends a file as it is.
            pieces = iter(lambda: source.read(1 << 20), b"")
            self._client.import_image_from_stream(pieces, repository=repository, tag=version or "latest")
        return self._must_find(tag)

    def tag(self, name: str, new_name: str) -> None:
        """Give an image a second name."""
        repository, _, version = _split_tag(new_name)
        with _translated(f"tagging {name}", name):
            self._client.tag(name, repository, version or "latest", force=True)

    def remove(self, name: str) -> None:
        """Take a name, and with the last name the image, off the host; an image that is not there is fine."""
        try:
            with _translated(f"removing {name}", name):
                self._client.remove_image(name, noprune=False)
        except ImageMissing:
            return

    def _must_find(self, name: str) -> ImageInfo:
        found = self.find(name)
        if found is None:
            raise ImageMissing(f"the image {name} is not on the Docker host")
        return found


def _split_tag(name: str) -> tuple[str, str, str]:
    """Split repository and tag; a colon before the last slash belongs to a registry's port."""
    head, colon, tag = name.rpartition(":")
    if colon and "/" not in tag:
        return head, colon, tag
    return name, "", ""


def runner_version() -> str:
    """A short hash over everything that the runner's binary is made of."""
    digest = sha256()
    for path in sorted(RUNNER_SOURCES.iterdir()):
        if path.suffix in {".c", ".h"} or path.name in {"Dockerfile", "Makefile"}:
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def runner_volume() -> str:
    """The name of the volume that holds this version of the runner."""
    return f"gexec-runner-{runner_version()}"


def install_runner(client: docker.APIClient, *, base_image: str, on_line: Callable[[str], None]) -> None:
    """Compile the runner in a container and put it into its volume, unless the volume already holds it."""
    images = DockerImages(client)
    tag = f"gexec/runner:{runner_version()}"
    if images.find(tag) is None:
        images.build(
            tag=tag,
            context=directory_tar(RUNNER_SOURCES),
            buildargs={"BASE": base_image},
            labels={"gexec.kind": "runner"},
            on_line=on_line,
        )
    with _translated("installing the runner"):
        client.create_volume(runner_volume(), labels={"gexec.kind": "runner"})
        mount = {"Type": "volume", "Source": runner_volume(), "Target": "/.gexec", "VolumeOptions": {"NoCopy": True}}
        container = client.create_container(
            tag, command=["/runner"], host_config=client.create_host_config(mounts=[mount], network_mode="none")
        )
        try:
            _copy_runner(client, container["Id"])
        finally:
            client.remove_container(container["Id"], force=True)


def _copy_runner(client: docker.APIClient, container_id: str) -> None:
    binary = _read_file(client, container_id, "/runner")
    try:
        if _read_file(client, container_id, "/.gexec/runner") == binary:
            return
    except docker.errors.NotFound:
        pass
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        member = tarfile.TarInfo("runner")
        member.size, member.mode = len(binary), 0o555
        tar.addfile(member, io.BytesIO(binary))
    client.put_archive(container_id, "/.gexec", archive.getvalue())


def _read_file(client: docker.APIClient, container_id: str, path: str) -> bytes:
    chunks, _ = client.get_archive(container_id, path)
    with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as tar:
        member = tar.extractfile(tar.getmembers()[0])
        if member is None:
            raise EngineUnavailable(f"{path} is no file in the runner's image")
        return member.read()


def directory_tar(folder: Path) -> bytes:
    """A build context of a folder: owner, times and order are fixed, so that equal files make equal bytes."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                member = tarfile.TarInfo(str(path.relative_to(folder)))
                member.size = path.stat().st_size
                member.mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
                with path.open("rb") as content:
                    tar.addfile(member, content)
    return archive.getvalue()


class DockerEngine:
    """Makes, resizes and removes sandbox containers; safe to use from many threads."""

    def __init__(
        self,
        policy: SandboxPolicy,
        *,
        owner: str,
        base_image: str,
        labels: Mapping[str, str] | None = None,
        client: docker.APIClient | None = None,
    ) -> None:
        """`owner` is who the containers are labelled with, next to the operator's own `labels`."""
        self._policy = policy
        self._labels = {**(labels or {}), LABEL: owner}
        self._base_image = base_image
        self._volume = runner_volume()
        self._client = client or connect(timeout_s=20.0)
        self._holder_lock = threading.Lock()
        self._holder: AttachedStream | None = None
        self._next_uid = secrets.randbelow(policy.uid_count)
        self._runtimes: tuple[str, ...] = (policy.runtime,)
        self._refusals = 0

    def prepare(self) -> None:
        """See that the runner's volume is there, and choose the runtime; quick when it is there.

        Raises EngineUnavailable, ImageMissing, ImageBuildFailed.
        """
        install_runner(self._client, base_image=self._base_image, on_line=lambda line: logger.info("runner: %s", line))
        with _translated("asking Docker for its runtimes"):
            info = self._client.info()
        known = info.get("Runtimes") or {}
        self._runtimes = self._policy.runtimes(default=info.get("DefaultRuntime") or "", known=known)
        self._refusals = 0

    def ping(self) -> None:
        """Raise EngineUnavailable unless the daemon answers."""
        with _translated("Docker does not answer"):
            self._client.ping()

    def start(self, profile: Profile) -> AttachedStream:
        """Create, attach and start one container. Raises ImageMissing, EngineUnavailable."""
        runtime, *others = self._runtimes
        try:
            stream = self._start_with(runtime, profile)
        except _Refused as error:
            if not others:
                raise
            stream = self._start_with(others[0], profile)
            logger.warning("a container started with %s, since %s did not start it: %s", others[0], runtime, error)
            self._refusals += 1
            if self._refusals >= _REFUSALS:
                self._runtimes = tuple(others)
        else:
            self._refusals = 0
        return stream

    def resize(self, container_id: str, memory_bytes: int) -> None:
        """Change a running container's memory limit. Raises EngineUnavailable."""
        with _translated("resizing a container"):
            self._client.update_container(container_id, mem_limit=memory_bytes, memswap_limit=memory_bytes)

    def remove(self, container_id: str) -> None:
        """Kill and remove; one that is gone, or on its way, is fine. Raises EngineUnavailable."""
        with _translated("removing a container"):
            try:
                self._client.remove_container(container_id, force=True, v=True)
            except docker.errors.NotFound:
                return
            except docker.errors.APIError as error:
                if error.status_code != HTTPStatus.CONFLICT:  # Its removal is in progress already.
                    raise

    def owned(self) -> dict[str, str]:
        """Every sandbox container on the host, whoever made it: id → owner. Raises EngineUnavailable."""
        with _translated("listing containers"):
            found = self._client.containers(all=True, filters={"label": LABEL})
        return {entry["Id"]: entry["Labels"][LABEL] for entry in found}

    def close(self) -> None:
        """Let the network holder and the connections go; containers that are still there are the pool's to remove."""
        with self._holder_lock:
            if self._holder is not None:
                self._holder.close()
                self._holder = None
        self._client.close()

    def _take_uid(self) -> int:
        with self._holder_lock:
            self._next_uid = (self._next_uid + 1) % self._policy.uid_count
            return self._policy.first_uid + self._next_uid

    def _start_with(self, runtime: str, profile: Profile) -> AttachedStream:
        policy = replace(self._policy, runtime=runtime)
        network = self._network(profile, policy)
        options = container_options(
            profile, policy, uid=self._take_uid(), network=network, labels=self._labels, volume=self._volume
        )
        return self._start(profile.image, options)

    def _network(self, profile: Profile, policy: SandboxPolicy) -> str:
        """The network mode: a holder's namespace, which the runner leaves for one of its own, or Docker's `none`."""
        if not policy.shared_network_setup:
            return "none"
        with self._holder_lock:
            if self._holder is None or not self._holder.quiet():
                if self._holder is not None:
                    self._holder.close()
                options = holder_options(policy, labels=self._labels, volume=self._volume)
                self._holder = self._start(profile.image, options)
            return f"container:{self._holder.container_id}"

    def _start(self, image: str, options: dict[str, Any]) -> AttachedStream:
        with _translated("creating a container", image):
            host_config = self._client.create_host_config(**options["host"])
            created = self._client.create_container(image, host_config=host_config, **options["container"])
        container_id = created["Id"]
        try:
            with _translated("attaching to a container"):
                parameters = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
                stream = AttachedStream(container_id, self._client.attach_socket(container_id, params=parameters))
            self._start_created(stream)
        except EngineUnavailable:
            self._remove_quietly(container_id)
            raise
        return stream

    def _start_created(self, stream: AttachedStream) -> None:
        try:
            with _translated("starting a container"):
                self._client.start(stream.container_id)
        except EngineUnavailable:
            stream.close()
            raise

    def _remove_quietly(self, container_id: str) -> None:
        try:
            self.remove(container_id)
        except EngineUnavailable as error:
            logger.warning("container %s could not be removed now: %s", container_id[:12], str(error))
