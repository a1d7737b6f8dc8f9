"""The list of executions reads no more rows of a long history than of a short one, whatever is chosen in it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl

import pytest
from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth.models import User
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from clients.models import Client
from executions import admin as executions_admin
from executions.doors import PLACES
from executions.models import Execution
from languages.models import Language
from testkit.histories import fill

ROWS = 10_000
COUNTED = 100
READ_AT_MOST = 2 * COUNTED
"""By one statement: what the page counts at most, and as much again for what the index has to pass by."""


@pytest.fixture
def history(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two languages and many executions, as the planner knows them."""
    monkeypatch.setattr(executions_admin, "COUNTED_ROWS", COUNTED)
    for slug in ("former", "recent"):
        Language.objects.create(slug=slug, name=slug, image="x", source_file="a", run_command=["a"])
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        fill(cursor, rows=ROWS, client=Client.objects.create(name="platform").pk)
        cursor.execute("ANALYZE executions_execution")


def changelist(query: str = "") -> ChangeList:
    """The list as it is made for a page, with its results read."""
    request = RequestFactory().get("/", dict(parse_qsl(query.removeprefix("?"))))
    request.user = User(is_superuser=True, is_active=True, is_staff=True)
    made = admin.site.get_model_admin(Execution).get_changelist_instance(request)
    made.result_list = list(made.result_list)
    return made


def choices() -> Iterator[tuple[Any, ...]]:
    """Every combination of what the filters offer, one choice of each; of the doors one besides all of them."""
    made = changelist()
    offered = [[choice["query_string"] for choice in spec.choices(made)] for spec in made.filter_specs]
    assert [len(each) for each in offered] == [14, 3, 2, len(PLACES), 5]
    offered[3] = offered[3][:2]
    return itertools.product(*offered)


def rows_read(statement: str) -> int:
    """How many rows the database reads for it: of the tables' and the indexes' entries, also those it throws away."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON, COSTS OFF, TIMING OFF, SUMMARY OFF) {statement}")
        (plan,) = cursor.fetchone()
    (top,) = json.loads(plan) if isinstance(plan, str) else plan
    return sum(_read_by(node) for node in _nodes(top["Plan"]))


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for below in node.get("Plans", ()):
        yield from _nodes(below)


def _read_by(node: dict[str, Any]) -> int:
    if not node["Node Type"].endswith("Scan") or node["Node Type"] == "Subquery Scan":
        return 0
    thrown_away = sum(value for name, value in node.items() if name.startswith("Rows Removed by"))
    return int((node["Actual Rows"] + thrown_away) * node["Actual Loops"])


def most_read(statements: Iterable[str]) -> int:
    return max(rows_read(statement) for statement in statements)


def of_executions(queries: CaptureQueriesContext) -> list[str]:
    return [query["sql"] for query in queries if 'FROM "executions_execution"' in query["sql"]]


def test_no_choice_of_filters_or_order_reads_more_than_its_page(history: None) -> None:
    shown = {}
    for number, chosen in enumerate(choices()):
        query = "&".join(each.removeprefix("?") for each in chosen if each != "?")
        order = ("", "o=1", "o=-2")[number % 3]
        with CaptureQueriesContext(connection) as queries:
            made = changelist(f"{query}&{order}")
        shown[query] = made.result_count
        ids = [row.pk for row in made.result_list]
        assert ids == sorted(ids, reverse=order != "o=1")
        asked = of_executions(queries)
        assert len(asked) == 2, query
        assert most_read(asked) <= READ_AT_MOST, (query, asked)
    assert len(shown) == 14 * 3 * 2 * 2 * 5
    assert shown["outcome__exact=timeout_cpu&language_slug=former"] == 1
    assert shown["outcome__exact=timeout_cpu&language_slug=recent"] == 0
    assert shown["status__exact=rejected&language_slug=former"] == ROWS * 0.5 // 1000
    assert shown["outcome__exact=ok"] == COUNTED


def test_what_no_index_serves_would_be_seen(history: None) -> None:
    """The measure itself finds what reads the whole history, and what an index serves only by good luck."""
    unserved = [
        Execution.objects.filter(exit_code=99),
        Execution.objects.order_by("exit_code"),
        Execution.objects.filter(created_at__lt=timezone.now() - timedelta(days=500)),
        Execution.objects.filter(language_slug="former"),
    ]
    for rows in unserved:
        with CaptureQueriesContext(connection) as queries:
            list(rows[:50])
        assert most_read(of_executions(queries)) > ROWS * 0.2


def test_only_what_has_an_index_is_sorted_by(history: None) -> None:
    newest = [row.pk for row in Execution.objects.all()[:50]]
    assert [row.pk for row in changelist("o=2.3.5.6.7").result_list] == newest
