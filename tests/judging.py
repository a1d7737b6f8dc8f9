"""Programs that are graded in real containers, without a server: for tests of what is judged, and how."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Sequence
from typing import Any

import docker
import pytest
from django.test import Client
from django.utils import timezone

from dispatch import active
from dispatch.backends.inline import Inline
from languages.models import Language
from sandbox.docker import BASE_IMAGE, DockerEngine
from sandbox.policy import SandboxPolicy
from sandbox.pool import Pool, PoolConfig

URL = "/api/v1/executions"


@pytest.fixture(scope="module")
def sandboxes() -> Iterator[Inline]:
    """A backend of its own, on Docker."""
    owner = f"test-{secrets.token_hex(4)}"

    def make() -> Pool:
        engine = DockerEngine(SandboxPolicy(), owner=owner, base_image=BASE_IMAGE)
        pool = Pool(engine, PoolConfig(slots=2, queue=4, wait_ms=60_000), owner=owner)
        pool.start()
        return pool

    backend = Inline(make)
    yield backend
    backend.close(grace_s=0)


@pytest.fixture
def graded(
    sandboxes: Inline, monkeypatch: pytest.MonkeyPatch, rate_limit_off: None, docker_client: docker.DockerClient
) -> None:
    """What is posted runs in these."""
    monkeypatch.setattr(active, "_backend", sandboxes)


@pytest.fixture
def real_python(python: Language, docker_client: docker.DockerClient) -> Language:
    """Python, with the image that is there."""
    return _with_its_image(python, docker_client, start_ahead=True)


@pytest.fixture
def real_go(go: Language, docker_client: docker.DockerClient) -> Language:
    """Go, with the image that is there."""
    return _with_its_image(go, docker_client, compile_command=["gobuild", "/tmp/main"], run_command=["/tmp/main"])


def _with_its_image(language: Language, docker_client: docker.DockerClient, **fields: Any) -> Language:
    digest = docker_client.images.get(language.image).id
    Language.objects.filter(pk=language.pk).update(image_digest=digest, **fields)
    Language.objects.forget_catalogue()
    language.refresh_from_db()
    return language


@pytest.fixture
def real_cpp(db: None, nothing_remembered: None, cpp_image: str, docker_client: docker.DockerClient) -> Language:
    """C++ as its image has it."""
    return Language.objects.create(
        slug="cpp",
        name="C++",
        aliases=["c++"],
        version="g++",
        image=cpp_image,
        image_digest=docker_client.images.get(cpp_image).id,
        source_file="main.cpp",
        compile_command=["build-cpp"],
        run_command=["/tmp/main"],
        environment={"LD_PRELOAD": "/.gexec/flush.so"},
        compile_timeout_ms=60_000,
        compile_memory_mb=512,
        tested_at=timezone.now(),
        enabled=True,
    )


def post(body: dict[str, Any], query: str = "", **headers: str) -> Any:
    """The answer to a request for an execution."""
    return Client(headers=headers).post(URL + query, json.dumps(body), "application/json")


def grade(source: str, tests: Sequence[Any], language: str = "python", **more: Any) -> dict[str, Any]:
    """What is told of a program with these tests; `more` are other fields of the request."""
    response = post({"language": language, "source_code": source, "tests": list(tests)} | more)
    told: dict[str, Any] = response.json()
    assert response.status_code == 200, told
    return told


def verdicts(told: dict[str, Any]) -> list[str]:
    """Of all tests, in order."""
    return [test["verdict"] for test in told["tests"]]
