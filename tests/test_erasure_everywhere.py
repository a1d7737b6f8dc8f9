"""What is erased is in no table any more, whichever there are."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from clients.authentication import create
from clients.rights import Right
from dispatch.testing import FakeBackend
from executions import erasure, totals
from executions.models import Erasure, Execution
from files import expiry
from languages.models import Language
from sandbox.types import Artifact
from tests.fake_backend import ran, result

pytestmark = pytest.mark.usefixtures("rate_limit_off", "fake_backend")

CANARY = "canary-bird-7"
URL = "/api/v1/executions"
LARGE = 100_000
"""Of an artifact that becomes a file of its client."""


def found_in_tables(text: str) -> dict[str, int]:
    """How many rows of which tables have it, as text, or as bytes."""
    needles = [f"%{text}%", f"%{text.encode().hex()}%"]
    with connection.cursor() as cursor:
        tables = [name for name in connection.introspection.table_names(cursor) if not _is_part(cursor, name)]
        counts = {}
        for table in tables:
            cursor.execute(f'SELECT count(*) FROM "{table}" AS one WHERE one::text ILIKE ANY (%s)', [needles])
            counts[table] = int(cursor.fetchone()[0])
    return {table: count for table, count in counts.items() if count}


def _is_part(cursor: Any, table: str) -> bool:
    cursor.execute("SELECT relispartition FROM pg_class WHERE relname = %s", [table])
    return bool(cursor.fetchone()[0])


def body_of(number: int) -> dict[str, Any]:
    """With the canary wherever a request has room for one of its own."""
    return {
        "language": "python",
        "files": [{"name": "main.py", "content": f"# {CANARY}"}, {"name": f"{CANARY}.txt", "content": CANARY}],
        "stdin": CANARY,
        "args": [CANARY],
        "env": {"WHO": CANARY},
        "artifacts": {"paths": ["*"]},
        "tags": {"candidate": "7", CANARY: CANARY},
        "webhook_url": f"https://example.org/{CANARY}/{number}",
    }


@pytest.mark.parametrize("how", ["one by one", "by tag"])
def test_nothing_is_left_in_any_table(
    python: Language, fake_backend: FakeBackend, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    content = (CANARY * (LARGE // len(CANARY))).encode()
    left = (Artifact(f"{CANARY}.bin", len(content), content), Artifact("b", len(CANARY), CANARY.encode()))
    fake_backend.behave = lambda _job: replace(result(ran(CANARY.encode())), artifacts=left)
    http = Client(headers={"authorization": f"Bearer {create('mine', rights=list(Right))}"})
    made = []
    for number in range(2):
        response = http.post(URL, json.dumps(body_of(number)), "application/json")
        assert response.status_code in (200, 201), response.content
        made.append(response.json()["id"])
    totals.roll_up(threading.Event())
    before = found_in_tables(CANARY)
    assert {"executions_execution", "executions_executiontag", "webhooks_delivery", "files_piece"} <= set(before)
    assert found_in_tables(made[0])
    if how == "by tag":
        http.post(f"{URL}/erase", json.dumps({"tag.candidate": "7"}), "application/json")
        assert erasure.carry_out(threading.Event()) == 2
    else:
        for each in made:
            assert http.delete(f"{URL}/{each}").status_code == 200
    assert not Execution.objects.exists()
    # Bytes of files, which somebody may be reading, stay for an hour longer; no row of their client leads to them.
    assert set(found_in_tables(CANARY)) <= {"files_piece"}
    monkeypatch.setattr(expiry, "GRACE", timedelta(0))
    expiry.carry_out(threading.Event())
    assert found_in_tables(CANARY) == {}
    # That it was there is told by the tombstone alone.
    assert set(found_in_tables(made[0])) <= {Erasure._meta.db_table}
