"""GET /metrics counts from the execution rows, exactly, and speaks Prometheus where asked."""

from __future__ import annotations

import json
import re
import threading

import pytest
from django.db import OperationalError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families as text_families

from dispatch.testing import FakeBackend
from executions.models import Execution, ExecutionTotal, Status
from executions.seed import metrics
from languages.models import Language
from sandbox.errors import PoolBusy
from sandbox.types import Outcome
from tests.fake_backend import ran, result

pytestmark = pytest.mark.usefixtures("rate_limit_off")


def execute(language: str = "python") -> None:
    Client().post("/execute", json.dumps({"language": language, "source_code": "x"}), "application/json")


def totals() -> tuple[int, int]:
    answer = Client().get("/metrics").json()
    assert set(answer) == {"total_requests", "total_errors"}
    return answer["total_requests"], answer["total_errors"]


def from_rows() -> tuple[int, int]:
    return Execution.objects.count(), Execution.objects.exclude(error="").count()


def test_nothing_yet(db: None) -> None:
    response = Client().get("/metrics")
    assert response.content == b'{"total_requests":0,"total_errors":0}'


def test_every_kind_of_request_is_counted(python: Language, fake_backend: FakeBackend) -> None:
    execute()
    execute("ruby")
    Client().post("/execute", "{", "application/json")
    fake_backend.behave = lambda _job: result(ran(b"", Outcome.NONZERO_EXIT, exit_code=1))
    execute()
    fake_backend.behave = lambda _job: result(ran(b"", Outcome.TIMEOUT_WALL, signal=9))
    execute()
    fake_backend.refuse = PoolBusy("full", retry_after_s=1)
    execute()
    Client().get("/execute")
    assert totals() == from_rows() == (6, 4)


@pytest.mark.usefixtures("transactional_db")
def test_totals_are_exact_when_rows_are_written_at_once(python: Language, fake_backend: FakeBackend) -> None:
    def work() -> None:
        for _ in range(10):
            execute()
            execute("ruby")
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert totals() == from_rows() == (160, 80)


@pytest.mark.usefixtures("transactional_db")
def test_what_is_rolled_back_is_not_counted(python: Language, fake_backend: FakeBackend) -> None:
    with transaction.atomic():
        execute()
        transaction.set_rollback(True)
    assert totals() == from_rows() == (0, 0)


def test_rows_that_are_deleted_stay_counted(python: Language, fake_backend: FakeBackend) -> None:
    execute()
    Execution.objects.all().delete()
    assert totals() == (1, 0)


@pytest.mark.parametrize("accept", ["application/json", "text/plain"])
def test_totals_need_no_scan_of_the_rows(python: Language, fake_backend: FakeBackend, accept: str) -> None:
    execute()
    with CaptureQueriesContext(connection) as asked:
        assert Client(headers={"accept": accept}).get("/metrics").status_code == 200
    scanned = {name for query in asked.captured_queries for name in tables_scanned(query["sql"])}
    assert ExecutionTotal._meta.db_table in scanned
    assert Execution._meta.db_table not in scanned


