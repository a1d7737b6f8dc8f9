"""What nobody knows is refused: a misspelt field that is silently ignored is the worst mistake an API can make."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request

_TOLD = 10
"""Unknown names are told up to here: a body may be full of them, and the answer should not be."""
_COMPARED_CHARACTERS = 64
"""A name that is longer than any of ours is no slip of the pen."""


class StrictSerializer(serializers.Serializer[Any]):
    """A serializer that refuses fields that it does not have, with `unknown_field` and a pointer to each."""

    def to_internal_value(self, data: Any) -> Any:
        """DRF's, for fields that are known. ValidationError."""
        if isinstance(data, Mapping):
            known = [name for name, field in self.fields.items() if not field.read_only]
            refuse_unknown(data, known, what="field")
        return super().to_internal_value(data)


def parameters_in(
    request: Request, parameters: type[serializers.Serializer[Any]], *, also: Collection[str] = (), under: str = ""
) -> dict[str, Any]:
    """The query of a request, read by `parameters`. ValidationError for what it does not know, or comes twice.

    `also` are names that others read; with `under`, so are all that begin with it (`tag.`).
    """
    query, fields = request.query_params, parameters().fields
    names = [name for name in query if not (under and name.startswith(under))]
    refuse_unknown(names, [*fields, *also], what="parameter")
    for name, values in query.lists():
        if len(values) > 1:
            raise ValidationError({name: ErrorDetail("stands twice in the query", code="invalid")})
        if "\x00" in name or "\x00" in values[0]:
            raise ValidationError({name: ErrorDetail("cannot contain NUL characters", code="nul_character")})
    serializer = parameters(data={name: query[name] for name in query if name in fields})
    serializer.is_valid(raise_exception=True)
    found: dict[str, Any] = serializer.validated_data
    return found


def refuse_unknown(names: Iterable[str], known: Sequence[str], *, what: str) -> None:
    """ValidationError where one of `names` is not among the known ones."""
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValidationError(
            {name: ErrorDetail(_no_such(what, name, known), code="unknown_field") for name in unknown[:_TOLD]}
        )


def _no_such(what: str, name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1) if len(name) <= _COMPARED_CHARACTERS else []
    return f"there is no such {what}; did you mean {near[0]}?" if near else f"there is no such {what}"
