"""Builds reach their registries through the host's proxy and certificates, and nothing of either stays in an image."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import docker
import pip
import pytest
from django.conf import settings

from languages import folders
from languages.models import Language
from languages.toolchain import language_images, registries
from languages.toolchain.errors import InstallError
from languages.toolchain.registries import CERTIFICATES, FOLDER, VARIABLES, dockerfile_with_certificates
from tests.inspecting_proxy import HOST, InspectingProxy

IMAGE = "gexec-test/behind-a-proxy"
PROXIES = [
    spelled
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "FTP_PROXY")
    for spelled in (name, name.lower())
]
TOML = f'name = "Odd"\nsource_file = "main.odd"\nrun = ["cat", "{{source}}"]\nimage = "{IMAGE}"\n'
DOCKERFILE = f"""\
FROM gexec/python AS fetched
COPY pip.zip /
RUN PYTHONPATH=/pip.zip python3 -m pip download -q --no-deps --no-cache-dir --retries 0 \
    -i https://{HOST}/simple -d /out thing
# The certificates of the system alone are not enough, so it was these that were trusted.
RUN ! SSL_CERT_FILE=/dev/null python3 -c 'import urllib.request as r; r.urlopen("https://{HOST}/")' 2> /out/refused

FROM gexec/python
COPY --from=fetched /out/ /out/
RUN cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes > /out/memory 2> /dev/null || true
RUN python3 -c 'import urllib.request as r; r.urlopen("https://{HOST}/second")'
"""


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def proxy(docker_client: docker.DockerClient, tmp_path: Path) -> Iterator[InspectingProxy]:
    """On this machine's end of the bridge that builds are on: they have a loopback of their own."""
    gateway = docker_client.networks.get("bridge").attrs["IPAM"]["Config"][0]["Gateway"]
    made = InspectingProxy(gateway, tmp_path)
    yield made
    made.close()


@pytest.fixture
def behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, docker_client: docker.DockerClient) -> Iterator[Language]:
    """A language whose build fetches with pip and with Python's own client."""
    folder = tmp_path / "images" / "odd"
    folder.mkdir(parents=True)
    (folder / "language.toml").write_text(TOML)
    (folder / "hello.odd").write_text("hello")
    (folder / "Dockerfile").write_text(DOCKERFILE)
    installed = Path(pip.__file__).parent
    shutil.make_archive(str(folder / "pip"), "zip", installed.parent, installed.name)
    monkeypatch.setattr(folders, "IMAGES", tmp_path / "images")
    yield Language(slug="odd", image=IMAGE)
    for image in docker_client.images.list(IMAGE):
        docker_client.images.remove(image.id, force=True)


