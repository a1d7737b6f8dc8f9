"""What a client uses is noted in the statement that finishes a row: never lost, never twice, whoever finishes it."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet, Sum
from django.test import Client as Http
from django.utils import timezone

from clients.authentication import create, create_for
from clients.models import Client, Usage
from clients.secrets import prefix_in
from dispatch import workers
from dispatch.testing import FakeBackend
from executions import recovery, totals, transitions
from executions.models import Execution, Status
from executions.results import failed_fields
from languages.models import Language
from rest.ids import uuid7
from sandbox.errors import PoolBusy
from sandbox.types import Outcome, StepResult
from tests.fake_backend import ran, result

pytestmark = pytest.mark.usefixtures("rate_limit_off", "python", "fake_backend")

EXECUTE, API, USAGE = "/execute", "/api/v1/executions", "/api/v1/usage"


def post(key: str | None, door: str = API, **fields: Any) -> Any:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    body = json.dumps({"language": "python", "source_code": "print(1)", **fields})
    return Http(headers=headers).post(door, body, "application/json")


def told(key: str, query: str = "") -> Any:
    response = Http(headers={"authorization": f"Bearer {key}"}).get(USAGE + query)
    assert response.status_code == 200, response.content
    return response.json()


def rolled_up() -> QuerySet[Usage]:
    totals.roll_up(threading.Event())
    return Usage.objects.all()


def counted() -> int:
    return int(rolled_up().aggregate(all=Sum("executions"))["all"] or 0)


def test_each_execution_is_counted_with_all_its_steps(go: Language, fake_backend: FakeBackend) -> None:
    compiled = StepResult("compile", Outcome.OK, exit_code=0, wall_ms=100.0, cpu_ms=90.0)
    fake_backend.behave = lambda _job: result(compiled, ran(b"12345"))
    key = create("a")
    post(key, language="go", source_code="123456789", stdin="x")
    (row,) = rolled_up().values()
    assert row["cpu_ms"] == 94.0
    assert row["wall_ms"] == 105.0
    assert row["stored_bytes"] == 9 + 1 + 5
    assert (row["language"], row["door"], row["outcome"], row["key"]) == ("go", "api", "ok", prefix_in(key))
    assert (row["client_id"], row["day"], row["executions"]) == (Client.objects.get().pk, timezone.now().date(), 1)


def test_what_is_refused_or_never_ran_is_counted_as_such(fake_backend: FakeBackend) -> None:
    key = create("a")
    assert post(key, EXECUTE, language="no such").status_code == 400
    fake_backend.warm, fake_backend.refuse = False, PoolBusy("full", retry_after_s=1)
    assert post(key).status_code == 503
    rows = rolled_up().order_by("door").values_list("door", "outcome", "language", "executions", "cpu_ms")
    assert list(rows) == [("api", "rejected", "python", 1, 0.0), ("execute", "rejected", "", 1, 0.0)]


def test_nothing_is_counted_for_nobody() -> None:
    assert post(None).status_code == post(None, EXECUTE).status_code == 200
    assert not rolled_up().exists()


def left_open(client: Client) -> Execution:
    """A row of a process that there is no more, in its second attempt: the first would be begun again."""
    return Execution.objects.create(
        id=uuid7(), status=Status.RUNNING, language_slug="python", job={"a": 1}, worker=uuid7(), client_id=client.pk,
        api_key_id="abc", door="api", attempt=2, created_at=timezone.now(), started_at=timezone.now(),
    )  # fmt: skip


def test_the_sweep_counts_what_it_finishes_once(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client.objects.create(name="a")
    rows = [left_open(client) for _ in range(3)]
    monkeypatch.setattr(workers, "orphans", lambda *_args, **_kwargs: rows)
    assert recovery.sweep_ended() == 3
    assert (rolled_up().get().outcome, counted()) == ("sandbox_error", 3)
    # The process that was taken for dead comes back with its results, and loses each race.
    for row in rows:
        transitions.finish(row, failed_fields("late"))
    assert counted() == 3


@pytest.mark.usefixtures("transactional_db")
def test_of_many_that_finish_one_row_one_counts_it() -> None:
    client = Client.objects.create(name="a")
    rows = [left_open(client) for _ in range(20)]
    copies = [[Execution.objects.get(pk=row.pk) for row in rows] for _ in range(4)]

    def work(mine: list[Execution]) -> None:
        for row in mine:
            transitions.finish(row, failed_fields("x"))
        connection.close()

    threads = [threading.Thread(target=work, args=(mine,)) for mine in copies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counted() == 20


def test_a_transaction_that_does_not_come_to_its_end_counts_nothing() -> None:
    row = left_open(Client.objects.create(name="a"))
    with connection.cursor() as cursor:
        cursor.execute("SAVEPOINT before")
        transitions.finish(row, failed_fields("x"))
        assert counted() == 1
        cursor.execute("ROLLBACK TO SAVEPOINT before")
    assert counted() == 0


def test_a_client_that_is_gone_hinders_nothing() -> None:
    client = Client.objects.create(name="a")
    row = left_open(client)
    client.delete()
    transitions.finish(row, failed_fields("x"))
    row.refresh_from_db()
    assert row.status == Status.FINISHED


def test_the_sums_by_groups(go: Language) -> None:
    first = create("one", client="a")
    second, _ = create_for(Client.objects.get(), "two")
    post(first)
    post(first, language="go")
    post(second, EXECUTE)
    today = str(timezone.now().date())
    whole = told(first)
    assert (whole["object"], whole["to"], whole["group_by"], len(whole["data"])) == ("usage", today, ["day"], 1)
    assert whole["data"][0] == {"day": today, **whole["total"]}
    assert whole["total"]["executions"] == 3
    by = told(second, "?group_by=language,key")["data"]
    pairs = [(row["language"], row["key"], row["executions"]) for row in by]
    assert pairs == sorted(
        [("go", prefix_in(first), 1), ("python", prefix_in(first), 1), ("python", prefix_in(second), 1)]
    )
    assert [row["door"] for row in told(first, "?group_by=door,outcome")["data"]] == ["api", "execute"]
    assert told(first, "?group_by=")["data"] == [whole["total"]]


def test_the_sums_of_a_tag_come_from_the_rows() -> None:
    key, other = create("a"), create("b")
    for value, count in (("42", 2), ("7", 1)):
        for _ in range(count):
            post(key, tags={"interview": value})
    post(key)
    post(other, tags={"interview": "42"})
    found = told(key, "?group_by=tag.interview")
    assert [(row["tag.interview"], row["executions"], row["cpu_ms"]) for row in found["data"]] == [
        ("42", 2, 8.0),
        ("7", 1, 4.0),
    ]
    by = told(key, "?group_by=language,tag.interview,day,key,outcome,door")["data"][0]
    assert (by["language"], by["door"], by["outcome"], by["day"]) == ("python", "api", "ok", str(timezone.now().date()))
    assert told(key, "?group_by=tag.nothing")["data"] == []
    assert told(key, "?group_by=tag.%25s'%22--")["data"] == []


def test_the_sums_of_a_tag_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    key = create("a")
    for _ in range(3):
        post(key, tags={"interview": "42"})
    monkeypatch.setattr("executions.counted.MAX_TAGGED", 2)
    response = Http(headers={"authorization": f"Bearer {key}"}).get(f"{USAGE}?group_by=tag.interview")
    assert (response.status_code, response.json()["code"]) == (400, "limit_exceeded")


def test_days_from_and_to_are_both_included() -> None:
    key, today = create("a"), timezone.now().date()
    client = Client.objects.get()
    for back in range(4):
        Usage.objects.create(
            client_id=client.pk, day=today - timedelta(days=back), key="", language="", door="api", outcome="ok",
            shard=back, executions=10**back,
        )  # fmt: skip
    asked = f"?from={today - timedelta(days=2)}&to={today - timedelta(days=1)}"
    assert told(key, asked)["total"]["executions"] == 110
    assert told(key)["total"]["executions"] == 1111


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("?from=yesterday", "invalid_field"),
        ("?from=2026-01-02&to=2026-01-01", "invalid_field"),
        ("?from=2020-01-01&to=2026-01-01", "limit_exceeded"),
        ("?group_by=colour", "invalid_field"),
        ("?group_by=day,day", "invalid_field"),
        ("?group_by=tag.", "invalid_field"),
        ("?group_by=tag.a,tag.b", "invalid_field"),
        ("?group_by=tag.%00", "nul_character"),
        ("?since=2026-01-01", "unknown_field"),
        ("?from=0001-01-01&to=0001-01-02", None),
        ("?to=0001-01-02", None),
        ("?to=9999-12-31&group_by=tag.a", None),
        ("?to=9999-12-31", None),
    ],
)
def test_a_question_that_is_none(query: str, code: str | None) -> None:
    response = Http(headers={"authorization": f"Bearer {create('a')}"}).get(USAGE + query)
    assert (response.status_code, response.json().get("code")) == ((400, code) if code else (200, None))
