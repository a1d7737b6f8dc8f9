"""What becomes of a run of which nothing is told."""

from __future__ import annotations

import time
from contextlib import closing

import pytest

from dispatch.backends.nats import Nats
from dispatch.base import Task
from sandbox.hosts import HostState
from sandbox.types import Job, Profile

HOST = HostState("h-1", "h", slots=1, in_use=1, version="1")


@pytest.mark.parametrize("is_late", [True, False])
def test_one_that_begins_as_its_wait_is_over_is_not_ended(monkeypatch: pytest.MonkeyPatch, *, is_late: bool) -> None:
    """Its job is off the stream then, and no word of it has come for long: it is asked after all the same."""
    asked: list[bool] = []

    def take_back(_task_id: str, _attempt: int, *, unless_begun: bool = True) -> bool:
        asked.append(unless_begun)
        return True

    nats = Nats("nats://127.0.0.1:1", slots=1, queue=1, wait_ms=1000)
    with closing(nats.link):
        for name, answer in {"away_s": 0.0, "hosts": [HOST], "place_of_job": None, "end_of": None}.items():
            monkeypatch.setattr(nats.link, name, lambda *_, answer=answer: answer)
        monkeypatch.setattr(nats.link, "delete_job", lambda _place: None)
        monkeypatch.setattr(nats.link, "take_back", take_back)
        run = nats.submit(Task("1", Profile("image", 1, 1, 1, 1), Job((), ())))
        run._posting.place = 1
        deadline = time.monotonic() + (-1 if is_late else 60)
        assert run._silence.look(subject=run.subject, host=None, cancelled=False, deadline=deadline) is None
    # Of a job that vanished by itself nothing is leased, and it has to end.
    assert asked == ([True, True] if is_late else [False])
