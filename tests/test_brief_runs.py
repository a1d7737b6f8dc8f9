"""What is over a moment after it has begun has its start and its end in one change of its row."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from dispatch import workers
from dispatch.backends.nats import Nats
from dispatch.base import Finished, Started, Task
from dispatch.hosted.run import NatsRun
from dispatch.testing import FakeBackend
from executions.models import Execution, Status
from languages.models import Language
from sandbox.errors import ContainerLost
from sandbox.messages import Begun, Ended, Numbered, encode
from sandbox.types import Job, JobResult, Limits, Outcome, Profile, Step, StepFinished, StepResult

JOB = Job((), (Step("run", ("true",), Limits(1000, 1000)),))
RESULT = JobResult((StepResult("run", Outcome.OK, b"", b"", exit_code=0, signal=None),))
ENDED = encode(Ended("1", 1, "h-1", 2, RESULT))


@pytest.fixture
def brief(fake_backend: FakeBackend, python: Language) -> FakeBackend:
    fake_backend.warm = False
    fake_backend.is_brief = True
    return fake_backend


def execute() -> int:
    return Client().post("/execute", {"language": "python", "source_code": "1"}, "application/json").status_code


@pytest.mark.usefixtures("rate_limit_off", "brief")
def test_its_row_is_changed_once() -> None:
    with CaptureQueriesContext(connection) as queries:
        assert execute() == 200
    changes = [each["sql"] for each in queries if each["sql"].startswith('UPDATE "executions_execution"')]
    row = Execution.objects.get()
    assert len(changes) == 1
    assert (row.status, row.outcome, row.worker) == (Status.FINISHED, "ok", workers.own_id())
    assert row.started_at is not None
    assert row.finished_at is not None
    assert row.started_at < row.finished_at
    assert row.queue_ms is not None


@pytest.mark.usefixtures("rate_limit_off")
def test_one_that_is_lost_has_begun(brief: FakeBackend) -> None:
    def lose(_job: Job) -> JobResult:
        raise ContainerLost("gone")

    brief.behave = lose
    assert execute() != 503
    row = Execution.objects.get()
    assert (row.status, row.outcome) == (Status.FINISHED, "sandbox_error")
    assert row.queue_ms is not None


@pytest.fixture
def nats() -> Iterator[Nats]:
    made = Nats("nats://127.0.0.1:1", slots=1, queue=1, wait_ms=1000)
    with closing(made.link):
        yield made


def submitted(nats: Nats, monkeypatch: pytest.MonkeyPatch, *, end: bytes = b"") -> NatsRun:
    """One that its host has begun as soon as it is published, and ended, where that is said."""
    run = nats.submit(Task("1", Profile("image", 1, 1, 1, 1), JOB))
    begun = b"." + encode(Numbered(0, Begun("h-1")))

    def publish() -> None:
        nats.runs.told(f"{run.subject}.event", begun)
        if end:
            nats.runs.told(f"{run.subject}.end", end)

    monkeypatch.setattr(run, "_publish", publish)
    return run


def test_a_start_that_its_end_follows_at_once_says_so(nats: Nats, monkeypatch: pytest.MonkeyPatch) -> None:
    started, step, finished = submitted(nats, monkeypatch, end=ENDED).events()
    assert isinstance(started, Started)
    assert started.over_after_ms is not None
    assert (step, finished) == (StepFinished(RESULT.steps[0]), Finished(RESULT))


def test_a_start_is_told_soon_where_no_end_comes(nats: Nats, monkeypatch: pytest.MonkeyPatch) -> None:
    run = submitted(nats, monkeypatch)
    events = run.events()
    started = next(events)
    assert isinstance(started, Started)
    assert started.over_after_ms is None
    nats.runs.told(f"{run.subject}.end", ENDED)
    assert list(events) == [StepFinished(RESULT.steps[0]), Finished(RESULT)]


def test_what_is_not_understood_has_begun_all_the_same(nats: Nats, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nats.link, "say", lambda *_: None)
    events = submitted(nats, monkeypatch, end=b"?").events()
    assert isinstance(next(events), Started)
    with pytest.raises(ContainerLost, match="not understood"):
        next(events)
