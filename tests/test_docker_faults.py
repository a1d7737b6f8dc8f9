"""A Docker engine that goes away, comes back, hangs, or loses containers under a run: clear errors, and recovery."""

from __future__ import annotations

import gc
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import docker
import docker.errors
import pytest
import requests.exceptions

from sandbox.docker import BASE_IMAGE, LABEL, DockerEngine, connect
from sandbox.docker.client import API_VERSION
from sandbox.errors import EngineUnavailable, PoolBusy, SandboxError
from sandbox.policy import SandboxPolicy
from sandbox.pool import Lease, Pool, PoolConfig
from sandbox.types import Job, Limits, Outcome, Profile, Step, StepFinished, StepResult, WarmTarget
from testkit.docker_proxy import DockerProxy
from testkit.waiting import eventually

PROFILE = Profile(BASE_IMAGE, 64 << 20, 50_000, 32, 16 << 20)
# The docker SDK leaves the socket of a call that failed to be closed by Python's garbage collection.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
CALL_S = 3.0
"""The time-out of calls to the engine in these tests."""


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[DockerProxy]:
    with DockerProxy(tmp_path / "docker.sock") as made:
        yield made


@pytest.fixture
def owner() -> str:
    return f"test-{secrets.token_hex(4)}"


@pytest.fixture
def pool(proxy: DockerProxy, owner: str) -> Iterator[Pool]:
    client = connect(timeout_s=CALL_S, base_url=proxy.url)
    engine = DockerEngine(SandboxPolicy(), owner=owner, base_image=BASE_IMAGE, client=client)
    config = PoolConfig(slots=2, queue=4, wait_ms=8000, sweep_s=1.0, unknown_after_s=CALL_S + 2)
    made = Pool(engine, config, owner=owner)
    made.start()
    # On a busy machine the first start may take longer than the others are given.
    eventually(lambda: runs(made), within_s=60)
    yield made
    made.close(grace_s=1.0)
    client.close()
    gc.collect()
    _assert_none_left(owner)


def _assert_none_left(owner: str) -> None:
    client = docker.from_env()
    eventually(lambda: not client.containers.list(all=True, ignore_removed=True, filters={"label": f"{LABEL}={owner}"}))
    client.close()


def job(*words: str, wall_ms: int = 20_000) -> Job:
    return Job((), (Step("run", words, Limits(wall_ms=wall_ms, output_bytes=1 << 16), {"PATH": "/usr/bin:/bin"}),))


def run(pool: Pool, *words: str) -> StepResult:
    with pool.lease(PROFILE, tenant=None) as lease:
        return lease.run(job(*words)).steps[-1]


def run_with(fault: Callable[[Lease], object], pool: Pool, *, wall_ms: int = 20_000) -> StepResult:
    """Run a program that prints and sleeps; the fault begins when its output has come."""
    sleeper = job("sh", "-c", "echo before; sleep 60", wall_ms=wall_ms)
    with pool.lease(PROFILE, tenant=None) as lease, closing(lease.events(sleeper, stream_output=True)) as events:
        for event in events:
            if isinstance(event, StepFinished):
                return event.result
            fault(lease)
    raise AssertionError("the run had no end")


def runs(pool: Pool) -> bool:
    try:
        return run(pool, "true").outcome is Outcome.OK
    except SandboxError:
        return False


def warm(pool: Pool) -> int:
    found = pool.snapshot().profiles.get(PROFILE)
    return found.idle if found else 0


def test_an_engine_that_is_away_is_a_clear_error_and_its_return_heals(pool: Pool, proxy: DockerProxy) -> None:
    proxy.go_away()
    with pytest.raises(EngineUnavailable):
        run(pool, "true")
    assert pool.snapshot().in_use == 0
    proxy.come_back()
    eventually(lambda: runs(pool))


def test_warm_containers_that_a_restart_took_are_replaced(pool: Pool, proxy: DockerProxy) -> None:
    pool.keep_warm({PROFILE: WarmTarget(2, 2)})
    eventually(lambda: warm(pool) == 2)
    proxy.go_away()
    eventually(lambda: warm(pool) == 0)
    proxy.come_back()
    eventually(lambda: warm(pool) == 2)
    assert run(pool, "true").outcome is Outcome.OK


def test_a_run_that_a_restart_takes_ends_at_once_with_what_it_printed(pool: Pool, proxy: DockerProxy) -> None:
    began = time.monotonic()
    step = run_with(lambda _: proxy.go_away(), pool)
    assert time.monotonic() - began < 30
    assert (step.outcome, step.stdout) == (Outcome.SANDBOX_ERROR, b"before\n")
    proxy.come_back()
    eventually(lambda: runs(pool))


def test_an_engine_that_hangs_is_a_bounded_wait_and_its_return_heals(pool: Pool, proxy: DockerProxy) -> None:
    proxy.hang()
    began = time.monotonic()
    with pytest.raises((PoolBusy, EngineUnavailable)):
        run(pool, "true")
    assert time.monotonic() - began < 30
    assert pool.snapshot().in_use == 0
    proxy.go_on()
    eventually(lambda: runs(pool))


