"""/api/schema and /api/docs: what the API is, for programs and for people. Both are made once in each process."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.utils.cache import get_conditional_response
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiYamlRenderer
from rest_framework import serializers
from rest_framework.request import Request

from rest.reference import reference_of
from rest.unknown import parameters_in
from rest.views import ApiEndpoint

YAML, JSON, HTML = "application/yaml", "application/json", "text/html; charset=utf-8"
_PAGE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}


@dataclass(frozen=True, slots=True)
class Document:
    """Bytes that are the same until the process ends."""

    content: bytes
    media_type: str
    etag: str


class _Documents:
    """Each of them made when it is first asked for, by one thread: the schema takes a second."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._schema: dict[str, Any] | None = None
        self._made: dict[str, Document] = {}

    def get(self, media_type: str, render: Callable[[dict[str, Any]], bytes]) -> Document:
        with self._lock:
            if media_type not in self._made:
                if self._schema is None:
                    self._schema = SchemaGenerator().get_schema(request=None, public=True)
                content = render(self._schema)
                etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
                self._made[media_type] = Document(content, media_type, etag)
            return self._made[media_type]


_documents = _Documents()


class FormatParameters(serializers.Serializer[Any]):
    """How the schema is written."""

    format = serializers.ChoiceField(["yaml", "json"], required=False, help_text="YAML where nothing is said.")


class DocumentView(ApiEndpoint):
    """A document that is for everybody, as the documents in the repository are."""

    http_method_names = ["get", "head"]
    authentication_classes = []
    permission_classes = []

    def answer(self, request: Request, document: Document) -> HttpResponseBase:
        """The document, or 304 to one who has it."""
        whole = HttpResponse(document.content, content_type=document.media_type)
        whole["ETag"] = document.etag
        response = get_conditional_response(request._request, etag=document.etag, response=whole) or whole
        response["Cache-Control"] = "no-cache"
        return response


class SchemaView(DocumentView):
    """GET /api/schema."""

    def get(self, request: Request) -> HttpResponseBase:
        """YAML, or JSON where that is asked for by `?format=json` or by Accept."""
        asked = parameters_in(request, FormatParameters).get("format") or _accepted(request)
        document = _documents.get(JSON, _as_json) if asked == "json" else _documents.get(YAML, _as_yaml)
        response = self.answer(request, document)
        response["Vary"] = "Accept"
        return response


class DocsView(DocumentView):
    """GET /api/docs."""

    def get(self, request: Request) -> HttpResponseBase:
        """A page without scripts."""
        parameters_in(request, serializers.Serializer)
        response = self.answer(request, _documents.get(HTML, _as_page))
        for name, value in _PAGE_HEADERS.items():
            response[name] = value
        return response


def _accepted(request: Request) -> str:
    """The first kind that the header names."""
    for part in request.headers.get("Accept", "")[:1024].split(","):
        kind = part.partition(";")[0].strip().lower()
        if kind.endswith(("json", "yaml", "openapi")):
            return "json" if kind.endswith("json") else "yaml"
    return "yaml"


def _as_yaml(schema: dict[str, Any]) -> bytes:
    return bytes(OpenApiYamlRenderer().render(schema, renderer_context={}))


def _as_json(schema: dict[str, Any]) -> bytes:
    return bytes(OpenApiJsonRenderer().render(schema, renderer_context={}))


def _as_page(schema: dict[str, Any]) -> bytes:
    return render_to_string("rest/reference.html", {"reference": reference_of(schema)}).encode()
