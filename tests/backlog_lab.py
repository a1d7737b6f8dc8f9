"""Executions that wait to be taken up, and the threads that do it, for the tests of what becomes of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection

from dispatch import workers
from dispatch.testing import FakeBackend
from executions import accept, backlog, in_flight
from executions.background import Background
from executions.limits import AskedLimits, caps_of, effective
from executions.models import API, Execution, Status
from executions.submission import Origin, Submission, single_file
from languages.models import Language


def submission(language: Language, source: str = "x", **fields: Any) -> Submission:
    """A program, sent to the API."""
    limits = effective(language, AskedLimits(), caps_of(language, has_key=True))
    return replace(single_file(language, source, limits), door=API, **fields)


def origin(caller: int = 1) -> Origin:
    """Where this caller sends it from."""
    return Origin(f"192.0.2.{caller}")


def queue(language: Language, *callers: int, **fields: Any) -> list[Execution]:
    """One row of each of these callers, in this order."""
    return [accept.queued(submission(language, **fields), origin(caller)) for caller in callers]


def running_rows() -> int:
    """How many executions run."""
    return Execution.objects.filter(status=Status.RUNNING).count()


@pytest.fixture
def own_process(transactional_db: None) -> Iterator[None]:
    """This process has a row of its own in this test's database."""
    workers.deregister()
    backlog.forget()
    yield
    workers.deregister()
    connection.close()


@pytest.fixture
def running(own_process: None, fake_backend: FakeBackend) -> Iterator[Background]:
    """The threads of a server process."""
    threads = Background()
    threads.start()
    yield threads
    threads.stop()
    fake_backend.close(grace_s=0)
    threads.join()
    assert not in_flight.all_ids()
