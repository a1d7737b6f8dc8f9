"""What of an answer is asked for: `?fields=status,run.stdout` trims, `?include=source,output` adds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request

PARAMETERS = ("fields", "include")
MAX_FIELDS = 32
_MAX_CHARACTERS = 2048


def included(request: Request, known: Sequence[str]) -> frozenset[str]:
    """The names in `include`. ValidationError for one that there is not."""
    names = _names(request, "include")
    for name in names:
        if name not in known:
            _refuse("include", f"is one or more of {', '.join(known)}")
    return frozenset(names)


def check_fields(request: Request, known: Callable[[Sequence[str]], bool]) -> None:
    """ValidationError where a field is asked for that there is not: before a program is run, or a stream begins."""
    for name in _names(request, "fields"):
        if not known(name.split(".")):
            _refuse("fields", f"there is no field {name[:64]}")


def trimmed(data: dict[str, Any], request: Request) -> dict[str, Any]:
    """`data` with only the fields that are asked for, as far as this one has them."""
    wanted = _names(request, "fields")
    if not wanted:
        return data
    kept: dict[str, Any] = {}
    for name in wanted:
        _keep(data, name.split("."), kept)
    return kept


def _keep(data: Mapping[str, Any], path: list[str], kept: dict[str, Any]) -> None:
    first, *rest = path
    if first not in data:
        return
    inner = data[first]
    if not rest or not isinstance(inner, Mapping):
        # What is null has no fields, and tells so.
        kept[first] = inner
    elif kept.get(first) is not inner:
        _keep(inner, rest, kept.setdefault(first, {}))


def _names(request: Request, parameter: str) -> list[str]:
    text = request.query_params.get(parameter, "")
    names = [name.strip() for name in text.split(",") if name.strip()] if len(text) <= _MAX_CHARACTERS else []
    if len(text) > _MAX_CHARACTERS or len(names) > MAX_FIELDS:
        _refuse(parameter, f"has more than {MAX_FIELDS} names")
    return names


def _refuse(parameter: str, message: str) -> None:
    raise ValidationError({parameter: [ErrorDetail(message, code="unknown_field")]})
