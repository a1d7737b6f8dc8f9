"""How values are read and written through Judge0's door: as Ruby on Rails does it, which its clients know by heart."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import pytest

from executions.compat.judge0 import ruby
from executions.compat.judge0.arguments import words_in
from executions.compat.judge0.fields import COLUMNS, DEFAULT, InvalidFields, NotText, chosen, written
from executions.compat.judge0.options import NUMBERS, config_info
from executions.compat.judge0.statuses import Status, of_signal


@pytest.mark.parametrize(
    ("data", "encoded"),
    [
        (b"", ""),
        (b"hello\n", "aGVsbG8K\n"),
        (b"x" * 45, "eHh4" * 15 + "\n"),
        (b"x" * 46, "eHh4" * 15 + "\neA==\n"),
    ],
)
def test_base64_comes_in_lines_of_60_and_ends_one(data: bytes, encoded: str) -> None:
    assert ruby.encode64(data) == encoded
    assert ruby.decode64(encoded) == data


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("aGk=", b"hi"),
        ("aGk", b"hi"),
        ("aG\n k", b"hi"),
        ("aGk=aGk=", b"hi"),
        ("a", b""),
        ("!!!not base64!!!", base64.b64decode("notbase64AAA")[:6]),
        ("é", b""),
    ],
)
def test_of_wrong_base64_is_read_what_can_be(text: str, data: bytes) -> None:
    assert ruby.decode64(text) == data


@pytest.mark.parametrize(
    ("milliseconds", "seconds"),
    [(2, "0.002"), (0.4, "0.0"), (5000, "5.0"), (290, "0.29"), (15.6, "0.016"), (None, None), (12_345, "12.345")],
)
def test_times_are_texts_of_seconds(milliseconds: float | None, seconds: str | None) -> None:
    assert ruby.seconds(milliseconds) == seconds


def test_a_mean_has_fifteen_digits() -> None:
    assert ruby.decimal(0.047 / 3) == "0.0156666666666667"
    assert ruby.decimal(0.00001) == "0.00001"


def test_a_moment_has_milliseconds_always() -> None:
    assert ruby.moment(datetime(2024, 12, 9, 17, 22, 55, tzinfo=UTC)) == "2024-12-09T17:22:55.000Z"
    assert ruby.moment(datetime(2024, 12, 9, 17, 22, 55, 662_999, tzinfo=UTC)) == "2024-12-09T17:22:55.662Z"
    assert ruby.moment(None) is None


@pytest.mark.parametrize(
    ("value", "whole"),
    [("71", 71), (" 71x", 71), ("abc", 0), ("", None), (None, None), (71.9, 71), (True, 1), (float("inf"), None)],
)
def test_a_whole_number_is_what_a_value_begins_with(value: Any, whole: int | None) -> None:
    assert ruby.whole_of(value) == whole


@pytest.mark.parametrize("value", [False, 0, "0", "false", "off", "f", "", None])
def test_few_words_are_false(value: Any) -> None:
    assert not ruby.truth_of(value)


@pytest.mark.parametrize("value", [True, 1, "1", "true", "no"])
def test_all_other_words_are_true(value: Any) -> None:
    assert ruby.truth_of(value)


@pytest.mark.parametrize(
    ("name", "value", "wrong"),
    [
        ("cpu_time_limit", 15, None),
        ("cpu_time_limit", "1.5", None),
        ("cpu_time_limit", 15.1, "must be less than or equal to 15.0"),
        ("cpu_time_limit", -1, "must be greater than or equal to 0"),
        ("cpu_time_limit", "1.5s", "is not a number"),
        ("cpu_time_limit", True, "is not a number"),
        ("wall_time_limit", 0.5, "must be greater than or equal to 1"),
        ("wall_time_limit", 21, "must be less than or equal to 20.0"),
        ("memory_limit", 2047, "must be greater than or equal to 2048"),
        ("memory_limit", 512_001, "must be less than or equal to 512000"),
        ("number_of_runs", 0, "must be greater than 0"),
        ("number_of_runs", 1e400, "is not a number"),
        ("number_of_runs", 10**400, "is not a number"),
    ],
)
def test_numbers_are_refused_in_its_words(name: str, value: Any, wrong: str | None) -> None:
    assert NUMBERS[name].wrong(value) == wrong


def test_the_configuration_has_all_that_its_sdk_needs() -> None:
    told = config_info(queue=100, deletes=False)
    assert len(told) == 40
    assert (told["cpu_time_limit"], told["max_cpu_time_limit"]) == (5.0, 15.0)
    assert (told["max_max_processes_and_or_threads"], told["max_max_file_size"]) == (120, 4096)
    assert told["max_queue_size"] == 100


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, ()),
        ("", ()),
        ("-O2  -Wall", ("-O2", "-Wall")),
        ("'a b' \"c d\" e\\ f", ("a b", "c d", "e f")),
        ("a; rm -rf / & $(x) `y` | z > w", ("a", "rm", "-rf", "/", "(x)", "y", "z", "w")),
        ("it's", ("it's",)),
        ("\ud800", ("?",)),
    ],
)
def test_words_are_a_shells_without_what_makes_it_do_things(text: str | None, words: tuple[str, ...]) -> None:
    assert words_in(text) == words


def test_fields_are_chosen_by_name() -> None:
    assert chosen(None) == chosen("") == DEFAULT
    assert chosen("stdout,stdout,time") == {"stdout", "time"}
    assert chosen("*") == set(COLUMNS)
    assert "x_gexec" in chosen("*,x_gexec")
    with pytest.raises(InvalidFields, match="x, y"):
        chosen("x,stdout,y")


def test_fields_come_in_the_order_of_their_columns() -> None:
    values = {"status_id": 3, "stdout": b"1\n", "token": "t", "time": "0.1"}
    assert list(written(values, frozenset(values), in_base64=False).items()) == [
        ("stdout", "1\n"), ("status_id", 3), ("time", "0.1"), ("token", "t"),
    ]  # fmt: skip


def test_what_is_no_text_needs_base64() -> None:
    values = {"stdout": b"\xff", "message": None}
    assert written(values, frozenset(values), in_base64=True) == {"stdout": "/w==\n", "message": None}
    with pytest.raises(NotText, match="stdout"):
        written(values, frozenset(values), in_base64=False)


def test_an_archive_is_in_base64_always() -> None:
    assert written({"additional_files": b"PK"}, frozenset({"additional_files"}), in_base64=False) == {
        "additional_files": "UEs=\n"
    }


def test_there_are_14_statuses() -> None:
    assert [status.told() for status in Status][2] == {"id": 3, "description": "Accepted"}
    assert [int(status) for status in Status] == list(range(1, 15))
    assert [of_signal(number) for number in (11, 25, 8, 6, 9)] == [
        Status.SIGSEGV, Status.SIGXFSZ, Status.SIGFPE, Status.SIGABRT, Status.OTHER,
    ]  # fmt: skip
