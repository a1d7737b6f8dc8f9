"""The formats of the seed contract: errors as {"error": …}, metrics in the formats of Prometheus."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from django.utils.http import parse_header_parameters
from prometheus_client.exposition import choose_encoder
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request

_TEXT = ("text/plain", "application/openmetrics-text")


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

    media_type = "text/plain"
    format = "prometheus"
    charset = None

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        context = renderer_context or {}
        named = _formats_of_prometheus(context["request"])
        best = max(accepted.quality for accepted in named)
        # It knows nothing of qualities.
        encoder, content_type = choose_encoder(",".join(entry.text for entry in named if entry.quality == best))
        context["response"]["Content-Type"] = content_type
        return encoder(data)


class JSONUnlessText(BaseContentNegotiation):
    """JSON, the first renderer, unless a format of Prometheus is named and is wanted more; then the second one."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        return next(iter(parsers), None)

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        json, text = renderers
        wanted = max((accepted.quality for accepted in _formats_of_prometheus(request)), default=0.0)
        chosen = text if wanted > _quality_of_json(request) else json
        return chosen, str(chosen.media_type)


class _Accepted(NamedTuple):
    """One entry of an Accept header."""

    text: str
    media_type: str
    quality: float


def _accepted(request: Request) -> Iterator[_Accepted]:
    for entry in request.headers.get("Accept", "").split(","):
        try:
            media_type, parameters = parse_header_parameters(entry.strip())
            quality = float(parameters.get("q", 1))
        except (LookupError, ValueError):
            continue  # A parameter in a charset that there is not, or a quality that is no number, asks for nothing.
        yield _Accepted(entry, media_type, quality)


def _formats_of_prometheus(request: Request) -> list[_Accepted]:
    """Those that are named: a wildcard asks for nothing in particular."""
    return [accepted for accepted in _accepted(request) if accepted.media_type in _TEXT and accepted.quality > 0]


def _quality_of_json(request: Request) -> float:
    """What the most specific entry about it says (RFC 9110, 12.5.1)."""
    qualities = {accepted.media_type: accepted.quality for accepted in _accepted(request)}
    return next((qualities[name] for name in ("application/json", "application/*", "*/*") if name in qualities), 0.0)
