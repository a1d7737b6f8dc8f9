"""What a job leaves behind, up to the task's result; and a runner whose word is not taken for it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace

import pytest

from dispatch.backends.inline import Inline
from dispatch.base import Task, result_of
from sandbox import collecting, protocol
from sandbox.collecting import Collecting
from sandbox.docker import BASE_IMAGE, DockerEngine
from sandbox.errors import ContainerLost, ProtocolError
from sandbox.policy import SandboxPolicy
from sandbox.pool import Pool, PoolConfig
from sandbox.protocol import ArtifactData, ArtifactFound, Collected, Fault, RunnerFrame, Window
from sandbox.testing import FakeEngine, frame
from sandbox.types import (
    Artifact,
    ArtifactRequest,
    ArtifactsCollected,
    File,
    Job,
    Limits,
    Outcome,
    Step,
    StepFinished,
)
from tests.test_fresh_steps import PROFILE, shell, started

REQUEST = ArtifactRequest(("*", "out/**"), max_files=2, max_bytes=10)


@pytest.fixture(scope="module")
def engine() -> Iterator[DockerEngine]:
    made = DockerEngine(SandboxPolicy(), owner=f"test-{secrets.token_hex(4)}", base_image=BASE_IMAGE)
    made.prepare()
    yield made
    made.close()


def fake(**fields: object) -> FakeEngine:
    return FakeEngine(images={BASE_IMAGE}, **fields)  # type: ignore[arg-type]  # any field


def job(*commands: tuple[str, ...], request: ArtifactRequest = REQUEST) -> Job:
    steps = tuple(Step(f"{n}", words, Limits(5000, 1 << 20)) for n, words in enumerate(commands))
    return Job((), steps, artifacts=request)


def test_what_the_last_step_left_is_in_the_result(engine: DockerEngine) -> None:
    steps = (
        shell("compile", "mkdir out; echo compiled > out/compiled"),
        shell("a", "echo a > out/a", fresh=True),
        shell("b", "echo b > out/b; ln -s b out/link; head -c 100 /dev/zero > large; exit 3", fresh=True),
    )
    request = ArtifactRequest(("out/*", "large"), max_files=20, max_bytes=50)
    with started(engine) as container:
        events = list(container.events(Job((), steps, keep_going=True, artifacts=request), tenant="me"))
        assert container.reusable
        assert not container.unsettled
        container.end_job()
        assert container.usable(20)
    assert events[-1] == ArtifactsCollected(
        (
            Artifact("large", 100, None, "too_large"),
            Artifact("out/b", 2, b"b\n"),
            Artifact("out/compiled", 9, b"compiled\n"),
            Artifact("out/link", 1, None, "not_regular"),
        )
    )
    assert [type(event) for event in events[:-1]] == [StepFinished] * 3


def test_a_file_of_the_jobs_comes_where_a_pattern_means_it(engine: DockerEngine) -> None:
    files = (File("main.py", b"source"), File("data", b"data"))
    with started(engine) as container:
        result = container.run(Job(files, (shell("run", "true"),), artifacts=REQUEST), tenant="me")
    assert result.artifacts == (Artifact("data", 4, b"data"), Artifact("main.py", 6, b"source"))


@pytest.mark.parametrize(
    ("code", "limits"), [("sleep 60", Limits(300, 100)), ("kill -9 $$", Limits(5000, 100)), ("yes", Limits(5000, 100))]
)
def test_they_are_collected_after_every_ending_of_the_program(engine: DockerEngine, code: str, limits: Limits) -> None:
    steps = (shell("run", f"echo x > left; {code}", limits=limits), shell("next", "true"))
    with started(engine) as container:
        result = container.run(Job((), steps, artifacts=REQUEST), tenant="me")
        assert not container.reusable
    assert (len(result.steps), result.artifacts) == (1, (Artifact("left", 2, b"x\n"),))


@pytest.mark.parametrize("words", ["no-such-program", "die"])
def test_nothing_is_collected_after_a_fault_of_ours(words: str) -> None:
    with started(fake(artifacts={"a": b"a"})) as container:
        events = list(container.events(job(("true",), (words,)), tenant="me"))
    assert [type(event) for event in events] == [StepFinished] * 2


def test_nothing_is_collected_after_a_cancelled_step_or_where_none_ran() -> None:
    with started(fake(artifacts={"a": b"a"})) as container:
        events = container.events(job(("yes",)), tenant="me", stream_output=True)
        next(events)
        container.cancel()
        (end,) = events
        assert isinstance(end, StepFinished)
        assert end.result.outcome is Outcome.CANCELLED
    with started(fake(artifacts={"a": b"a"})) as container:
        assert list(container.events(job(("true",)), tenant="me", skipped={"0"})) == []
        assert not container.unsettled


def test_who_leaves_before_they_came_takes_the_container_along() -> None:
    engine = fake(artifacts={"a": b"a"})
    with started(engine) as container:
        events = container.events(job(("true",)), tenant="me")
        next(events)
        events.close()
        assert not container.reusable
        assert not engine.streams


def test_a_runner_that_is_stuck_is_overdue(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(collecting, "COLLECT_S", 0.1)
    monkeypatch.setattr("sandbox.container.RESCUE_S", 0.1)
    with started(fake(artifacts={"a": b"a", "b": b"bb"}, stuck_while_collecting=True)) as container:
        result = container.run(job(("true",)), tenant="me")
        assert (container.overdue, container.reusable) == (True, False)
    # Whether the last one that came is whole is only known when something follows.
    assert result.artifacts == (Artifact("a", 1, b"a"),)
    assert [step.outcome for step in result.steps] == [Outcome.OK]
    assert "did not answer in time" in caplog.text


@pytest.mark.parametrize("said", [frame(b"N", bytes(9) + b"../a"), frame(b"R", bytes(6)), frame(b"!", b"broken")])
def test_a_runner_that_says_something_else_loses_its_container_and_no_result(said: bytes) -> None:
    engine = fake(artifacts={}, stuck_while_collecting=True)
    with started(engine) as container:
        events = container.events(job(("true",)), tenant="me")
        assert isinstance(next(events), StepFinished)
        engine.streams[container.id].say(said)
        assert list(events) == [ArtifactsCollected(())]
        assert (container.lost, container.reusable) == (True, False)


def test_a_request_that_cannot_be_passed_on_is_refused_before_anything_runs() -> None:
    with started(fake()) as container:
        with pytest.raises(ValueError, match="pattern"):
            container.run(job(("true",), request=replace(REQUEST, patterns=("../*",))), tenant="me")
        assert (container.runs, container.unsettled) == (0, False)


def test_a_task_has_them_in_its_result() -> None:
    def make() -> Pool:
        pool = Pool(fake(artifacts={"a": b"a"}), PoolConfig(slots=1, queue=1, wait_ms=20_000), owner="test")
        pool.start()
        return pool

    backend = Inline(make)
    run = backend.submit(Task(id="1", profile=PROFILE, job=job(("true",))))
    assert result_of(run).artifacts == (Artifact("a", 1, b"a"),)
    backend.close(grace_s=0.0)


def test_they_come_in_the_order_of_their_names() -> None:
    conversation = Collecting(REQUEST)
    found: list[RunnerFrame] = [
        ArtifactFound("", 2, "b"),
        ArtifactData(b"b"),
        ArtifactData(b"b"),
        ArtifactFound("", 0, "a"),
    ]
    for each in [*found, ArtifactFound("too_many", 7, "A"), Collected()]:
        conversation.take(each)
    wanted = (Artifact("A", 7, None, "too_many"), Artifact("a", 0, b""), Artifact("b", 2, b"bb"))
    assert conversation.result == wanted


@pytest.mark.parametrize(
    "said",
    [
        [ArtifactData(b"x")],
        [ArtifactFound("", 1, "a"), ArtifactData(b"xx")],
        [ArtifactFound("", 2, "a"), ArtifactData(b"x"), ArtifactFound("", 1, "b")],
        [ArtifactFound("", 2, "a"), ArtifactData(b"x"), Collected()],
        [ArtifactFound("", 11, "a")],
        [ArtifactFound("", 6, "a"), ArtifactData(b"x" * 6), ArtifactFound("", 5, "b")],
        [ArtifactFound("", 0, "a"), ArtifactFound("", 0, "a")],
        [ArtifactFound("", 0, "a"), ArtifactFound("", 0, "b"), ArtifactFound("", 0, "c")],
        [ArtifactFound("too_large", 1, "a"), ArtifactData(b"x")],
        [ArtifactFound("too_many", 1, str(number)) for number in range(protocol.MAX_TOLD + 1)],
        [Collected(), Collected()],
        [Window(1)],
    ],
)
def test_what_was_not_asked_for_is_a_broken_stream(said: list[RunnerFrame]) -> None:
    conversation = Collecting(REQUEST)
    for each in said[:-1]:
        conversation.take(each)
    with pytest.raises(ProtocolError):
        conversation.take(said[-1])


def test_a_fault_is_a_lost_container() -> None:
    with pytest.raises(ContainerLost):
        Collecting(REQUEST).take(Fault("broken"))
