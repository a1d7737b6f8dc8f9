"""A key of one client beside a token of another's execution: it adds nothing to what the token opens."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from clients.authentication import create
from clients.rights import Right
from dispatch.testing import FakeBackend
from executions.api.tokens import short_token
from executions.models import Erasure, Execution
from languages.models import Language
from sandbox.types import Job, JobResult, Outcome, StepResult

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("rate_limit_off", "nothing_remembered")]

URL = "/api/v1/executions"
CANARY = "input-of-a-hidden-test"
PROGRAM = {
    "language": "python",
    "source_code": "print(input())",
    "tests": [{"name": "h", "stdin": CANARY, "expected_stdout": "other", "hidden": True}],
}


def key_of(name: str) -> Client:
    """All rights that there are, over what is the client's own."""
    return Client(headers={"Authorization": f"Bearer {create(name, client=name, rights=list(Right))}"})


def echo(job: Job) -> JobResult:
    return JobResult(tuple(StepResult(step.name, Outcome.OK, step.stdin, exit_code=0) for step in job.steps))


@pytest.fixture
def theirs(python: Language, fake_backend: FakeBackend) -> Execution:
    """An execution with a hidden test."""
    fake_backend.behave = echo
    told = key_of("them").post(URL, json.dumps(PROGRAM), "application/json").json()
    assert CANARY in json.dumps(told)
    return Execution.objects.get(pk=told["id"])


def opened(execution: Execution) -> str:
    """Its path, with what a browser got for it."""
    return f"{URL}/{execution.pk}?access_token={short_token(execution.pk)[0]}"


def test_a_strangers_right_to_see_hidden_tests_is_over_the_strangers_own(theirs: Execution) -> None:
    for http in (key_of("stranger"), Client()):
        told: dict[str, Any] = http.get(opened(theirs)).json()
        assert told["tests"] == [{"name": "h", "hidden": True, "verdict": "wrong_answer"}]


def test_a_short_token_shows_no_hidden_test_of_one_that_came_without_a_key(
    python: Language, fake_backend: FakeBackend
) -> None:
    fake_backend.behave = echo
    told = Client().post(URL, json.dumps(PROGRAM), "application/json").json()
    execution = Execution.objects.get()
    assert CANARY in Client().get(f"{URL}/{execution.pk}?access_token={told['access_token']}").getvalue().decode()
    for http in (Client(), key_of("stranger")):
        assert CANARY not in http.get(opened(execution)).getvalue().decode()


def test_a_token_deletes_nothing(theirs: Execution) -> None:
    response = key_of("stranger").delete(opened(theirs))
    assert response.status_code == 404
    assert Execution.objects.filter(pk=theirs.pk).exists()
    assert not Erasure.objects.exists()
    assert key_of("them").delete(f"{URL}/{theirs.pk}").status_code == 200


def test_a_short_token_cancels_nothing(theirs: Execution) -> None:
    Execution.objects.filter(pk=theirs.pk).update(
        status="queued", background=True, worker=None, outcome="", exit_code=None, started_at=None, finished_at=None
    )
    token, _ = short_token(theirs.pk)
    path = f"{URL}/{theirs.pk}/cancel?access_token={token}"
    for http in (key_of("stranger"), Client()):
        assert http.post(path, content_type="application/json").status_code == 403
    assert Execution.objects.get(pk=theirs.pk).status == "queued"
    response = key_of("them").post(path, content_type="application/json")
    assert response.json()["outcome"] == "cancelled", response.content


def test_a_short_token_makes_no_other_whatever_key_comes_with_it(theirs: Execution) -> None:
    token, _ = short_token(theirs.pk)
    path = f"{URL}/{theirs.pk}/tokens?access_token={token}"
    for http in (key_of("stranger"), Client()):
        response = http.post(path, content_type="application/json")
        assert (response.status_code, response.json()["code"]) == (403, "forbidden_right")
    assert key_of("them").post(path, content_type="application/json").status_code == 201
