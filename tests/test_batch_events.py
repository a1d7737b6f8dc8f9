"""A batch is watched: each of its executions that ends is told, and that all have."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from clients.authentication import create
from dispatch.testing import FakeBackend
from executions import transitions
from executions.live.batch_following import BatchFollower, ItemEnded
from executions.models import Batch, Execution
from executions.results import failed_fields
from languages.models import Language

pytestmark = pytest.mark.usefixtures("rate_limit_off")


@pytest.fixture
def http(python: Language, fake_backend: FakeBackend) -> Client:
    return Client(headers={"authorization": f"Bearer {create('mine')}", "accept": "application/x-ndjson"})


def submit(http: Client, *sources: str) -> Batch:
    body = json.dumps({"defaults": {"language": "python"}, "items": [{"source_code": source} for source in sources]})
    return Batch.objects.get(pk=http.post("/api/v1/batches", body, "application/json").json()["id"])


def end(batch: Batch) -> Execution:
    row = Execution.objects.filter(batch_id=batch.pk, status="queued").order_by("-id")[0]
    transitions.finish(row, failed_fields("for a test"))
    return row


def events(http: Client, batch: Batch, query: str = "", **headers: str) -> list[dict[str, Any]]:
    response = http.get(f"/api/v1/batches/{batch.pk}/events{query}", headers=headers)
    return [json.loads(line) for line in response.getvalue().splitlines()]


def test_each_end_is_told_once_and_in_order(http: Client) -> None:
    batch = submit(http, "1", "", "2")
    follower = BatchFollower(batch)
    assert [event.seq for event in follower.read(0) or ()] == [0]
    assert follower.read(0) == []
    last = end(batch)
    told = follower.read(0)
    assert told
    assert isinstance(told[0], ItemEnded)
    assert (len(told), told[0].seq, told[0].execution_id, told[0].index) == (1, 1, last.pk, 2)
    end(batch)
    assert [event.seq for event in follower.read(0) or ()] == [2, 3]
    assert follower.is_at_end()


def test_the_stream_ends_with_the_batch(http: Client) -> None:
    batch = submit(http, "1", "2")
    ended = [end(batch).pk for _ in range(2)]
    told = events(http, batch)
    assert [each["event"] for each in told] == ["batch.started", "item.finished", "item.finished", "batch.finished"]
    assert [each.get("id") for each in told[1:3]] == [str(each) for each in ended]
    assert told[0]["id"] == told[3]["batch"]["id"] == str(batch.pk)
    assert told[3]["batch"]["counts"]["finished"] == 2
    assert events(http, batch, "?after=1") == events(http, batch, **{"Last-Event-ID": "1"}) == told[2:]
    assert http.get(f"/api/v1/batches/{batch.pk}/events?after=3").status_code == 204


def test_what_is_refused(http: Client) -> None:
    batch = submit(http, "1")
    for query in ("?after=x", "?wat=1"):
        assert http.get(f"/api/v1/batches/{batch.pk}/events{query}").status_code == 400
