"""Requests that are sent again with the same Idempotency-Key."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from clients.authentication import create
from dispatch.testing import FakeBackend
from executions import idempotency
from executions.models import Execution, IdempotencyKey
from languages.models import Language
from sandbox.errors import EngineUnavailable, PoolBusy
from sandbox.types import Job, JobResult
from tests.conftest import StartServer
from tests.fake_backend import ran, result

pytestmark = pytest.mark.usefixtures("rate_limit_off")

URL = "/api/v1/executions"
PROGRAM = {"language": "python", "source_code": "print(1)"}


def post(key: str | None = "one", body: dict[str, Any] = PROGRAM, **headers: str) -> Any:
    sent = headers if key is None else headers | {"Idempotency-Key": key}
    return Client(headers=sent).post(URL, json.dumps(body), "application/json")


def test_the_same_request_again(python: Language, fake_backend: FakeBackend) -> None:
    first, again = post(), post()
    assert "Idempotency-Replayed" not in first
    assert again["Idempotency-Replayed"] == "true"
    assert again.json() == first.json()
    assert len(fake_backend.jobs) == Execution.objects.count() == 1
    assert post(None).json()["id"] != first.json()["id"]


def test_how_it_is_written_does_not_matter(python: Language, fake_backend: FakeBackend) -> None:
    first = post('"one"')
    again = Client(headers={"Idempotency-Key": "one"}).post(
        URL, json.dumps(dict(reversed(PROGRAM.items())), indent=3), "text/plain"
    )
    assert again.json()["id"] == first.json()["id"]


def test_another_request(python: Language, fake_backend: FakeBackend) -> None:
    post()
    response = post(body=PROGRAM | {"stdin": "other"})
    assert (response.status_code, response.json()["code"]) == (422, "idempotency_mismatch")
    assert len(fake_backend.jobs) == 1


@pytest.mark.parametrize("key", ["", '""', "a b", "é", "x" * 256, '"' + "x" * 256 + '"'])
def test_what_is_no_key(python: Language, fake_backend: FakeBackend, key: str) -> None:
    response = post(key)
    assert (response.status_code, response.json()["code"]) == (400, "invalid_field")
    assert not Execution.objects.exists()


def test_each_caller_has_keys_of_its_own(python: Language, fake_backend: FakeBackend) -> None:
    mine, other = (f"Bearer {create(name)}" for name in ("mine", "other"))
    ids = {post(authorization=auth).json()["id"] for auth in (mine, other)} | {post().json()["id"]}
    assert len(ids) == 3


def test_a_refused_request_takes_no_key(python: Language, fake_backend: FakeBackend) -> None:
    assert post(body=PROGRAM | {"wat": 1}).status_code == 400
    assert not IdempotencyKey.objects.exists()
    assert post().status_code == 200


@pytest.mark.parametrize("error", [PoolBusy("full", retry_after_s=1), EngineUnavailable("away")])
def test_what_was_never_started_may_be_tried_again(
    python: Language, fake_backend: FakeBackend, error: Exception
) -> None:
    fake_backend.refuse = error
    assert post().status_code == 503
    fake_backend.refuse = None
    again = post()
    assert (again.status_code, "Idempotency-Replayed" in again) == (200, False)
    assert post().json()["id"] == again.json()["id"]
    assert Execution.objects.count() == 2


def test_one_that_is_queued_is_told_again(python: Language, fake_backend: FakeBackend) -> None:
    first, again = (post(body=PROGRAM | {"wait": False}) for _ in range(2))
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json()["id"] == again.json()["id"]


def test_a_key_ends_after_a_day(python: Language, fake_backend: FakeBackend) -> None:
    first = post().json()["id"]
    IdempotencyKey.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert post().json()["id"] != first
    IdempotencyKey.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert idempotency.forget_old(threading.Event()) == 1
    assert not IdempotencyKey.objects.exists()


def test_a_deleted_one(python: Language, fake_backend: FakeBackend) -> None:
    post()
    Execution.objects.all().delete()
    response = post()
    assert (response.status_code, response.json()["code"]) == (410, "expired")


@pytest.mark.django_db(transaction=True)
def test_the_second_waits_for_the_first_or_is_told(python: Language, fake_backend: FakeBackend) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def behave(_job: Job) -> JobResult:
        begun.set()
        assert go_on.wait(30)
        return result(ran(b"1\n"))

    fake_backend.behave = behave
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(post)
        assert begun.wait(30)
        impatient = post(Prefer="respond-async")
        assert (impatient.status_code, impatient.json()["code"]) == (409, "idempotency_in_progress")
        assert impatient["Retry-After"] == "1"
        second = threads.submit(post)
        go_on.set()
        assert second.result(30).json() == first.result(30).json()
    assert len(fake_backend.jobs) == 1


def test_fifty_at_once_run_once(server: StartServer) -> None:
    # Who waits for another takes the place of one who watches, of which one caller has a half.
    running = server(GEXEC_THREADS="60", GEXEC_QUEUE="8", GEXEC_WATCHERS="100")
    running.execute("print(1)")

    body = PROGRAM | {"source_code": "import time; time.sleep(0.5); print(7)"}

    headers = {"Idempotency-Key": "fifty", "Content-Type": "application/json"}

    def ask(_number: int) -> dict[str, Any]:
        told: dict[str, Any] = running.request(URL, body, headers=headers).json()
        return told

    with ThreadPoolExecutor(50) as threads:
        told = list(threads.map(ask, range(50)))
    assert len({each.get("id", str(each)) for each in told}) == 1
    assert {each["run"]["stdout"] for each in told} == {"7\n"}
