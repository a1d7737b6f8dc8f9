"""The schema of the API as a page to read: what each operation takes and answers, laid out for a template."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rest.codes import CODES

Schema = Mapping[str, Any]

HOST = "http://localhost:8080"
_MAX_DEPTH = 4
"""Of fields inside of fields that stand in one table."""
_OF_REQUESTS = "Request"
"""How the names of schemas end that are only sent."""
_PLACES = ("path", "query", "header")
_METHODS = ("get", "head", "post", "put", "patch", "delete")
_BOUNDS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minLength": "{} characters or more",
    "maxLength": "up to {} characters",
    "minItems": "{} entries or more",
    "maxItems": "up to {} entries",
    "minProperties": "{} names or more",
    "maxProperties": "up to {} names",
    "pattern": "matches {}",
    "format": "{}",
    "contentEncoding": "in {}",
    "default": "default {}",
}
"""Keywords of a schema, and how they are said."""


@dataclass(frozen=True, slots=True)
class Word:
    """A piece of a type's name; `anchor` is where on the page it is explained."""

    text: str
    anchor: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """Of a sentence: what stood between backticks is code."""

    text: str
    is_code: bool


@dataclass(frozen=True, slots=True)
class Field:
    """A row of a table: a parameter, or a field of a body."""

    name: str
    type: list[Word]
    bounds: list[str]
    description: list[Piece]
    required: bool
    place: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What comes back with one status."""

    status: str
    description: list[Piece]
    media_types: list[str]
    type: list[Word]
    headers: list[str]


@dataclass(frozen=True, slots=True)
class Operation:
    """A method of a path."""

    anchor: str
    method: str
    path: str
    summary: str
    description: list[Piece]
    parameters: list[Field]
    body: list[Field]
    media_types: list[str]
    answers: list[Answer]
    curl: str


@dataclass(frozen=True, slots=True)
class Resource:
    """Operations that stand together."""

    name: str
    operations: list[Operation]


@dataclass(frozen=True, slots=True)
class Component:
    """A schema that has a name."""

    name: str
    anchor: str
    description: list[Piece]
    fields: list[Field]
    example: str


@dataclass(frozen=True, slots=True)
class Code:
    """A row of the table of errors."""

    name: str
    status: int
    description: list[Piece]


@dataclass(frozen=True, slots=True)
class Reference:
    """All of the page."""

    version: str
    resources: list[Resource]
    components: list[Component]
    codes: list[Code]


def reference_of(schema: Schema) -> Reference:
    """The page of a schema in OpenAPI 3.1."""
    return _Reader(schema).read()


class _Reader:
    """Follows the references of one schema."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._components: Mapping[str, Schema] = schema.get("components", {}).get("schemas", {})

    def read(self) -> Reference:
        by_name: dict[str, list[Operation]] = {}
        for path, operations in self._schema["paths"].items():
            for method in _METHODS:
                if method in operations:
                    name = operations[method]["tags"][0]
                    by_name.setdefault(name, []).append(self._operation(path, method, operations[method]))
        explained = [name for name in sorted(self._components) if self._is_explained(name)]
        return Reference(
            version=str(self._schema["info"]["version"]),
            resources=[Resource(name, found) for name, found in sorted(by_name.items())],
            components=[self._component(name, self._components[name]) for name in explained],
            codes=[Code(name, status, _prose(text)) for name, (status, text) in CODES.items()],
        )

    def _operation(self, path: str, method: str, operation: Schema) -> Operation:
        content = operation.get("requestBody", {}).get("content", {})
        body: Schema = next(iter(content.values()), {})
        parameters = [self._resolved(each) for each in operation.get("parameters", ())]
        parameters.sort(key=lambda each: _PLACES.index(each["in"]))
        return Operation(
            anchor=operation["operationId"],
            method=method.upper(),
            path=path,
            summary=operation.get("summary", ""),
            description=_prose(operation.get("description", "")),
            parameters=[self._parameter(each) for each in parameters],
            body=list(self._fields(body.get("schema", {}))),
            media_types=list(content),
            answers=[self._answer(status, each) for status, each in operation["responses"].items()],
            curl=self._curl(path, method, parameters, content),
        )

    def _parameter(self, parameter: Schema) -> Field:
        schema = parameter["schema"]
        return Field(
            parameter["name"],
            self._type(schema),
            self._bounds(schema),
            _prose(parameter.get("description", "")),
            parameter.get("required", False),
            parameter["in"],
        )

    def _answer(self, status: str, response: Schema) -> Answer:
        response = self._resolved(response)
        content = response.get("content", {})
        media: Schema = next(iter(content.values()), {})
        first = media.get("schema")
        return Answer(
            status,
            _prose(response.get("description", "")),
            list(content),
            self._type(first) if first else [],
            list(response.get("headers", {})),
        )

    def _component(self, name: str, schema: Schema) -> Component:
        example = json.dumps(schema["example"], indent=2, ensure_ascii=False) if "example" in schema else ""
        return Component(
            name, _anchor(name), _prose(schema.get("description", "")), list(self._rows(schema, "", 1)), example
        )

    def _fields(self, schema: Schema) -> Iterator[Field]:
        """All fields of a body, those in its objects and lists too."""
        yield from self._rows(self._resolved(schema), "", _MAX_DEPTH)

    def _rows(self, schema: Schema, before: str, depth: int) -> Iterator[Field]:
        required = schema.get("required", ())
        for name, field in schema.get("properties", {}).items():
            yield self._row(before + name, field, required=name in required)
            yield from self._inner(before + name, field, depth)
        for pattern, field in schema.get("patternProperties", {}).items():
            yield self._row(f"{before}/{pattern}/", field, required=False)

    def _inner(self, name: str, field: Schema, depth: int) -> Iterator[Field]:
        if "items" in field:
            name, field = f"{name}[]", field["items"]
        refers = "$ref" in field or "allOf" in field
        if depth > 1 or not refers:
            inner = self._resolved(field)
            if self._is_object(inner) and depth > 0:
                yield from self._rows(inner, f"{name}.", depth - 1 if refers else depth)

    def _row(self, name: str, field: Schema, *, required: bool) -> Field:
        description = field.get("description") or self._resolved(field).get("description", "")
        return Field(name, self._type(field), self._bounds(field), _prose(description), required)

    def _bounds(self, schema: Schema) -> list[str]:
        entries = schema.get("items", {})
        said = [text.format(_said(schema[word])) for word, text in _BOUNDS.items() if word in schema]
        return said + [f"each {text.format(_said(entries[word]))}" for word, text in _BOUNDS.items() if word in entries]

    def _type(self, schema: Schema) -> list[Word]:
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            if not name.endswith(_OF_REQUESTS):
                return [Word(name, _anchor(name) if self._is_explained(name) else "")]
            return self._type(self._components[name])
        for several in ("oneOf", "anyOf", "allOf"):
            if several in schema:
                return _joined([self._type(each) for each in schema[several]])
        if "const" in schema:
            return [Word(json.dumps(schema["const"]))]
        if "enum" in schema:
            return [Word(" | ".join("null" if each is None else str(each) for each in schema["enum"]))]
        return self._plain(schema)

    def _plain(self, schema: Schema) -> list[Word]:
        named = schema.get("type", "any")
        kinds = named if isinstance(named, list) else [named]
        words: list[list[Word]] = []
        for kind in kinds:
            if kind == "array":
                words.append([Word("list of "), *self._type(schema.get("items", {}))])
            elif kind == "object" and list(schema.get("properties", ())) in (["base64"], ["file"]):
                words.append([Word(f'{{"{next(iter(schema["properties"]))}": …}}')])
            else:
                words.append([Word(kind)])
        return _joined(words)

    def _resolved(self, schema: Schema) -> Schema:
        if len(several := schema.get("allOf", ())) == 1:
            return self._resolved(several[0])
        if "$ref" not in schema:
            return schema
        found: Any = self._schema
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        return self._resolved(found)

    def _is_explained(self, name: str) -> bool:
        """What is sent stands whole where it is sent."""
        return self._is_object(self._components.get(name, {})) and not name.endswith(_OF_REQUESTS)

    def _is_object(self, schema: Schema) -> bool:
        return "properties" in schema or "patternProperties" in schema

    def _curl(self, path: str, method: str, parameters: list[Schema], content: Mapping[str, Schema]) -> str:
        for parameter in parameters:
            if parameter["in"] == "path":
                path = path.replace(f"{{{parameter['name']}}}", f"${parameter['name'].upper()}")
        words = ['curl -H "Authorization: Api-Key $KEY"']
        if "application/json" in content:
            words.append(
                f"--json {shlex.quote(json.dumps(self._body(content['application/json']), ensure_ascii=False))}"
            )
        elif content:
            words.append("-T data.csv")
        elif method != "get":
            words.append(f"-X {method.upper()}")
        return " \\\n    ".join([*words, f'"{HOST}{path}"'])

    def _body(self, media: Schema) -> Any:
        for example in media.get("examples", {}).values():
            return example["value"]
        return self._example(media.get("schema", {}), depth=_MAX_DEPTH)

    def _example(self, schema: Schema, *, depth: int) -> Any:
        """Of what has to be there, and nothing else."""
        schema = self._resolved(schema)
        for word in ("example", "const", "default"):
            if word in schema:
                return schema[word]
        if "enum" in schema:
            return schema["enum"][0]
        if "oneOf" in schema:
            return self._example(schema["oneOf"][0], depth=depth)
        return self._example_of_kind(schema, depth)

    def _example_of_kind(self, schema: Schema, depth: int) -> Any:
        kind = schema.get("type")
        if kind == "array":
            return [self._example(schema.get("items", {}), depth=depth - 1)] if depth else []
        if kind == "object":
            required = schema.get("required", ()) if depth else ()
            return {name: self._example(schema["properties"][name], depth=depth - 1) for name in required}
        return {"integer": schema.get("minimum", 1), "number": 1, "boolean": False}.get(str(kind), "…")


def _anchor(name: str) -> str:
    return f"schema-{name}"


def _prose(text: str) -> list[Piece]:
    return [Piece(piece, bool(number % 2)) for number, piece in enumerate(text.split("`")) if piece]


def _said(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    return value if isinstance(value, str) and value else json.dumps(value)


def _joined(types: list[list[Word]]) -> list[Word]:
    joined = types[0][:]
    for each in types[1:]:
        joined += [Word(" or "), *each]
    return joined
