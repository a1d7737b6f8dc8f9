"""Of a client's history any combination of what can be asked for is found, whole and in order, a page at a time."""

from __future__ import annotations

import itertools
import random
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from executions.history import Wanted
from executions.models import Execution, ExecutionTag
from executions.ranges import HIGHEST
from rest.ids import first_at
from testkit.histories import fill, tag

MINE, THEIRS, BATCH = UUID(int=1), UUID(int=2), UUID(int=3)
ASKED: dict[str, tuple[Any, ...]] = {
    "language": ("", "python", "go"),
    "status": ("", "finished", "rejected", "queued"),
    "outcome": ("", "ok", "timeout_wall"),
    "verdict": ("", "passed"),
    "door": ("", "piston"),
    "batch_id": (None, BATCH),
    "tags": ({}, {"all": "yes"}, {"few": "yes"}, {"few": "yes", "half": "yes"}),
}
START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def rows(db: None) -> list[Execution]:
    """Rows of all kinds, in an order without order; newest first."""
    chance = random.Random(17)
    made = [_made(number, chance) for number in range(160)]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
    Execution.objects.bulk_create(made)
    ExecutionTag.objects.bulk_create(
        ExecutionTag(execution=row, client_id=row.client_id or THEIRS, name=name, value=value)
        for row in made
        for name, value in (row.tags or {}).items()
    )
    return made[::-1]


def _made(number: int, chance: random.Random) -> Execution:
    at = START + timedelta(minutes=number)
    status = chance.choice(["finished"] * 6 + ["rejected", "queued"])
    outcome = chance.choice(["ok", "ok", "timeout_wall", "nonzero_exit"]) if status == "finished" else ""
    tags = {"all": "yes"} | ({"few": "yes"} if chance.random() < 0.2 else {}) | ({"half": "yes"} if number % 2 else {})
    return Execution(
        id=UUID(int=first_at(at).int + number),
        status=status,
        outcome=outcome,
        error="" if outcome in ("ok", "nonzero_exit") or status == "queued" else "x",
        exit_code=0 if outcome == "ok" else None,
        language_slug=chance.choice(["python", "go", "c"]),
        verdict=chance.choice(["", "passed", "wrong_answer"]),
        client_id=chance.choice([MINE, MINE, MINE, THEIRS]),
        door=chance.choice(["execute", "piston"]),
        batch_id=BATCH if chance.random() < 0.3 else None,
        tags=tags,
        created_at=at,
        started_at=at if status == "finished" else None,
        finished_at=None if status == "queued" else at,
        worker=UUID(int=9),
        job={"steps": []},
    )


def _fits(row: Execution, asked: dict[str, Any]) -> bool:
    columns = {
        "language_slug": asked["language"],
        **{name: asked[name] for name in ("status", "outcome", "verdict", "door")},
    }
    return (
        row.client_id == MINE
        and all(not value or getattr(row, name) == value for name, value in columns.items())
        and (not asked["outcome"] or row.status == "finished")
        and asked["batch_id"] in (None, row.batch_id)
        and all((row.tags or {}).get(name) == value for name, value in asked["tags"].items())
    )


def _pages(asked: dict[str, Any], low: UUID, high: UUID) -> list[UUID]:
    found: list[UUID] = []
    while page := Wanted(MINE, low=low, high=high, **asked).page(40):
        found += [row.pk for row in page]
        high = page[-1].pk
        if len(page) < 40:
            break
    return found


def test_every_combination_finds_what_fits(rows: list[Execution]) -> None:
    for values in itertools.product(*ASKED.values()):
        asked = dict(zip(ASKED, values, strict=True))
        assert _pages(asked, UUID(int=0), HIGHEST) == [row.pk for row in rows if _fits(row, asked)], asked


@pytest.mark.parametrize("asked", [{"status": "finished"}, {"tags": {"all": "yes"}, "language": "go"}])
def test_within_bounds(rows: list[Execution], asked: dict[str, Any]) -> None:
    whole = {name: values[0] for name, values in ASKED.items()} | asked
    low, high = rows[130].pk, rows[20].pk
    fitting = [row.pk for row in rows if _fits(row, whole) and low <= row.pk < high]
    assert _pages(whole, low, high) == fitting
    assert [row.pk for row in Wanted(MINE, low=low, high=high, **asked).all()] == fitting


@pytest.mark.parametrize(
    "asked",
    [
        {"status": "finished"},
        {"status": "finished", "language": "former"},
        {"tags": {"all": "yes"}, "language": "former"},
        {"tags": {"all": "yes", "few": "yes"}},
        {"tags": {"few": "yes"}, "status": "finished"},
        {"tags": {"all": "yes"}, "outcome": "timeout_wall"},
    ],
)
def test_what_does_not_fit_is_not_read(db: None, asked: dict[str, Any]) -> None:
    """In a history whose newest half has none of the language, and whose newest fifth has not finished."""
    assert _rows_read(_plan(asked)) < 2_000


@pytest.mark.parametrize("asked", [{}, {"language": "former"}, {"outcome": "timeout_cpu"}, {"status": "running"}])
def test_one_range_is_read_from_its_own_end(db: None, asked: dict[str, Any]) -> None:
    """The client's index has some fifty pages behind it."""
    plan = _plan(asked)
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 20 + 10


def _plan(asked: dict[str, Any]) -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        fill(cursor, rows=10_000, client=MINE)
        tag(cursor, MINE)
        cursor.execute("ANALYZE executions_execution, executions_executiontag")
    with CaptureQueriesContext(connection) as statements:
        Wanted(MINE, **asked).page(20)
    (statement,) = [each["sql"] for each in statements]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON, TIMING OFF) {statement}")
        ((plan,),) = cursor.fetchall()
    return dict(plan[0]["Plan"])


def _rows_read(node: dict[str, Any]) -> int:
    """What all scans of a plan have read, taken or not."""
    own = 0
    if "Scan" in node["Node Type"] and "Relation Name" in node:
        passed = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
        own = (node["Actual Rows"] + passed) * node["Actual Loops"]
    return int(own) + sum(_rows_read(child) for child in node.get("Plans", ()))
