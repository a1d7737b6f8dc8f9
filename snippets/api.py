"""/api/v1/snippets: a program stored for whoever has its link."""

from __future__ import annotations

import base64
from typing import Any, ClassVar

from django.conf import settings
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import NotAuthenticated, NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from clients.rights import Right
from clients.throttling import OwnRateThrottle
from executions.api.fields import ContentField, FileName, LanguageField, ListOf, PlainText, problem_with
from executions.bounds import MAX_ARG_BYTES, MAX_ARGS, clash_in
from executions.content import Content
from executions.origins import caller_of, origin_of
from rest.described import Schema
from rest.openapi import parameter
from rest.text import printable
from rest.times import TimeField
from rest.unknown import StrictSerializer
from rest.views import ApiEndpoint
from snippets import services
from snippets.models import Snippet

TOKEN_HEADER = "X-Access-Token"  # noqa: S105 (a header's name)
_MAX_FILES, _MAX_TESTS = 100, 500
_BASE64: Schema = {
    "type": "object",
    "properties": {"base64": {"type": "string", "contentEncoding": "base64", "description": "Its bytes."}},
    "required": ["base64"],
}


class SnippetFileSerializer(StrictSerializer):
    """A file of the program."""

    name = FileName(help_text="Relative, with folders: lib/util.py.")
    content = ContentField(nul=False, help_text="What is in it: text, or base64. Stored files have no place here.")


class SnippetTestSerializer(StrictSerializer):
    """A test, which everybody who has the link sees: there are no hidden ones."""

    name = PlainText(max_bytes=200, required=False, default="", help_text="For people.")
    stdin = PlainText(max_bytes=services.BYTES_AT_MOST, required=False, default="", help_text="What it reads.")
    expected_stdout = PlainText(
        max_bytes=services.BYTES_AT_MOST, required=False, default="", help_text="What it should print."
    )


class StoredFileSerializer(serializers.Serializer[Any]):
    """A file, as it was stored."""

    name = serializers.CharField(help_text="Relative, with folders.")
    content = serializers.SerializerMethodField(help_text='Text, or `{"base64": "…"}` of what is none.')

    @extend_schema_field({"oneOf": [{"type": "string"}, _BASE64]})
    def get_content(self, file: Any) -> Any:
        """As it stands in the row."""
        return file["content"]


class StoredTestSerializer(serializers.Serializer[Any]):
    """A test, as it was stored."""

    name = serializers.CharField(help_text="For people.")
    stdin = serializers.CharField(help_text="What it reads.")
    expected_stdout = serializers.CharField(help_text="What it should print.")


class NewSnippetSerializer(StrictSerializer):
    """A program that is to be stored."""

    language = LanguageField(help_text="A language's slug or alias, as in an execution.")
    source_code = ContentField(
        required=False, nul=False, may_be_empty=False, help_text="The program, where it is one file; else `files`."
    )
    files = ListOf(
        child=SnippetFileSerializer(), required=False, min_length=1, max_length=_MAX_FILES, help_text="Its files."
    )
    stdin = PlainText(
        max_bytes=services.BYTES_AT_MOST, required=False, default="", help_text="What it reads on its stdin."
    )
    args = ListOf(
        child=PlainText(max_bytes=MAX_ARG_BYTES), required=False, default=list, max_length=MAX_ARGS,
        help_text="Its command line's arguments.",
    )  # fmt: skip
    tests = ListOf(
        child=SnippetTestSerializer(), required=False, default=list, max_length=_MAX_TESTS, help_text="Its tests."
    )


class SnippetSerializer(serializers.Serializer[Snippet]):
    """A stored program. It never changes."""

    object = serializers.CharField(default="snippet", read_only=True, help_text="Always `snippet`.")
    id = serializers.CharField(help_text="Twelve letters, which cannot be guessed.")
    url = serializers.SerializerMethodField(help_text="The page that shows it, on this server.")
    language = serializers.CharField(source="language_slug", help_text="The language's slug.")
    files = StoredFileSerializer(source="program.files", many=True, help_text="Its files.")
    stdin = serializers.CharField(source="program.stdin", help_text="What it reads on its stdin.")
    args = serializers.ListField(
        source="program.args", child=serializers.CharField(), help_text="Its command line's arguments."
    )
    tests = StoredTestSerializer(source="program.tests", many=True, help_text="Its tests.")
    created_at = TimeField(help_text="When it was stored.")
    expires_at = serializers.SerializerMethodField(help_text="When it goes unless somebody looks at it; null: never.")

    def get_url(self, snippet: Snippet) -> str:
        """Its page."""
        return f"/s/{snippet.pk}"

    @extend_schema_field({"type": ["string", "null"], "format": "date-time"})
    def get_expires_at(self, snippet: Snippet) -> Any:
        """In UTC."""
        return TimeField().to_representation(until) if (until := services.expires_at(snippet)) else None


