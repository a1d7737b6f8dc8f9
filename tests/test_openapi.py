"""The schema of the API: complete, the same as the one in docs/, and served with a page that people can read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
import yaml
from django.core.management import call_command
from django.test import Client, override_settings
from django.urls import URLPattern, URLResolver, get_resolver
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiYamlRenderer
from drf_spectacular.validation import validate_schema

from rest.codes import CODES
from testkit.servers import PROJECT

DOCUMENT = PROJECT / "docs" / "openapi.yaml"
SCHEMA: dict[str, Any] = yaml.safe_load(DOCUMENT.read_text())
COMPONENTS = SCHEMA["components"]["schemas"]
METHODS = {"get", "put", "post", "delete", "patch"}
pytestmark = pytest.mark.filterwarnings("ignore:.*jsonschema.*RefResolver:DeprecationWarning")


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in SCHEMA["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def objects(schema: Any, place: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """All schemas of objects below a place, each with where it stands."""
    if isinstance(schema, dict):
        if isinstance(schema.get("properties"), dict) and "type" in schema:
            yield place, schema
        for name, inner in schema.items():
            if name not in {"example", "examples"}:
                yield from objects(inner, f"{place}/{name}")
    elif isinstance(schema, list):
        for number, inner in enumerate(schema):
            yield from objects(inner, f"{place}/{number}")


def test_the_schema_in_the_documents_is_that_of_the_code() -> None:
    made = OpenApiYamlRenderer().render(SchemaGenerator().get_schema(request=None, public=True), renderer_context={})
    assert made.decode() == DOCUMENT.read_text(), (
        "the API has changed: run `make schema`, look at the difference, commit"
    )


def test_nothing_is_left_for_the_generator_to_guess(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", "/dev/null")
    assert "Warning" not in capsys.readouterr().err


def test_it_is_openapi() -> None:
    validate_schema(SCHEMA)
    assert SCHEMA["openapi"].startswith("3.1")


def test_every_path_of_the_api_is_in_it() -> None:
    def paths(patterns: list[Any], before: str = "/") -> Iterator[str]:
        for each in patterns:
            if isinstance(each, URLResolver):
                yield from paths(each.url_patterns, before + str(each.pattern))
            elif isinstance(each, URLPattern) and not str(each.pattern).startswith("^"):
                yield before + str(each.pattern)

    def shape(path: str) -> str:
        return "/".join("*" if part[:1] in {"<", "{"} else part for part in path.split("/"))

    # OpenAPI has no words for a WebSocket: docs/interactive.md describes it, and the schema says where.
    assert "docs/interactive.md" in SCHEMA["info"]["description"]
    served = {shape(path) for path in paths(get_resolver().url_patterns) if path.startswith("/api/v1/")}
    assert served - {"/api/v1/executions/ws"} == {shape(path) for path in SCHEMA["paths"]}


@pytest.mark.parametrize(
    ("call", "operation"), list(operations()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_each_operation_says_what_it_does_and_answers(call: str, operation: dict[str, Any]) -> None:
    assert operation["summary"]
    assert [each["name"] for each in operation.get("parameters", ()) if each["in"] != "path"] == [
        each["name"] for each in operation.get("parameters", ()) if each.get("description") and each["in"] != "path"
    ]
    for status, answer in operation["responses"].items():
        if "$ref" not in answer:
            assert "X-Request-Id" in answer["headers"]
            assert status in {"204", "304"} or "content" in answer
    assert {"4XX", "5XX"} <= set(operation["responses"])


def test_each_field_says_what_it_is() -> None:
    silent = [
        f"{place}.{name}"
        for place, schema in objects(COMPONENTS, "")
        for name, field in schema["properties"].items()
        if not ({"description", "$ref", "const", "oneOf"} & set(field)) and place.rpartition("/")[2] not in {"1", "2"}
    ]
    assert silent == []


def test_each_field_that_is_sent_has_bounds() -> None:
    def unbounded(place: str, schema: dict[str, Any]) -> Iterator[str]:
        for name, field in schema.get("properties", {}).items():
            yield from unbounded_value(f"{place}.{name}", field)

    def unbounded_value(place: str, field: dict[str, Any]) -> Iterator[str]:
        for inner in field.get("oneOf", ()):
            # Contents are bounded by the body as a whole, and texts of programs by a setting.
            if inner.get("type") != "string":
                yield from unbounded_value(place, inner)
        kinds = field.get("type", "")
        if "string" in kinds and not ({"maxLength", "enum", "pattern", "format", "contentEncoding"} & set(field)):
            yield place
        if ("integer" in kinds or "number" in kinds) and not {"minimum", "maximum"} <= set(field):
            yield place
        if "array" in kinds:
            if "maxItems" not in field:
                yield place
            yield from unbounded_value(f"{place}[]", field["items"])

    sent = {name: schema for name, schema in COMPONENTS.items() if name.endswith("Request")}
    assert [each for name, schema in sent.items() for each in unbounded(name, schema)] == []


def test_no_field_that_is_sent_may_have_another_name() -> None:
    sent = {name: schema for name, schema in COMPONENTS.items() if name.endswith("Request")}
    assert [name for name, schema in sent.items() if schema.get("additionalProperties") is not False] == []


def test_examples_are_what_they_are_examples_of() -> None:
    registry = {"components": SCHEMA["components"]}
    checked = 0
    for name, schema in COMPONENTS.items():
        if "example" in schema:
            jsonschema.validate(schema["example"], schema | registry, cls=jsonschema.Draft202012Validator)
            checked += 1
        assert name
    for call, operation in operations():
        for media in operation.get("requestBody", {}).get("content", {}).values():
            for example in media.get("examples", {}).values():
                jsonschema.validate(example["value"], media["schema"] | registry, cls=jsonschema.Draft202012Validator)
                checked += 1
            assert "json" not in call or media
    assert checked >= 3


def test_the_codes_are_those_of_the_table() -> None:
    assert COMPONENTS["Problem"]["properties"]["code"]["enum"] == sorted(CODES)


def test_who_needs_a_key_is_told() -> None:
    needs = {call: {} not in operation["security"] for call, operation in operations()}
    assert needs["GET /api/v1/me"]
    assert needs["PUT /api/v1/files"]
    assert not needs["POST /api/v1/executions"]


@pytest.mark.parametrize(
    "asked", [{"path": "/api/schema?format=json"}, {"path": "/api/schema", "accept": "application/json"}]
)
def test_programs_get_json(client: Client, asked: dict[str, str]) -> None:
    answer = client.get(asked["path"], headers={"accept": asked.get("accept", "*/*")})
    assert answer["Content-Type"] == "application/json"
    assert json.loads(answer.content)["paths"] == json.loads(json.dumps(SCHEMA["paths"]))


@pytest.mark.parametrize("path", ["/api/schema", "/api/schema?format=json", "/api/docs"])
@override_settings(GEXEC_REQUIRE_API_KEY=True)
def test_they_are_open_to_all_and_revalidated(client: Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert client.get(path, headers={"if-none-match": answer["ETag"]}).status_code == 304
    assert client.head(path).content == b""
    assert client.post(path).status_code == 405


def test_an_unknown_format_is_refused(client: Client) -> None:
    for query in ("format=xml", "form=json"):
        answer = client.get(f"/api/schema?{query}")
        assert answer.status_code == 400
        assert answer["Content-Type"] == "application/problem+json"


def test_the_page_has_every_operation_and_no_script(client: Client) -> None:
    answer = client.get("/api/docs")
    page = answer.content.decode()
    assert answer["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self'")
    assert "<script" not in page
    assert "style=" not in page
    assert "http://" not in page.replace("http://localhost:8080", "")
    for _, operation in operations():
        assert f'<article id="{operation["operationId"]}">' in page
        assert page.count(f'href="#{operation["operationId"]}"') >= 2
    for code in CODES:
        assert f'id="code-{code}"' in page
    anchors = {part.partition('"')[0] for part in page.split('href="#')[1:]}
    assert [anchor for anchor in anchors if f'id="{anchor}"' not in page] == []
