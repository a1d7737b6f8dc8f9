"""The formats of the seed contract: errors as {"error": …}, metrics in the formats of Prometheus."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from prometheus_client.exposition import choose_encoder
from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request


def error_of(problem: Mapping[str, Any]) -> str:
    """The one message for a problem: of several, the first."""
    errors = problem.get("errors")
    return str(errors[0]["detail"] if errors else problem["detail"])


class ErrorRenderer(JSONRenderer):
    """A problem as {"error": …}."""

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> Any:
        return super().render({"error": error_of(data)}, accepted_media_type, renderer_context)


class ExpositionRenderer(BaseRenderer):
    """Metrics as text. prometheus_client knows which version and escaping of which format the client reads."""

    charset = None

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        context = renderer_context or {}
        encoder, content_type = choose_encoder(context["request"].headers.get("Accept", ""))
        context["response"]["Content-Type"] = content_type
        return encoder(data)


class PrometheusRenderer(ExpositionRenderer):
    """For clients that accept Prometheus' own text format."""

    media_type = "text/plain"
    format = "prometheus"


class OpenMetricsRenderer(ExpositionRenderer):
    """For clients that accept OpenMetrics."""

    media_type = "application/openmetrics-text"
    format = "openmetrics"


class TextByName(DefaultContentNegotiation):
    """A renderer that the client names, or else the last one: wildcards ask for nothing in particular."""

    def get_accept_list(self, request: Request) -> list[str]:
        return [token for token in super().get_accept_list(request) if "*" not in token.partition(";")[0]]

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        *named, fallback = renderers
        try:
            chosen: tuple[BaseRenderer, str] = super().select_renderer(request, named, format_suffix)
        except (NotAcceptable, LookupError):
            # LookupError: a parameter in a charset that there is not.
            return fallback, str(fallback.media_type)
        return chosen
