"""Jobs with a companion, in real containers: checks, interactions, and that the two containers share nothing else."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sandbox.docker import BASE_IMAGE, DockerEngine
from sandbox.policy import SandboxPolicy
from sandbox.pool import Lease, Pool, PoolConfig
from sandbox.types import (
    ArtifactRequest,
    Check,
    Companion,
    Event,
    File,
    Interaction,
    Job,
    Limits,
    Outcome,
    Output,
    Profile,
    Step,
    StepFinished,
    StepResult,
    WarmTarget,
)
from testkit.waiting import eventually

MIB = 1024 * 1024
PROFILE = Profile(BASE_IMAGE, 64 * MIB, 100_000, 16, 16 * MIB)
JUDGES = replace(PROFILE, memory_bytes=96 * MIB)
LIMITS = Limits(wall_ms=20_000, output_bytes=MIB)
ENVIRONMENT = {"PATH": "/usr/bin:/bin"}
SOON_S = 10.0
"""Far below the limit of the step that would be waited for else."""


class Recorder:
    """A container's stream that keeps what is sent."""

    def __init__(self, stream: Any, sent: dict[str, bytearray]) -> None:
        self._stream = stream
        self._sent = sent.setdefault(stream.container_id, bytearray())

    def send(self, data: bytes) -> None:
        self._sent += data
        self._stream.send(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class RecordingEngine(DockerEngine):
    """Docker, and what was sent to each container."""

    sent: dict[str, bytearray]

    def start(self, profile: Profile) -> Any:
        return Recorder(super().start(profile), self.sent)


@pytest.fixture(scope="module")
def engine(prepared_data_dir: Path) -> RecordingEngine:
    """Docker, with the runner installed."""
    made = RecordingEngine(SandboxPolicy(), owner=f"test-{secrets.token_hex(4)}", base_image=BASE_IMAGE)
    made.sent = {}
    return made


@pytest.fixture(scope="module")
def pool(engine: RecordingEngine) -> Iterator[Pool]:
    """One slot, and a container of each kind kept warm."""
    made = Pool(engine, PoolConfig(slots=1, queue=4, wait_ms=30_000), owner="test")
    made.start()
    made.keep_warm({PROFILE: WarmTarget(1, 1), JUDGES: WarmTarget(1, 1)})
    yield made
    made.close(grace_s=0.0)


@pytest.fixture
def lease(pool: Pool) -> Iterator[Lease]:
    """A container of each."""
    with pool.lease(PROFILE, tenant=None, companion=JUDGES) as made:
        yield made
    eventually(lambda: pool.snapshot().in_use == 0)


def sh(script: str, name: str = "test", **fields: Any) -> Step:
    return replace(Step(name, ("sh", "-c", script), LIMITS, ENVIRONMENT), **fields)


def checked_by(script: str, **fields: Any) -> Check:
    return replace(Check(("sh", "-c", script), LIMITS, ENVIRONMENT), **fields)


def talks_to(script: str, **fields: Any) -> Interaction:
    return replace(Interaction(("sh", "-c", script), LIMITS, ENVIRONMENT), **fields)


def job(*steps: Step, own: tuple[Step, ...] = (), files: tuple[File, ...] = (), keep_going: bool = False) -> Job:
    return Job((), steps, keep_going, companion=Companion(JUDGES, files, own))


def ended(results: tuple[StepResult, ...]) -> list[tuple[str, Outcome]]:
    return [(result.name, result.outcome) for result in results]


def test_what_a_step_printed_is_checked_in_the_companion(lease: Lease) -> None:
    check = checked_by(
        'cat answer output input compiled; echo "seen" > left; cat; echo why >&2; exit 4',
        files=(File("answer", b"answer "), File("input", b"input ")),
        output_file="output",
        stdin=b"asked",
    )
    own = sh("echo -n binary > compiled; test -f source", "compile")
    results = lease.run(job(sh("echo -n printed", check=check), own=(own,), files=(File("source", b""),))).steps
    assert ended(results) == [
        ("companion/compile", Outcome.OK),
        ("test", Outcome.OK),
        ("test/check", Outcome.NONZERO_EXIT),
    ]
    assert (results[2].stdout, results[2].stderr) == (b"answer printedinput binaryasked", b"why\n")
    assert results[2].exit_code == 4


def test_each_check_begins_afresh_and_no_verdict_ends_the_job(lease: Lease) -> None:
    check = checked_by("cat; ls; echo > left; exit 43", output_on_stdin=True)
    steps = tuple(sh(f"echo {number}", f"test {number}", check=check) for number in range(3))
    results = lease.run(job(*steps)).steps
    assert [result.stdout for result in results[1::2]] == [b"0\n", b"1\n", b"2\n"]
    assert {result.outcome for result in results[1::2]} == {Outcome.NONZERO_EXIT}


def test_files_that_are_left_are_those_of_the_jobs_own_container(lease: Lease) -> None:
    wanted = ArtifactRequest(("*",), max_files=9, max_bytes=MIB)
    step = sh("echo ours > ours", check=checked_by("echo theirs > theirs"))
    result = lease.run(replace(job(step), artifacts=wanted))
    assert [artifact.name for artifact in result.artifacts] == ["ours"]


def test_only_what_ended_well_is_checked(lease: Lease) -> None:
    check = checked_by("true")
    steps = (sh("exit 1", "bad", fresh=True, check=check), sh("true", "good", fresh=True, check=check))
    results = lease.run(job(*steps, keep_going=True)).steps
    assert ended(results) == [
        ("bad", Outcome.NONZERO_EXIT),
        ("good", Outcome.OK),
        ("good/check", Outcome.OK),
    ]


def test_a_step_of_the_companions_own_that_fails_ends_the_job_before_its_first_step(lease: Lease) -> None:
    results = lease.run(job(sh("true"), own=(sh("echo no; exit 3", "compile"), sh("true", "more")))).steps
    assert [(result.name, result.exit_code, result.stdout) for result in results] == [("companion/compile", 3, b"no\n")]


def test_a_checker_that_meets_its_limit_is_told_and_the_next_check_is_as_ever(lease: Lease) -> None:
    hangs = checked_by("sleep 60", limits=replace(LIMITS, wall_ms=300))
    steps = (sh("true", "a", check=hangs), sh("true", "b", check=checked_by("true")))
    results = lease.run(job(*steps)).steps
    assert ended(results)[1::2] == [("a/check", Outcome.TIMEOUT_WALL), ("b/check", Outcome.OK)]


def test_two_programs_talk_to_each_other(lease: Lease) -> None:
    solution = """
        low=0; high=1000
        while :; do
            n=$(((low + high) / 2)); echo $n; read answer
            case $answer in less) high=$n;; more) low=$n;; *) exit 0;; esac
        done"""
    interactor = """
        secret=$(cat secret)
        while read n; do
            if [ $n -gt $secret ]; then echo less; elif [ $n -lt $secret ]; then echo more; else break; fi
        done
        echo found >&2; echo right"""
    step = sh(solution, interaction=talks_to(interactor, files=(File("secret", b"321"),)))
    own, theirs = lease.run(job(step)).steps
    assert ended((own, theirs)) == [("test", Outcome.OK), ("test/interact", Outcome.OK)]
    assert own.stdout.startswith(b"500\n250\n375\n")
    assert own.stdout.endswith(b"321\n")
    assert theirs.stdout.startswith(b"less\nmore\nless\n")
    assert theirs.stdout.endswith(b"right\n")
    assert theirs.stderr == b"found\n"


def test_each_interaction_begins_afresh(lease: Lease) -> None:
    steps = tuple(
        sh("read word; echo $word; ls", name, fresh=True, interaction=talks_to(f"echo {name}; cat; ls; echo > left"))
        for name in ("a", "b")
    )
    results = lease.run(job(*steps)).steps
    assert [result.stdout for result in results] == [b"a\n", b"a\na\n", b"b\n", b"b\nb\n"]


@pytest.mark.parametrize("verdict", [0, 1])
def test_an_interactor_that_ends_first_is_heard_whatever_becomes_of_the_step(lease: Lease, verdict: int) -> None:
    step = sh("echo 1; read x || { read y; kill -SEGV $$; }", interaction=talks_to(f"read n; exit {verdict}"))
    own, theirs = lease.run(job(step)).steps
    assert (own.outcome, own.signal, own.after_other) == (Outcome.SIGNAL, 11, True)
    assert (theirs.exit_code, theirs.after_other) == (verdict, False)


def test_a_step_that_ends_first_ends_the_interactors_input(lease: Lease) -> None:
    step = sh("echo 1; exit 7", interaction=talks_to('while read n; do :; done; echo "no more" >&2; exit 2'))
    own, theirs = lease.run(job(step)).steps
    assert (own.exit_code, own.after_other) == (7, False)
    assert (theirs.exit_code, theirs.stderr, theirs.after_other) == (2, b"no more\n", True)


def test_more_than_the_window_passes_whole_in_both_directions_at_once(lease: Lease) -> None:
    limits = replace(LIMITS, output_bytes=4 * MIB)
    # Neither reads before it has written all: through two pipes they would wait for each other for ever.
    script = "head -c 1500000 /dev/zero | tr '\\0' {}; head -c 1500000 | tr -d {} | wc -c >&2"
    step = sh(script.format("a", "b"), limits=limits, interaction=talks_to(script.format("b", "a"), limits=limits))
    own, theirs = lease.run(job(step)).steps
    assert (own.stdout, theirs.stdout) == (b"a" * 1_500_000, b"b" * 1_500_000)
    assert (own.stderr.strip(), theirs.stderr.strip()) == (b"0", b"0")


def test_one_that_floods_the_other_meets_its_own_limit(lease: Lease) -> None:
    step = sh("yes", interaction=talks_to("sleep 60", limits=replace(LIMITS, wall_ms=1000)))
    own, theirs = lease.run(job(step)).steps
    assert (own.outcome, len(own.stdout), own.stdout_truncated) == (Outcome.OUTPUT_LIMIT, MIB, True)
    assert theirs.outcome is Outcome.TIMEOUT_WALL


@pytest.mark.parametrize("who", ["step", "interactor"])
def test_the_limits_of_both_hold(lease: Lease, who: str) -> None:
    short = replace(LIMITS, wall_ms=300)
    ours, judges = (short, LIMITS) if who == "step" else (LIMITS, short)
    # Each waits for the other's first word.
    step = sh("read x", limits=ours, interaction=talks_to("read x; exit 5", limits=judges))
    own, theirs = lease.run(job(step)).steps
    if who == "step":
        assert (own.outcome, theirs.exit_code) == (Outcome.TIMEOUT_WALL, 5)
    else:
        assert (own.exit_code, theirs.outcome) == (1, Outcome.TIMEOUT_WALL)


@pytest.mark.parametrize("lost", ["own", "companion"])
def test_where_one_container_is_lost_the_other_ends_and_the_right_one_is_told(
    lease: Lease, engine: RecordingEngine, lost: str
) -> None:
    step = sh("echo here; sleep 60", interaction=talks_to("read x; sleep 60"))
    victim = lease.container if lost == "own" else lease.companion
    assert victim is not None
    events = lease.events(job(step), stream_output=True)
    assert next(events) == Output("test", 1, b"here\n")
    began = time.monotonic()
    engine.remove(victim.id)
    own, theirs = [event.result for event in events if isinstance(event, StepFinished)]
    assert time.monotonic() - began < SOON_S
    told = [Outcome.SANDBOX_ERROR, Outcome.CANCELLED]
    assert [own.outcome, theirs.outcome] == (told if lost == "own" else told[::-1])
    assert own.stdout == b"here\n"


def test_a_companion_that_is_lost_between_two_checks_ends_the_job(lease: Lease, engine: RecordingEngine) -> None:
    steps = tuple(sh("true", name, check=checked_by("true")) for name in ("a", "b", "c"))
    results: list[StepResult] = []
    assert lease.companion is not None
    for event in lease.events(job(*steps)):
        if isinstance(event, StepFinished):
            results.append(event.result)
            if event.result.name == "a/check":
                engine.remove(lease.companion.id)
    assert ended(tuple(results)) == [
        ("a", Outcome.OK),
        ("a/check", Outcome.OK),
        ("b", Outcome.OK),
        ("b/check", Outcome.SANDBOX_ERROR),
    ]


def test_a_cancel_ends_both(lease: Lease) -> None:
    step = sh("echo here; sleep 60", interaction=talks_to("sleep 60"))
    events = lease.events(job(step, sh("true", "never")), stream_output=True)
    next(events)
    began = time.monotonic()
    lease.cancel()
    results = [event.result for event in events if isinstance(event, StepFinished)]
    assert time.monotonic() - began < SOON_S
    assert ended(tuple(results)) == [("test", Outcome.CANCELLED), ("test/interact", Outcome.CANCELLED)]


def test_a_cancel_ends_a_check(lease: Lease) -> None:
    events = lease.events(job(sh("true", check=checked_by("sleep 60")), sh("true", "never")))
    next(events)
    timer = threading.Timer(0.3, lease.cancel)
    timer.start()
    assert ended(tuple(event.result for event in events if isinstance(event, StepFinished))) == [
        ("test/check", Outcome.CANCELLED)
    ]
    timer.join()


def test_a_consumer_that_leaves_ends_both(pool: Pool) -> None:
    with pool.lease(PROFILE, tenant=None, companion=JUDGES) as lease:
        events = lease.events(job(sh("echo here; sleep 60", interaction=talks_to("sleep 60"))), stream_output=True)
        next(events)
        began = time.monotonic()
        events.close()
        assert time.monotonic() - began < SOON_S
    eventually(lambda: pool.snapshot().in_use == 0)
    assert "gexec-interactor" not in {thread.name for thread in threading.enumerate()}


def test_events_are_in_order_and_tell_nothing_that_the_companion_printed(lease: Lease) -> None:
    talk = sh("read x; echo told $x", "talk", fresh=True, interaction=talks_to("echo hidden"))
    check = sh("echo out; echo err >&2", "check", fresh=True, check=checked_by("echo hidden; echo hidden >&2"))
    told: list[Event] = list(lease.events(job(talk, check, own=(sh("echo hidden", "own"),)), stream_output=True))
    names = [event.result.name if isinstance(event, StepFinished) else event for event in told]
    assert names[:5] == [
        "companion/own",
        Output("talk", 1, b"told hidden\n"),
        "talk",
        "talk/interact",
        names[4],
    ]
    assert names[-2:] == ["check", "check/check"]
    printed = [event for event in told if isinstance(event, Output)]
    assert {(event.step, event.stream, event.data) for event in printed[1:]} == {
        ("check", 1, b"out\n"),
        ("check", 2, b"err\n"),
    }


def test_nothing_of_a_check_or_an_interaction_is_sent_to_the_jobs_own_container(
    lease: Lease, engine: RecordingEngine
) -> None:
    marks = [secrets.token_hex(16) for _ in range(11)]
    left = iter(marks)

    def mark() -> str:
        return next(left)

    def given() -> dict[str, Any]:
        return {
            "files": (File(mark(), mark().encode()),),
            "environment": {**ENVIRONMENT, "MARK": mark()},
        }

    check = checked_by(f"cat >/dev/null; : {mark()}", **given(), stdin=mark().encode())
    talk = talks_to(f": {mark()}", **given())
    own = sh("true", "own", files=(File(mark(), mark().encode()),))
    steps = (sh("true", "checked", fresh=True, check=check), sh("true", "talked", fresh=True, interaction=talk))
    results = lease.run(job(*steps, own=(own,))).steps
    assert {result.outcome for result in results} == {Outcome.OK}
    assert lease.companion is not None
    to_own, to_companion = engine.sent[lease.container.id], engine.sent[lease.companion.id]
    assert all(each.encode() in to_companion for each in marks)
    assert not any(each.encode() in to_own for each in marks)
