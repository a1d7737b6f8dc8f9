"""Tests in the stream of events: each with its verdict, as it is known, and nothing of hidden ones."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from dispatch.testing import FakeBackend
from executions.models import Execution
from languages.models import Language
from sandbox.types import Job, JobResult, Outcome, StepResult

pytestmark = pytest.mark.usefixtures("rate_limit_off")


def outputs(job: Job) -> JobResult:
    """Each test prints its stdin; the third one ends badly."""
    return JobResult(
        tuple(StepResult(step.name, Outcome.OK, stdout=step.stdin, exit_code=0, wall_ms=5.0) for step in job.steps)
    )


@pytest.mark.django_db(transaction=True)  # The program is run by another thread, with a connection of its own.
def test_verdicts_are_told_in_their_order(python: Language, fake_backend: FakeBackend) -> None:
    fake_backend.behave = outputs
    tests = [
        {"name": "sample", "stdin": "1", "expected_stdout": "1"},
        {"name": "secret", "stdin": "CANARY", "expected_stdout": "x", "hidden": True},
        {"name": "last", "stdin": "3", "expected_stdout": "3"},
    ]
    body = {"language": "python", "source_code": "x", "tests": tests}
    response = Client(headers={"Accept": "application/x-ndjson"}).post(
        "/api/v1/executions", json.dumps(body), "application/json"
    )
    events: list[dict[str, Any]] = [json.loads(line) for line in response.getvalue().splitlines()]
    told = [event for event in events if event["event"] == "test.finished"]
    assert [(each["name"], each["verdict"]) for each in told] == [
        ("sample", "passed"),
        ("secret", "wrong_answer"),
        ("last", "passed"),
    ]
    assert told[0]["wall_ms"] == 5.0
    assert not {"wall_ms", "points"} & told[1].keys()
    row = Execution.objects.get()
    token = next(event["access_token"] for event in events if "access_token" in event)
    again = Client(headers={"Accept": "application/x-ndjson"}).get(
        f"/api/v1/executions/{row.pk}/events?access_token={token}"
    )
    replayed = [json.loads(line) for line in again.getvalue().splitlines()]
    assert [each for each in replayed if each["event"] == "test.finished"] == told
