"""The image of a host: it holds what a host needs and nothing else, and runs programs for a server beside it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from gexec.version import VERSION
from testkit import wheels
from testkit.databases import create_database, database_url
from testkit.hosts import fleet
from testkit.servers import PROJECT
from testkit.stages import remove_stages
from testkit.waiting import last_seen
from tests.conftest import StartServer

TAG = f"gexec-test/host:{os.getpid()}"
SOCKET = Path("/var/run/docker.sock")
BASE = "gexec/python:latest"
"""A Debian with Python, which is there: nothing is fetched for it."""
MOST_BYTES = 16 * 1024 * 1024
"""Of what comes on top of it: packages and sandbox/."""
LOOK = """
import importlib.util, os, sys
unwanted = ("django", "psycopg", "rest_framework", "gunicorn", "pip", "dispatch")
names = [name for name in unwanted if importlib.util.find_spec(name)]
print(names, sorted(os.listdir("/srv/gexec")), os.getuid())
"""

pytestmark = pytest.mark.skipif(not SOCKET.exists(), reason="the engine is not reached through a local socket")


@pytest.fixture(scope="module")
def image(
    prepared_data_dir: Path,
    tmp_path_factory: pytest.TempPathFactory,
    docker_client: docker.DockerClient,
    python_version: str,
) -> Iterator[str]:
    """Built with packages fetched on this machine."""
    context = tmp_path_factory.mktemp("context")
    for name in ("Dockerfile.host", "requirements.txt"):
        shutil.copy2(PROJECT / name, context / name)
    shutil.copytree(PROJECT / "sandbox", context / "sandbox", ignore=shutil.ignore_patterns("__pycache__"))
    lines = (PROJECT / "requirements.txt").read_text().splitlines()
    wanted = [line for line in lines if line.startswith(("docker==", "msgpack==", "nats-py", "nkeys"))]
    wheels.download(["pip", *wanted], context / "wheelhouse", python_version=python_version)
    built, log = docker_client.images.build(
        path=str(context),
        dockerfile="Dockerfile.host",
        tag=TAG,
        buildargs={"BASE": BASE, "VERSION": VERSION, "DOCKER_GID": str(SOCKET.stat().st_gid)},
        rm=True,
        forcerm=True,
    )
    yield built.id
    remove_stages(docker_client, log)
    docker_client.images.remove(TAG, force=True)


@pytest.mark.timeout(600)
def test_the_image_of_a_host_has_no_django_and_runs_programs(
    image: str, docker_client: docker.DockerClient, prepared_postgres: Path, server: StartServer
) -> None:
    has = docker_client.containers.run(image, ["python3", "-c", LOOK], remove=True, network_mode="none")
    assert has.decode().strip() == "[] ['packages', 'sandbox'] 10001"
    sizes = [docker_client.images.get(each).attrs["Size"] for each in (image, BASE)]
    assert sizes[0] - sizes[1] < MOST_BYTES
    create_database(prepared_postgres, "host_image", "gexec")
    with fleet() as hosts:
        container = docker_client.containers.run(
            image,
            detach=True,
            network_mode="host",
            pid_mode="host",
            init=True,
            environment={"GEXEC_NATS_URL": hosts.url, "GEXEC_HOST_NAME": "boxed", "GEXEC_SLOTS": "2"},
            volumes={str(SOCKET): {"bind": "/var/run/docker.sock", "mode": "rw"}},
        )
        try:
            running = server(DATABASE_URL=database_url(prepared_postgres, "host_image"), GEXEC_NATS_URL=hosts.url)
            answer = last_seen(
                lambda: running.execute("print(6 * 7)"), until=lambda answer: answer.status == 200, every_s=0.2
            )
            assert answer.status == 200, container.logs().decode()
            assert answer.json()["stdout"] == "42\n"
            assert VERSION in running.manage("hosts", "list").stdout
            container.stop(timeout=60)
            container.reload()
            assert container.attrs["State"]["ExitCode"] == 0, container.logs().decode()
        finally:
            container.remove(force=True, v=True)
