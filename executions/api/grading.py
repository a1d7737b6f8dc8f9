"""What a request says of tests: each one, and how they are judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from rest_framework import serializers

from clients.caller import Caller
from clients.policy import check_language
from executions.api.fields import (
    Choice,
    ContentField,
    FileName,
    LanguageField,
    ListOf,
    PlainText,
    Whole,
    problem_with,
)
from executions.api.limits import LimitsSerializer, limits_of
from executions.bounds import folders_of
from executions.content import NOTHING, Content
from executions.grading.asked import (
    CONTENT_BYTES_AT_MOST,
    FIRST_EXIT_CODE,
    LAST_EXIT_CODE,
    NAME_LENGTH,
    Compare,
    Grading,
    GroupPoints,
    Judge,
    Protocol,
    Report,
    Role,
    Test,
)
from executions.grading.judges import PROTOCOLS_OF_INTERACTORS
from executions.jobs import judge_of
from executions.limits import AskedLimits
from executions.submission import SourceFile, Submission
from languages.models import Language
from languages.programs import RUN
from rest.described import Schema
from rest.fields import Flag
from rest.unknown import StrictSerializer
from sandbox.types import Limits, Step

MAX_FILES, MAX_ARGS, MAX_ARG_BYTES, MAX_POINTS = 20, 64, 4096, 1e6
"""Of a test."""
_SANDBOX_NAMES = {
    "wall_ms": "wall_ms",
    "cpu_ms": "cpu_ms",
    "memory_mb": "memory_bytes",
    "output_bytes": "output_bytes",
    "file_bytes": "file_size_bytes",
}
"""Of limits that may differ from one test to the next; the others belong to the container, or to the compile step."""
_RUNS_TOGETHER = 10
"""As long as so many runs that use up all their time may an execution's tests take together: it holds its slot."""
_HEADER = "testlib.h"
_CPP = (".cpp", ".cc", ".cxx", ".C")


class Names(NamedTuple):
    """Of the program's files, and of the folders that they lie in."""

    files: frozenset[str]
    folders: frozenset[str]


class Number(serializers.Field[Any, Any, Any, Any]):
    """A finite number from `low` to `high`."""

    default_error_messages = {"invalid": "must be a number", "range": "must be from {low} to {high}"}

    def __init__(self, *, low: float, high: float, **kwargs: Any) -> None:
        self.low, self.high = low, high
        super().__init__(**kwargs)

    def described(self) -> Schema:
        """With its bounds."""
        return {"type": "number", "minimum": self.low, "maximum": self.high}

    def to_internal_value(self, data: Any) -> float:
        if isinstance(data, bool) or not isinstance(data, (int, float)):
            self.fail("invalid")
        # Not a number is not within any bounds either.
        if not self.low <= data <= self.high:
            self.fail("range", low=self.low, high=self.high)
        return data


class TestFileSerializer(StrictSerializer):
    """A file that the program finds in one test."""

    __test__ = False

    name = FileName(help_text="Relative, with folders.")
    content = ContentField(help_text="What is in it.")
    executable = Flag(default=False, help_text="Whether it may be executed.")


class TestSerializer(StrictSerializer):
    """One test: what the program gets, and what is expected of it."""

    __test__ = False

    name = PlainText(max_bytes=NAME_LENGTH, required=False, default="", help_text="For people; left out, its number.")
    stdin = ContentField(required=False, default=None, help_text="What the program reads on its stdin.")
    args = ListOf(
        child=PlainText(max_bytes=MAX_ARG_BYTES), required=False, default=list, max_length=MAX_ARGS,
        help_text="Arguments after those of the request.",
    )  # fmt: skip
    files = ListOf(
        child=TestFileSerializer(), required=False, default=list, max_length=MAX_FILES,
        help_text="Files beside the program's, in this test only.",
    )  # fmt: skip
    expected_stdout = ContentField(
        required=False, allow_null=True, default=None, help_text="What it should print; null: anything."
    )
    expected_exit_code = Whole(
        low=FIRST_EXIT_CODE, high=LAST_EXIT_CODE, required=False, default=0, help_text="How it should exit."
    )
    hidden = Flag(
        required=False, default=False,
        help_text="Whether keys without the right see_hidden are told its name and verdict only.",
    )  # fmt: skip
    points = Number(low=0, high=MAX_POINTS, required=False, default=1, help_text="What it is worth.")
    group = PlainText(
        max_bytes=NAME_LENGTH, required=False, default="", help_text="Tests that are worth something together."
    )
    limits = LimitsSerializer(required=False, default=dict, help_text="Where they differ from the request's.")


