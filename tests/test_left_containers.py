"""What a killed process, or a build that was broken off, has left on the Docker host goes; nothing of others does."""

from __future__ import annotations

import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress

import docker
import docker.errors
import pytest

from languages.toolchain.base_image import ensure_base
from sandbox.docker import BASE_IMAGE, LABEL, DockerImages, images, install_runner
from sandbox.host.__main__ import _lives
from testkit.servers import PROJECT
from testkit.stages import stages_before

LOG = """\
Step 1/4 : FROM base AS made
 ---> eaf1a2f2a34d
Step 2/4 : RUN pip install it
 ---> Running in e06b550bf08a
Removing intermediate container e06b550bf08a
 ---> 94cc85e1b461
Step 3/4 : FROM base
 ---> eaf1a2f2a34d
Step 4/4 : COPY --from=made /it /
 ---> 7c6ad5fdeda5
Successfully built 7c6ad5fdeda5
"""
PAUSED = """
import os, signal, sys
import docker
from sandbox.docker import BASE_IMAGE, LABEL, install_runner
from sandbox.processes import place

class Client(docker.APIClient):
    def get_archive(self, *_args, **_options):
        print("made", flush=True)
        signal.pause()

install_runner(Client(), base_image=BASE_IMAGE, labels={LABEL: f"{sys.argv[1]}/1/{place()}"}, on_line=str)
"""


@pytest.fixture
def token() -> str:
    return f"test-{secrets.token_hex(4)}"


@pytest.fixture(scope="module")
def base() -> None:
    """The image that all others are made of is there."""
    with DockerImages() as host:
        ensure_base(host, print)


@pytest.fixture
def api(base: None, docker_client: docker.DockerClient) -> docker.APIClient:
    return docker_client.api


def test_who_is_killed_as_it_installs_the_runner_is_known_for_dead_by_its_container(
    api: docker.APIClient, token: str
) -> None:
    process = subprocess.Popen([sys.executable, "-c", PAUSED, token], cwd=PROJECT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None

    def owners() -> dict[str, str]:
        found = api.containers(all=True, filters={"label": LABEL})
        return {
            entry["Id"]: label for entry in found if (label := entry["Labels"][LABEL]).startswith(f"{token}/")
        }  # fmt: skip

    try:
        assert process.stdout.readline() == "made\n"
        (owner,) = owners().values()
        assert _lives(owner)
        process.kill()
        process.wait()
        assert not _lives(owner)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        # Another server's sweep may have been here first, since it is told the same.
        for each in owners():
            with suppress(docker.errors.APIError):
                api.remove_container(each, force=True)


def test_installing_the_runner_leaves_no_container(api: docker.APIClient, token: str) -> None:
    install_runner(api, base_image=BASE_IMAGE, labels={LABEL: token}, on_line=print)
    assert not api.containers(all=True, filters={"label": f"{LABEL}={token}"})


@pytest.fixture
def made(api: docker.APIClient, token: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Containers of several makers, none of which runs, by name; they alone carry the labels that are looked for."""
    monkeypatch.setattr(images, "KIND", f"{token}.kind")
    monkeypatch.setattr(images, "LABEL", f"{token}.owner")
    digest = api.inspect_image(BASE_IMAGE)["Id"]
    kind, owner = {f"{token}.kind": "base"}, {f"{token}.owner": "somebody"}
    wanted = {
        "of a build's step": (digest, kind),
        "of a pool": (BASE_IMAGE, kind | owner),
        "of a pool, in an image from elsewhere": (digest, owner),
        "made by hand": (BASE_IMAGE, kind),
        "of somebody else": (digest, {token: "x"}),
    }
    found = {
        name: api.create_container(image, ["true"], labels=labels | {token: "x"}, volumes=["/left"])["Id"]
        for name, (image, labels) in wanted.items()
    }
    yield found
    for each in api.containers(all=True, filters={"label": token}):
        api.remove_container(each["Id"], force=True, v=True)


def test_what_was_never_started_goes_when_it_is_old_and_no_other(
    api: docker.APIClient, token: str, made: dict[str, str]
) -> None:
    def there() -> set[str]:
        ids = {each["Id"] for each in api.containers(all=True, filters={"label": token})}
        return {name for name, container in made.items() if container in ids}

    volumes = {mount["Name"] for each in made.values() for mount in api.inspect_container(each)["Mounts"]}
    with DockerImages() as host:
        assert host.remove_left(older_than_s=3600) == 0
        assert there() == set(made)
        assert host.remove_left(older_than_s=0) == 3
    assert there() == {"made by hand", "of somebody else"}
    assert len([volume for volume in (api.volumes()["Volumes"] or ()) if volume["Name"] in volumes]) == 2


def test_the_stages_of_a_build_are_known_from_its_log() -> None:
    assert stages_before({"stream": line} for line in LOG.splitlines(keepends=True)) == ["94cc85e1b461"]
