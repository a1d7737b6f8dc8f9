"""The body of a request, read as the other service's models read it: "10" is a number there, and so is true."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from executions.compat.languages import Entry, table_of
from executions.compat.problems import Reply
from executions.compat.sandboxfusion.words import fault, invalid
from executions.doors import Door

_DEFAULT_S = 10.0

Path = tuple[Any, ...]
Faults = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, read."""

    entry: Entry
    code: str
    stdin: str
    compile_timeout_s: float
    run_timeout_s: float
    memory_mb: int
    """Not above 0: no limit was asked for."""
    files: Mapping[str, str]
    """By path, in base64."""
    fetch_files: tuple[str, ...]


class _Wrong(Exception):
    """A value is not of its kind."""

    def __init__(self, kind: str, message: str, context: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.kind, self.message, self.context = kind, message, context


def asked_in(data: Mapping[str, Any]) -> Asked:
    """What it asks for. Raises Reply (422) with all that is wrong with it."""
    faults: Faults = []

    def read(name: str, kind: Callable[[Any, Path, Faults], Any], default: Any = ...) -> Any:
        if name not in data:
            if default is ...:
                faults.append(fault("missing", name, "Field required", dict(data)))
            return default
        return _read(kind, data[name], (name,), faults)

    values = {
        "compile_timeout_s": read("compile_timeout", _number, _DEFAULT_S),
        "run_timeout_s": read("run_timeout", _number, _DEFAULT_S),
        "memory_mb": read("memory_limit_MB", _whole, -1),
        "code": read("code", _text),
        "stdin": read("stdin", _optional_text, "") or "",
        "entry": read("language", _language),
        "files": read("files", _files, {}),
        "fetch_files": tuple(read("fetch_files", _texts, ()) or ()),
    }
    read("args", _texts, ())
    if faults:
        raise Reply(invalid(faults))
    return Asked(**values)


def _read(kind: Callable[[Any, Path, Faults], Any], value: Any, path: Path, faults: Faults) -> Any:
    try:
        return kind(value, path, faults)
    except _Wrong as wrong:
        faults.append(fault(wrong.kind, path, wrong.message, value, wrong.context))
        return None


def _text(value: Any, _path: Path, _faults: Faults) -> str:
    if not isinstance(value, str):
        raise _Wrong("string_type", "Input should be a valid string")
    return value


def _optional_text(value: Any, path: Path, faults: Faults) -> str | None:
    return None if value is None else _text(value, path, faults)


def _number(value: Any, _path: Path, _faults: Faults) -> float:
    if not isinstance(value, (int, float, str)):
        raise _Wrong("float_type", "Input should be a valid number")
    try:
        return float(value)
    except OverflowError:
        return -math.inf if int(value) < 0 else math.inf
    except ValueError:
        message = "Input should be a valid number, unable to parse string as a number"
        raise _Wrong("float_parsing", message) from None


def _whole(value: Any, _path: Path, _faults: Faults) -> int:
    if isinstance(value, float):
        if not value.is_integer():
            raise _Wrong("int_from_float", "Input should be a valid integer, got a number with a fractional part")
        return int(value)
    if not isinstance(value, (int, str)):
        raise _Wrong("int_type", "Input should be a valid integer")
    try:
        return int(value)
    except ValueError:
        message = "Input should be a valid integer, unable to parse string as an integer"
        raise _Wrong("int_parsing", message) from None


def _language(value: Any, _path: Path, _faults: Faults) -> Entry:
    table = table_of(Door.SANDBOXFUSION)
    entry = table.find("name", value) if isinstance(value, str) else None
    if entry is None:
        *names, last = (f"'{each['name']}'" for each in table.entries)
        expected = f"{', '.join(names)} or {last}"
        raise _Wrong("literal_error", f"Input should be {expected}", {"expected": expected})
    return entry


def _files(value: Any, path: Path, faults: Faults) -> dict[str, str]:
    if not isinstance(value, dict):
        raise _Wrong("dict_type", "Input should be a valid dictionary")
    read = {name: _read(_optional_text, each, (*path, name), faults) for name, each in value.items()}
    return {name: each for name, each in read.items() if each is not None}


def _texts(value: Any, path: Path, faults: Faults) -> list[str]:
    if not isinstance(value, list):
        raise _Wrong("list_type", "Input should be a valid list")
    return [_read(_text, each, (*path, number), faults) for number, each in enumerate(value)]
