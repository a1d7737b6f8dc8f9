"""Production: the deployment checks, and the image, answering through the mounted Docker socket."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from gexec.version import VERSION
from languages.toolchain.base_image import ensure_debian
from sandbox.docker import DockerImages
from testkit.databases import create_database, database_url
from testkit.servers import PROJECT, clean_environment, free_port, manage
from testkit.waiting import last_seen

TAG = "gexec-test/server"
SOCKET = Path("/var/run/docker.sock")


def test_the_deployment_checks_are_clean_under_production_settings(tmp_path: Path) -> None:
    environment = clean_environment(
        GEXEC_SECURE="1",
        GEXEC_TRUSTED_PROXIES="1",
        GEXEC_ALLOWED_HOSTS="code.example.org",
        GEXEC_DATA_DIR=str(tmp_path),
    )
    checked = manage("check", "--deploy", "--fail-level=WARNING", environment=environment)
    assert checked.returncode == 0, checked.stderr
    assert "no issues" in checked.stdout


def test_by_default_it_works_without_tls_and_says_so(tmp_path: Path) -> None:
    checked = manage("check", "--deploy", environment=clean_environment(GEXEC_DATA_DIR=str(tmp_path)))
    assert "gexec.W103" in checked.stderr
    assert "security.W" not in checked.stderr


@pytest.fixture(scope="module")
def image(
    tmp_path_factory: pytest.TempPathFactory, docker_client: docker.DockerClient, python_version: str
) -> Iterator[str]:
    """The image, built from what git would check out, with packages fetched on the host.

    Its Python is Debian's, as that of the language python is.
    """
    context = tmp_path_factory.mktemp("context")
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    for name in filter(None, names):
        if (PROJECT / name).is_file() and not name.startswith(("tests/", "docs/")):
            (context / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT / name, context / name)
    wanted = (context / "requirements.txt").read_text().splitlines(keepends=True)
    (context / "wanted.txt").write_text("".join(line for line in wanted if not line.startswith("pixeltable")))
    platforms = [f"--platform=manylinux_2_{minor}_{os.uname().machine}" for minor in (17, 28)]
    command = [sys.executable, "-m", "pip", "download", "-q", "-r", str(context / "wanted.txt")]
    command += ["-d", str(context / "wheelhouse"), "--only-binary=:all:", f"--python-version={python_version}"]
    subprocess.run([*command, *platforms, f"--platform=manylinux2014_{os.uname().machine}"], check=True)
    with DockerImages() as images:
        base = ensure_debian(images, print)
    built, _ = docker_client.images.build(
        path=str(context),
        tag=TAG,
        buildargs={"BASE": base, "VERSION": VERSION, "DOCKER_GID": str(SOCKET.stat().st_gid)},
        rm=True,
        forcerm=True,
    )
    yield built.id
    docker_client.images.remove(TAG, force=True)


@pytest.mark.skipif(not SOCKET.exists(), reason="the engine is not reached through a local socket")
@pytest.mark.timeout(600)
def test_the_image_answers_through_the_mounted_docker_socket(
    image: str, docker_client: docker.DockerClient, postgres: Path
) -> None:
    create_database(postgres, "for_the_image")
    # The socket is reached by the user of the container, whom the host's files do not know.
    postgres.chmod(0o755)
    (postgres / ".s.PGSQL.5432").chmod(0o777)
    port = free_port()
    container = docker_client.containers.run(
        image,
        detach=True,
        network_mode="host",
        init=True,
        environment={
            "DATABASE_URL": database_url(postgres, "for_the_image"),
            "GEXEC_HOST": "127.0.0.1",
            "GEXEC_PORT": str(port),
        },
        volumes={
            str(SOCKET): {"bind": "/var/run/docker.sock", "mode": "rw"},
            str(postgres): {"bind": str(postgres), "mode": "rw"},
        },
    )
    try:
        answer = _executed(container, port)
        assert answer == {"stdout": "from a container\n", "stderr": "", "exit_code": 0, "error": ""}
        assert container.exec_run("id -u").output.strip() == b"10001"
        container.stop(timeout=60)
        container.reload()
        assert container.attrs["State"]["ExitCode"] == 0, container.logs().decode()
    finally:
        container.remove(force=True, v=True)


def test_a_bill_of_materials_names_what_is_in_the_image(image: str) -> None:
    made = subprocess.run(
        [sys.executable, "scripts/bill_of_materials.py", image, "sha256:0"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    bill = json.loads(made.stdout)
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.5")
    assert bill["metadata"]["component"]["version"] == VERSION
    there = {(component["name"], component["version"]) for component in bill["components"]}
    names = {name for name, _ in there}
    assert {"python3", "util-linux", "libc6"} <= names
    for line in (PROJECT / "requirements.txt").read_text().splitlines():
        if "==" in line and not line.startswith("pixeltable"):
            name, _, version = line.split("#")[0].strip().partition("==")
            assert (name.split("[")[0].lower().replace("_", "-"), version) in there
    addresses = [component["purl"] for component in bill["components"]]
    assert len(addresses) == len(set(addresses))


def _executed(container: docker.models.containers.Container, port: int) -> object:
    body = json.dumps({"language": "python", "source_code": "print('from a container')"}).encode()

    def ask() -> object:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/execute", body, timeout=60) as response:
                return json.load(response)
        except OSError:
            container.reload()
            return None

    answer = last_seen(ask, until=lambda answer: answer or container.status != "running", within_s=240, every_s=0.2)
    return answer or pytest.fail(container.logs().decode(errors="replace"))
