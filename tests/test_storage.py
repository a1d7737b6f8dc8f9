"""What one caller may have stored in a day is bounded; its answers, and the rows themselves, are not touched by it."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from prometheus_client.parser import text_string_to_metric_families
from pytest_django.fixtures import Settings

from clients.authentication import create
from dispatch.testing import FakeBackend
from executions import storage
from executions.jobs import brought_by
from executions.models import CallerStorage, Execution, Status
from executions.results import step_in
from languages.models import Language
from languages.options import MIB
from sandbox.errors import PoolBusy
from sandbox.types import Artifact, JobResult
from tests.fake_backend import ran, result

OUTPUT = "x" * (MIB // 2)
"""Two of them, with a source each, are more than the share."""

pytestmark = pytest.mark.usefixtures("rate_limit_off", "shares")


@pytest.fixture
def shares(settings: Settings, python: Language, fake_backend: FakeBackend) -> None:
    """A megabyte a day for an address, two for a key; every program prints half of one."""
    settings.GEXEC_STORAGE_MB_PER_DAY, settings.GEXEC_KEY_STORAGE_MB_PER_DAY = 1, 2
    fake_backend.behave = lambda _job: result(ran(OUTPUT.encode()))


def execute(address: str = "192.0.2.1", source: str = "print('x' * 524288)", **meta: Any) -> Execution:
    """The row of a program that is answered in full."""
    body = json.dumps({"language": "python", "source_code": source})
    response = Client(REMOTE_ADDR=address, **meta).post("/execute", body, "application/json")
    if response.status_code == 200:
        assert json.loads(response.getvalue()) == {"stdout": OUTPUT, "stderr": "", "exit_code": 0, "error": ""}
    return Execution.objects.get(pk=response["X-Execution-Id"])


def is_kept(row: Execution) -> bool:
    """Whether all of it is there; else nothing of it is, and the row says so."""
    run = step_in(row, "run")
    assert run is not None
    if row.unkept_bytes is None:
        assert (row.source, run.stdout.decode(), run.stdout_truncated) == ("print('x' * 524288)", OUTPUT, False)
        return True
    assert row.unkept_bytes == len("print('x' * 524288)") + len(OUTPUT)
    assert (row.source, bytes(row.output), run.stdout, run.stdout_truncated) == ("", b"", b"", True)
    assert (row.status, row.outcome, row.exit_code, row.wall_ms) == (Status.FINISHED, "ok", 0, 5.0)
    return False


def test_beyond_its_share_a_caller_is_answered_and_its_rows_are_kept_without_contents() -> None:
    assert [is_kept(execute()) for _ in range(3)] == [True, False, False]
    assert is_kept(execute("192.0.2.2"))


def test_a_network_of_ipv6_is_one_caller_and_a_key_has_a_share_of_its_own() -> None:
    assert [is_kept(execute(f"2001:db8::{number}")) for number in (1, 2)] == [True, False]
    assert is_kept(execute("2001:db8:0:1::1"))
    key = {"HTTP_AUTHORIZATION": f"Api-Key {create('platform')}"}
    kept = [is_kept(execute(f"192.0.2.{number}", **key)) for number in range(5)]
    assert kept == [True, True, True, False, False]


def test_the_next_day_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [is_kept(execute()) for _ in range(2)] == [True, False]
    tomorrow = storage._day() + timedelta(days=1)
    monkeypatch.setattr(storage, "_day", lambda: tomorrow)
    assert [is_kept(execute()) for _ in range(2)] == [True, False]


@pytest.mark.parametrize("name", ["GEXEC_STORAGE_MB_PER_DAY", "GEXEC_KEY_STORAGE_MB_PER_DAY"])
def test_zero_keeps_everything(settings: Settings, name: str) -> None:
    setattr(settings, name, 0)
    key = {"HTTP_AUTHORIZATION": f"Api-Key {create('platform')}"} if "KEY" in name else {}
    assert all(is_kept(execute(**key)) for _ in range(5))


def test_a_program_that_never_got_its_turn_counts_too(fake_backend: FakeBackend) -> None:
    fake_backend.warm, fake_backend.refuse = False, PoolBusy("full", retry_after_s=1)
    rows = [execute(source="#" * 200_000) for _ in range(6)]
    assert [len(row.source) for row in rows] == [200_000] * 5 + [0]
    assert (rows[5].status, rows[5].unkept_bytes, rows[5].steps) == (Status.REJECTED, 200_000, [])


@pytest.mark.usefixtures("transactional_db")
def test_programs_that_end_at_once_are_counted_exactly(settings: Settings, fake_backend: FakeBackend) -> None:
    printed = b"y" * (MIB // 10 - 1)
    fake_backend.behave = lambda _job: result(ran(printed))
    body = json.dumps({"language": "python", "source_code": "1"})

    def work() -> None:
        for _ in range(5):
            Client(REMOTE_ADDR="192.0.2.1").post("/execute", body, "application/json")
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Execution.objects.filter(unkept_bytes=None).count() == 10
    counter = CallerStorage.objects.get()
    assert (counter.caller, counter.executions) == ("address 192.0.2.1", 20)
    assert counter.kept_bytes == counter.unkept_bytes == 10 * (MIB // 10)


def test_it_costs_a_request_one_statement_and_no_look_at_other_rows(settings: Settings) -> None:
    settings.GEXEC_STORAGE_MB_PER_DAY = 10
    execute()
    with CaptureQueriesContext(connection) as asked:
        execute()
    of_storage = [query["sql"] for query in asked if "callerstorage" in query["sql"]]
    assert len(of_storage) == 1
    assert "executions_execution" not in of_storage[0]
    assert not [query["sql"] for query in asked if "SUM(" in query["sql"].upper()]


def test_the_page_of_an_execution_says_what_is_not_there(admin_client: Client) -> None:
    rows = [execute(), execute()]
    pages = [
        admin_client.get(reverse("admin:executions_execution_change", args=[row.pk])).content.decode() for row in rows
    ]
    sentence = "not kept: its caller's share of the day was used up"
    # In the place of the program, and of what it printed.
    assert [page.count(sentence) for page in pages] == [0, 2]
    assert "cut at the output limit" not in pages[1]
    assert "source, input and output of 512.0 KiB" in pages[1]


LIST = "admin:executions_callerstorage_changelist"


def test_the_operator_sees_who_stores_how_much(admin_client: Client) -> None:
    execute("192.0.2.7")
    execute("192.0.2.7")
    execute(HTTP_AUTHORIZATION=f"Api-Key {create('platform')}")
    CallerStorage.objects.create(
        day=storage._day() - timedelta(days=1), caller="address 192.0.2.99", executions=7, kept_bytes=1, unkept_bytes=0
    )
    page = admin_client.get(reverse(LIST)).content.decode()
    assert "address 192.0.2.7" in page
    assert "(platform)" in page
    assert page.count("512.0 KiB") == 3
    assert "192.0.2.99" not in page
    yesterday = admin_client.get(reverse(LIST), {"day": str(storage._day() - timedelta(days=1))}).content.decode()
    assert "192.0.2.99" in yesterday
    assert "192.0.2.7" not in yesterday
    assert admin_client.get(reverse(LIST), {"day": "soon"}).status_code == 200
    assert admin_client.get(reverse(LIST), {"caller": "x"}).status_code == 400


def test_nothing_can_be_changed_there(admin_client: Client) -> None:
    execute()
    row = CallerStorage.objects.get()
    for view, args in (("add", []), ("change", [row.pk]), ("delete", [row.pk])):
        url = reverse(f"admin:executions_callerstorage_{view}", args=args)
        assert admin_client.post(url, {"kept_bytes": 0}).status_code == 403


def test_prometheus_has_the_sums() -> None:
    for _ in range(3):
        execute()
    text = Client(headers={"accept": "text/plain"}).get("/metrics").content.decode()
    samples = {each.name: each.value for family in text_string_to_metric_families(text) for each in family.samples}
    size = len("print('x' * 524288)") + len(OUTPUT)
    assert samples["gexec_stored_bytes_today"] == size
    assert samples["gexec_unkept_bytes_today"] == 2 * size
    assert samples["gexec_callers_over_storage"] == 1
    assert samples["gexec_executions_disk_bytes"] > 0


def test_counters_of_long_ago_are_forgotten() -> None:
    ages = (0, storage.KEPT_DAYS, storage.KEPT_DAYS + 1)
    days = [storage._day() - timedelta(days=age) for age in ages]
    for day in days:
        CallerStorage.objects.create(day=day, caller="key x", executions=1, kept_bytes=1, unkept_bytes=0)
    storage.forget_old(threading.Event())
    assert _days() == set(days[:2])


def test_counters_of_a_flood_are_forgotten_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "_FORGOTTEN_AT_ONCE", 2)
    day = storage._day() - timedelta(days=storage.KEPT_DAYS + 1)
    counters = {"day": day, "executions": 1, "kept_bytes": 1, "unkept_bytes": 0}
    CallerStorage.objects.bulk_create(CallerStorage(caller=f"key {number}", **counters) for number in range(7))
    assert storage.forget_old(Turns(2)) == 4
    assert storage.forget_old(threading.Event()) == 3
    assert not CallerStorage.objects.exists()


class Turns(threading.Event):
    """Set once it was asked so often."""

    def __init__(self, left: int) -> None:
        super().__init__()
        self.left = left

    def is_set(self) -> bool:
        self.left -= 1
        return self.left < 0


def _days() -> set[date]:
    return set(CallerStorage.objects.values_list("day", flat=True))


def test_a_crash_of_the_database_costs_no_write_ahead_log() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relpersistence FROM pg_class WHERE relname = 'executions_callerstorage'")
        assert cursor.fetchone() == ("u",)


@pytest.mark.parametrize("what", ["args of tests", "args of runs", "variables", "names of artifacts", "messages"])
def test_nothing_large_that_a_caller_decides_about_is_kept_beyond_its_share(
    what: str, fake_backend: FakeBackend
) -> None:
    """By every way into a row: half a megabyte each, of a share of one."""
    long_names = tuple(Artifact(f"{'d/' * 20}{'x' * 250}{number}", 1, None, "too_large") for number in range(2000))
    found = long_names if what == "names of artifacts" else ()
    fake_backend.behave = lambda job: JobResult(tuple(replace(ran(b"a"), name=step.name) for step in job.steps), found)
    ways: dict[str, dict[str, Any]] = {
        "args of tests": {"tests": [{"args": ["x" * 4000] * 13}] * 10},
        "args of runs": {"args": ["x" * 16_000] * 2, "repeat": 20},
        "variables": {"env": {f"A{number}": "x" * 16_000 for number in range(2)}, "repeat": 20},
        "names of artifacts": {"artifacts": {"paths": ["**"]}},
        "messages": {"tests": [{"expected_stdout": "é" * 200}] * 500, "grading": {"compare": "exact"}},
    }
    body = {"language": "python", "source_code": "1"} | ways[what]
    for _ in range(3):
        assert Client().post("/api/v1/executions", json.dumps(body), "application/json").status_code == 200
    first, *_, last = Execution.objects.order_by("id")
    assert first.unkept_bytes is None
    assert last.unkept_bytes
    assert sum(len(json.dumps(value)) for value in (last.job, last.artifacts, last.steps)) < 200_000
    assert not any(each["first_difference"] for each in last.tests or ())


def test_what_is_counted_are_bytes() -> None:
    rocket = {"content": {"text": "\N{ROCKET}"}}
    assert brought_by({"files": [rocket]}) == 4
    assert brought_by({"files": [], "steps": [{"argv": ["\N{ROCKET}" * 2000], "environment": {}}]}) == 8000 - 4096
