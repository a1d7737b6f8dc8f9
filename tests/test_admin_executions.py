"""The admin shows executions, read-only and readably, and stays quick when there are many."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from dispatch.testing import FakeBackend
from executions import admin as executions_admin
from executions.models import Execution, Status
from executions.results import recorded
from languages.models import Language
from rest.ids import first_at
from tests.backlog_lab import queue
from tests.fake_backend import ran

LIST = "admin:executions_execution_changelist"


def make(**fields: Any) -> Execution:
    now = timezone.now()
    base = {"status": "finished", "outcome": "ok", "exit_code": 0, "language_slug": "python"}
    return Execution.objects.create(**(base | {"created_at": now, "started_at": now, "finished_at": now} | fields))


def page_of(client: Client, row: Execution) -> str:
    return client.get(reverse("admin:executions_execution_change", args=[row.pk])).content.decode()


def test_source_and_output_are_readable(admin_client: Client) -> None:
    row = make(
        source="import os\n\nprint('<b>')\n",
        **recorded([ran(b"h\xc3\xa9 \x00\x1b[31m\xff<script>", stdout_truncated=True)]),
        job={"steps": [{"name": "run", "limits": {"wall_ms": 60_000, "memory_bytes": 128 << 20}}]},
        wall_ms=12.3,
    )
    page = page_of(admin_client, row)
    assert '<pre class="gexec-numbers" aria-hidden="true">1\n2\n3</pre>' in page
    assert "print(&#x27;&lt;b&gt;&#x27;)" in page
    assert r"hé \x00\x1b[31m\xff&lt;script&gt;" in page
    assert "cut at the output limit" in page
    assert "12 ms of 60.0 s" in page


def test_output_of_a_megabyte_is_shown_in_part(admin_client: Client) -> None:
    page = page_of(admin_client, make(**recorded([ran(b"x" * 1_048_576)])))
    assert "1.0 MiB · the first 256.0 KiB are shown" in page
    assert len(page) < 400_000


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "rejected", "outcome": "", "exit_code": None, "error": "Invalid JSON", "started_at": None},
        {
            "status": "running",
            "outcome": "",
            "exit_code": None,
            "finished_at": None,
            "worker": uuid.uuid4(),
            "job": {"steps": []},
        },
        {"outcome": "timeout_wall", "error": "execution timed out after 5 ms", "exit_code": 137},
    ],
)
def test_every_kind_of_row_has_a_page(admin_client: Client, fields: dict[str, Any]) -> None:
    row = make(**fields)
    assert fields.get("error", "running") in page_of(admin_client, row)
    assert admin_client.get(reverse(LIST)).status_code == 200


@pytest.mark.parametrize("view", ["add", "delete"])
def test_nothing_can_be_added_or_deleted(admin_client: Client, view: str) -> None:
    row = make()
    args = [] if view == "add" else [row.pk]
    assert admin_client.post(reverse(f"admin:executions_execution_{view}", args=args)).status_code == 403
    data = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
    admin_client.post(reverse(LIST), data)
    assert Execution.objects.filter(pk=row.pk).exists()


def test_nothing_can_be_changed(admin_client: Client) -> None:
    row = make()
    url = reverse("admin:executions_execution_change", args=[row.pk])
    assert admin_client.post(url, {"error": "x"}).status_code == 403


def test_search_finds_one_by_its_id(admin_client: Client) -> None:
    row, other = make(), make()
    page = admin_client.get(reverse(LIST), {"q": f" {row.pk} "}).content.decode()
    assert str(row.pk) in page
    assert str(other.pk) not in page
    page = admin_client.get(reverse(LIST), {"q": "print"}).content.decode()
    assert "That is no execution id." in page


def test_filters(admin_client: Client, python: Language) -> None:
    ok = make(language_slug=python.slug)
    bad = make(outcome="nonzero_exit", exit_code=1)
    wanted = {"outcome__exact": "ok", "language_slug": "python"}
    page = admin_client.get(reverse(LIST), wanted).content.decode()
    assert str(ok.pk) in page
    assert str(bad.pk) not in page
    assert admin_client.get(reverse(LIST), {"status__exact": "queued"}).status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        "exit_code=3",
        "source__contains=x",
        "status__in=queued,running",
        "language__isnull=True",
        "language__slug=x",
        "language__id__exact=1",
        "created_at__year=2026",
    ],
)
def test_an_address_asks_for_no_more_than_the_filters_do(admin_client: Client, query: str) -> None:
    assert admin_client.get(f"{reverse(LIST)}?{query}").status_code == 400


@pytest.mark.parametrize("query", ["status__exact=finished", "created_at__gte=yesterday", "created_at__lt=9"])
def test_a_choice_that_there_is_not_leads_back_to_the_list(admin_client: Client, query: str) -> None:
    response = admin_client.get(f"{reverse(LIST)}?{query}")
    assert (response.status_code, response.headers.get("Location")) == (302, f"{reverse(LIST)}?e=1")


def test_no_rows_are_counted_for_each_choice(admin_client: Client) -> None:
    with CaptureQueriesContext(connection) as asked:
        admin_client.get(reverse(LIST))
    with CaptureQueriesContext(connection) as asked_for_counts:
        assert admin_client.get(f"{reverse(LIST)}?_facets=True").status_code == 200
    assert len(asked_for_counts) <= len(asked)


def test_days_begin_and_end_at_midnight(admin_client: Client) -> None:
    midnight = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    moments = [midnight + timedelta(milliseconds=shift) for shift in (-1, 0, 1)]
    rows = [make(id=first_at(moment), created_at=moment) for moment in moments]

    def shown(**day: str) -> list[bool]:
        page = admin_client.get(reverse(LIST), day).content.decode()
        return [str(row.pk) in page for row in rows]

    assert shown(created_at__gte=str(midnight)) == [False, True, True]
    assert shown(created_at__lt=str(midnight)) == [True, False, False]
    assert shown(created_at__gte=str(midnight), created_at__lt=str(midnight + timedelta(days=1)))[0] is False


def test_the_list_counts_no_further_than_it_must(admin_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executions_admin, "COUNTED_ROWS", 3)
    monkeypatch.setattr(executions_admin.ExecutionAdmin, "list_per_page", 2)
    for _ in range(5):
        make()
    with CaptureQueriesContext(connection) as queries:
        page = admin_client.get(reverse(LIST)).content.decode()
    assert "3 executions" in page
    statements = [query["sql"] for query in queries if 'FROM "executions_execution"' in query["sql"]]
    assert statements
    for statement in statements:
        assert "LIMIT" in statement
        assert '"stdout"' not in statement


def test_a_signal_is_named(admin_client: Client) -> None:
    row = make(outcome="signal", exit_code=139, signal=11)
    assert "SIGSEGV (Segmentation fault)" in page_of(admin_client, row)
    listed = admin_client.get(reverse(LIST)).content.decode()
    assert "killed by SIGSEGV" in listed
    assert "signal 40" in page_of(admin_client, make(outcome="signal", exit_code=168, signal=40))


def test_an_operator_ends_what_waits(
    admin_client: Client, python: Language, fake_backend: FakeBackend, django_user_model: Any
) -> None:
    ((waiting,), ended) = queue(python, 1), make()
    chosen = {"action": "cancel", "_selected_action": [str(waiting.pk), str(ended.pk)]}
    page = admin_client.post(reverse(LIST), chosen, follow=True).content.decode()
    assert "1 are cancelled" in page
    waiting.refresh_from_db()
    assert (waiting.status, waiting.error) == (Status.FINISHED, "execution cancelled: by an operator")
    ended.refresh_from_db()
    assert ended.outcome == "ok"
    viewer = django_user_model.objects.create_user("viewer", password="x", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_execution"))
    admin_client.force_login(viewer)
    (waiting,) = queue(python, 1)
    admin_client.post(reverse(LIST), chosen | {"_selected_action": [str(waiting.pk)]}, follow=True)
    waiting.refresh_from_db()
    assert waiting.cancel_cause is None
