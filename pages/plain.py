"""The form of the page, as a browser without scripts sends it: read as a request of the API would be."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any

from django.conf import settings
from django.core.exceptions import TooManyFieldsSent
from django.http import QueryDict
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.parsers import BaseParser

from rest.exceptions import Refusal


class FormParser(BaseParser):
    """Of a body that was received before. DRF knows its own one by name, and reads that from the request instead."""

    media_type = "application/x-www-form-urlencoded"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> QueryDict:
        """The fields. Raises Refusal."""
        if media_type is None or media_type.partition(";")[0].strip().lower() != self.media_type:
            raise Refusal("this takes the form of the page at /", status=415, code="unsupported_media_type")
        try:
            return QueryDict(stream.read(), encoding=settings.DEFAULT_CHARSET)
        except TooManyFieldsSent:
            raise Refusal("the form has more fields than it may have", code="too_large") from None


TEXTS = ("language", "stdin", "args", "key", "token", "example")


@dataclass(frozen=True, slots=True)
class Sent:
    """What the fields had in them, with the ends of lines that a program expects."""

    files: list[dict[str, str]]
    language: str = ""
    stdin: str = ""
    args: str = ""
    key: str = ""
    token: str = ""
    example: str = ""

    def body(self) -> dict[str, Any]:
        """The body of POST /api/v1/executions. Raises ValidationError for arguments with an open quote."""
        try:
            args = shlex.split(self.args)
        except ValueError:
            raise ValidationError({"args": ErrorDetail("a quote is not closed", code="invalid_field")}) from None
        return {"language": self.language, "files": self.files, "stdin": self.stdin, "args": args}


def sent_in(form: QueryDict) -> Sent:
    """The form's fields; browsers send the ends of lines as CR LF."""
    names, contents = form.getlist("name"), form.getlist("content")
    files = [{"name": name, "content": _lines(text)} for name, text in zip(names, contents, strict=False) if name]
    return Sent(files, **{name: _lines(form.get(name, "")) for name in TEXTS})


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n")
