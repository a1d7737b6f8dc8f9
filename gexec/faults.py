"""An exception as the log may have it: what it is and where it came from, without what a client had sent.

Messages of exceptions quote what they failed at. That may be a program, its output or a secret: PostgreSQL quotes
statements and rows, Python the value that it could not convert. So of the database's errors the log has their code and
what of the schema they name, and of all others what they quote is left out where it is longer than a name.
"""

from __future__ import annotations

import re
import threading
import traceback
from collections.abc import Iterator
from logging import Logger

_LONGEST = 500
_QUOTED = re.compile(r"""b?'[^']{25,}'|b?"[^"]{25,}"|b?`[^`]{25,}`""")
_CODE = re.compile(r"[0-9A-Z]{5}")
_OF_THE_SCHEMA = ("table_name", "column_name", "constraint_name", "datatype_name")
_OF_THE_SERVER = ("08", "25", "40", "53", "55", "57", "58", "F0", "XX")
"""Classes of SQLSTATE whose messages are about the server and its locks, and quote no value."""
_KNOWN = ("docker", "sandbox", "serve")
"""Packages whose exceptions are about containers and processes: what they quote is the engine's words."""


def told(error: BaseException) -> str:
    """Its message, as far as the log may have it."""
    if (code := _sqlstate(error)) is not None:
        return _of_database(error, code)
    message = str(error)
    if type(error).__module__.partition(".")[0] not in _KNOWN:
        message = _QUOTED.sub("'…'", message.split("\n", 1)[0])
    return message if len(message) <= _LONGEST else f"{message[:_LONGEST]}…"


def formatted(error: BaseException) -> str:
    """Its traceback with those of what caused it, as Python prints them."""
    return "\n".join(_parts(error, seen=set()))


def log_failed_threads(logger: Logger) -> None:
    """Have what ends a thread logged, in place of Python's own way to stderr."""

    def hook(failed: threading.ExceptHookArgs) -> None:
        if failed.exc_value is not None and not isinstance(failed.exc_value, SystemExit):
            name = failed.thread.name if failed.thread else "?"
            logger.error("the thread %s failed", name, exc_info=failed.exc_value)

    threading.excepthook = hook


def _parts(error: BaseException, seen: set[int]) -> Iterator[str]:
    seen.add(id(error))
    cause = error.__cause__
    context = None if error.__suppress_context__ else error.__context__
    if cause is not None and id(cause) not in seen:
        yield from _parts(cause, seen)
        yield "\nThe above exception was the direct cause of the following exception:\n"
    elif cause is None and context is not None and id(context) not in seen:
        yield from _parts(context, seen)
        yield "\nDuring handling of the above exception, another exception occurred:\n"
    if error.__traceback__ is not None:
        yield "Traceback (most recent call last):"
        yield "".join(traceback.format_tb(error.__traceback__)).rstrip("\n")
    message = told(error)
    yield f"{_name(error)}: {message}" if message else _name(error)


def _name(error: BaseException) -> str:
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _sqlstate(error: BaseException) -> str | None:
    """Of psycopg's exceptions, and of Django's that wrap one."""
    for each in (error, error.__cause__):
        code = getattr(each, "sqlstate", None)
        if isinstance(code, str) and _CODE.fullmatch(code):
            return code
    return None


def _of_database(error: BaseException, code: str) -> str:
    diagnosis = getattr(error, "diag", None) or getattr(error.__cause__, "diag", None)
    if code.startswith(_OF_THE_SERVER):
        return f"SQLSTATE {code}: {getattr(diagnosis, 'message_primary', None) or 'no message'}"
    named = [f"{name}={value}" for name in _OF_THE_SCHEMA if (value := getattr(diagnosis, name, None))]
    return " ".join([f"SQLSTATE {code}", *named])
