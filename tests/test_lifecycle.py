"""One line for each step of an execution's life, with ids and durations, and the id of the request that asked."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from dispatch import workers
from dispatch.testing import FakeBackend
from executions.backlog import Turns
from executions.models import Execution, Status
from executions.run import attempt
from languages.models import Language
from rest import correlation, refusals
from sandbox.errors import PoolBusy

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("rate_limit_off")]


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Callable[[], list[logging.LogRecord]]:
    caplog.set_level(logging.INFO)
    return lambda: [each for each in caplog.records if each.name in {"executions.lifecycle", "rest.refusals"}]


Lines = Callable[[], list[logging.LogRecord]]


def execute(client: Client, **fields: Any) -> Any:
    return client.post("/execute", json.dumps({"language": "python", "source_code": "x", **fields}), "application/json")


def test_an_execution_that_starts_at_once(python: Language, fake_backend: FakeBackend, lines: Lines) -> None:
    answer = execute(Client(headers={"X-Request-Id": "mine.1"}))
    assert answer["X-Request-Id"] == "mine.1"
    told = lines()
    assert [each.getMessage() for each in told] == ["execution accepted", "execution started", "execution finished"]
    assert {vars(each)["execution"] for each in told} == {answer["X-Execution-Id"]}
    assert {vars(each)["request_id"] for each in told} == {"mine.1"}
    assert {vars(each)["language"] for each in told} == {"python"}
    end = vars(told[-1])
    assert (end["outcome"], end["exit_code"], end["wall_ms"]) == ("ok", 0, 5.0)
    assert 0 <= end["queue_ms"] <= end["total_ms"]


def test_an_execution_that_waits_in_the_background(
    python: Language, fake_backend: FakeBackend, lines: Lines, django_capture_on_commit_callbacks: Any
) -> None:
    body = json.dumps({"language": "python", "source_code": "x", "wait": False})
    with django_capture_on_commit_callbacks(execute=True):
        answer = Client(headers={"X-Request-Id": "mine.2"}).post("/api/v1/executions", body, "application/json")
    assert answer.status_code == 202
    execution = Execution.objects.get(pk=answer.json()["id"])
    assert correlation.current() == "", "a request's id outlives it"
    taken = Turns().take(workers.own_id())
    assert taken is not None
    execution.refresh_from_db()
    attempt(execution, wait_ms=1000, on_start=lambda: None)
    told = [each.getMessage().removeprefix("execution ") for each in lines()]
    assert told == ["accepted", "queued", "started", "finished"]
    assert {vars(each)["request_id"] for each in lines()} == {"mine.2"}


def test_one_that_never_gets_its_turn(python: Language, fake_backend: FakeBackend, lines: Lines) -> None:
    fake_backend.refuse = PoolBusy("full", retry_after_s=1)
    fake_backend.warm = False
    answer = execute(Client())
    assert answer.status_code == 503
    told = [each.getMessage() for each in lines()]
    assert told == ["execution accepted", "execution queued", "execution refused", "request refused"]
    last = vars(lines()[-1])
    assert (last["code"], last["execution"], last["status"]) == ("no_slot", answer["X-Execution-Id"], 503)
    assert (last["method"], last["route"]) == ("POST", "/execute")


def test_what_is_refused_for_what_it_asks(python: Language, fake_backend: FakeBackend, lines: Lines) -> None:
    execute(Client(), language="secret-language")
    (told,) = lines()
    assert told.getMessage() == "request refused"
    assert vars(told)["code"] == "unsupported_language"
    assert UUID(vars(told)["execution"]) == Execution.objects.get(status=Status.REJECTED).pk
    assert "secret" not in str(vars(told))


@pytest.mark.parametrize("sent", ["", "x" * 65, "a b", "a\tb", "é", "<script>", "a/b"])
def test_an_id_that_is_no_plain_one_is_replaced(fake_backend: FakeBackend, sent: str) -> None:
    answer = Client().get("/ping", headers={"X-Request-Id": sent})
    assert answer["X-Request-Id"].startswith("req_")


@pytest.mark.parametrize("path", ["/ping", "/metrics", "/healthz", "/nothing", "/api/v1/languages", "/admin/login/"])
def test_every_answer_has_the_id(fake_backend: FakeBackend, path: str) -> None:
    assert Client().get(path, headers={"X-Request-Id": "mine-3"})["X-Request-Id"] == "mine-3"


def test_lines_about_refusals_are_bounded_and_say_how_many_are_missing(
    lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr(refusals, "_lines", refusals._Lines())
    monkeypatch.setattr("rest.refusals.time.monotonic", lambda: now[0])
    for _ in range(refusals.LINES_A_SECOND + 7):
        refusals.tell("rate_limited")
    now[0] += 1
    refusals.tell("rate_limited")
    assert len(lines()) == refusals.LINES_A_SECOND + 1
    assert vars(lines()[-1])["not_told"] == 7
