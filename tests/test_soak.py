"""A short soak: after many executions of every ending the server holds no more than before. The long one is
`python -m benchmarks.soak`.
"""

from __future__ import annotations

import os

import docker

from benchmarks import soak
from sandbox.docker import BASE_IMAGE
from tests.conftest import StartServer


def test_nothing_grows_over_many_executions_of_every_ending(server: StartServer) -> None:
    running = server()
    running.set_language("python", runs_per_container=20)
    key = running.create_api_key("soak")
    assert not soak.load(running.port, runs=40, concurrency=4, key=key)
    processes = running.pids
    assert len(processes) > 1, "the processes that answer are below the one that was started"
    before = soak.settled(processes, running.data_dir, wait_s=6)
    assert not soak.load(running.port, runs=160, concurrency=4, key=key)
    after = soak.settled(processes, running.data_dir, wait_s=6)
    # Other tests' cgroups come and go beside this one's; the containers are counted by their label.
    growth = [line for line in soak.grown(before, after) if not line.startswith("cgroups")]
    kept = 2 * (os.cpu_count() or 1)
    assert after.containers <= before.containers + kept
    assert not [line for line in growth if not line.startswith("containers")]


def test_a_volume_counts_when_its_container_has_left_it_behind(
    prepared_data_dir: object, docker_client: docker.DockerClient
) -> None:
    container = docker_client.containers.create(BASE_IMAGE, ["true"], volumes=["/left"])
    (name,) = (mount["Name"] for mount in container.attrs["Mounts"])
    try:
        assert name not in soak.volumes(docker_client.api)
        container.remove(v=False)
        assert name in soak.volumes(docker_client.api)
    finally:
        docker_client.api.remove_volume(name, force=True)
