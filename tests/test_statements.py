"""The statements of an execution's row do what Django's would, column by column."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from clients.authentication import create
from dispatch.testing import FakeBackend
from executions import statements
from executions.models import Execution, Lane, Status, Store
from languages.models import Language
from rest.ids import moment_of, uuid7
from tests.fake_backend import ran, result

OWN = {"id", "created_at"}
FILLED: dict[str, Any] = {
    "status": Status.FINISHED,
    "outcome": "timeout_wall",
    "language_slug": "python",
    "language_version": "3.13",
    "image_digest": "sha256:0",
    "source": "print('%s %%')\n",
    "stdin": b"\x00\xff%s",
    "job": {"a": [1, None, "%s"], "snow": "\u2603"},
    "steps": [{"name": "run"}],
    "output": b"\x00%",
    "exit_code": -1,
    "signal": 9,
    "error": "'",
    "queue_ms": 0.5,
    "wall_ms": 1e-7,
    "cpu_ms": 3.0,
    "peak_memory_bytes": 1 << 40,
    "client_address": "2001:db8::1",
    "api_key_id": "key",
    "worker": UUID(int=7),
    "unkept_bytes": 5,
    "client_id": UUID(int=8),
    "door": "api",
    "lane": Lane.BATCH,
    "background": True,
    "attempt": 2,
    "store": Store.NO_CODE,
    "queue_limit_ms": 9,
    "batch_id": UUID(int=9),
    "webhook_url": "https://example.org/",
    "tags": {"a": "b"},
    "verdict": "passed",
    "score": {"tests": 1},
    "tests": [],
    "artifacts": {"files": []},
    "caller": "client 8",
    "cancel_cause": "",
    "source_apart": None,
    "stdin_apart": 1,
    "output_apart": 2,
    "job_apart": 3,
}


def made(**columns: Any) -> Execution:
    """One that has no row yet."""
    made_id = uuid7()
    return Execution(
        id=made_id,
        created_at=moment_of(made_id),
        **{"status": Status.QUEUED, "background": True, "job": {"steps": []}} | columns,
    )


def columns_of(execution: Execution) -> dict[str, Any]:
    """What stands in its row, as PostgreSQL has it, but for its id and when it came."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM executions_execution WHERE id = %s", [execution.pk])
        names = [column.name for column in cursor.description]
        (values,) = cursor.fetchall()
    return {name: value for name, value in zip(names, values, strict=True) if name not in OWN}


def all_columns() -> set[str]:
    return {str(field.column) for field in Execution._meta.concrete_fields} - OWN


@pytest.mark.django_db
@pytest.mark.parametrize("given", [{}, FILLED], ids=["nothing", "everything"])
def test_a_row_is_inserted_as_django_would(given: dict[str, Any]) -> None:
    moment = timezone.now()
    given = given | ({"started_at": moment, "finished_at": moment, "queue_until": moment} if given is FILLED else {})
    ours, djangos = made(**given), made(**given)
    statements.insert(ours)
    djangos.save(force_insert=True)
    assert columns_of(ours) == columns_of(djangos)
    assert set(columns_of(ours)) == all_columns()
    assert not ours._state.adding
    ours.verdict = "it has a row"
    ours.save(update_fields=["verdict"])


def test_everything_is_everything() -> None:
    assert set(FILLED) | {"started_at", "finished_at", "queue_until"} == all_columns()


@pytest.mark.django_db(transaction=True)
def test_a_row_is_inserted_once() -> None:
    execution = made()
    statements.insert(execution)
    with pytest.raises(IntegrityError):
        statements.insert(execution)


@pytest.mark.django_db
def test_columns_are_changed_as_django_would() -> None:
    ours, djangos = made(), made()
    values = FILLED | {"score": None, "job_apart": None}
    values |= dict.fromkeys(("started_at", "finished_at", "queue_until"), timezone.now())
    for each in (ours, djangos):
        each.save(force_insert=True)
    assert statements.change(ours, Status.QUEUED, values)
    Execution.objects.filter(pk=djangos.pk).update(**values)
    assert columns_of(ours) == columns_of(djangos)
    assert ours.status == Status.QUEUED


@pytest.mark.django_db
@pytest.mark.parametrize("worker", [None, UUID(int=7)], ids=["nobody", "somebody"])
def test_only_what_is_expected_is_changed(worker: UUID | None) -> None:
    execution, other = made(worker=worker), made(worker=worker)
    for each in (execution, other):
        statements.insert(each)
    assert not statements.change(execution, Status.RUNNING, {"verdict": "its status"})
    execution.attempt = 2
    assert not statements.change(execution, Status.QUEUED, {"verdict": "its attempt"})
    execution.attempt, execution.worker = 1, uuid4() if worker is None else None
    assert not statements.change(execution, Status.QUEUED, {"verdict": "whose it is"})
    execution.worker = worker
    assert columns_of(execution)["verdict"] == ""
    assert statements.change(execution, Status.QUEUED, {"verdict": "all of it"})
    assert (columns_of(execution)["verdict"], columns_of(other)["verdict"]) == ("all of it", "")


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("rate_limit_off")
def test_a_run_takes_three_statements(python: Language, fake_backend: FakeBackend) -> None:
    """Its row, what its caller has stored, its end. Who calls and what languages there are is known for a second."""
    fake_backend.behave = lambda _job: result(ran(b"1\n"))
    body = json.dumps({"language": python.slug, "source_code": "print(1)"})
    client = Client(HTTP_AUTHORIZATION=f"Api-Key {create('statements')}")

    def asked() -> list[str]:
        with CaptureQueriesContext(connection) as queries:
            assert client.post("/execute", body, "application/json").status_code == 200
        return [query["sql"].split()[0] for query in queries]

    assert any(asked() == ["INSERT", "UPDATE", "UPDATE"] for _ in range(30))


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("rate_limit_off")
def test_only_where_nobody_is_told_before_its_end_a_row_is_not_waited_for(
    python: Language, fake_backend: FakeBackend
) -> None:
    fake_backend.behave = lambda _job: result(ran(b"1\n"))
    client = Client(HTTP_AUTHORIZATION=f"Api-Key {create('flushed')}")

    def inserted(path: str, **asked: Any) -> str:
        with CaptureQueriesContext(connection) as queries:
            assert client.post(path, json.dumps(asked), "application/json").status_code in (200, 201, 202)
        (insert,) = [query["sql"] for query in queries if 'INSERT INTO "executions_execution"' in query["sql"]]
        return insert

    unflushed = "set_config('synchronous_commit', 'off', true)"
    assert unflushed in inserted("/execute", language=python.slug, source_code="1")
    assert unflushed not in inserted("/api/v1/executions", language=python.slug, source_code="1")
    assert unflushed not in inserted("/api/v1/executions", language=python.slug, source_code="1", wait=False)
    with connection.cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        assert cursor.fetchone() == ("on",)
