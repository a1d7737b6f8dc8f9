"""Traces by OpenTelemetry, sent by OTLP over HTTP. Loaded only where the environment names somewhere to send them to.

All else that OpenTelemetry's environment variables say (sampling, headers, batches, resource attributes) its SDK reads
by itself.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from rest import tracing

STOP_S = 3.0
"""Spans that are not sent by then are lost: a collector that is away keeps no server from stopping."""
_HEADERS = {"HTTP_TRACEPARENT": "traceparent", "HTTP_TRACESTATE": "tracestate"}
_LONGEST_TRACESTATE = 512
_NAMES = {
    "method": "http.request.method",
    "route": "http.route",
    "status": "http.response.status_code",
}
"""OpenTelemetry's own names for what it has one for; what is ours begins with gexec."""
_NS_A_MS = 1_000_000
_propagator = TraceContextTextMapPropagator()


class Telemetry:
    """rest.tracing's interface over OpenTelemetry's."""

    def __init__(self) -> None:
        self._provider = TracerProvider(resource=_resource(), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("gexec", settings.GEXEC_VERSION)

    def stop(self) -> None:
        """Send what there is, for a moment."""
        stopping = threading.Thread(target=self._provider.shutdown, name="traces", daemon=True)
        stopping.start()
        stopping.join(STOP_S)

    @contextmanager
    def request(self, environ: Mapping[str, Any]) -> Iterator[tracing.Span]:
        sent = {name: environ[header] for header, name in _HEADERS.items() if header in environ}
        if len(sent.get("tracestate", "")) > _LONGEST_TRACESTATE:
            del sent["tracestate"]
        # What goes on in the thread is a request of before, if anything: a trace begins here, or is its caller's.
        caller = _propagator.extract(sent, context=contexts.Context())
        with self._going_on("request", caller, trace.SpanKind.SERVER, {}) as span:
            yield span

    @contextmanager
    def part(self, name: str, *, of: str = "", **about: object) -> Iterator[tracing.Span]:
        kind, within = trace.SpanKind.INTERNAL, contexts.get_current()
        if of and not trace.get_current_span().get_span_context().is_valid:
            kind, within = trace.SpanKind.CONSUMER, _propagator.extract({"traceparent": of}, context=contexts.Context())
        with self._going_on(name, within, kind, about) as span:
            yield span

    def past(self, name: str, *, lasted_ms: float, ended_ms_ago: float = 0.0, **about: object) -> None:
        ended_ns = time.time_ns() - int(ended_ms_ago * _NS_A_MS)
        span = self._tracer.start_span(
            name, start_time=ended_ns - int(lasted_ms * _NS_A_MS), attributes=_attributes(about)
        )
        span.end(ended_ns)

    def traceparent(self) -> str:
        carrier: dict[str, str] = {}
        _propagator.inject(carrier)
        return carrier.get("traceparent", "")

    def trace_id(self) -> str:
        found = trace.get_current_span().get_span_context()
        return trace.format_trace_id(found.trace_id) if found.is_valid else ""

    @contextmanager
    def _going_on(
        self, name: str, within: contexts.Context, kind: trace.SpanKind, about: Mapping[str, object]
    ) -> Iterator[tracing.Span]:
        span = self._tracer.start_span(name, context=within, kind=kind, attributes=_attributes(about))
        token = contexts.attach(trace.set_span_in_context(span, within))
        try:
            yield _Span(span)
        except BaseException:
            # What an exception says may quote what a client has sent: the log has it, as far as that may be told.
            span.set_status(trace.StatusCode.ERROR)
            raise
        finally:
            contexts.detach(token)
            span.end()


class _Span:
    """rest.tracing.Span over OpenTelemetry's."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span

    def call(self, name: str) -> None:
        self._span.update_name(name)

    def say(self, **about: object) -> None:
        self._span.set_attributes(_attributes(about))

    def fail(self) -> None:
        self._span.set_status(trace.StatusCode.ERROR)


def _attributes(about: Mapping[str, object]) -> dict[str, Any]:
    return {
        _NAMES.get(name, f"gexec.{name}"): value if isinstance(value, (bool, int, float)) else str(value)
        for name, value in about.items()
        if value is not None and value != ""
    }


def _resource() -> Resource:
    known: dict[str, str | int] = {SERVICE_VERSION: settings.GEXEC_VERSION, "process.pid": os.getpid()}
    named = os.environ.get("OTEL_SERVICE_NAME") or f"{SERVICE_NAME}=" in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    return Resource.create({**known} if named else {**known, SERVICE_NAME: "gexec"})
