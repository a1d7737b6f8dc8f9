"""Jobs with fresh steps: which of them run, after which endings, and from which state; on Docker."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import Timer

import pytest

from sandbox import exchange
from sandbox.container import Container
from sandbox.docker import BASE_IMAGE, DockerEngine
from sandbox.policy import SandboxPolicy
from sandbox.testing import FakeEngine
from sandbox.types import File, Job, JobResult, Limits, Outcome, Profile, Step, StepFinished

LIMITS = Limits(wall_ms=20_000, output_bytes=1 << 20)
PATH = {"PATH": "/usr/bin:/bin"}
PROFILE = Profile(BASE_IMAGE, 64 << 20, 100_000, 32, 16 << 20, runs_per_container=50)
ENDINGS = {
    "ok": ("true", LIMITS, Outcome.OK),
    "exit": ("exit 3", LIMITS, Outcome.NONZERO_EXIT),
    "wall": ("sleep 60", replace(LIMITS, wall_ms=200), Outcome.TIMEOUT_WALL),
    "cpu": ("while :; do :; done", replace(LIMITS, cpu_ms=100), Outcome.TIMEOUT_CPU),
    "signal": ("kill -11 $$", LIMITS, Outcome.SIGNAL),
    "memory": ("dd if=/dev/zero bs=300M count=1 of=/dev/null", LIMITS, Outcome.OUT_OF_MEMORY),
    "output": ("yes", replace(LIMITS, output_bytes=100), Outcome.OUTPUT_LIMIT),
}


@pytest.fixture(scope="module")
def engine() -> Iterator[DockerEngine]:
    made = DockerEngine(SandboxPolicy(), owner=f"test-{secrets.token_hex(4)}", base_image=BASE_IMAGE)
    made.prepare()
    yield made
    made.close()


@contextmanager
def started(engine: DockerEngine | FakeEngine, profile: Profile = PROFILE) -> Iterator[Container]:
    container = Container(engine, engine.start(profile), profile)
    try:
        container.wait_ready(20)
        yield container
    finally:
        container.close()


def shell(name: str, code: str, **fields: object) -> Step:
    defaults = Step(name, ("sh", "-c", code), LIMITS, PATH)
    return replace(defaults, **fields)  # type: ignore[arg-type]  # any field


def outcomes(result: JobResult) -> list[tuple[str, Outcome]]:
    return [(step.name, step.outcome) for step in result.steps]


def test_each_begins_from_what_the_last_step_before_them_has_left(engine: DockerEngine) -> None:
    code = "cat source built input; ls /tmp; echo changed > source; rm built; touch /tmp/left left; exit 1"
    tests = [shell(f"test {n}", code, fresh=True, files=(File("input", f"{n}\n".encode()),)) for n in range(3)]
    job = Job(
        (File("source", b"source\n"), File("input", b"the job's")),
        (shell("compile", "echo built > built; touch /tmp/built"), *tests),
        keep_going=True,
    )
    with started(engine) as container:
        result = container.run(job, tenant="me")
        assert [step.stdout.decode() for step in result.steps[1:]] == [f"source\nbuilt\n{n}\nbuilt\n" for n in range(3)]
        assert container.reusable
        container.end_job()
        assert container.usable(20)
        again = container.run(Job((), (shell("run", "ls -A . /tmp"),)), tenant="me")
        assert again.steps[0].stdout == b".:\n\n/tmp:\n"


def test_a_step_between_them_that_is_not_fresh_goes_on_from_the_one_before(engine: DockerEngine) -> None:
    steps = (
        shell("a", "touch a", fresh=True),
        shell("b", "touch b; echo *", files=(File("input", b"1"),)),
        shell("c", "echo *", fresh=True),
    )
    with started(engine) as container:
        result = container.run(Job((File("given", b""),), steps), tenant="me")
    assert [step.stdout for step in result.steps] == [b"", b"a b given input\n", b"given\n"]


def test_a_job_that_keeps_going_has_every_fresh_step_whatever_became_of_the_others(engine: DockerEngine) -> None:
    tests = [shell(name, code, limits=limits, fresh=True) for name, (code, limits, _) in ENDINGS.items()]
    job = Job((File("given", b"given\n"),), (*tests, shell("last", "cat *", fresh=True)), keep_going=True)
    with started(engine) as container:
        result = container.run(job, tenant="me")
        assert not container.reusable
        assert not container.unsettled
    expected = [(name, outcome) for name, (_, _, outcome) in ENDINGS.items()]
    assert outcomes(result) == [*expected, ("last", Outcome.OK)]
    assert result.steps[-1].stdout == b"given\n"


@pytest.mark.parametrize("name", ["wall", "signal"])
def test_a_step_that_is_not_fresh_does_not_follow_on_a_limit_or_a_signal(engine: DockerEngine, name: str) -> None:
    code, limits, outcome = ENDINGS[name]
    job = Job((), (shell("bad", code, limits=limits, fresh=True), shell("next", "true")), keep_going=True)
    with started(engine) as container:
        assert outcomes(container.run(job, tenant="me")) == [("bad", outcome)]


def test_without_keep_going_the_first_bad_ending_is_the_last(engine: DockerEngine) -> None:
    job = Job((), (shell("bad", "exit 3", fresh=True), shell("next", "true", fresh=True)))
    with started(engine) as container:
        assert outcomes(container.run(job, tenant="me")) == [("bad", Outcome.NONZERO_EXIT)]


def test_nothing_follows_on_a_cancelled_step(engine: DockerEngine) -> None:
    job = Job((), (shell("slow", "sleep 60", fresh=True), shell("next", "true", fresh=True)), keep_going=True)
    with started(engine) as container:
        Timer(0.3, container.cancel).start()
        assert outcomes(container.run(job, tenant="me")) == [("slow", Outcome.CANCELLED)]


def test_what_is_skipped_decides_about_what_may_follow(engine: DockerEngine) -> None:
    code, limits, outcome = ENDINGS["signal"]
    steps = (shell("bad", code, limits=limits, fresh=True), shell("fresh", "true", fresh=True), shell("not", "true"))
    job, skipped = Job((), steps, keep_going=True), set[str]()
    with started(engine) as container:
        results = []
        for event in container.events(job, tenant="me", skipped=skipped):
            assert isinstance(event, StepFinished)
            results.append(event.result)
            skipped.add("fresh")
        assert outcomes(JobResult(tuple(results))) == [("bad", outcome)]
        assert not container.unsettled


def test_the_jobs_files_come_with_the_first_step_that_is_not_skipped(engine: DockerEngine) -> None:
    job = Job((File("given", b"given\n"),), (shell("a", "rm given"), shell("b", "cat given", fresh=True)))
    with started(engine) as container:
        (event,) = container.events(job, tenant="me", skipped={"a"})
    assert isinstance(event, StepFinished)
    assert event.result.stdout == b"given\n"


def test_nothing_follows_on_a_container_that_is_lost() -> None:
    steps = (Step("ok", ("true",), LIMITS), Step("lost", ("die",), LIMITS, fresh=True))
    job = Job((), (*steps, Step("next", ("true",), LIMITS, fresh=True)), keep_going=True)
    with started(FakeEngine(images={BASE_IMAGE})) as container:
        expected = [("ok", Outcome.OK), ("lost", Outcome.SANDBOX_ERROR)]
        assert outcomes(container.run(job, tenant="me")) == expected


def test_what_a_fresh_step_needs_before_it_begins_does_not_make_it_overdue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "BACKSTOP_S", 0.1)
    step = Step("slow", ("sleep", "0.5"), replace(LIMITS, wall_ms=1), fresh=True)
    with started(FakeEngine(images={BASE_IMAGE})) as container:
        assert outcomes(container.run(Job((), (step,)), tenant="me")) == [("slow", Outcome.OK)]


def test_a_directory_with_too_much_in_it_is_a_fault_of_the_job_that_made_it(engine: DockerEngine) -> None:
    """Told as ours: the runner cannot go on. No other job meets the container."""
    steps = (shell("compile", "mkdir -p " + "/".join("d" * 40)), shell("test", "true", fresh=True))
    with started(engine) as container:
        result = container.run(Job((), steps, keep_going=True), tenant="me")
        assert not container.reusable
    assert outcomes(result) == [("compile", Outcome.OK), ("test", Outcome.SANDBOX_ERROR)]
    assert result.steps[1].detail.startswith("the runner gave up: keep files: ")