class JudgeSerializer(StrictSerializer):
    """A program that judges: it runs in a sandbox of its own, never in that of the program."""

    language = LanguageField(help_text="Its language.")
    source_code = ContentField(nul=False, may_be_empty=False, help_text="Its source. In C++ it finds a testlib.h.")
    protocol = Choice(
        tuple(Protocol), required=False, default=Protocol.TESTLIB.value, help_text="How it is called, and answers."
    )
    limits = LimitsSerializer(required=False, default=dict, help_text="What it may use, for each test.")


class GradingSerializer(StrictSerializer):
    """How tests are judged."""

    compare = Choice(tuple(Compare), required=False, default=Compare.TRIM.value, help_text="How outputs are compared.")
    abs_tolerance = Number(low=0, high=1e300, required=False, default=1e-9, help_text="For float.")
    rel_tolerance = Number(low=0, high=1e300, required=False, default=1e-9, help_text="For float.")
    checker = JudgeSerializer(
        required=False, allow_null=True, default=None, help_text="A program that looks at outputs instead."
    )
    interactor = JudgeSerializer(
        required=False, allow_null=True, default=None, help_text="A program that talks to the program."
    )
    stop_on_failure = Flag(required=False, default=False, help_text="Whether the first failure ends everything.")
    stop_group_on_failure = Flag(required=False, default=True, help_text="Whether a failure ends its group.")
    group_points = Choice(
        tuple(GroupPoints), required=False, default=GroupPoints.MIN.value,
        help_text="What a group is worth: all its points by its worst test (min), or the sum of its tests (sum).",
    )  # fmt: skip
    report = Choice(
        tuple(Report), required=False, default=Report.FULL.value, help_text="How much is told of each test."
    )


def grading_in(
    values: Mapping[str, Any], language: Language, files: tuple[SourceFile, ...], caller: Caller | None
) -> Grading | None:
    """The tests of a request whose fields have been read; None where it has none. Raises ValidationError."""
    tests, how = values.get("tests"), values.get("grading")
    if tests is None:
        if how is not None:
            raise problem_with("tests", "grading is for tests, and there are none", "missing_field")
        return None
    _refuse_what_a_run_has(values)
    how = how if how is not None else _defaults()
    judge = _judge(how, caller)
    names = Names(frozenset(file.name for file in files), frozenset().union(*(folders_of(file.name) for file in files)))
    read = tuple(_test(number, each, language, names, judge, caller) for number, each in enumerate(tests))
    brought = sum(
        len((each["stdin"] or NOTHING).data) + len((each["expected_stdout"] or NOTHING).data) for each in tests
    )
    if brought > CONTENT_BYTES_AT_MOST:
        raise problem_with("tests", f"bring more than {CONTENT_BYTES_AT_MOST} bytes", "too_large")
    return Grading(
        tests=read,
        compare=Compare(how["compare"]),
        abs_tolerance=how["abs_tolerance"],
        rel_tolerance=how["rel_tolerance"],
        stop_on_failure=how["stop_on_failure"],
        stop_group_on_failure=how["stop_group_on_failure"],
        group_points=GroupPoints(how["group_points"]),
        report=Report(how["report"]),
        judge=judge,
        total_ms=_RUNS_TOGETHER * limits_of(AskedLimits(), language, caller).wall_ms,
    )


@cache
def _defaults() -> dict[str, Any]:
    return dict(GradingSerializer().run_validation({}))