def test_a_build_fetches_through_a_proxy_that_inspects_tls(
    proxy: InspectingProxy, behind: Language, monkeypatch: pytest.MonkeyPatch, docker_client: docker.DockerClient
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    monkeypatch.setattr(settings, "GEXEC_BUILD_CA", str(proxy.ca))
    lines: list[str] = []
    # Never from the builder's cache: another proxy is asked each time.
    found = language_images.build(behind, lines.append, refresh=True, on_line=lines.append)
    assert {"/simple/thing/", "/thing-1.0-py3-none-any.whl", "/second"} <= set(proxy.asked), (proxy.asked, lines)
    left = f"ls /out; ls -d {FOLDER}; env; cat /out/refused /out/memory; true"
    told = docker_client.containers.run(found.id, ["sh", "-c", left], remove=True, network_mode="none").decode()
    assert "thing-1.0-py3-none-any.whl" in told
    assert "CERTIFICATE_VERIFY_FAILED" in told
    assert CERTIFICATES not in told
    assert f"\n{settings.GEXEC_BUILD_MEMORY_MB << 20}\n" in told
    assert "PROXY" not in told.upper()
    image = docker_client.api.inspect_image(found.id)
    assert [name for name in (image["Config"]["Env"] or []) if name.split("=")[0] in VARIABLES] == []
    assert proxy.url not in str(docker_client.api.history(found.id)) + str(image)


CLIENTS = {
    "npm": (["npm", "view", f"--registry=https://{HOST}/", "--fetch-retries=0", "thing"], "/thing"),
    "go": (["go", "list", "-m", "-versions", "example.org/thing"], "/example.org/thing/@v/list"),
    "cargo": (["cargo", "search", "--registry=near", "thing"], "/config.json"),
}
"""How each asks the host behind the proxy for something, and where; whatever it makes of the answer."""


@pytest.mark.parametrize("client", CLIENTS)
def test_the_clients_of_other_registries_take_the_proxy_and_trust_what_a_build_names(
    client: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They have the variables of a stage, and nothing else that tells them of either."""
    command, path = CLIENTS[client]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{client} is not installed")
    proxy = InspectingProxy("127.0.0.1", tmp_path)
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    # The proxy is this test's, so one on the loopback interface is as good as any other.
    monkeypatch.setattr(registries, "_is_loopback", lambda _address: False)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "RUSTUP_HOME": os.environ.get("RUSTUP_HOME", str(Path.home() / ".rustup")),
        "GOPROXY": f"https://{HOST}",
        "GOFLAGS": "-mod=mod",
        "CARGO_REGISTRIES_NEAR_INDEX": f"sparse+https://{HOST}/",
        "CARGO_NET_RETRY": "0",
        **registries.proxies(),
        **dict.fromkeys(VARIABLES, str(proxy.ca)),
    }
    told = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, timeout=120, check=False)
    proxy.close()
    assert path in proxy.asked, (proxy.asked, told.stderr)


def test_an_image_is_the_same_whatever_the_way_to_the_registries(
    behind: Language, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not made anew where a proxy changes."""
    folder = folders.read("odd")
    tag = language_images._tag(folder, "base")
    (tmp_path / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\n")
    monkeypatch.setattr(settings, "GEXEC_BUILD_CA", str(tmp_path / "ca.pem"))
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    recipe = language_images._recipe(tag, folder, "base", lambda _line: None)
    assert recipe.tag == tag == language_images._tag(folder, "base")
    assert recipe.buildargs["https_proxy"] == recipe.buildargs["HTTPS_PROXY"] == "http://proxy.example:3128"
    assert recipe.memory_bytes == settings.GEXEC_BUILD_MEMORY_MB << 20
    with tarfile.open(fileobj=io.BytesIO(recipe.context)) as archive:
        assert {"gexec-build-ca/ca.pem", "gexec-build-ca/apt.conf"} <= set(archive.getnames())


def test_a_proxy_on_the_loopback_interface_is_left_out_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    reports: list[str] = []
    for address in ("http://127.0.0.1:3128", "localhost:3128", "http://user:secret@[::1]:3128"):
        monkeypatch.setenv("HTTPS_PROXY", address)
        monkeypatch.setenv("no_proxy", "localhost,.example.org")
        assert registries.proxies(reports.append) == dict.fromkeys(("NO_PROXY", "no_proxy"), "localhost,.example.org")
    assert len(reports) == 3
    assert "secret" not in "".join(reports)
    assert reports[0].startswith("HTTPS_PROXY names this machine's loopback")


def test_each_stage_has_the_certificates_and_the_last_one_loses_them() -> None:
    text = dockerfile_with_certificates(
        "ARG BASE=a\nFROM ${BASE} AS one\nRUN echo \\\n  # a comment\nFROM nowhere\n"
        "from --platform=x scratch\nFROM two\nUSER nobody\n"
    )
    lines = text.splitlines()
    after = [lines[number + 1].split()[0] for number, line in enumerate(lines) if line.lower().startswith("from")]
    # The second is a word of RUN's, the third has nothing that could load anything.
    assert after == ["COPY", "from", "FROM", "COPY"]
    assert lines[-3:] == ["USER root", f"RUN rm -rf {FOLDER}", "USER nobody"]
    assert all(lines.count(f"ARG {name}={CERTIFICATES}") == 2 for name in VARIABLES)
    assert dockerfile_with_certificates("FROM a\nUSER b\nFROM scratch\n").splitlines()[-1] == "FROM scratch"


@pytest.mark.parametrize(
    ("content", "says"), [(None, "cannot be read"), (b"\x30\x82", "no certificate: PEM is wanted")]
)
def test_certificates_that_are_none_are_told(tmp_path: Path, content: bytes | None, says: str) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InstallError, match=says):
        registries.certificates(str(file))


@pytest.mark.parametrize(("memory_mb", "at_once"), [(1, 2), (10**9, 1)])
def test_so_many_are_built_at_once_as_find_room(memory_mb: int, at_once: int) -> None:
    assert language_images.builds_at_once(memory_mb) == at_once
