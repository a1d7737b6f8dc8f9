"""docs/grafana.json and docs/alerts.yml ask for metrics that there are, over several processes and restarts."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from testkit.databases import create_database, database_url
from testkit.servers import PROJECT, RunningServer, clean_environment, start_server
from testkit.waiting import eventually

DASHBOARD = PROJECT / "docs" / "grafana.json"
ALERTS = PROJECT / "docs" / "alerts.yml"
NAME = re.compile(r"\bgexec_[a-z0-9_]+\b")
PROGRAM = {"language": "python", "source_code": "print(1)"}
HEADERS = {"Content-Type": "application/json"}


def promtool() -> str | None:
    """Debian's package of Prometheus has it; scripts/bootstrap puts it beside Python."""
    return shutil.which("promtool", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")


@pytest.fixture(scope="module")
def running(prepared_postgres: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Two processes that have run programs, refused some, and were started again."""
    create_database(prepared_postgres, "monitoring", "gexec")
    environment = clean_environment(DATABASE_URL=database_url(prepared_postgres, "monitoring"), GEXEC_WORKERS="2")
    data_dir = tmp_path_factory.mktemp("monitoring") / "data"
    before = start_server(data_dir, environment)
    try:
        before.wait_ready()
        use(before)
    finally:
        before.stop()
    again = start_server(data_dir, environment)
    try:
        again.wait_ready()
        yield again
    finally:
        again.stop()


def use(server: RunningServer) -> None:
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: server.execute("print(1)").status, range(8)))
    assert answers == [200] * 8
    for _ in range(3):
        assert server.execute("x", "no language").status == 400
    accepted = server.request("/api/v1/executions", PROGRAM | {"wait": False}, headers=HEADERS)
    assert accepted.status == 202
    eventually(lambda: scraped(server).get(("gexec_execution_run_seconds_count", "python")) == 9, within_s=60)


def scraped(server: RunningServer) -> dict[tuple[str, ...], float]:
    """Each sample by its name and the values of its labels."""
    text = server.request("/metrics", headers={"Accept": "text/plain"}).body.decode()
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_what_was_before_a_restart_is_counted(running: RunningServer) -> None:
    found = scraped(running)
    assert found["gexec_refusals_total", "unsupported_language"] == 3
    assert found["gexec_leases_total",] == 9
    assert found["gexec_execution_start_seconds_count",] == 9
    assert found["gexec_execution_total_seconds_count",] == 9
    assert found["gexec_execution_queue_seconds_count",] == 9
    assert found["gexec_execution_run_seconds_count", "python"] == 9
    assert found["gexec_execution_total_seconds_sum",] > found["gexec_execution_run_seconds_sum", "python"] > 0
    assert found["gexec_containers_started_total",] >= 9
    assert found["gexec_cpu_seconds_total", "python"] > 0


def test_every_process_tells_of_all(running: RunningServer) -> None:
    eventually(lambda: scraped(running)["gexec_processes",] == 2, within_s=60)
    before = scraped(running)["gexec_refusals_total", "unsupported_language"]
    for _ in range(6):
        running.execute("x", "no language")
    # Whichever process answers: no number goes back, and all is told a few seconds later.
    seen = [before]

    def all_are_told() -> bool:
        seen.append(scraped(running)["gexec_refusals_total", "unsupported_language"])
        return seen[-1] == before + 6

    eventually(all_are_told, within_s=60)
    assert seen == sorted(seen)
    found = scraped(running)
    slots = int(running.environment.get("GEXEC_SLOTS", 0)) or 2 * (os.cpu_count() or 1)
    assert found["gexec_slots",] == slots, "the slots of a host are counted once for each of its processes"


def test_what_dashboard_and_alerts_ask_for_is_there(running: RunningServer) -> None:
    # What has labels is there from its first event on.
    first_events = {"gexec_container_start_failures_total", "gexec_webhook_attempts_total"}
    there = {name for name, *_ in scraped(running)} | first_events
    asked = names_in(expressions(json.loads(DASHBOARD.read_text()))) | names_in([ALERTS.read_text()])
    assert asked
    assert asked - there == set()
    # And what there is, somebody looks at, but for what stands beside it.
    beside = {"gexec_requests_total", "gexec_errors_total", "gexec_waiting", "gexec_unkept_bytes_today"}
    beside |= {"gexec_callers_over_storage"}
    unseen = {re.sub(r"_(bucket|sum|count|created)$", "", name) for name in there} - {
        re.sub(r"_(bucket|sum|count|created)$", "", name) for name in asked
    }
    assert unseen <= beside


def names_in(texts: Any) -> set[str]:
    return {name for text in texts for name in NAME.findall(text)}


def expressions(node: Any) -> Iterator[str]:
    """Every query of a dashboard."""
    if isinstance(node, dict):
        yield from (value for key, value in node.items() if key in {"expr", "definition"})
        node = list(node.values())
    if isinstance(node, list):
        for each in node:
            yield from expressions(each)


def test_the_dashboard_is_one_that_grafana_can_draw() -> None:
    dashboard = json.loads(DASHBOARD.read_text())
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        assert panel["type"] == "row" or all(target["expr"] for target in panel["targets"])
        assert all(target["expr"].count("(") == target["expr"].count(")") for target in panel.get("targets", ()))


@pytest.mark.skipif(promtool() is None, reason="promtool is not there (apt-get install prometheus)")
def test_promtool_takes_the_rules_the_queries_and_the_metrics(running: RunningServer, tmp_path: Path) -> None:
    tool = str(promtool())
    checked = subprocess.run([tool, "check", "rules", str(ALERTS)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    # A query that cannot be read is a rule that cannot be.
    rules = [
        {"record": f"query{number}", "expr": query.replace("$__rate_interval", "1m").replace("$job", ".*")}
        for number, query in enumerate(expressions(json.loads(DASHBOARD.read_text())))
        if not query.startswith("label_values")
    ]
    file = tmp_path / "queries.yml"
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    read = subprocess.run([tool, "check", "rules", str(file)], capture_output=True, text=True, check=False)
    assert read.returncode == 0, read.stdout + read.stderr
    text = running.request("/metrics", headers={"Accept": "text/plain"}).body
    linted = subprocess.run([tool, "check", "metrics"], input=text, capture_output=True, check=False)
    assert linted.returncode == 0, linted.stderr.decode()
