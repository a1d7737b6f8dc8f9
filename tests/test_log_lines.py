"""A log line is for a person or for a collector; both say all that was given with the event."""

from __future__ import annotations

import json
import logging
import sys
import threading
from typing import Any

import pytest
from django.db import Error, connection, transaction

from gexec import process
from gexec.environment import Environment
from gexec.faults import log_failed_threads
from gexec.logs import JsonFormatter, TextFormatter
from rest import correlation
from sandbox.errors import EngineUnavailable


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


def caught(raised: BaseException, cause: BaseException | None = None) -> BaseException:
    try:
        raise raised from cause
    except type(raised) as error:
        return error


LONG = "x" * 40


@pytest.mark.parametrize(
    ("error", "told_of_it"),
    [
        (KeyError("short"), "KeyError: 'short'"),
        (ValueError(f"invalid literal for int() with base 10: '{LONG}'"), "int() with base 10: '…'"),
        (ValueError(f'no "{LONG}" here\n{LONG}'), "ValueError: no '…' here"),
        (ValueError("y " * 5000), "…"),
        (EngineUnavailable(f"the engine said '{LONG}'"), f"the engine said '{LONG}'"),
    ],
)
def test_of_an_exception_what_it_quotes_is_left_out(error: BaseException, told_of_it: str) -> None:
    line = record("failed: %s", error)
    line.exc_info = (type(error), caught(error), None)
    written = TextFormatter().format(line)
    assert told_of_it in written
    assert len(written) < 3000
    if not isinstance(error, EngineUnavailable):
        assert LONG not in written


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("statement", "values", "told_of_it"),
    [
        ("SELECT %s::int", [LONG], "SQLSTATE 22P02"),
        (f"SELECT 1 FROM {LONG}", [], "SQLSTATE 42P01"),
        ("INSERT INTO rest_counter VALUES (%s, NULL, now())", [LONG], "SQLSTATE 23502 table_name=rest_counter"),
        ("SELECT %s::text, pg_terminate_backend(0, -1)", [LONG], "SQLSTATE 22003"),
    ],
)
def test_of_the_databases_errors_the_code_and_the_schema_are_told(
    statement: str, values: list[str], told_of_it: str
) -> None:
    with pytest.raises(Error) as failed, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)
    line = record("the database is not available: %s", failed.value)
    line.exc_info = (type(failed.value), failed.value, failed.value.__traceback__)
    written = JsonFormatter().format(line)
    assert told_of_it in json.loads(written)["event"]
    assert "Traceback" in written
    assert LONG not in written


def test_a_chain_of_exceptions_is_told_from_its_beginning() -> None:
    line = record("failed")
    error = caught(KeyError("b"), caught(ValueError(f"'{LONG}'")))
    line.exc_info = (type(error), error, None)
    written = TextFormatter().format(line)
    assert written.index("ValueError: '…'") < written.index("direct cause") < written.index("KeyError: 'b'")


@pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter()], ids=["text", "json"])
def test_a_line_of_a_request_has_its_id(formatter: logging.Formatter) -> None:
    with correlation.within("mine"):
        assert "mine" in formatter.format(record("happened"))
    assert "mine" not in formatter.format(record("happened"))


def test_a_thread_that_fails_is_logged(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    log_failed_threads(logging.getLogger("gexec.test"))

    def fail() -> None:
        raise ValueError(f"'{LONG}'")

    thread = threading.Thread(target=fail, name="poor")
    thread.start()
    thread.join()
    (told,) = caplog.records
    assert told.getMessage() == "the thread poor failed"
    assert LONG not in TextFormatter().format(told)


@pytest.mark.parametrize(
    ("variables", "as_json"),
    [({}, False), ({"GEXEC_SECURE": "1"}, True), ({"GEXEC_LOG_JSON": "1"}, True),
     ({"GEXEC_SECURE": "1", "GEXEC_LOG_JSON": "0"}, False)],
    ids=["development", "production", "asked", "not asked"],
)  # fmt: skip
def test_a_collector_reads_them_in_production(
    variables: dict[str, str], as_json: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "env", Environment(variables))
    assert process.read().log_json is as_json


@pytest.mark.parametrize(
    "logger", ["DisallowedHost", "TooManyFieldsSent", "RequestDataTooBig", "SuspiciousSession", "DisallowedRedirect"]
)
def test_a_request_that_is_refused_for_what_it_is_leaves_no_traceback(logger: str) -> None:
    """Django says each as an error, with a traceback; anybody can send a thousand of them."""
    assert not logging.getLogger(f"django.security.{logger}").isEnabledFor(logging.ERROR)
    assert logging.getLogger("django.security.csrf").isEnabledFor(logging.WARNING)
