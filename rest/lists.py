"""Lists: newest first, a page at a time, each page a range of the primary key that is as cheap as the first."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from django.core.exceptions import ValidationError as NoSuchValue
from django.db import models
from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request

DEFAULT_LIMIT, MAX_LIMIT = 50, 200
PARAMETERS = ("limit", "cursor")
"""What every list takes in its query, for rest.unknown.parameters_in."""

M = TypeVar("M", bound=models.Model)


def page_of(rows: QuerySet[M], request: Request, *, represent: Callable[[M], Any]) -> dict[str, Any]:
    """The page of `rows` that the request asks for, as a list's object. ValidationError for a wrong limit or cursor.

    `rows` come by their primary key, which has to grow with time: the cursor is the last one of a page.
    """
    limit, after = limit_in(request), cursor_in(request, rows.model)
    if after is not None:
        rows = rows.filter(pk__lt=after)
    return list_of(request, list(rows.order_by("-pk")[: limit + 1]), limit, represent=represent)


def list_of(request: Request, found: Sequence[M], limit: int, *, represent: Callable[[M], Any]) -> dict[str, Any]:
    """A list's object of the first `limit` of what was found; one more than that says that there are more."""
    page, has_more = found[:limit], len(found) > limit
    return {
        "object": "list",
        "data": [represent(row) for row in page],
        "has_more": has_more,
        "next": _next(request, page[-1].pk) if has_more else None,
    }


def cursor_of(key: object) -> str:
    """An opaque name of the place behind the row with this primary key."""
    return base64.urlsafe_b64encode(str(key).encode()).decode().rstrip("=")


def limit_in(request: Request) -> int:
    """How many rows a page has. ValidationError."""
    text = request.query_params.get("limit", str(DEFAULT_LIMIT))
    # isdecimal alone takes the digits of every script.
    if text.isascii() and text.isdecimal() and len(text) <= 4 and 1 <= int(text) <= MAX_LIMIT:
        return int(text)
    raise serializers.ValidationError({"limit": [f"must be a whole number from 1 to {MAX_LIMIT}"]}, code="invalid")


def cursor_in(request: Request, model: type[models.Model]) -> Any:
    """The primary key of the row behind which a page begins; None for the first one. ValidationError."""
    cursor = request.query_params.get("cursor")
    if cursor is None:
        return None
    key = model._meta.pk
    assert key is not None  # noqa: S101 (every model has one)
    try:
        padded = (cursor + "=" * (-len(cursor) % 4)).encode("ascii")
        value = key.to_python(base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii"))
        key.run_validators(value)
    except (binascii.Error, ValueError, NoSuchValue):
        raise serializers.ValidationError({"cursor": ["is none that a list gave"]}, code="invalid") from None
    return value


def _next(request: Request, key: object) -> str:
    parameters = request.query_params.copy()
    parameters["cursor"] = cursor_of(key)
    return f"{request.path}?{parameters.urlencode()}"
