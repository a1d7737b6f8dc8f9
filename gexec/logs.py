"""One line a life-cycle event, for a person or as JSON. Submitted sources and secrets are never given to a logger."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

# So wide that what follows stands in columns for most events and every level.
_EVENT_WIDTH = 30
_LEVEL_WIDTH = 9
_NEEDS_QUOTES = set(" \t\r\n=\"'")
# What every record has; all else was given with `extra`.
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


class TextFormatter(logging.Formatter):
    """For a person: time, level, event, logger, then what was given with it, by name."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, with the traceback below it."""
        given = "".join(f" {name}={_value(value)}" for name, value in sorted(_extra(record).items()))
        level = f"[{record.levelname.lower():{_LEVEL_WIDTH}}]"
        line = f"{_time(record)} {level} {record.getMessage():{_EVENT_WIDTH}} [{record.name}]{given}"
        return line + (f"\n{self.formatException(record.exc_info)}" if record.exc_info else "")


class JsonFormatter(logging.Formatter):
    """For a log collector."""

    def format(self, record: logging.LogRecord) -> str:
        """One JSON object."""
        event = {"event": record.getMessage(), "level": record.levelname.lower(), "logger": record.name}
        event |= _extra(record) | {"timestamp": _time(record)}
        if record.exc_info:
            event["exception"] = self.formatException(record.exc_info)
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
            "django.security.DisallowedHost": {"level": "CRITICAL"},
            "gunicorn.error": {"handlers": [], "level": "INFO", "propagate": True},
            "gunicorn.access": {"handlers": [], "level": "CRITICAL", "propagate": False},
            "axes": {"level": "WARNING"},
        },
        "filters": {"failed": {"()": lambda: _tells_of_a_failure}},
    }


def _tells_of_a_failure(record: logging.LogRecord) -> bool:
    """An unexpected exception; an answer of 503 that a view gave on purpose is none."""
    return record.exc_info is not None


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in vars(record).items() if name not in _OWN}


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _value(value: object) -> str:
    return repr(value) if not isinstance(value, str) or _NEEDS_QUOTES & set(value) else value
