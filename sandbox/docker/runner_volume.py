"""The runner on the Docker host: compiled in a container, and kept in a volume that every sandbox container mounts.

Beside it lies flush.so, which a language's programs may load.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path

import docker
import docker.errors

from sandbox.archives import file_tar, folder_tar
from sandbox.docker.client import translated
from sandbox.docker.images import DockerImages
from sandbox.docker.labels import KIND
from sandbox.errors import EngineUnavailable

RUNNER_SOURCES = Path(__file__).parents[1] / "runner"
_FILES = {"runner": 0o555, "flush.so": 0o444}
"""What lies in the volume, with its mode; the image has the same at its root."""


def runner_version() -> str:
    """A short hash over everything that the runner's binary is made of."""
    digest = sha256()
    for path in sorted(RUNNER_SOURCES.iterdir()):
        if path.suffix in {".c", ".h"} or path.name in {"Dockerfile", "Makefile"}:
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def runner_image() -> str:
    """The name of the image that holds this version of the runner, and nothing else."""
    return f"gexec/runner:{runner_version()}"


def runner_volume() -> str:
    """The name of the volume that holds this version of the runner."""
    return f"gexec-runner-{runner_version()}"


def install_runner(
    client: docker.APIClient, *, base_image: str, labels: Mapping[str, str], on_line: Callable[[str], None]
) -> None:
    """Compile the runner in a container and put it into its volume, unless the volume already holds it.

    labels: those of the caller's containers. This one is never started, and stays where the caller is killed.
    """
    images = DockerImages(client)
    tag = runner_image()
    if images.find(tag) is None:
        images.build(
            tag=tag,
            context=folder_tar(RUNNER_SOURCES, leave_out={"tests"}),
            buildargs={"BASE": base_image},
            labels={KIND: "runner"},
            on_line=on_line,
        )
    with translated("installing the runner"):
        client.create_volume(runner_volume(), labels={KIND: "runner"})
        mount = {"Type": "volume", "Source": runner_volume(), "Target": "/.gexec", "VolumeOptions": {"NoCopy": True}}
        container = client.create_container(
            tag,
            command=["/runner"],
            host_config=client.create_host_config(mounts=[mount], network_mode="none"),
            labels=dict(labels),
        )
        try:
            for name, mode in _FILES.items():
                _copy(client, container["Id"], name, mode)
        finally:
            client.remove_container(container["Id"], force=True)


def _copy(client: docker.APIClient, container_id: str, name: str, mode: int) -> None:
    content = _read_file(client, container_id, f"/{name}")
    try:
        if _read_file(client, container_id, f"/.gexec/{name}") == content:
            return
    except docker.errors.NotFound:
        pass
    client.put_archive(container_id, "/.gexec", file_tar(name, content, mode=mode))


def _read_file(client: docker.APIClient, container_id: str, path: str) -> bytes:
    chunks, _ = client.get_archive(container_id, path)
    with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as tar:
        member = tar.extractfile(tar.getmembers()[0])
        if member is None:
            raise EngineUnavailable(f"{path} is no file in the runner's image")
        return member.read()
