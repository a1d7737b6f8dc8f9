"""The schema of the API (OpenAPI 3.1), made from its views and serializers by drf-spectacular.

What is true of every operation is added here once: its errors, the headers of its answers, and who may call.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter

from rest.codes import CODES
from rest.unknown import StrictSerializer

PREFIX = "/api/v1/"
_PROBLEM = "Problem"
_METHODS = ("get", "put", "post", "delete", "patch", "head")

PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "What is wrong (RFC 9457). `code` is for programs, and never changes; `detail` is for people.",
    "properties": {
        "type": {"type": "string", "description": "`about:blank`: `code` says it all."},
        "title": {"type": "string", "description": "The status in words."},
        "status": {"type": "integer", "minimum": 400, "maximum": 599, "description": "As that of the answer."},
        "detail": {"type": "string", "description": "What is wrong with this request, for people."},
        "code": {"type": "string", "enum": sorted(CODES), "description": "More may come."},
        "errors": {
            "type": "array",
            "description": "Of a request whose fields are wrong, each of them.",
            "items": {
                "type": "object",
                "properties": {
                    "pointer": {"type": "string", "description": "A JSON pointer (RFC 6901) into the body or query."},
                    "code": {"type": "string", "description": "As that of the problem, or `too_large` and the like."},
                    "detail": {"type": "string", "description": "For people."},
                },
                "required": ["pointer", "code", "detail"],
            },
        },
        "request_id": {"type": "string", "description": "As in X-Request-Id."},
        "execution_id": {"type": ["string", "null"], "format": "uuid", "description": "Its row, where there is one."},
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
        "required": True,
        "description": "By which the request is found again: the client's own where it sent one.",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
        "example": "req_01a21b3bd05071a18ac87ac04cb8013e",
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
    "Retry-After": {
        "description": "Seconds after which it may be tried again.",
        "schema": {"type": "integer", "minimum": 0},
        "example": 1,
    },
}
_SERVERS_ERROR = {
    "type": "object",
    "properties": {"error": {"type": "string", "description": "What is wrong, for people."}},
    "required": ["error"],
}
_ALWAYS = ("X-Request-Id", "RateLimit-Policy", "RateLimit")
_SERVERS_OWN = {
    "414": ("TooLong", "The address is longer than 8190 bytes."),
    "431": ("TooManyHeaders", "The headers are too many, or too long."),
}
"""What the HTTP server answers by itself, before the API has seen a request."""
_RESPONSES = {"4XX": ("Refused", "The request is refused."), "5XX": ("Unavailable", "It could not be served now.")}


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
            "data": {"type": "array", "items": entry, "description": "The page, newest first."},
            "has_more": {"type": "boolean", "description": "Whether more are behind it."},
            "next": {"type": ["string", "null"], "description": "Where the next page is."},
        },
        "required": ["object", "data", "has_more", "next"],
    }


def parameter(name: str, description: str, schema: dict[str, Any] | None = None, **more: Any) -> OpenApiParameter:
    """A parameter of the query, or of the headers."""
    return OpenApiParameter(name, schema or {"type": "string"}, description=description, **more)


def header(name: str, description: str, statuses: Sequence[int], schema: Any = None, **more: Any) -> OpenApiParameter:
    """A header of the answers with these statuses."""
    return parameter(name, description, schema, location=OpenApiParameter.HEADER, response=list(statuses), **more)


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

    def get_auth(self) -> list[dict[str, Any]]:
        """Either of the schemes; or none, where the view needs no key."""
        schemes: list[dict[str, Any]] = [{name: []} for scheme in super().get_auth() for name in scheme]
        needed = any(getattr(each, "needs_key", False) for each in self.view.get_permissions())
        return schemes if needed else [*schemes, {}]

    def _map_basic_serializer(self, serializer: Any, direction: Any) -> dict[str, Any]:
        """With what is refused: the library has no hook for it that knows the direction."""
        schema: dict[str, Any] = super()._map_basic_serializer(serializer, direction)  # type: ignore[no-untyped-call]  # as all of it
        if direction == "request" and isinstance(serializer, StrictSerializer):
            schema["additionalProperties"] = False
        return schema

    def map_parsers(self) -> list[str]:
        """Any type is read as JSON but those of forms; this is what a client should send."""
        return ["application/json" if each == "*/*" else each for each in super().map_parsers()]

    def get_operation_id(self) -> str:
        """By path and method, which never change."""
        words = [word.strip("{}") for word in self.path.removeprefix("/api/v1").strip("/").split("/")]
        return "_".join([self.method.lower(), *words]).replace("-", "_")


class DescribedFields(OpenApiSerializerFieldExtension):
    """Fields that say their schema themselves."""

    target_class = "rest.described.Described"
    match_subclasses = True

    @classmethod
    def _matches(cls, target: Any) -> bool:
        return callable(getattr(target, "described", None))

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> Any:
        return self.target.described()


class KeyScheme(OpenApiAuthenticationExtension):
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
    components = result.setdefault("components", {})
    components.setdefault("schemas", {}).update(COMPONENTS)
    components["headers"] = _HEADERS
    components["responses"] = {name: _refusal(description) for name, description in _RESPONSES.values()} | {
        name: {"description": description, "content": {"application/json": {"schema": _SERVERS_ERROR}}}
        for name, description in _SERVERS_OWN.values()
    }
    for operations in result["paths"].values():
        for method in _METHODS:
            if method in operations:
                _complete(operations[method])
    return result


def _complete(operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    for response in responses.values():
        response["headers"] = _references(_ALWAYS) | response.get("headers", {})
    shared = _SERVERS_OWN | _RESPONSES
    responses |= {status: {"$ref": f"#/components/responses/{name}"} for status, (name, _) in shared.items()}


def _refusal(description: str) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": {"$ref": f"#/components/schemas/{_PROBLEM}"}}}
    return {"description": description, "headers": _references(_HEADERS), "content": content}


def _references(names: Iterable[str]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
