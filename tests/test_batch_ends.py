"""That all of a batch has ended is noted once, and told to its client's webhooks."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from clients.authentication import create
from dispatch.testing import FakeBackend
from executions import announcements, batch_ends, transitions
from executions.models import Batch, Execution
from executions.results import failed_fields
from languages.models import Language
from webhooks.models import Delivery

pytestmark = pytest.mark.usefixtures("rate_limit_off")

HOOK = "https://hooks.example.org/gexec"


@pytest.fixture
def http(python: Language, fake_backend: FakeBackend) -> Client:
    http = Client(headers={"authorization": f"Bearer {create('mine')}"})
    body = json.dumps({"url": HOOK, "events": ["batch.finished"]})
    assert http.post("/api/v1/webhooks", body, "application/json").status_code == 201
    announcements.forget_listeners()
    return http


def submit(http: Client, *sources: str, **fields: Any) -> Batch:
    items = [{"source_code": source} for source in sources]
    body = json.dumps({"defaults": {"language": "python"}, "items": items} | fields)
    response = http.post("/api/v1/batches", body, "application/json")
    assert response.status_code in (200, 202), response.content
    return Batch.objects.get(pk=response.json()["id"])


def end(batch: Batch) -> None:
    """End one of its executions."""
    row = Execution.objects.filter(batch_id=batch.pk, status="queued")[0]
    transitions.finish(row, failed_fields("for a test"))


def test_the_last_execution_ends_it(http: Client) -> None:
    batch = submit(http, "1", "2", webhook_url=f"{HOOK}/own")
    end(batch)
    assert Batch.objects.get().finished_at is None
    assert not Delivery.objects.filter(event="batch.finished").exists()
    end(batch)
    assert Batch.objects.get().finished_at is not None
    told = Delivery.objects.filter(event="batch.finished")
    assert {each.url for each in told} == {HOOK, f"{HOOK}/own"}
    data = json.loads(bytes(told[0].body))["data"]
    assert (data["id"], data["status"], data["counts"]["finished"]) == (str(batch.pk), "finished", 2)


def test_the_sweep_sees_what_nobody_saw(http: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = submit(http, "1")
    with monkeypatch.context() as patched:
        patched.setattr(batch_ends, "look", lambda _id: None)
        end(batch)
    for _ in range(2):
        batch_ends.sweep()
    batch.refresh_from_db()
    assert batch.finished_at is not None
    assert Delivery.objects.filter(event="batch.finished").count() == 1


def test_one_of_which_all_was_refused_has_ended(http: Client) -> None:
    batch = submit(http, "")
    batch_ends.sweep()
    batch.refresh_from_db()
    assert batch.finished_at is not None
