"""The admin shows executions, read-only and readably, and stays quick when there are many."""

from __future__ import annotations

import re
import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from clients.models import Client as Tenant
from dispatch.testing import FakeBackend
from executions import admin as executions_admin
from executions.grading.asked import Grading
from executions.grading.asked import Test as AskedTest
from executions.jobs import without_contents
from executions.models import Execution, Status
from executions.results import recorded
from languages.models import Language
from languages.programs import RUN
from rest.ids import first_at, uuid7
from sandbox.types import Outcome as StepOutcome
from tests.backlog_lab import queue
from tests.fake_backend import ran

LIST = "admin:executions_execution_changelist"


def make(**fields: Any) -> Execution:
    now = timezone.now()
    base = {"status": "finished", "outcome": "ok", "exit_code": 0, "language_slug": "python"}
    return Execution.objects.create(**(base | {"created_at": now, "started_at": now, "finished_at": now} | fields))


def artifact(name: str, **fields: Any) -> dict[str, Any]:
    empty = dict.fromkeys(("sha256", "content", "file", "skipped"))
    return {"name": name, "bytes": 1, "media_type": "text/plain"} | empty | fields


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
    assert 'print</span>(<span class="gexec-s">&#x27;&lt;b&gt;&#x27;</span>)' in page
    assert r'hé \x00<span class="gexec-fg-1">\xff&lt;script&gt;</span>' in page
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


def test_those_of_a_door_are_found(admin_client: Client) -> None:
    piston, bad, other = make(door="piston"), make(door="piston", outcome="nonzero_exit", exit_code=1), make()
    page = admin_client.get(reverse(LIST), {"door": "piston", "outcome__exact": "ok"}).content.decode()
    assert str(piston.pk) in page
    assert str(bad.pk) not in page
    assert str(other.pk) not in page
    assert "Piston" in page_of(admin_client, piston)


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


@pytest.mark.parametrize(
    "query",
    ["status__exact=finished", "client_id=platform", "door=cellar", "created_at__gte=yesterday", "created_at__lt=9"],
)
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


def test_a_program_of_several_files_with_several_runs_is_all_there(admin_client: Client) -> None:
    tenant = Tenant.objects.create(name="platform")
    runs = [replace(ran(f"<{number}>".encode()), name=f"{RUN}/{number}" if number else RUN) for number in range(3)]
    runs[1] = replace(runs[1], outcome=StepOutcome.NONZERO_EXIT, exit_code=7)
    limits = {"wall_ms": 60_000, "memory_bytes": 128 << 20}
    row = make(
        outcome="nonzero_exit",
        exit_code=7,
        source="import lib\n",
        **recorded(runs),
        job={
            "entrypoint": "main.py",
            "files": [
                {"name": "main.py", "content": {"column": "source"}, "executable": False},
                {"name": "lib/<x>.py", "content": {"text": "answer = 42\n"}, "executable": False},
                {"name": "data.bin", "content": {"file": "sha256:abc"}, "executable": False},
            ],
            "steps": [
                {"name": run.name, "argv": ["python"], "environment": {"MODE": "fast"}, "limits": limits}
                for run in runs
            ],
            "limits": {"cpu_ms": 2_000, "capped": ["cpu_ms"]},
        },
        wall_ms=5,
        cpu_ms=4,
        artifacts=[
            artifact("out/plot.png", sha256="12ab", content={}),
            artifact("link", skipped="not_regular"),
        ],
        client_id=tenant.pk,
        door="api",
        attempt=2,
        tags={"interview": "<42>"},
        batch_id=uuid.UUID(int=7),
        webhook_url="https://hooks.example.org/",
    )
    page = page_of(admin_client, row)
    for shown in (
        "main.py</code> · is run",
        "lib/&lt;x&gt;.py",
        "answer = 42",
        "a stored file: sha256:abc",
        "MODE=fast",
        "&lt;1&gt;",
        "4 ms of 2000 ms",
        "capped for its client",
        "sha256:12ab",
        "not taken: not regular",
        f'<a href="{reverse("admin:clients_client_change", args=[tenant.pk])}">platform</a>',
        "<dt>tag interview</dt><dd>&lt;42&gt;</dd>",
        "<dt>attempt</dt><dd>2</dd>",
        str(uuid.UUID(int=7)),
        "https://hooks.example.org/",
    ):
        assert shown in page, shown
    assert page.count("<td>5 ms</td>") == 3
    assert "&lt;0&gt;" not in page


