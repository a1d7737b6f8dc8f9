"""What a host tells of a job, and what whoever asked makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from dispatch.base import Task
from dispatch.hosted.account import Account
from sandbox.host.run import HostedRun
from sandbox.messages import Assignment, Begun, Ended, Numbered
from sandbox.pool import Pool, PoolConfig
from sandbox.testing import FakeEngine
from sandbox.types import Job, Limits, Output, Profile, Step, StepFinished

PROFILE = Profile("image", 64 << 20, 100_000, 16, 16 << 20)
LIMITS = Limits(wall_ms=20_000, output_bytes=1 << 20)
JOB = Job((), tuple(Step(name, ("echo", name), LIMITS) for name in ("compile", "run")))
ASSIGNMENT = Assignment("1", 1, "gexec.run.w.1.1.a", PROFILE, JOB, "interactive")


@pytest.fixture
def pool() -> Iterator[Pool]:
    made = Pool(FakeEngine(images={"image"}), PoolConfig(slots=1, queue=1, wait_ms=20_000), owner="test")
    made.start()
    yield made
    made.close(grace_s=0)


def carried_out(pool: Pool, assignment: Assignment) -> tuple[list[Numbered], Ended]:
    told: list[Numbered] = []
    run = HostedRun(assignment, pool, host="h-1", tell=told.append, answer=lambda _: None)
    return told, run.carry_out()


def test_the_last_step_is_told_by_the_end_alone_where_that_has_room_for_it(pool: Pool) -> None:
    told, ended = carried_out(pool, ASSIGNMENT)
    assert [type(each.event) for each in told] == [Begun, StepFinished]
    assert ended.events == 3
    account = Account(Task("1", PROFILE, JOB))
    events = [event for message in told for event in account.take(message)]
    events += account.complete(ended, lambda end: end)
    assert [event.result.name for event in events if isinstance(event, StepFinished)] == ["compile", "run"]
    assert account.result() == ended.result
    assert account.result().steps[-1].stdout == b"run\n"


def test_the_last_step_is_told_by_itself_where_the_end_cannot_make_up_for_it(pool: Pool) -> None:
    for asked in (
        replace(ASSIGNMENT, stream_output=True),
        replace(ASSIGNMENT, bare_results=True),
        replace(ASSIGNMENT, job=Job((), (Step("run", ("cat",), LIMITS, stdin=b"x" * 100_000),))),
    ):
        told, ended = carried_out(pool, asked)
        last = [each.event for each in told if not isinstance(each.event, Output)][-1]
        assert isinstance(last, StepFinished)
        assert last.result.name == "run"
        assert (ended.events, told[-1].number) == (len(told), len(told) - 1)
