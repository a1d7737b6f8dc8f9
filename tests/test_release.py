"""A release names what it stands on by its digest, or says that nobody else has it, and is whole."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import docker
import pytest
from docker.errors import ImageNotFound

from gexec.version import VERSION
from scripts import make_release, oci_archive, pins, released_compose
from scripts.pins import Pin
from testkit.locks import MACHINE, one_at_a_time
from testkit.servers import PROJECT, clean_environment
from tests.compose_lab import asked, needs_compose

COMPOSE = (PROJECT / "compose.yaml").read_text()
DIGEST = "sha256:" + 64 * "7"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
SMALL = f"gexec-test/release-base:{os.getpid()}"


@pytest.fixture(scope="module")
def small(docker_client: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An image of one small file, made on this machine."""
    context = tmp_path_factory.mktemp("small")
    (context / "file").write_text("small")
    (context / "Dockerfile").write_text("FROM scratch\nCOPY file /\nCOPY file /again\n")
    docker_client.images.build(path=str(context), tag=SMALL, rm=True)
    yield SMALL
    docker_client.images.remove(SMALL, force=True)


@pytest.fixture(scope="module")
def registry(small: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """A registry with that image, which Docker itself asks: its address, and the digest of the image's manifest."""
    if not Path("/var/run/docker.sock").exists():
        pytest.skip("an engine elsewhere does not reach a registry here")
    folder = tmp_path_factory.mktemp("registry")
    digest = oci_archive.write(small, folder / "small.tar.gz")
    with tarfile.open(folder / "small.tar.gz") as archive:
        archive.extractall(folder, filter="data")

    class Registry(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked_for = self.path.rpartition("/")[2]
            name = asked_for if ":" in asked_for else digest
            blob = folder / "blobs" / "sha256" / name.partition(":")[2]
            found = blob.exists() and self.path != "/v2/"
            content = blob.read_bytes() if found else b"{}"
            self.send_response(200 if found or self.path == "/v2/" else 404)
            self.send_header("Content-Type", MANIFEST if "/manifests/" in self.path else "application/octet-stream")
            self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
            self.send_header("Docker-Content-Digest", name)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

        do_HEAD = do_GET  # noqa: N815  # As HTTP calls it.

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # The name is the base class's.
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"127.0.0.1:{server.server_port}", digest
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def pulled(registry: tuple[str, str], docker_client: docker.DockerClient) -> Iterator[str]:
    """The name of the image in the registry, of which nothing is left on this machine afterwards."""
    name = f"{registry[0]}/gexec-test/base:1"
    yield name
    docker_client.images.remove(name, force=True)


def test_a_base_is_what_its_registry_has_under_that_name(
    registry: tuple[str, str], pulled: str, small: str, docker_client: docker.DockerClient
) -> None:
    pin = pins.resolve(pulled)
    assert pin == Pin(pulled, registry[1], docker_client.images.get(small).id)
    assert pin.reference == f"{registry[0]}/gexec-test/base@{registry[1]}"
    assert pin.told == f"{pulled}, which is {registry[1]}"
    # By this digest, which a bill of materials has, it is the same again.
    assert replace(pins.resolve(pin.reference), name=pulled) == pin


def test_what_was_made_here_is_asked_for_nowhere_else_and_told_as_such(small: str) -> None:
    pin = pins.resolve(small)
    assert (pin.digest, pin.reference) == ("", small)
    assert pin.told == f"{small} of this machine alone, {pin.image_id}: no registry has it"


def test_what_nobody_has_is_not_resolved() -> None:
    pin = pins.resolve("127.0.0.1:9/gexec-test/nowhere:1")
    assert (pin.digest, pin.image_id) == ("", "")
    assert pin.told.endswith("not resolved: no registry has answered")


@pytest.mark.parametrize(
    ("name", "repository"),
    [
        ("debian", "debian"),
        ("debian:trixie-slim", "debian"),
        ("localhost:5000/a/b", "localhost:5000/a/b"),
        ("localhost:5000/a/b:1", "localhost:5000/a/b"),
        (f"debian@{DIGEST}", "debian"),
        (f"debian:trixie@{DIGEST}", "debian"),
    ],
)
def test_a_port_is_no_tag(name: str, repository: str) -> None:
    assert pins.repository(name) == repository


def checkout(folder: Path, dockerfile: str) -> Path:
    """A small working copy of git that a release can be made of."""
    for name in ("gexec/__init__.py", "gexec/version.py", "clients/python/src/gexec_client/version.py", "compose.yaml"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / name, folder / name)
    shutil.copytree(PROJECT / "scripts", folder / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "CHANGELOG.md").write_text(
        f"# Changes\n\n## Unreleased\n\n## {VERSION} (today)\n\n- All is new.\n\n## 0.0.1\n"
    )
    (folder / "Dockerfile").write_text(dockerfile)
    (folder / ".gitignore").write_text("/dist/\n__pycache__/\n")
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    commit(folder)
    return folder


def commit(folder: Path) -> None:
    """All that is there."""
    for command in (["add", "."], ["-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-qm", "all"]):
        subprocess.run(["git", *command], cwd=folder, check=True)


def test_the_image_is_built_from_the_digest_and_says_so(
    registry: tuple[str, str],
    pulled: str,
    tmp_path: Path,
    docker_client: docker.DockerClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    copy = checkout(tmp_path, "ARG BASE\nFROM ${BASE}\nCOPY compose.yaml /\n")
    monkeypatch.setattr(make_release, "PROJECT", copy)
    tag = f"test-{registry[1][7:19]}"
    release = make_release.Release(tag, "c0ffee", "", pins.resolve(pulled), Pin("postgres:18"))
    make_release.build(release)
    built = docker_client.images.get(f"gexec:{tag}")
    try:
        assert built.attrs["Config"]["Labels"] == {
            "org.opencontainers.image.revision": "c0ffee",
            "org.opencontainers.image.base.name": pulled,
            "org.opencontainers.image.base.digest": registry[1],
        }
        assert pins.layers(built.id)[:-1] == pins.layers(pulled)
        (copy / "Dockerfile").write_text("FROM scratch\nCOPY compose.yaml /\n")
        commit(copy)
        with pytest.raises(make_release.NotReleased, match="does not stand on"):
            make_release.build(release)
    finally:
        docker_client.images.remove(built.id, force=True)
        docker_client.images.remove(f"gexec:{tag}", force=True)


@pytest.mark.timeout(300)
def test_a_release_is_whole(tmp_path: Path, python_version: str, docker_client: docker.DockerClient) -> None:
    """Of a small stand-in, whose base was made here."""
    python = "/srv/gexec/.venv/bin/python"
    copy = checkout(
        tmp_path,
        "ARG BASE\nFROM ${BASE}\nARG VERSION\nLABEL org.opencontainers.image.version=${VERSION}\n"
        f"USER 0\nRUN mkdir -p {Path(python).parent} && ln -s $(command -v python3) {python}\n",
    )
    command = [sys.executable, "-m", "scripts.make_release"]
    environment = clean_environment(BASE="gexec/python:latest")
    with one_at_a_time(MACHINE / "gexec-test-release.lock"):
        was = docker_client.images.list(f"gexec:{VERSION}")
        done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
        try:
            assert done.returncode == 0, done.stderr
            look_at(copy / "dist", docker_client)
        finally:
            with suppress(ImageNotFound):
                docker_client.images.remove(f"gexec:{VERSION}", force=True)
            for image in was:
                image.tag("gexec", VERSION)


def look_at(folder: Path, docker_client: docker.DockerClient) -> None:
    """What lies there belongs together, and says what it is."""
    name = f"gexec-{VERSION}"
    sums = dict(line.split("  ")[::-1] for line in (folder / f"{name}.sha256").read_text().splitlines())
    assert set(sums) == {f"{name}.{suffix}" for suffix in ("cdx.json", "compose.yaml", "md", "tar.gz")}
    for file, digest in sums.items():
        assert hashlib.sha256((folder / file).read_bytes()).hexdigest() == digest
    assert (folder / f"{name}.md").read_text() == f"# gexec {VERSION}\n\n- All is new.\n"
    bill = json.loads((folder / f"{name}.cdx.json").read_text())
    component = bill["metadata"]["component"]
    told = {each["name"]: each["value"] for each in component["properties"]}
    base = docker_client.images.get("gexec/python:latest").id
    assert told["base"] == f"gexec/python:latest of this machine alone, {base}: no registry has it"
    assert (told["base:image"], len(told["commit"])) == (base, 40)
    assert "python3" in {each["name"] for each in bill["components"]}
    with tarfile.open(folder / f"{name}.tar.gz") as archive:
        opened = archive.extractfile("index.json")
        assert opened
        index = json.load(opened)
    assert index["manifests"][0]["digest"] == told["manifest"]
    docker_client.images.remove(f"gexec:{VERSION}", force=True)
    subprocess.run(["docker", "load", "-qi", folder / f"{name}.tar.gz"], capture_output=True, check=True)
    assert docker_client.images.get(f"gexec:{VERSION}").id == f"sha256:{component['hashes'][0]['content']}"


def test_an_archive_of_the_same_image_is_the_same(small: str, tmp_path: Path) -> None:
    files = [tmp_path / "a.tar.gz", tmp_path / "b.tar.gz"]
    assert oci_archive.write(small, files[0]) == oci_archive.write(small, files[1])
    assert files[0].read_bytes() == files[1].read_bytes()


def test_nothing_is_released_of_what_is_not_committed_or_not_described(tmp_path: Path) -> None:
    copy = checkout(tmp_path, "")
    (copy / "new").write_text("")

    def refused() -> str:
        command = [sys.executable, "-m", "scripts.make_release"]
        done = subprocess.run(command, cwd=copy, env=clean_environment(), capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        return done.stderr

    assert "not committed" in refused()
    (copy / "clients/python/src/gexec_client/version.py").write_text('VERSION = "0.0.9"\n')
    assert "clients/python has another version" in refused()
    (copy / "CHANGELOG.md").write_text(f"# Changes\n\n## Unreleased\n\n- One.\n\n## {VERSION}\n\n## 0.0.1\n\n- Old.\n")
    assert f"nothing under '## {VERSION}'" in refused()


def test_the_released_compose_file_has_digests_and_builds_nothing() -> None:
    assert released_compose.postgres_of(COMPOSE) == "postgres:18"
    text = released_compose.text(COMPOSE, "1.2.3", Pin("postgres:18", DIGEST, DIGEST))
    assert f"    # postgres:18\n    image: postgres@{DIGEST}\n" in text
    assert "    image: gexec:1.2.3\n    pull_policy: never\n" in text
    assert "build" not in text
    assert "#   docker compose --file gexec-1.2.3.compose.yaml up\n" in text
    of_services = (
        r"^    (?:image|build|pull_policy|group_add):.*\n|^      (?:context|args):.*\n|^        DOCKER_GID:.*\n"
    )
    comments = r"^ *#.*\n"
    assert re.sub(f"{of_services}|{comments}", "", text, flags=re.MULTILINE) == re.sub(
        f"{of_services}|{comments}", "", COMPOSE, flags=re.MULTILINE
    )


def test_where_no_registry_answered_the_released_compose_file_says_so() -> None:
    text = released_compose.text(COMPOSE, "1.2.3", Pin("postgres:18"))
    assert (
        "    # A name without a digest: no registry had answered when this was released.\n    image: postgres:18\n"
        in text
    )


@needs_compose
def test_compose_takes_the_released_file(tmp_path: Path) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text(released_compose.text(COMPOSE, "1.2.3", Pin("postgres:18", DIGEST, DIGEST)))
    services = json.loads(asked("config", "--format", "json", file=file))["services"]
    assert (services["gexec"]["image"], services["gexec"]["group_add"]) == ("gexec:1.2.3", ["999"])
    assert services["postgres"]["image"] == f"postgres@{DIGEST}"