def test_tests_are_shown_with_what_came_and_what_was_expected(admin_client: Client) -> None:
    asked = (
        AskedTest("sample", {"text": "1 2"}, expected={"text": "<3>"}, points=2, group="easy"),
        AskedTest("secret", {"text": "5 5"}, expected={"file": "sha256:big"}, hidden=True),
        AskedTest("never", {"text": ""}),
    )
    marks = ("wrong_answer", "signal", "skipped")
    told = [{"name": test.name, "verdict": mark, "points": 0} for test, mark in zip(asked, marks, strict=True)]
    told[0] |= {"first_difference": {"line": 1, "column": 1, "expected": "<3>", "actual": "<4>"}}
    told[1] |= {"checker_message": "", "first_difference": None}
    steps = [
        replace(ran(b"<4>"), name="test/0"),
        replace(ran(b"", StepOutcome.SIGNAL, signal=11), name="test/1"),
    ]
    row = make(
        outcome="signal",
        exit_code=None,
        verdict="wrong_answer",
        score={"passed": 0, "total": 3, "points": 0, "max_points": 4, "groups": {}},
        tests=told,
        job={"files": [], "steps": [{"name": RUN, "limits": {}}], "grading": Grading(asked).to_json()},
        **recorded(steps),
    )
    page = page_of(admin_client, row)
    for shown in (
        "0 of 3 passed",
        "sample (easy)",
        "secret (hidden)",
        "0 of 2",
        "line 1, column 1: “&lt;3&gt;” was expected, “&lt;4&gt;” came",
        ">1 2</pre>",
        ">&lt;4&gt;</pre>",
        "a stored file: sha256:big",
        "killed by SIGSEGV",
        "skipped",
    ):
        assert shown in page, shown
    listed = admin_client.get(reverse(LIST)).content.decode()
    assert "wrong answer" in listed


def test_tests_that_still_wait_for_their_turn_have_a_page(admin_client: Client) -> None:
    grading = Grading((AskedTest("sample", {"text": ""}),)).to_json()
    row = make(
        status="queued", outcome="", exit_code=None, started_at=None, finished_at=None, background=True,
        job={"files": [], "steps": [{"name": RUN, "limits": {}}], "grading": grading},
    )  # fmt: skip
    assert "not yet" in page_of(admin_client, row)


def test_what_its_client_did_not_want_kept_is_said_to_be_missing(admin_client: Client) -> None:
    row = make(
        store="nothing", **recorded([ran(b"")]), job=without_contents({"grading": {"report": "full", "tests": []}})
    )
    assert "not kept: its client asked for that" in page_of(admin_client, row)


def test_executions_are_found_by_their_client(admin_client: Client) -> None:
    one, other = (Tenant.objects.create(name=name) for name in ("platform", "school"))
    mine, theirs, nobodys = make(client_id=one.pk), make(client_id=other.pk), make(client_address="192.0.2.7")
    every = admin_client.get(reverse(LIST)).content.decode()
    assert f'<td class="field-who">{one.name}</td>' in every
    assert '<td class="field-who">192.0.2.7</td>' in every
    address = f"{reverse(LIST)}?client_id={one.pk}"
    page = admin_client.get(address).content.decode()
    assert [str(row.pk) in page for row in (mine, theirs, nobodys)] == [True, False, False]
    assert address in admin_client.get(reverse("admin:clients_client_change", args=[one.pk])).content.decode()
    page = admin_client.get(f"{address}&outcome__exact=timeout_cpu&language_slug=python").content.decode()
    assert str(mine.pk) not in page


