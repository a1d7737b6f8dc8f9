"""The schema of the API (OpenAPI 3.1), made from its views and serializers by drf-spectacular.

What is true of every operation is added here once: its errors, the headers of its answers, and who may call.
"""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter

from rest.codes import CODES

PREFIX = "/api/v1/"
_PROBLEM = "Problem"
_METHODS = ("get", "put", "post", "delete", "patch", "head")

PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "What is wrong (RFC 9457). `code` is for programs, and never changes; `detail` is for people.",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "code": {"type": "string", "enum": sorted(CODES), "description": "More may come."},
        "errors": {
            "type": "array",
            "description": "Of a request whose fields are wrong, each of them.",
            "items": {
                "type": "object",
                "properties": {
                    "pointer": {"type": "string", "description": "A JSON pointer (RFC 6901) into the body or query."},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
                "required": ["pointer", "code", "detail"],
            },
        },
        "request_id": {"type": "string", "description": "As in X-Request-Id."},
        "execution_id": {"type": ["string", "null"], "format": "uuid"},
        "policy": {"type": "string", "description": "Of a 429: which limit was met."},
        "missing": {"type": "array", "items": {"type": "string"}, "description": "Of file_missing: which files."},
    },
    "required": ["type", "title", "status", "detail", "code", "request_id", "execution_id"],
    "example": {
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "detail": "limits.memory_mb: at most 256",
        "code": "limit_exceeded",
        "errors": [{"pointer": "#/limits/memory_mb", "code": "limit_exceeded", "detail": "at most 256"}],
        "request_id": "req_01a21b3bd05071a18ac87ac04cb8013e",
        "execution_id": None,
    },
}
_HEADERS: dict[str, Any] = {
    "X-Request-Id": {
        "description": "By which the request is found again: the client's own where it sent one.",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
    },
    "RateLimit-Policy": {
        "description": "What bounds the caller: a number of requests and a window in seconds, for each policy.",
        "schema": {"type": "string"},
        "example": '"rate";q=10;w=60',
    },
    "RateLimit": {
        "description": "What is left of it, and for how many seconds.",
        "schema": {"type": "string"},
        "example": '"rate";r=3;t=12',
    },
}
_RETRY_AFTER = {"description": "Seconds after which it may be tried again.", "schema": {"type": "integer"}}


COMPONENTS: dict[str, Any] = {_PROBLEM: PROBLEM_SCHEMA}
"""Schemas by name, beside those of serializers: see `component`."""


def component(name: str, schema: dict[str, Any]) -> dict[str, str]:
    """Give a schema a name; a reference to it, for others and for `extend_schema`."""
    COMPONENTS[name] = schema
    return {"$ref": f"#/components/schemas/{name}"}


def list_of(entry: dict[str, Any]) -> dict[str, Any]:
    """The schema of a list's object: see rest.lists."""
    return {
        "type": "object",
        "properties": {
            "object": {"const": "list"},
            "data": {"type": "array", "items": entry},
            "has_more": {"type": "boolean"},
            "next": {"type": ["string", "null"], "description": "Where the next page is."},
        },
        "required": ["object", "data", "has_more", "next"],
    }


def parameter(name: str, description: str, schema: dict[str, Any] | None = None, **more: Any) -> OpenApiParameter:
    """A parameter of the query, or of the headers."""
    return OpenApiParameter(name, schema or {"type": "string"}, description=description, **more)


LIST_PARAMETERS = [
    parameter("limit", "How many, 50 where it is left out.", {"type": "integer", "minimum": 1, "maximum": 200}),
    parameter("cursor", "From `next` of the page before."),
]


class Schema(AutoSchema):
    """Summaries and descriptions are the docstrings' first lines and the rest."""

    method_mapping = {**AutoSchema.method_mapping, "get": "read"}

    def get_tags(self) -> list[str]:
        """The resource: what stands behind /api/v1/."""
        return [self.path.removeprefix(PREFIX).strip("/").partition("/")[0] or "gexec"]

    def get_operation_id(self) -> str:
        """By path and method, which never change."""
        words = [word.strip("{}") for word in self.path.removeprefix("/api/v1").strip("/").split("/")]
        return "_".join([self.method.lower(), *words]).replace("-", "_")


class DescribedFields(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]  # the library's own hook
    """Fields that say their schema themselves."""

    target_class = "rest.described.Described"
    match_subclasses = True

    @classmethod
    def _matches(cls, target: Any) -> bool:
        return callable(getattr(target, "described", None))

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> Any:
        return self.target.described()


class KeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # the library's own hook
    """`Authorization: Api-Key …` or `Bearer …`."""

    target_class = "clients.authentication.ApiKeyAuthentication"
    name = ["ApiKey", "Bearer"]

    def get_security_definition(self, auto_schema: Any) -> Any:
        return [
            {"type": "apiKey", "in": "header", "name": "Authorization", "description": "`Api-Key` and the key."},
            {"type": "http", "scheme": "bearer", "description": "The same key, for tools that offer nothing else."},
        ]


def only_ours(endpoints: list[Any]) -> list[Any]:
    """A hook before: the operations of /api/v1."""
    return [each for each in endpoints if each[0].startswith(PREFIX)]


def with_what_all_have(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """A hook after: errors and headers of every operation."""
    result.setdefault("components", {}).setdefault("schemas", {}).update(COMPONENTS)
    for operations in result["paths"].values():
        for method in _METHODS:
            if method in operations:
                _complete(operations[method])
    return result


def _complete(operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    for response in responses.values():
        response["headers"] = _HEADERS | response.get("headers", {})
    content = {"application/problem+json": {"schema": {"$ref": f"#/components/schemas/{_PROBLEM}"}}}
    for status, description in (("4XX", "The request is refused."), ("5XX", "It could not be served now.")):
        headers = {**_HEADERS, "Retry-After": _RETRY_AFTER}
        responses[status] = {"description": description, "headers": headers, "content": content}
