"""The admin's front page says how the service does, from roll-ups, to those who may see executions."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from clients.models import Client as Tenant
from dispatch.testing import FakeBackend
from executions import backlog, totals
from executions.models import Execution
from executions.overview import SPANS, overview, reason_in, refusals
from gexec.health import parts
from languages.models import Language
from rest.ids import uuid7
from sandbox.errors import EngineUnavailable
from tests.backlog_lab import queue

pytestmark = pytest.mark.usefixtures("engine_answers", "nothing_kept")
NOW = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)


@pytest.fixture
def nothing_kept() -> Iterator[None]:
    """What is kept for a second is forgotten."""
    parts.forget()
    backlog.forget()
    yield
    parts.forget()
    backlog.forget()


def ended(at: datetime | None = None, **fields: Any) -> Execution:
    """One that came and ended, as a request writes it."""
    at = at or timezone.now()
    row = Execution.objects.create(
        id=uuid7(), status="running", language_slug=fields.pop("language_slug", "python"), job={"steps": []},
        worker=uuid7(), created_at=at, started_at=at, client_id=fields.pop("client_id", None), api_key_id="k",
    )  # fmt: skip
    ending: dict[str, Any] = {"status": "finished", "outcome": "ok", "exit_code": 0, "finished_at": at, "wall_ms": 12.0}
    Execution.objects.filter(pk=row.pk).update(**ending | {"cpu_ms": 9.0, "queue_ms": 0.5} | fields)
    return row


def ours(**fields: Any) -> Execution:
    return ended(outcome="sandbox_error", exit_code=None, error="sandbox error: the engine <b>went</b> away", **fields)


def refused(error: str, at: datetime | None = None) -> None:
    at = at or timezone.now()
    Execution.objects.create(id=uuid7(), status="rejected", error=error, created_at=at, finished_at=at)


def page_of(client: Client, span: str = "1h") -> str:
    answer = client.get(reverse("admin:index"), {"range": span})
    assert answer.status_code == 200
    return answer.content.decode()


def tiles(page: str) -> dict[str, str]:
    return dict(re.findall(r"<dt>([^<]*)</dt>\s*<dd><strong>([^<]*)</strong>", page))


def text_of(html: str) -> str:
    return " ".join(re.sub("<[^>]+>", " ", html).split())


def user(*permissions: str) -> Client:
    one = User.objects.create_user("somebody", password="x", is_staff=True)
    one.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(one)
    return client


def test_nothing_yet_reads_well(admin_client: Client) -> None:
    page = page_of(admin_client)
    told = tiles(page)
    assert (told["Executions today"], told["Errors of ours today"], told["Wall time p50 / p95"]) == ("0", "-", "-")
    assert (told["Slots in use"], told["Queue"], told["Database"]) == ("0 of 4", "0", "ok")
    assert page.count("nothing in this time") == 4
    for sentence in ("no execution has failed by our fault", "Nothing has run", "No client", "Nothing was refused"):
        assert sentence in page
    # What Django has there stays.
    assert "Recent actions" in page
    assert reverse("admin:languages_language_changelist") in page


def test_what_happened_is_told(admin_client: Client) -> None:
    tenant = Tenant.objects.create(name="<i>School")
    for number in range(6):
        ended(client_id=tenant.pk)
        if number == 2:
            totals.roll_up(threading.Event())
    ended(outcome="nonzero_exit", exit_code=1, language_slug="go")
    failed = ours()
    refused("language 'cobol' is not supported")
    refused("language 'fortran' is not supported")
    page = page_of(admin_client)
    told = tiles(page)
    assert (told["Executions today"], told["Errors of ours today"]) == ("8", "12.5 %")
    assert re.fullmatch(r"1\d / 1\d ms", told["Wall time p50 / p95"])
    text = text_of(page)
    assert "python 7 14.3 % 1" in text
    assert "go 1 100.0 % 0" in text
    assert "language … is not supported 2" in text
    assert "&lt;i&gt;School 6 0.1 s" in text
    assert reverse("admin:executions_execution_change", args=[failed.pk]) in page
    assert "the engine &lt;b&gt;went&lt;/b&gt; away" in page
    assert "?language_slug=go" in page
    assert f"?client_id={tenant.pk}" in page
    for link in re.findall(r'href="(/admin/executions/execution/[^"]*)"', page):
        assert admin_client.get(link.replace("&amp;", "&")).status_code == 200


def test_what_waits_is_told(admin_client: Client, python: Language) -> None:
    queue(python, 1, 1, 2)
    backlog.forget()
    assert tiles(page_of(admin_client))["Queue"] == "3"


@pytest.mark.parametrize("rolled", [False, True])
@pytest.mark.parametrize("span", SPANS.values(), ids=SPANS)
def test_each_span_counts_its_own_periods(db: None, span: Any, rolled: bool) -> None:
    places = span.places(NOW)
    assert len(places) == span.periods
    assert places[-1] <= NOW < places[-1] + timedelta(minutes=span.minutes)
    for at in (places[0] - timedelta(seconds=1), places[0], NOW):
        ended(at)
    refused("x", NOW)
    if rolled:
        kept, totals.KEPT = totals.KEPT, {}
        totals.roll_up(threading.Event())
        totals.KEPT = kept
    found = overview(span, NOW)
    assert (sum(found.groups["ok"]), found.groups["ok"][0], found.groups["ok"][-1]) == (2, 1, 1)
    assert (sum(found.groups["refused"]), sum(found.wall[0].buckets), sum(found.queue[-1].buckets)) == (1, 1, 1)
    assert [(each.slug, each.executions) for each in found.languages] == [("python", 2)]


@pytest.mark.parametrize("rolled", [False, True])
def test_slots_in_use_follow_from_what_ran(db: None, monkeypatch: pytest.MonkeyPatch, rolled: bool) -> None:
    monkeypatch.setattr(totals, "KEPT", {})
    span = SPANS["1h"]
    places = span.places(NOW)
    steps = [{"cpu_ms": 1.0, "wall_ms": 30_000.0}] * 3
    ended(places[5], steps=steps)
    ended(places[5], steps=steps, outcome="nonzero_exit", exit_code=1, language_slug="go")
    # Half of the present minute is over.
    ended(places[-1], steps=steps)
    if rolled:
        totals.roll_up(threading.Event())
    in_use = overview(span, NOW).in_use
    assert (in_use[5], in_use[-1], sum(in_use)) == (3.0, 3.0, 6.0)


def test_an_unknown_span_is_an_hour(admin_client: Client) -> None:
    assert 'href="?range=1h" aria-current="page"' in page_of(admin_client, "<x>")


def test_the_numbers_alone_are_asked_for_again(admin_client: Client) -> None:
    page, answer = page_of(admin_client, "7d"), admin_client.get(reverse("admin:dashboard"), {"range": "7d"})
    assert 'data-url="/admin/dashboard/?range=7d"' in page
    assert "no-store" in answer.headers["Cache-Control"]
    assert answer.content.decode().strip().startswith('<dl class="gexec-tiles">')
    assert admin_client.post(reverse("admin:dashboard")).status_code == 405


def test_it_is_for_those_who_may_see_executions(db: None) -> None:
    ours()
    client = user("view_language")
    page = page_of(client)
    assert "gexec-tiles" not in page
    assert "dashboard.js" not in page
    assert "went" not in page
    assert reverse("admin:languages_language_changelist") in page
    assert client.get(reverse("admin:dashboard")).status_code == 403
    nobody = Client().get(reverse("admin:dashboard"))
    assert (nobody.status_code, nobody.headers["Location"].split("?")[0]) == (302, reverse("admin:login"))


def test_clients_are_for_those_who_may_see_them(db: None) -> None:
    ended(client_id=Tenant.objects.create(name="School").pk)
    page = page_of(user("view_execution"))
    assert "gexec-tiles" in page
    assert "School" not in page
    assert "Busiest" not in page


def test_it_costs_few_statements_and_reads_no_rows_but_the_last(admin_client: Client) -> None:
    for _ in range(3):
        ended()
        ours()
        refused("x")
    with CaptureQueriesContext(connection) as statements:
        admin_client.get(reverse("admin:dashboard"), {"range": "30d"})
    told = [each["sql"] for each in statements]
    # Session and user; what is up, and what waits; four of the roll-ups and of clients; the last failures and refusals.
    assert len(told) == 2 + 2 + 4 + 2
    rows = [sql for sql in told if 'FROM "executions_execution"' in sql]
    assert len(rows) == 2
    assert all("LIMIT" in sql for sql in rows)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        for sql in rows:
            cursor.execute(f"EXPLAIN {sql}")
            plan = "\n".join(line for (line,) in cursor.fetchall())
            # That of execution_by_ending. Where another test has left a second part, the two are merged by their order.
            assert "executions_execution_others_status_outcome_id_idx" in plan
            assert "Sort  (" not in plan


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("language 'a b' is not supported", "language … is not supported"),
        ('unknown "x" and `y`', "unknown … and …"),
        ("no slot within 5000 ms", "no slot within … ms"),
        ("first\nsecond", "first"),
    ],
)
def test_reasons_are_without_what_is_one_requests_own(error: str, reason: str) -> None:
    assert reason_in(error) == reason


def test_refusals_of_before_are_not_counted(db: None) -> None:
    refused("now")
    since = timezone.now() - timedelta(minutes=1)
    assert refusals(since) == [("now", 1)]
    assert refusals(timezone.now() + timedelta(minutes=1)) == []


def test_what_is_down_is_told(admin_client: Client, fake_backend: FakeBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    def is_down(**_: Any) -> Any:
        raise EngineUnavailable("gone")

    monkeypatch.setattr(fake_backend, "images", is_down)
    monkeypatch.setattr(fake_backend, "capacity", is_down)
    page = page_of(admin_client)
    told = tiles(page)
    assert (told["Docker"], told["Database"], told["Slots in use"]) == ("down", "ok", "-")
    assert page.count("gexec-is-bad") == 2