@pytest.mark.parametrize("call", ["/containers/create", "/attach", "/start"])
def test_a_container_that_was_made_while_the_engine_froze_is_not_left(
    pool: Pool, proxy: DockerProxy, owner: str, call: str
) -> None:
    proxy.hang_after(call.encode())
    began = time.monotonic()
    with pytest.raises((PoolBusy, EngineUnavailable)):
        run(pool, "true")
    assert time.monotonic() - began < 30
    assert proxy.hangs
    proxy.go_on()
    eventually(lambda: runs(pool))
    # The holder of the network namespace is all that an idle pool keeps here.
    eventually(lambda: _containers(owner), until=lambda there: len(there) <= 1, within_s=60)


def _containers(owner: str) -> set[str]:
    with closing(docker.APIClient()) as client:
        return {each["Id"] for each in client.containers(all=True, filters={"label": f"{LABEL}={owner}"})}


def test_a_container_that_is_killed_in_a_run_keeps_what_was_printed(pool: Pool, owner: str) -> None:
    client = docker.APIClient()

    def kill(_: Lease) -> None:
        for container in client.containers(filters={"label": f"{LABEL}={owner}"}):
            client.kill(container["Id"])

    step = run_with(kill, pool)
    client.close()
    assert (step.outcome, step.stdout) == (Outcome.SANDBOX_ERROR, b"before\n")
    # The holder of the network namespace was killed too.
    eventually(lambda: runs(pool))


def test_a_container_that_is_frozen_is_no_time_limit_of_its_program(pool: Pool, owner: str) -> None:
    client = docker.APIClient()

    def freeze(_: Lease) -> None:
        for container in client.containers(filters={"label": f"{LABEL}={owner}"}):
            client.pause(container["Id"])

    step = run_with(freeze, pool, wall_ms=3000)
    client.close()
    assert (step.outcome, step.stdout) == (Outcome.SANDBOX_ERROR, b"before\n")
    eventually(lambda: runs(pool))


def test_a_stream_that_is_frozen_is_no_time_limit_of_its_program(pool: Pool, proxy: DockerProxy) -> None:
    step = run_with(lambda _: proxy.hang(), pool, wall_ms=3000)
    proxy.go_on()
    assert (step.outcome, step.stdout) == (Outcome.SANDBOX_ERROR, b"before\n")
    eventually(lambda: runs(pool))


def test_what_is_cancelled_ends_also_where_the_engine_hangs(pool: Pool, proxy: DockerProxy) -> None:
    def hang_and_cancel(lease: Lease) -> None:
        proxy.hang()
        lease.cancel()

    began = time.monotonic()
    step = run_with(hang_and_cancel, pool, wall_ms=60_000)
    assert time.monotonic() - began < 40
    proxy.go_on()
    assert (step.outcome, step.stdout) == (Outcome.SANDBOX_ERROR, b"before\n")
    eventually(lambda: runs(pool))


def test_closing_while_the_engine_is_away_ends(proxy: DockerProxy, owner: str) -> None:
    client = connect(timeout_s=CALL_S, base_url=proxy.url)
    engine = DockerEngine(SandboxPolicy(), owner=owner, base_image=BASE_IMAGE, client=client)
    pool = Pool(engine, PoolConfig(slots=2, queue=4, wait_ms=8000), owner=owner)
    pool.start()
    pool.keep_warm({PROFILE: WarmTarget(1, 1)})
    eventually(lambda: warm(pool) == 1)
    proxy.go_away()
    began = time.monotonic()
    pool.close(grace_s=1.0)
    assert time.monotonic() - began < 30
    client.close()
    gc.collect()
    # Their connection ended, and with it the containers.
    _assert_none_left(owner)


class _Reluctant(docker.APIClient):  # type: ignore[misc]  # the SDK has no types
    """Changes no container, and fails to kill what it shall remove as often as it is told."""

    removals_that_fail = 0
    updates = 0

    def update_container(self, *_: object, **__: object) -> None:
        self.updates += 1
        raise requests.exceptions.ReadTimeout("read timed out")

    def remove_container(self, container: str, **options: object) -> None:
        if self.removals_that_fail:
            self.removals_that_fail -= 1
            # Docker's own words, which it says after twelve seconds.
            text = "tried to kill container, but did not receive an exit event"
            raise docker.errors.APIError("500 Server Error", explanation=text)
        super().remove_container(container, **options)


@pytest.mark.parametrize(("fail", "updates"), [(0, 0), (1, 1)])
def test_a_container_is_removed_whatever_lifting_its_quota_says(owner: str, fail: int, updates: int) -> None:
    client = _Reluctant(version=API_VERSION)
    engine = DockerEngine(SandboxPolicy(), owner=owner, base_image=BASE_IMAGE, client=client)
    engine.prepare()
    stream = engine.start(PROFILE)
    client.removals_that_fail = fail
    engine.remove(stream.container_id)
    assert client.updates == updates
    eventually(lambda: stream.container_id not in engine.owned())
    stream.close()
    engine.close()
    gc.collect()
