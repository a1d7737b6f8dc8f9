"""What a request asks for. What is wrong with it is told as the other service's decoder and validator tell it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from executions.compat.dify.words import envelope
from executions.compat.problems import Reply
from executions.compat.views import said

_KINDS = {str: "string", bool: "bool"}
_JSON_KINDS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "bool"),
    (str, "string"),
    ((int, float), "number"),
    (list, "array"),
    (dict, "object"),
)

RUN_FIELDS: Mapping[str, type] = {"language": str, "code": str, "preload": str, "enable_network": bool}
LANGUAGE_FIELD: Mapping[str, type] = {"language": str}


def asked_in(data: Mapping[str, Any], fields: Mapping[str, type], *, required: tuple[str, ...], strict: bool) -> Any:
    """The fields, with what is left out empty. `strict`: a JSON body, whose faults have status 400; else 200."""
    faults = [_mistyped(name, kind, data[name]) for name, kind in fields.items() if _is_mistyped(kind, data.get(name))]
    if not faults:
        faults = [_missing(name) for name in required if not data.get(name)]
        text = "\n".join(faults)
    else:
        text = faults[0]
    if faults:
        raise Reply(said(400 if strict else 200, envelope(-400, text)))
    return {name: kind() if data.get(name) is None else data[name] for name, kind in fields.items()}


def unsupported() -> Reply:
    """No language of the other service's, or one that is not installed here."""
    return Reply(said(400, envelope(-400, "unsupported language")))


def _is_mistyped(kind: type, value: Any) -> bool:
    return value is not None and (not isinstance(value, kind))


def _mistyped(name: str, kind: type, value: Any) -> str:
    found = next(word for types, word in _JSON_KINDS if isinstance(value, types))
    return f"json: cannot unmarshal {found} into Go struct field .{name} of type {_KINDS[kind]}"


def _missing(name: str) -> str:
    field = name.capitalize()
    return f"Key: '{field}' Error:Field validation for '{field}' failed on the 'required' tag"
