"""The AppArmor profile of the sandboxes is used where the engine's kernel has it, and its absence is told."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import docker
import docker.errors
import pytest
import requests

from sandbox.container import Container
from sandbox.docker import BASE_IMAGE, DockerEngine
from sandbox.policy import SandboxPolicy
from sandbox.types import Profile

PROFILE = Profile(BASE_IMAGE, 64 << 20, 100_000, 32, 16 << 20)


class _Confining(docker.APIClient):  # type: ignore[misc]  # The SDK has no types.
    """An engine that says that its host has AppArmor. Without any, it takes each profile for an empty word."""

    def info(self) -> dict[str, Any]:
        found: dict[str, Any] = super().info()
        return found | {"SecurityOptions": ["name=apparmor", "name=seccomp,profile=default"]}


class _Unknowing(_Confining):
    """One whose kernel knows only Docker's profile: what a start with another comes to."""

    def create_host_config(self, *arguments: Any, **options: Any) -> Any:
        if any(option.startswith("apparmor=") for option in options.get("security_opt", ())):
            answer = requests.Response()
            answer.status_code = 400
            raise docker.errors.APIError("refused", answer, "apparmor failed to apply profile: no such file")
        return super().create_host_config(*arguments, **options)


class _BusyAtFirst(_Unknowing):
    """One that starts nothing for a moment, with whichever runtime."""

    refuses = 2

    def create_host_config(self, *arguments: Any, **options: Any) -> Any:
        if self.refuses and "security_opt" in options:
            self.refuses -= 1
            return super().create_host_config(*arguments, **options)
        return _Confining.create_host_config(self, *arguments, **options)


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> Iterator[DockerEngine]:
    kind: type[docker.APIClient] = request.param
    client = kind(**docker.utils.kwargs_from_env(), version="1.41", timeout=60)
    if any(option.startswith("name=apparmor") for option in docker.APIClient.info(client)["SecurityOptions"]):
        pytest.skip("this host has AppArmor itself: make attack-debian tries it on one")
    made = DockerEngine(SandboxPolicy(), owner=f"test-{secrets.token_hex(4)}", base_image=BASE_IMAGE, client=client)
    made.prepare()
    yield made
    made.close()


def security_options(engine: DockerEngine) -> list[str]:
    """Of a container that is ready."""
    container = Container(engine, engine.start(PROFILE), PROFILE)
    try:
        container.wait_ready(30)
        found: list[str] = engine._client.inspect_container(container.id)["HostConfig"]["SecurityOpt"]
    finally:
        container.close()
    return found


@pytest.mark.parametrize("engine", [_Confining, _BusyAtFirst], indirect=True)
def test_containers_are_confined_by_the_profile(engine: DockerEngine) -> None:
    assert security_options(engine) == ["no-new-privileges:true", "apparmor=gexec-runner"]


@pytest.mark.parametrize("engine", [_Unknowing], indirect=True)
def test_without_the_profile_containers_start_and_the_log_says_it(
    engine: DockerEngine, caplog: pytest.LogCaptureFixture
) -> None:
    engine.prepare()
    assert security_options(engine) == ["no-new-privileges:true"]
    (told,) = [record.getMessage() for record in caplog.records if "AppArmor" in record.getMessage()]
    assert "gexec-runner" in told
    assert "failed to apply profile" in told
