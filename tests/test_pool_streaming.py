"""A job's events as they happen, and what becomes of the container of a consumer that leaves: on the fake engine."""

from __future__ import annotations

import time

import pytest

from sandbox import exchange
from sandbox.container import Container
from sandbox.testing import FakeEngine, output, result
from sandbox.types import Event, Job, Limits, Outcome, Output, Profile, Step, StepFinished, WarmTarget
from testkit.waiting import eventually
from tests.test_pool_races import PROFILE, REUSED, idle, pool_of, run

LIMITS = Limits(wall_ms=5000, output_bytes=1 << 20)


def job(*commands: tuple[str, ...], limits: Limits = LIMITS) -> Job:
    return Job((), tuple(Step(f"step-{number}", words, limits) for number, words in enumerate(commands)))


def started(engine: FakeEngine, profile: Profile = PROFILE) -> Container:
    container = Container(engine, engine.start(profile), profile)
    container.wait_ready(5)
    return container


def endings(events: list[Event]) -> list[tuple[str, Outcome]]:
    return [(event.result.name, event.result.outcome) for event in events if isinstance(event, StepFinished)]


def test_each_step_tells_of_its_end_before_the_next_begins() -> None:
    container = started(FakeEngine())
    events = container.events(job(("true",), ("sleep", "60")), tenant=None)
    assert endings([next(events)]) == [("step-0", Outcome.OK)]
    container.cancel()
    events.close()


def test_output_comes_only_to_those_who_ask_for_it_and_is_collected_for_all() -> None:
    engine = FakeEngine()
    for stream_output in (False, True):
        events = list(started(engine).events(job(("echo", "hello")), tenant=None, stream_output=stream_output))
        assert events[:-1] == [Output("step-0", 1, b"hello\n")] * stream_output
        assert isinstance(events[-1], StepFinished)
        assert events[-1].result.stdout == b"hello\n"


def test_no_more_is_streamed_than_the_limit_lets_through() -> None:
    limits = Limits(wall_ms=5000, output_bytes=4)
    events = list(started(FakeEngine()).events(job(("echo", "hello"), limits=limits), tenant=None, stream_output=True))
    assert events[0] == Output("step-0", 1, b"hell")
    assert isinstance(events[1], StepFinished)
    assert events[1].result.stdout_truncated


def test_a_consumer_that_leaves_while_a_program_runs_ends_it_and_the_container() -> None:
    engine = FakeEngine()
    with pool_of(engine) as pool:
        pool.keep_warm({REUSED: WarmTarget(0, 4)})
        with pool.lease(REUSED, tenant="a") as lease:
            events = lease.events(job(("yes",)), stream_output=True)
            assert next(events) == Output("step-0", 1, b"y\n")
            events.close()
            assert not engine.streams
        assert run(pool, "true", profile=REUSED, tenant="a") is Outcome.OK
        assert engine.started == 2


def test_a_generator_that_is_never_closed_keeps_the_container_from_being_used_again() -> None:
    engine = FakeEngine()
    with pool_of(engine) as pool:
        pool.keep_warm({REUSED: WarmTarget(0, 4)})
        with pool.lease(REUSED, tenant="a") as lease:
            events = lease.events(job(("true",), ("true",)))
            next(events)
        assert not engine.streams
        events.close()


def test_a_consumer_that_leaves_between_two_steps_ends_the_job() -> None:
    container = started(FakeEngine(), REUSED)
    events = container.events(job(("true",), ("true",)), tenant="a")
    next(events)
    events.close()
    assert not container.reusable
    assert not container.usable()


def test_a_consumer_that_leaves_after_the_last_step_has_missed_nothing() -> None:
    container = started(FakeEngine(), REUSED)
    events = container.events(job(("true",)), tenant="a")
    next(events)
    events.close()
    assert container.reusable


def test_nothing_begins_before_the_first_event_is_asked_for() -> None:
    engine = FakeEngine()
    with pool_of(engine) as pool:
        pool.keep_warm({PROFILE: WarmTarget(1, 1)})
        eventually(lambda: idle(pool) == 1)
        with pool.lease(PROFILE, tenant=None) as lease:
            lease.events(job(("true",)))
        assert idle(pool) == 1


def test_a_container_that_was_lost_before_its_job_is_replaced() -> None:
    engine = FakeEngine()
    with pool_of(engine) as pool, pool.lease(PROFILE, tenant=None) as lease:
        first = lease.container.id
        engine.streams[first].end()
        events = list(lease.events(job(("echo", "hello")), stream_output=True))
        assert events[0] == Output("step-0", 1, b"hello\n")
        assert endings(events) == [("step-0", Outcome.OK)]
        assert lease.container.id != first


def test_a_slow_consumer_does_not_meet_the_backstop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "BACKSTOP_S", 0.2)
    engine = FakeEngine()
    container = started(engine)
    events = container.events(
        job(("yes",), limits=Limits(wall_ms=1, output_bytes=100)), tenant=None, stream_output=True
    )
    next(events)
    time.sleep(0.3)  # Longer than the wall time and the backstop together.
    engine.streams[container.id].say(output(b"late") + result(), after_s=0.05)
    assert endings(list(events)) == [("step-0", Outcome.OK)]
