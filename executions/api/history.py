"""GET /api/v1/executions and /export: a client's history, in pages or as one stream; and what is deleted of it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, PermissionDenied, ValidationError
from rest_framework.request import Request

from clients.policy import reads_by_token
from clients.rights import Right
from executions.api.resource import summary
from executions.doors import Door
from executions.history import Wanted
from executions.models import Execution, Status
from executions.origins import require
from executions.outcomes import Outcome
from executions.ranges import HIGHEST, LOWEST
from rest.ids import first_at
from rest.lists import PARAMETERS as PAGE_PARAMETERS
from rest.lists import cursor_in, limit_in, list_of
from rest.unknown import parameters_in

TAG = "tag."
_MAX_TAGS = 8
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""
_COLUMNS = (
    "id", "status", "outcome", "verdict", "language", "version", "exit_code", "error", "created_at", "started_at",
    "finished_at", "queue_ms", "wall_ms", "cpu_ms", "peak_memory_bytes", "attempt", "batch", "door", "tags",
)  # fmt: skip


class HistoryParameters(serializers.Serializer[Any]):
    """Which executions are listed."""

    language = serializers.CharField(required=False, max_length=64, help_text="A language's slug.")
    status = serializers.ChoiceField(Status.choices, required=False, help_text="Where it is.")
    outcome = serializers.ChoiceField([each.value for each in Outcome], required=False, help_text="How it ended.")
    verdict = serializers.RegexField(r"^[a-z_]{1,20}$", required=False, help_text="Of all its tests.")
    door = serializers.ChoiceField([each.value for each in Door], required=False, help_text="By which path it came.")
    batch = serializers.UUIDField(required=False, help_text="Those of one batch.")
    created_after = serializers.DateTimeField(required=False, help_text="From this moment on.")
    created_before = serializers.DateTimeField(required=False, help_text="Before this moment.")


class ExportParameters(HistoryParameters):
    """The same, and how they are written."""

    format = serializers.ChoiceField(["ndjson", "csv"], default="ndjson", help_text="One JSON object a line, or CSV.")


def listed(request: Request) -> dict[str, Any]:
    """The page that the request asks for."""
    asked = parameters_in(request, HistoryParameters, also=PAGE_PARAMETERS, under=TAG)
    limit, cursor = limit_in(request), cursor_in(request, Execution)
    wanted = wanted_in(request, asked, below=cursor)
    rows = wanted.page(limit + 1)
    return list_of(request, rows, limit, represent=summary)


def exported(request: Request) -> HttpResponseBase:
    """All of them, as a stream."""
    asked = parameters_in(request, ExportParameters, under=TAG)
    wanted = wanted_in(request, asked, below=None)
    if asked["format"] == "csv":
        return _streamed(_csv(wanted), "text/csv; charset=utf-8", "executions.csv")
    return _streamed(_ndjson(wanted), "application/x-ndjson", "executions.ndjson")


def wanted_in(request: Request, asked: dict[str, Any], *, below: UUID | None) -> Wanted:
    """What is asked for of the caller's own. NotAuthenticated without a key: nobody's history is nobody's to read."""
    caller = require(request, Right.READ)
    if reads_by_token(caller):
        raise PermissionDenied("a publishable key reads each execution by its token", "forbidden_right")
    low = first_at(asked["created_after"]) if "created_after" in asked else LOWEST
    before = first_at(asked["created_before"]) if "created_before" in asked else HIGHEST
    return Wanted(
        caller.client_id,
        language=asked.get("language", ""),
        status=asked.get("status", ""),
        outcome=asked.get("outcome", ""),
        verdict=asked.get("verdict", ""),
        door=asked.get("door", ""),
        batch_id=asked.get("batch"),
        tags=_tags_in(request),
        low=low,
        high=before if below is None else min(before, below),
    )


def _tags_in(request: Request) -> dict[str, str]:
    names = [name for name in request.query_params if name.startswith(TAG)]
    if len(names) > _MAX_TAGS:
        raise ValidationError({TAG: ErrorDetail(f"at most {_MAX_TAGS} tags", code="too_large")})
    for name in names:
        value = request.query_params[name]
        if "\x00" in name + value or len(name) > len(TAG) + 64 or len(value) > 256:
            raise ValidationError({name: ErrorDetail("is no tag", code="invalid")})
    return {name.removeprefix(TAG): request.query_params[name] for name in names}


def _streamed(lines: Iterator[bytes], content_type: str, name: str) -> StreamingHttpResponse:
    headers = {"Content-Type": content_type, "Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(lines, headers=headers)


def _ndjson(wanted: Wanted) -> Iterator[bytes]:
    for execution in wanted.all():
        told = summary(execution) | _numbers(execution)
        yield json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _csv(wanted: Wanted) -> Iterator[bytes]:
    yield ",".join(_COLUMNS).encode() + b"\r\n"
    for execution in wanted.all():
        line = io.StringIO()
        csv.writer(line).writerow(map(_cell, _row(execution)))
        yield line.getvalue().encode()


def _row(execution: Execution) -> list[object]:
    language = {"language": execution.language_slug, "version": execution.language_version}
    values: dict[str, object] = summary(execution) | _numbers(execution) | language
    values["tags"] = json.dumps(execution.tags or {}, ensure_ascii=False)
    return [values[name] for name in _COLUMNS]


def _numbers(execution: Execution) -> dict[str, Any]:
    return {
        "exit_code": execution.exit_code,
        "wall_ms": execution.wall_ms,
        "cpu_ms": execution.cpu_ms,
        "peak_memory_bytes": execution.peak_memory_bytes,
        "door": execution.door,
    }


def _cell(value: object) -> str:
    """A cell that no spreadsheet takes for a formula: one that would be has an apostrophe before it."""
    text = "" if value is None else str(value)
    is_number = isinstance(value, (int, float))
    return f"'{text}" if text.startswith(_FORMULA) and not is_number else text