def tables_scanned(query: str) -> list[str]:
    """The tables that a query reads, by the database's own plan."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {query}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    return re.findall(r"(?:Scan|Scan using \S+|Scan Backward using \S+) on (\S+)", plan)


@pytest.mark.parametrize(
    "accept",
    [
        "text/plain",
        "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
        "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
    ],
)
def test_prometheus_text(python: Language, fake_backend: FakeBackend, accept: str) -> None:
    execute()
    execute("ruby")
    response = Client(headers={"accept": accept}).get("/metrics")
    assert response["Content-Type"].startswith(accept.split(";", maxsplit=1)[0].split(",", maxsplit=1)[0])
    parse = openmetrics_families if "openmetrics" in accept else text_families
    samples = {
        (sample.name, sample.labels.get("outcome"), sample.labels.get("language")): sample.value
        for family in parse(response.content.decode())
        for sample in family.samples
    }
    assert samples["gexec_requests_total", None, None] == 2
    assert samples["gexec_errors_total", None, None] == 1
    assert samples["gexec_executions_total", "ok", "python"] == 1
    assert samples["gexec_executions_total", Status.REJECTED, ""] == 1
    assert samples["gexec_slots", None, None] == 4


JSON = "application/json"
TEXT = "text/plain; version=0.0.4; charset=utf-8"
NEWER_TEXT = "text/plain; version=1.0.0; charset=utf-8; escaping="
OPEN = "application/openmetrics-text; version=1.0.0; charset=utf-8"


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        # What Prometheus 3 and 2 send.
        (
            (
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
                "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
                "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
            ),
            f"{OPEN}; escaping=allow-utf-8",
        ),
        ("application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", TEXT),
        ("text/plain", TEXT),
        ("TEXT/Plain", TEXT),
        ("text/plain;q=0", JSON),
        ("text/plain;version=0.0.4", TEXT),
        ("text/plain;version=1.0.0", f"{NEWER_TEXT}underscores"),
        ("text/plain;version=1.0.0;escaping=dots", f"{NEWER_TEXT}dots"),
        ("application/openmetrics-text", OPEN),
        ("application/openmetrics-text;version=1.0.0", f"{OPEN}; escaping=underscores"),
        ("application/openmetrics-text;version=0.0.1", TEXT),
        ("text/plain;version=0.0.4,application/openmetrics-text", OPEN),
        ("text/plain;version=1.0.0,application/openmetrics-text", f"{NEWER_TEXT}underscores"),
        ("application/openmetrics-text;q=0.5,text/plain;q=0.9", TEXT),
        ("text/plain;q=0.5,application/openmetrics-text;q=0.9", OPEN),
        ("text/plain;version=0.0.4;q=1,*/*;q=0.1", TEXT),
        ("application/json;q=0.1,text/plain;q=0.5,*/*", TEXT),
        ("application/*;q=0.3,text/plain;q=0.5,*/*", TEXT),
        ("text/plain , */*;q=0.9", TEXT),
        ("application/json;q=0,text/plain;q=0.001", TEXT),
        # What axios and Angular send.
        ("application/json, text/plain, */*", JSON),
        ("application/json,text/plain;q=0.5", JSON),
        ("text/plain;q=0.5,application/json", JSON),
        ("text/html, text/plain , */*", JSON),
        ("*/*,text/plain", JSON),
        ("text/plain;q=much", JSON),
        ("text/plain;q=nan", JSON),
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        ("application/json", JSON),
        ("application/json;indent=4", JSON),
        ("application/*", JSON),
        ("text/*", JSON),
        ("text/html,*/*", JSON),
        ("text/html", JSON),
        ("image/png;q=0", JSON),
        ("text", JSON),
        (";,;=", JSON),
        ("x" * 10_000, JSON),
    ],
)
def test_the_format_is_the_one_that_is_asked_for(
    db: None, fake_backend: FakeBackend, accept: str | None, content_type: str
) -> None:
    response = Client(headers={} if accept is None else {"accept": accept}).get("/metrics")
    assert (response.status_code, response["Content-Type"]) == (200, content_type)
    if content_type == JSON:
        assert response.content == b'{"total_requests":0,"total_errors":0}'
    else:
        assert re.search(rb"^gexec_+requests_+total 0.0$", response.content, re.MULTILINE)
    assert response.content.endswith(b"# EOF\n") == content_type.startswith(OPEN)


def test_a_format_in_a_charset_that_there_is_not_is_not_asked_for(db: None, fake_backend: FakeBackend) -> None:
    assert Client(headers={"accept": "text/plain;a*=none'en'%41"}).get("/metrics")["Content-Type"] == JSON


def test_the_address_asks_for_no_format(db: None) -> None:
    assert Client().get("/metrics?format=prometheus")["Content-Type"] == JSON


def test_without_a_database_a_scraper_hears_so(
    fake_backend: FakeBackend, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(metrics, "counted_ever", fail)
    response = Client(headers={"accept": "text/plain"}).get("/metrics")
    assert (response.status_code, response["Content-Type"]) == (503, "application/json")
    assert response.json() == {"error": "the database is not available"}


@pytest.mark.django_db
@pytest.mark.parametrize("accept", ["application/json", "text/plain"])
def test_the_headers_tell_caches_that_the_answer_is_negotiated(accept: str, fake_backend: FakeBackend) -> None:
    headers = Client(headers={"accept": accept}).get("/metrics").headers
    assert headers["Vary"] == "Accept"
    assert headers["Allow"] == "GET, HEAD"