def _refuse_what_a_run_has(values: Mapping[str, Any]) -> None:
    """What is a test's own, or would carry what it has read to anybody."""
    for name, none, why in (
        ("stdin", None, "each test has its own"),
        ("repeat", 1, "each test is run once"),
        ("artifacts", None, "files of tests are not handed out"),
    ):
        if values[name] != none:
            raise problem_with(name, f"cannot stand beside tests: {why}", "invalid_field")


def _test(
    number: int,
    asked: Mapping[str, Any],
    language: Language,
    names: Names,
    judge: Judge | None,
    caller: Caller | None,
) -> Test:
    at = f"tests.{number}"
    _refuse_clashes(at, asked["files"], names)
    if judge is not None and asked["expected_exit_code"]:
        why = "must be 0 where a checker or interactor decides"
        raise problem_with(f"{at}.expected_exit_code", why, "invalid_field")
    expected: Content | None = asked["expected_stdout"]
    return Test(
        name=asked["name"] or str(number + 1),
        stdin=(asked["stdin"] or NOTHING).reference(),
        args=tuple(asked["args"]),
        files=tuple({**each, "content": each["content"].reference()} for each in asked["files"]),
        expected=None if expected is None else expected.reference(),
        exit_code=asked["expected_exit_code"],
        hidden=asked["hidden"],
        points=asked["points"],
        group=asked["group"],
        limits=_limits(at, asked["limits"], language, caller),
    )


def _limits(at: str, asked: Mapping[str, int], language: Language, caller: Caller | None) -> dict[str, int]:
    """Only those that were asked for, by the sandbox's names."""
    if not asked:
        return {}
    for name in asked:
        if name not in _SANDBOX_NAMES:
            raise problem_with(f"{at}.limits.{name}", "is the same for all tests", "invalid_field")
    held = limits_of(AskedLimits(**asked), language, caller, at=f"{at}.limits")
    limits = asdict(held.step(Step(RUN, (), Limits(wall_ms=0, output_bytes=0))).limits)
    return {name: limits[name] for name in map(_SANDBOX_NAMES.__getitem__, asked)}


def _refuse_clashes(at: str, files: list[Mapping[str, Any]], names: Names) -> None:
    """A name that the program, or another file of the test, has already, or has as a folder."""
    seen: set[str] = set()
    folders: set[str] = set()
    for number, file in enumerate(files):
        name: str = file["name"]
        above = folders_of(name)
        taken = name in seen or name in folders or name in names.files or name in names.folders
        if taken or above & seen or above & names.files:
            why = "is the name, or a folder, of another file"
            raise problem_with(f"{at}.files.{number}.name", why, "invalid_file_name")
        seen.add(name)
        folders |= above


def _judge(how: Mapping[str, Any], caller: Caller | None) -> Judge | None:
    checker, interactor = how["checker"], how["interactor"]
    if checker is not None and interactor is not None:
        raise problem_with("grading.interactor", "there is a checker already", "invalid_field")
    if interactor is not None and interactor["protocol"] not in PROTOCOLS_OF_INTERACTORS:
        raise problem_with("grading.interactor.protocol", "must be testlib or kattis", "invalid_field")
    for role, asked in ((Role.CHECKER, checker), (Role.INTERACTOR, interactor)):
        if asked is not None:
            return _judge_in(role, asked, caller)
    return None


def _judge_in(role: Role, asked: Mapping[str, Any], caller: Caller | None) -> Judge:
    language: Language = asked["language"]
    check_language(caller, language.slug)
    name = language.source_file
    limits = limits_of(AskedLimits(**asked["limits"]), language, caller, at=f"grading.{role.value}.limits")
    files: tuple[SourceFile, ...] = (SourceFile(name, asked["source_code"]),)
    if name.endswith(_CPP):
        files += (SourceFile(_HEADER, testlib()),)
    submission = Submission(language, files, name, limits)
    return judge_of(submission, role=role, protocol=Protocol(asked["protocol"]))


@cache
def testlib() -> Content:
    """The header that judges in C++ find beside them."""
    return Content((Path(__file__).parents[1] / "grading" / _HEADER).read_bytes())
