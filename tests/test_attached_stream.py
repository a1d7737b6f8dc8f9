"""A stream that is closed leaves nothing for the interpreter to complain of when it is collected."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from typing import Any

import docker
import pytest

from sandbox.docker import BASE_IMAGE
from sandbox.docker.stream import AttachedStream


@pytest.fixture
def attached(docker_client: docker.DockerClient) -> Iterator[Any]:
    """What the SDK attaches to a container that runs."""
    container = docker_client.api.create_container(BASE_IMAGE, ["sleep", "60"], stdin_open=True)["Id"]
    try:
        yield docker_client.api.attach_socket(container, params={"stdin": 1, "stdout": 1, "stream": 1})
    finally:
        docker_client.api.remove_container(container, force=True)


def test_the_response_that_attached_it_is_closed_with_it(attached: Any) -> None:
    response = attached._response
    AttachedStream("a container", attached).close()
    assert response.raw.closed
    assert attached.closed


def test_nothing_is_reported_when_it_is_collected(attached: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    reported: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", reported.append)
    gc.collect()
    reported.clear()
    AttachedStream("a container", attached).close()
    del attached._response
    gc.collect()
    assert reported == []
