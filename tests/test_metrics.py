"""GET /metrics counts from the execution rows, exactly, and speaks Prometheus where asked."""

from __future__ import annotations

import json
import re
import threading

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families as text_families

from dispatch.testing import FakeBackend
from executions.models import Execution, ExecutionTotal, Status
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
    assert ExecutionTotal.objects.count() <= 64 * 4


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


@pytest.mark.parametrize("accept", ["*/*", "application/json", "text/html,*/*", ""])
def test_json_for_everybody_else(db: None, accept: str) -> None:
    assert Client(headers={"accept": accept}).get("/metrics")["Content-Type"] == "application/json"
