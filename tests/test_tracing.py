"""OpenTelemetry: one trace from a request to the commit, as a collector gets it from a real server; off by default."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from testkit.servers import PROJECT, RunningServer, clean_environment
from testkit.waiting import eventually
from tests.conftest import StartServer

RUN = {"language": "python", "source_code": "print('words of the program')"}


class Collector:
    """Takes what is exported, as a collector of OpenTelemetry does."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.resources: list[Mapping[str, str]] = []
        self.raw = b""
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.take(self.path, body)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def take(self, path: str, body: bytes) -> None:
        assert path == "/v1/traces"
        self.raw += body
        for group in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.resources.append({each.key: each.value.string_value for each in group.resource.attributes})
            self.spans += [span for scope in group.scope_spans for span in scope.spans]

    def trace(self, trace_id: str) -> list[Span]:
        """Spans of one trace, in the order of their beginnings."""
        found = [span for span in self.spans if span.trace_id.hex() == trace_id]
        return sorted(found, key=lambda span: span.start_time_unix_nano)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.close()


def test_one_trace_from_the_request_to_the_commit(server: StartServer, collector: Collector) -> None:
    running = server(
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
        OTEL_BSP_SCHEDULE_DELAY="100",
        OTEL_RESOURCE_ATTRIBUTES="deployment.environment=test",
        GEXEC_LOG_JSON="true",
    )
    through_execute(running, collector)
    through_the_api(running, collector)
    in_the_background(running, collector)
    by_events(running, collector)
    with_a_traceparent_that_is_none(running)
    running.request("/execute?token=words-of-the-query", {"language": "none", "source_code": "x"})
    assert running.stop() == 0
    assert b"words of the program" not in collector.raw
    assert b"words-of-the-query" not in collector.raw
    assert {each["service.name"] for each in collector.resources} == {"gexec"}
    assert {each["deployment.environment"] for each in collector.resources} == {"test"}
    traced = [line for line in lines_of(running) if line["event"] == "execution finished"]
    assert {line["trace_id"] for line in traced} >= {"1" * 32, "2" * 32, "3" * 32, "4" * 32}


def through_execute(running: RunningServer, collector: Collector) -> None:
    assert running.request("/execute", RUN, headers=parent("1")).status == 200
    assert_whole(collector, "1", "POST /execute", within=("accept", "execution"))


def through_the_api(running: RunningServer, collector: Collector) -> None:
    headers = {**parent("2"), "Content-Type": "application/json"}
    assert running.request("/api/v1/executions", RUN, headers=headers).status in {200, 201}
    assert_whole(collector, "2", "POST /api/v1/executions", within=("accept", "execution"))


def in_the_background(running: RunningServer, collector: Collector) -> None:
    headers = {**parent("3"), "Content-Type": "application/json", "X-Request-Id": "background-3"}
    accepted = running.request("/api/v1/executions", {**RUN, "wait": False}, headers=headers)
    assert accepted.status == 202
    spans = assert_whole(collector, "3", "POST /api/v1/executions", within=("accept", "execution"))
    request, execution = spans["POST /api/v1/executions"], spans["execution"]
    assert execution.kind == Span.SPAN_KIND_CONSUMER
    assert attributes(execution)["gexec.execution"] == accepted.json()["id"]
    # The request was answered before: its trace goes on.
    assert execution.end_time_unix_nano > request.end_time_unix_nano
    told = [line for line in lines_of(running) if line.get("request_id") == "background-3"]
    events = [line["event"].removeprefix("execution ") for line in told]
    assert events == ["accepted", "queued", "started", "finished"]


def by_events(running: RunningServer, collector: Collector) -> None:
    headers = {**parent("4"), "Content-Type": "application/json", "Accept": "text/event-stream"}
    assert b"event: execution.finished" in running.request("/api/v1/executions", RUN, headers=headers).body
    assert_whole(collector, "4", "POST /api/v1/executions", within=("accept", "execution"))


def with_a_traceparent_that_is_none(running: RunningServer) -> None:
    for wrong in ("", "00-x", "00-" + "0" * 32 + "-" + "0" * 16 + "-01", "\xff", "a" * 5000):
        headers = {"traceparent": wrong, "tracestate": "b" * 5000}
        assert running.request("/ping", headers=headers).status == 200


def parent(digit: str) -> dict[str, str]:
    """Of a trace whose id is this digit alone."""
    return {"traceparent": f"00-{digit * 32}-{digit * 16}-01"}


def assert_whole(collector: Collector, digit: str, name: str, *, within: tuple[str, ...]) -> dict[str, Span]:
    """All that a run leaves is there, once, each a part of what it belongs to, and nothing of another trace."""
    wanted = {name, *within, "queue", "container", "program", "commit"}
    eventually(lambda: {span.name for span in collector.trace(digit * 32)} >= wanted, within_s=30)
    found = collector.trace(digit * 32)
    spans = {span.name: span for span in found}
    assert len(spans) == len(found) == len(wanted)
    assert spans[name].parent_span_id.hex() == digit * 16
    assert spans[name].kind == Span.SPAN_KIND_SERVER
    for part in within:
        assert spans[part].parent_span_id == spans[name].span_id
    for part in ("queue", "container", "program", "commit"):
        assert spans[part].parent_span_id == spans["execution"].span_id
    assert spans["queue"].end_time_unix_nano <= spans["container"].end_time_unix_nano
    assert spans["container"].end_time_unix_nano <= spans["program"].end_time_unix_nano
    assert spans["program"].end_time_unix_nano <= spans["commit"].end_time_unix_nano
    assert attributes(spans["execution"])["gexec.outcome"] == "ok"
    assert attributes(spans["program"])["gexec.outcome"] == "ok"
    return spans


def lines_of(running: RunningServer) -> list[dict[str, Any]]:
    """The log's, without what is said in plain words before the server serves."""
    return [json.loads(line) for line in running.log.splitlines() if line.startswith("{")]


def attributes(span: Span) -> dict[str, str]:
    return {each.key: each.value.string_value for each in span.attributes}


def test_by_default_no_library_of_traces_is_loaded() -> None:
    loads = (
        "import sys, django; django.setup(); import gexec.urls, serve.background; "
        "sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))"
    )
    environment = clean_environment(DJANGO_SETTINGS_MODULE="gexec.settings")
    done = subprocess.run([sys.executable, "-c", loads], cwd=PROJECT, env=environment, check=False)
    assert done.returncode == 0