class StoredSnippetSerializer(SnippetSerializer):
    """A stored program, with what deletes it, which is told once."""

    delete_token = serializers.SerializerMethodField(help_text="Deletes it, in X-Access-Token.")

    def get_delete_token(self, snippet: Snippet) -> str:
        """Of who stored it."""
        return services.delete_token(snippet.pk)


class SnippetsEndpoint(ApiEndpoint):
    """Where nobody stores snippets there is no such path."""

    throttle_classes = [OwnRateThrottle]
    own_rate: ClassVar = ("snippets", "GEXEC_SNIPPET_RATE_LIMIT")
    rights: ClassVar = {"POST": Right.EXECUTE, "GET": Right.READ, "HEAD": Right.READ, "DELETE": Right.EXECUTE}
    max_body_bytes = 8 * services.BYTES_AT_MOST

    def check_permissions(self, request: Request) -> None:
        """DRF's, where the settings have snippets."""
        if settings.GEXEC_SNIPPETS == services.OFF:
            raise NotFound("this server stores no snippets")
        super().check_permissions(request)


class SnippetsView(SnippetsEndpoint):
    """POST /api/v1/snippets."""

    http_method_names = ["post"]

    @extend_schema(
        summary="Store a program for whoever has its link",
        request=NewSnippetSerializer,
        responses={201: OpenApiResponse(StoredSnippetSerializer, "It is stored.")},
    )
    def post(self, request: Request) -> Response:
        """201 with its id and what deletes it."""
        origin = origin_of(request)
        if not services.may_store(origin.caller):
            raise NotAuthenticated("this server stores snippets of callers with a key")
        serializer = NewSnippetSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        asked = serializer.validated_data
        program = {
            "files": _files(asked),
            "stdin": asked["stdin"],
            "args": asked["args"],
            "tests": [dict(test) for test in asked["tests"]],
        }
        made = services.store(
            program=program, language=asked["language"].slug, caller=origin.caller, address=origin.address
        )
        return Response(
            StoredSnippetSerializer(made).data, status=201, headers={"Location": f"/api/v1/snippets/{made.pk}"}
        )


class SnippetView(SnippetsEndpoint):
    """GET, HEAD and DELETE of one: the id is what opens it."""

    http_method_names = ["get", "head", "delete"]

    @extend_schema(summary="Show a stored program", responses={200: OpenApiResponse(SnippetSerializer, "As it was.")})
    def get(self, request: Request, snippet_id: str) -> Response:
        """The program, for whoever has its id."""
        snippet = services.find(snippet_id)
        if snippet is None:
            raise _not_found(snippet_id)
        return Response(SnippetSerializer(snippet).data)

    @extend_schema(
        summary="Delete a stored program",
        parameters=[parameter(TOKEN_HEADER, "The delete token, in place of the client's key.", location="header")],
        responses={204: None},
    )
    def delete(self, request: Request, snippet_id: str) -> Response:
        """With a key of the client that stored it, or with its delete token."""
        token = request.headers.get(TOKEN_HEADER, "")
        if not services.delete(snippet_id, caller=caller_of(request), token=token):
            raise _not_found(snippet_id)
        return Response(status=204)


def _files(asked: dict[str, Any]) -> list[dict[str, Any]]:
    if ("source_code" in asked) == ("files" in asked):
        code = "missing_field" if "files" not in asked else "invalid_field"
        raise problem_with("source_code", "either source_code or files is needed", code)
    if "source_code" in asked:
        return [{"name": asked["language"].source_file, "content": _content("source_code", asked["source_code"])}]
    files = asked["files"]
    if (number := clash_in(file["name"] for file in files)) is not None:
        raise problem_with(f"files.{number}.name", "is the name, or a folder, of another file", "invalid_file_name")
    return [
        {"name": file["name"], "content": _content(f"files.{number}.content", file["content"])}
        for number, file in enumerate(files)
    ]


def _content(name: str, content: Content) -> Any:
    """A string, or base64 of what is no text that PostgreSQL can keep."""
    if content.file:
        raise problem_with(name, "a stored file has no place in a snippet", "invalid_field")
    try:
        text = content.data.decode()
    except UnicodeDecodeError:
        text = "\x00"
    return {"base64": base64.b64encode(content.data).decode()} if "\x00" in text else text


def _not_found(snippet_id: str) -> NotFound:
    return NotFound(f"there is no snippet {printable(snippet_id)}")
