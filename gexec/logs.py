"""One line a life-cycle event, for a person or as JSON.

Submitted sources and secrets are never given to a logger; what libraries and exceptions would tell of them is left out
here (gexec.faults). A line that belongs to a request has its id.
"""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime
from typing import Any

from gexec.faults import formatted, told
from rest import correlation, tracing

# So wide that what follows stands in columns for most events and every level.
_EVENT_WIDTH = 30
_LEVEL_WIDTH = 9
_NEEDS_QUOTES = re.compile("[ \t\r\n=\"']")
# What every record has; all else was given with `extra`.
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


class TextFormatter(logging.Formatter):
    """For a person: time, level, event, logger, then what was given with it, by name."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, with the traceback below it."""
        given = "".join(f" {name}={_value(value)}" for name, value in sorted(_extra(record).items()))
        level = f"[{record.levelname.lower():{_LEVEL_WIDTH}}]"
        line = f"{_time(record)} {level} {_message(record):{_EVENT_WIDTH}} [{record.name}]{given}"
        return line + (f"\n{exception}" if (exception := _exception(record)) else "")


class JsonFormatter(logging.Formatter):
    """For a log collector."""

    def format(self, record: logging.LogRecord) -> str:
        """One JSON object."""
        event = {"event": _message(record), "level": record.levelname.lower(), "logger": record.name}
        event |= _extra(record) | {"timestamp": _time(record)}
        if exception := _exception(record):
            event["exception"] = exception
        return json.dumps(event, default=repr)


def configuration(*, as_json: bool) -> dict[str, Any]:
    """Django's LOGGING, gunicorn's and the supervisor's: everything on stderr in one form."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": JsonFormatter if as_json else TextFormatter}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": "INFO"},
        "loggers": {
            # Django's own handlers would write everything twice; a refused request is no event of ours.
            "django": {"handlers": [], "level": "INFO", "propagate": True},
            "django.request": {"level": "ERROR", "filters": ["failed"]},
            "django.server": {"handlers": [], "propagate": True},
            # What is suspicious is refused as well: a host, more fields than are taken. Anybody can send it.
            "django.security": {"level": "CRITICAL"},
            "django.security.csrf": {"level": "WARNING"},
            "gunicorn.error": {"handlers": [], "level": "INFO", "propagate": True, "filters": ["no_request"]},
            "gunicorn.access": {"handlers": [], "level": "CRITICAL", "propagate": False},
            "axes": {"level": "WARNING"},
        },
        "filters": {
            "failed": {"()": lambda: _tells_of_a_failure},
            "no_request": {"()": lambda: _without_request},
        },
    }


def leave_out_what_no_line_has() -> None:
    """Have records made without the file, line, thread and process that they come from: a seventh of what a line costs.

    The logging module says of these names that they are there for this.
    """
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


def _tells_of_a_failure(record: logging.LogRecord) -> bool:
    """An unexpected exception; an answer of 503 that a view gave on purpose is none.

    Django would name the whole address, in which there may be secrets: the pattern that it fits says enough.
    """
    if record.exc_info is None:
        return False
    request = vars(record).pop("request", None)
    match = getattr(request, "resolver_match", None)
    record.msg, record.args = "a request failed", ()
    record.route = None if match is None else f"/{match.route.removeprefix('^')}"
    return True


def _without_request(record: logging.LogRecord) -> bool:
    """gunicorn quotes what it could not read, or the address of what failed."""
    text = str(record.msg)
    if text.startswith("Invalid request from ip="):
        record.msg, record.args = "something came that is no HTTP request", ()
        record.levelno, record.levelname = logging.INFO, "INFO"
    elif text.startswith("Error handling request"):
        record.msg, record.args = "a request failed", ()
    return True


def _message(record: logging.LogRecord) -> str:
    """The event. An exception in it is told as far as a log may have it."""
    if isinstance(record.msg, BaseException):
        return told(record.msg)
    if not isinstance(record.args, tuple) or not any(isinstance(each, BaseException) for each in record.args):
        return record.getMessage()
    arguments = tuple(told(each) if isinstance(each, BaseException) else each for each in record.args)
    return str(record.msg) % arguments


def _exception(record: logging.LogRecord) -> str:
    if record.exc_info and record.exc_info[1] is not None:
        return formatted(record.exc_info[1])
    # What was formatted already, by whichever library, cannot be told from what it quotes.
    return ""


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    given = {name: value for name, value in vars(record).items() if name not in _OWN}
    if "request_id" not in given and (request_id := correlation.current()):
        given["request_id"] = request_id
    if trace_id := tracing.now().trace_id():
        given["trace_id"] = trace_id
    return given


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def _value(value: object) -> str:
    return value if isinstance(value, str) and not _NEEDS_QUOTES.search(value) else repr(value)
