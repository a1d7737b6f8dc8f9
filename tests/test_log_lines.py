"""A log line is for a person or for a collector; both say all that was given with the event."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

from gexec.logs import JsonFormatter, TextFormatter


def record(message: str, *arguments: object, **extra: Any) -> logging.LogRecord:
    made = logging.getLogger("gexec.test").makeRecord(
        "gexec.test", logging.WARNING, __file__, 1, message, arguments, None, extra=extra
    )
    made.created = 0.25
    return made


def test_a_person_reads_time_level_event_logger_and_what_was_given_by_name() -> None:
    line = TextFormatter().format(record("stopped %s", "late", signal="SIGTERM", after_s=0.5, by="two words"))
    start = "1970-01-01T00:00:00.250000Z [warning  ] stopped late                   [gexec.test]"
    assert line == f"{start} after_s=0.5 by='two words' signal=SIGTERM"


def test_a_collector_reads_one_object_whatever_was_given() -> None:
    line = JsonFormatter().format(record("two\nlines", path=sys, count=3))
    assert "\n" not in line
    assert json.loads(line) == {
        "event": "two\nlines",
        "level": "warning",
        "logger": "gexec.test",
        "path": repr(sys),
        "count": 3,
        "timestamp": "1970-01-01T00:00:00.250000Z",
    }


def test_a_traceback_is_kept() -> None:
    failed = record("failed")
    try:
        json.loads("{}")["x"]
    except KeyError:
        failed.exc_info = sys.exc_info()
    assert TextFormatter().format(failed).endswith("\nKeyError: 'x'")
    assert json.loads(JsonFormatter().format(failed))["exception"].endswith("\nKeyError: 'x'")