def test_a_client_that_is_not_offered_is_found_all_the_same(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("executions.admin_filters.OFFERED_CLIENTS", 1)
    one, other = (Tenant.objects.create(name=name) for name in ("platform", "school"))
    row = make(client_id=other.pk)
    assert f"client_id={other.pk}" not in admin_client.get(reverse(LIST)).content.decode()
    page = admin_client.get(reverse(LIST), {"client_id": str(other.pk)}).content.decode()
    assert str(row.pk) in page
    assert ">school</a>" in page
    assert one.name in page


@pytest.mark.parametrize("asked", ["whole", "no dashes", "beginning", "as listed"])
def test_search_finds_what_the_list_shows(admin_client: Client, asked: str) -> None:
    row, other = make(id=uuid7()), make(id=uuid.UUID(int=uuid7().int + (1 << 110)))
    text = str(row.pk)
    wanted = {
        "whole": text.upper(),
        "no dashes": text.replace("-", ""),
        "beginning": text[:13],
        "as listed": f"{text[:8]}…{text[-6:]}",
    }
    page = admin_client.get(reverse(LIST), {"q": wanted[asked]}).content.decode()
    assert str(row.pk) in page
    assert str(other.pk) not in page


@pytest.mark.parametrize("asked", ["0199", "%%%%%%%%", "…abcdef", "01a21caa…%", "x" * 40, "0" * 33])
def test_what_is_no_id_is_not_looked_for(admin_client: Client, asked: str) -> None:
    page = admin_client.get(reverse(LIST), {"q": asked}).content.decode()
    assert "That is no execution id." in page


def test_the_list_says_why_something_was_refused(admin_client: Client) -> None:
    make(status="rejected", outcome="", exit_code=None, started_at=None, error="<b>\u202eno\nmore")
    page = admin_client.get(reverse(LIST)).content.decode()
    assert r'rejected</span> <span class="gexec-why">&lt;b&gt;\u202eno</span>' in page


def test_hidden_characters_are_seen_everywhere(admin_client: Client) -> None:
    hidden = "\u202e\u2066\ufeff"
    row = make(
        outcome="timeout_wall",
        exit_code=137,
        source=f"print(1) # {hidden}",
        error=f"time {hidden}",
        tags={f"name{hidden}": f"value{hidden}"},
        webhook_url=f"https://example.org/{hidden}",
        language_version=hidden,
        job={
            "files": [{"name": f"a{hidden}.py", "content": {"column": "source"}, "executable": False}],
            "steps": [
                {
                    "name": "run",
                    "argv": ["x", hidden],
                    "environment": {"A": hidden},
                    "stdin": {"text": ""},
                    "limits": {},
                }
            ],
        },
        **recorded([ran(hidden.encode(), stderr=hidden.encode())]),
        artifacts=[artifact(f"out{hidden}", media_type=hidden)],
    )
    for url in (
        reverse("admin:executions_execution_change", args=[row.pk]),
        reverse("admin:executions_execution_json", args=[row.pk]),
        reverse(LIST),
    ):
        assert not set(hidden) & set(admin_client.get(url).content.decode()), url


def test_states_are_told_for_the_list(admin_client: Client, python: Language) -> None:
    (waiting,), ended = queue(python, 1), make(outcome="nonzero_exit", exit_code=3)
    url = reverse("admin:executions_execution_states")
    answer = admin_client.get(url, {"id": [str(waiting.pk), str(ended.pk), "no id", str(uuid.UUID(int=3))]})
    told = answer.json()
    assert set(told) == {str(waiting.pk), str(ended.pk)}
    assert told[str(waiting.pk)]["open"]
    assert f'data-open="{waiting.pk}"' in told[str(waiting.pk)]["cells"]["ending"]
    assert not told[str(ended.pk)]["open"]
    assert "exit code 3" in told[str(ended.pk)]["cells"]["ending"]
    assert "no-store" in answer.headers["Cache-Control"]


def test_bytes_are_saved_as_they_are(admin_client: Client) -> None:
    row = make(source="print(1)", **recorded([ran(b"<script>\x1b[31m\xff")]))
    answer = admin_client.get(reverse("admin:executions_execution_raw", args=[row.pk, "stdout"]))
    assert answer.content == b"<script>\x1b[31m\xff"
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{row.pk}-stdout.txt"'
    for what in ("stderr", "job"):
        assert admin_client.get(f"/admin/executions/execution/{row.pk}/raw/{what}/").status_code == 404


def test_neighbours_are_those_of_the_list_and_of_the_client(admin_client: Client) -> None:
    tenant = Tenant.objects.create(name="School")
    rows = [make(id=uuid7(), language_slug=slug, client_id=tenant.pk if slug == "go" else None)
            for slug in ("python", "go", "python", "go", "python")]  # fmt: skip
    url = reverse("admin:executions_execution_change", args=[rows[2].pk])

    def leads_to(page: str, text: str) -> str:
        found = re.search(rf'href="[^"]*/execution/([0-9a-f-]*)/change/[^"]*">{text}</a>', page)
        return found[1] if found else ""

    plain = admin_client.get(url).content.decode()
    assert (leads_to(plain, "Newer in the list"), leads_to(plain, "Older in the list")) == (
        str(rows[3].pk), str(rows[1].pk),
    )  # fmt: skip
    filtered = admin_client.get(url, {"_changelist_filters": "language_slug=python&o=1"}).content.decode()
    assert (leads_to(filtered, "Newer in the list"), leads_to(filtered, "Older in the list")) == (
        str(rows[4].pk), str(rows[0].pk),
    )  # fmt: skip
    assert "_changelist_filters=language_slug%3Dpython%26o%3D1" in filtered
    of_client = admin_client.get(reverse("admin:executions_execution_change", args=[rows[3].pk])).content.decode()
    assert leads_to(of_client, "Older of its client") == str(rows[1].pk)
    assert leads_to(of_client, "Newer of its client") == ""
    bad = admin_client.get(url, {"_changelist_filters": "door=cellar"})
    assert bad.status_code == 200


def test_a_compile_error_is_what_is_seen_first(admin_client: Client) -> None:
    step = replace(ran(b"", StepOutcome.NONZERO_EXIT, stderr=b"main.go:1: no\n", exit_code=1), name="compile")
    page = page_of(admin_client, make(outcome="compile_error", exit_code=1, source="x", **recorded([step])))
    assert page.index("main.go:1: no") < page.index("gexec-code")
    assert ">Output<" not in page
