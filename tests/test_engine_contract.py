"""What every engine promises the pool: the same tests for Docker and for the fake that stands in for it elsewhere."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache

import pytest

from sandbox import protocol
from sandbox.container import Container
from sandbox.docker import BASE_IMAGE, DockerEngine
from sandbox.engine import Engine, Stream
from sandbox.errors import ContainerLost, EngineUnavailable, ImageMissing
from sandbox.policy import SandboxPolicy
from sandbox.testing import FakeEngine
from sandbox.types import ArtifactRequest, Job, JobResult, Limits, Outcome, Output, Profile, Step, StepFinished
from testkit.waiting import eventually

PATH = {"PATH": "/usr/bin:/bin"}


class _PlainNetwork(SandboxPolicy):
    @property
    def shared_network_setup(self) -> bool:
        return False


class _BrokenRuntimeFirst(SandboxPolicy):
    def runtimes(self, *, default: str, known: Collection[str]) -> tuple[str, ...]:
        return ("no-such-runtime", default)


POLICIES = {
    "docker-runc": SandboxPolicy(runtime="runc"),
    "docker-crun": SandboxPolicy(runtime="crun"),
    # A runtime that is named, but is no runc by its name, gets Docker's own network `none`.
    "docker-network-none": _PlainNetwork(),
    "docker-broken-runtime": _BrokenRuntimeFirst(),
}


@pytest.fixture(params=["fake", *POLICIES])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    made: Engine
    if request.param == "fake":
        made = FakeEngine(images={BASE_IMAGE})
    else:
        if request.param == "docker-crun" and (reason := _crun_fails_with()):
            pytest.skip(reason)
        made = DockerEngine(POLICIES[request.param], owner=f"test-{secrets.token_hex(4)}", base_image=BASE_IMAGE)
    made.prepare()
    yield made
    made.close()


@cache
def _crun_fails_with() -> str:
    """Why Docker starts no container with crun here; empty where it does."""
    engine = DockerEngine(POLICIES["docker-crun"], owner=f"test-{secrets.token_hex(4)}", base_image=BASE_IMAGE)
    engine.prepare()
    try:
        engine.start(Profile(BASE_IMAGE, 64 << 20, 50_000, 32, 16 << 20)).close()
    except EngineUnavailable as error:
        return str(error)
    finally:
        engine.close()
    return ""


PROFILE = Profile(BASE_IMAGE, 64 << 20, 50_000, 32, 16 << 20, runs_per_container=5)


@contextmanager
def started(engine: Engine, profile: Profile = PROFILE) -> Iterator[Container]:
    container = Container(engine, engine.start(profile), profile)
    try:
        container.wait_ready(20)
        yield container
    finally:
        container.close()


def run(container: Container, *words: str, stdin: bytes = b"") -> JobResult:
    limits = Limits(wall_ms=5000, output_bytes=1 << 21)
    return container.run(Job((), (Step("run", words, limits, PATH, stdin),)), tenant="me")


def until_gone(engine: Engine, container_id: str) -> None:
    eventually(lambda: container_id not in engine.owned())


def test_a_started_container_is_ready_and_quiet(engine: Engine) -> None:
    with started(engine) as container:
        assert container.usable()
        assert container.id in engine.owned()


def test_what_the_engine_itself_keeps_is_not_listed(engine: Engine) -> None:
    with started(engine) as container:
        owned = engine.owned()
        assert [key for key, owner in owned.items() if owner == owned[container.id]] == [container.id]


def test_exit_codes_come_back(engine: Engine) -> None:
    with started(engine) as container:
        assert run(container, "true").steps[0].outcome is Outcome.OK
        container.end_job()
        assert container.usable(5)
        assert run(container, "false").steps[0].exit_code == 1


def test_a_container_whose_quota_is_lifted_goes_on(engine: Engine) -> None:
    with started(engine) as container:
        engine.unthrottle(container.id)
        assert run(container, "true").steps[0].outcome is Outcome.OK
        assert engine.cpu_ms(container.id) >= 0.0
    until_gone(engine, container.id)
    for ask in (engine.unthrottle, engine.cpu_ms):
        with pytest.raises(EngineUnavailable):
            ask(container.id)


def test_stdin_comes_back_whole(engine: Engine) -> None:
    data = bytes(range(256)) * 4096
    with started(engine) as container:
        assert run(container, "cat", stdin=data).steps[0].stdout == data


def test_a_command_that_is_not_there_is_a_fault_that_is_told(engine: Engine) -> None:
    with started(engine) as container:
        step = run(container, "no-such-program").steps[0]
        assert (step.outcome, step.started) == (Outcome.SANDBOX_ERROR, False)
        assert step.detail == "no-such-program: No such file or directory"


def test_output_is_streamed_before_the_step_ends(engine: Engine) -> None:
    job = Job((), (Step("run", ("echo", "hello"), Limits(wall_ms=5000, output_bytes=1 << 20), PATH),))
    with started(engine) as container:
        *printed, end = container.events(job, tenant="me", stream_output=True)
    assert isinstance(end, StepFinished)
    assert (end.result.outcome, end.result.stdout) == (Outcome.OK, b"hello\n")
    assert printed == [Output("run", 1, b"hello\n")]


def test_fresh_steps_follow_on_each_other_and_files_are_asked_for(engine: Engine) -> None:
    limits = Limits(wall_ms=5000, output_bytes=1 << 20)
    steps = tuple(
        Step(words[0], words, limits, PATH, fresh=True) for words in (("echo", "1"), ("false",), ("echo", "2"))
    )
    job = Job((), steps, keep_going=True, artifacts=ArtifactRequest(("**",), max_files=1, max_bytes=1))
    with started(engine) as container:
        result = container.run(job, tenant="me")
        assert container.reusable
    assert [step.stdout for step in result.steps] == [b"1\n", b"", b"2\n"]
    assert result.artifacts == ()


def test_a_consumer_that_leaves_takes_the_program_with_it(engine: Engine) -> None:
    job = Job((), (Step("run", ("yes",), Limits(wall_ms=60_000, output_bytes=1 << 30), PATH),))
    with started(engine) as container:
        events = container.events(job, tenant="me", stream_output=True)
        assert isinstance(next(events), Output)
        events.close()
        assert not container.reusable
        until_gone(engine, container.id)


def test_a_container_is_gone_after_close(engine: Engine) -> None:
    with started(engine) as container:
        pass
    until_gone(engine, container.id)
    assert not container.usable()


def test_closing_and_removing_twice_is_fine(engine: Engine) -> None:
    with started(engine) as container:
        container.close()
        engine.remove(container.id)
        engine.remove(container.id)
    until_gone(engine, container.id)
    engine.remove(container.id)


def test_removing_breaks_the_stream_and_what_was_running(engine: Engine) -> None:
    with started(engine) as container:
        engine.remove(container.id)
        until_gone(engine, container.id)
        eventually(lambda: not container.usable(0.0))
        try:
            result = run(container, "true")
        except ContainerLost:
            return
        assert result.steps[0].outcome is Outcome.SANDBOX_ERROR


def test_sending_to_a_removed_container_is_a_lost_container_at_the_latest_with_the_second_frame(engine: Engine) -> None:
    profile = Profile(BASE_IMAGE, 64 << 20, 50_000, 32, 16 << 20)
    stream = engine.start(profile)
    engine.remove(stream.container_id)
    until_gone(engine, stream.container_id)
    with pytest.raises(ContainerLost):
        _talk(stream)
    stream.close()


def _talk(stream: Stream) -> None:
    for _ in range(100):
        stream.send(protocol.kill_frame())
        stream.receive(0.1)


def test_receiving_waits_no_longer_than_it_is_told(engine: Engine) -> None:
    profile = Profile(BASE_IMAGE, 64 << 20, 50_000, 32, 16 << 20)
    stream = engine.start(profile)
    while stream.receive(5) is None:
        pass
    assert stream.receive(0.05) is None
    stream.close()
    until_gone(engine, stream.container_id)


def test_memory_can_be_changed_while_it_runs(engine: Engine) -> None:
    with started(engine) as container:
        engine.resize(container.id, 96 << 20)
        assert run(container, "true").steps[0].outcome is Outcome.OK


def test_resizing_what_is_gone_is_an_error(engine: Engine) -> None:
    with pytest.raises(EngineUnavailable):
        engine.resize("0" * 64, 64 << 20)


def test_an_image_that_is_not_there_is_told_apart(engine: Engine) -> None:
    with pytest.raises(ImageMissing):
        engine.start(Profile("gexec-test/never-built", 64 << 20, 50_000, 32, 16 << 20))


@pytest.mark.parametrize("engine", POLICIES, indirect=True)
def test_nothing_but_the_scratch_directories_can_be_written(engine: Engine) -> None:
    code = "find / -xdev -writable ! -type l; find /dev /sys -writable -type d"
    with started(engine) as container:
        found = run(container, "sh", "-c", code).steps[0].stdout
    assert sorted(found.decode().split()) == ["/box", "/dev/shm", "/tmp"]


@pytest.mark.parametrize("engine", POLICIES, indirect=True)
def test_programs_have_no_right_and_both_filters(engine: Engine) -> None:
    with started(engine) as container:
        status = run(container, "cat", "/proc/self/status").steps[0].stdout.decode()
    values = dict(line.split(":\t", 1) for line in status.splitlines())
    assert {values[name] for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {"0" * 16}
    assert (values["NoNewPrivs"], values["Seccomp"], values["Seccomp_filters"]) == ("1", "2", "2")
    assert set(values["Uid"].split()) == set(values["Gid"].split())
    assert values["Groups"].strip() == ""


@pytest.mark.parametrize("engine", ["docker-runc", "docker-crun"], indirect=True)
def test_no_two_containers_have_a_file_in_common(engine: Engine) -> None:
    # Whoever locks or watches one learns of the other. What the kernel has for all is no file of ours.
    code = "awk '$3 !~ /^(proc|sysfs|cgroup2?)$/ { print $2 }' /proc/self/mounts | xargs stat -c %d:%i"
    with started(engine) as one, started(engine) as other:
        files = [run(container, "sh", "-c", code).steps[0].stdout.split() for container in (one, other)]
    assert len(files[0]) > 5
    assert not set(files[0]) & set(files[1])


def test_a_runtime_that_fails_is_given_up_after_a_few_starts(caplog: pytest.LogCaptureFixture) -> None:
    engine = DockerEngine(_BrokenRuntimeFirst(), owner=f"test-{secrets.token_hex(4)}", base_image=BASE_IMAGE)
    engine.prepare()
    for _ in range(5):
        with started(engine):
            pass
    engine.close()
    assert 1 < sum("no-such-runtime did not start it" in record.getMessage() for record in caplog.records) < 5


def test_a_runtime_that_the_operator_named_is_never_replaced() -> None:
    owner = f"test-{secrets.token_hex(4)}"
    policy = SandboxPolicy(runtime="no-such-runtime")
    engine = DockerEngine(policy, owner=owner, base_image=BASE_IMAGE)
    engine.prepare()
    with pytest.raises(EngineUnavailable, match="no-such-runtime"):
        engine.start(Profile(BASE_IMAGE, 64 << 20, 50_000, 32, 16 << 20))
    engine.close()
    assert owner not in engine.owned().values()


def test_a_profile_has_a_runtime_of_its_own_and_no_other_takes_its_place() -> None:
    owner = f"test-{secrets.token_hex(4)}"
    engine = DockerEngine(SandboxPolicy(), owner=owner, base_image=BASE_IMAGE)
    engine.prepare()
    plain = Profile(BASE_IMAGE, 64 << 20, 50_000, 32, 16 << 20)
    with started(engine, replace(plain, runtime="runc")) as named:
        assert engine._client.inspect_container(named.id)["HostConfig"]["Runtime"] == "runc"
        assert run(named, "true").steps[0].outcome is Outcome.OK
    for _ in range(5):
        with pytest.raises(EngineUnavailable, match="no-such-runtime"):
            engine.start(replace(plain, runtime="no-such-runtime"))
    with started(engine, plain) as other:
        assert other.usable()
    engine.close()
    eventually(lambda: owner not in engine.owned().values())
