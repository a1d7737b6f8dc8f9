"""That a host was lost may be told twice: its second time is nothing that the next run has come to."""

from __future__ import annotations

from contextlib import closing

import pytest

from dispatch.backends.nats import Nats
from dispatch.base import Task
from sandbox.messages import Ended, Failure, encode
from sandbox.types import Job, Profile

LOST = Ended("1", 1, "two", 0, failure=Failure("HostLost", "the host that had it is gone"))


def test_the_end_of_a_run_that_was_lost_ends_no_other_run_of_its_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = Nats("nats://127.0.0.1:1", slots=1, queue=1, wait_ms=1000)
    with closing(backend.link):
        run = backend.submit(Task("1", Profile("image", 1, 1, 1, 1), Job((), ())))
        published: list[str] = []
        monkeypatch.setattr(run, "_publish", lambda: published.append(run.subject))
        backend.runs.enter(run)
        first = run.subject
        for _ in range(2):
            # The host that says so has stored it, and was not told.
            backend.runs.told(f"{first}.end", encode(LOST))
        assert run._next_word() == LOST
        assert run._may_publish_again(LOST)
        assert published == [run.subject] != [first]
        backend.runs.told(f"{first}.end", encode(LOST))
        assert run._inbox.is_empty()
        backend.runs.told(f"{run.subject}.end", encode(LOST))
        assert run._next_word() == LOST
        assert not run._may_publish_again(LOST)
        backend.runs.leave(run)
        assert not len(backend.runs)
