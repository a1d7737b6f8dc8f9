"""What a client asked to be tested, and its JSON in the row's `job`, under "grading".

Expected outputs stand there and nowhere else: no step of the program's has them. CONTENT is that of executions.jobs.

    {"tests": [{"name", "stdin": CONTENT, "args": […], "files": [{"name", "content": CONTENT, "executable"}],
                "expected": CONTENT or null, "exit_code", "hidden", "points", "group", "limits": {"wall_ms": …}}],
     "compare", "abs_tolerance", "rel_tolerance", "stop_on_failure", "stop_group_on_failure", "group_points", "report",
     "total_ms", "judge": {"role", "protocol", "language", "profile": …, "files", "steps": [compile, run]} or null}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any, Self

Json = dict[str, Any]

TESTS_AT_MOST = 500
CONTENT_BYTES_AT_MOST = 64 * 1024 * 1024
"""Of all that tests get and expect, each file as often as it is named: a server holds it while they run."""
NAME_LENGTH = 100
"""Of a test, and of a group."""
FIRST_EXIT_CODE, LAST_EXIT_CODE = 0, 255


class Compare(StrEnum):
    """How what was printed is compared with what is expected."""

    EXACT = "exact"
    TRIM = "trim"
    LINES = "lines"
    TOKENS = "tokens"
    FLOAT = "float"
    JUDGE0 = "judge0"
    NONE = "none"


class Protocol(StrEnum):
    """How a checker or an interactor is started, and how it answers."""

    TESTLIB = "testlib"
    KATTIS = "kattis"
    JSON = "json"


class Role(StrEnum):
    """What a judge does: look at an output, or talk to the program."""

    CHECKER = "checker"
    INTERACTOR = "interactor"


class Report(StrEnum):
    """How much of each test is told."""

    FULL = "full"
    VERDICTS = "verdicts"
    SUMMARY = "summary"


class GroupPoints(StrEnum):
    """What a group of tests is worth: its worst test's share of all its points, or the sum of what its tests have."""

    MIN = "min"
    SUM = "sum"


@dataclass(frozen=True, slots=True)
class Test:
    """One test. Contents are references that whoever has the row can resolve."""

    name: str
    stdin: Json
    args: tuple[str, ...] = ()
    files: tuple[Json, ...] = ()
    expected: Json | None = None
    """None where nothing is expected of the output."""
    exit_code: int = 0
    hidden: bool = False
    points: float = 1
    group: str = ""
    limits: Mapping[str, int] = field(default_factory=dict)
    """What is other than for the rest, by the names of sandbox.types.Limits."""

    __test__ = False
    """Nothing that pytest should collect."""

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """As `to_json` has written it."""
        return cls(**{**data, "args": tuple(data["args"]), "files": tuple(data["files"])})

    def to_json(self) -> Json:
        """For the row."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return values | {"args": list(self.args), "files": list(self.files), "limits": dict(self.limits)}


@dataclass(frozen=True, slots=True)
class Judge:
    """A checker or an interactor: a program of its own, in containers of its own."""

    role: Role
    protocol: Protocol
    language: str
    profile: Json
    files: tuple[Json, ...]
    steps: tuple[Json, ...]
    """Its compile step, where its language has one, and how it is run."""

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """As `to_json` has written it."""
        return cls(
            Role(data["role"]),
            Protocol(data["protocol"]),
            data["language"],
            data["profile"],
            tuple(data["files"]),
            tuple(data["steps"]),
        )

    def to_json(self) -> Json:
        """For the row."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        named = {"role": self.role.value, "protocol": self.protocol.value}
        return values | named | {"files": list(self.files), "steps": list(self.steps)}


@dataclass(frozen=True, slots=True)
class Grading:
    """All tests of an execution, and how they are judged."""

    tests: tuple[Test, ...]
    compare: Compare = Compare.TRIM
    abs_tolerance: float = 1e-9
    rel_tolerance: float = 1e-9
    stop_on_failure: bool = False
    stop_group_on_failure: bool = True
    group_points: GroupPoints = GroupPoints.MIN
    report: Report = Report.FULL
    judge: Judge | None = None
    total_ms: int | None = None
    """Wall time of all tests together, with judges and what comparing takes, after which no more is begun."""

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """As `to_json` has written it."""
        return cls(
            tuple(Test.from_json(test) for test in data["tests"]),
            Compare(data["compare"]),
            data["abs_tolerance"],
            data["rel_tolerance"],
            data["stop_on_failure"],
            data["stop_group_on_failure"],
            GroupPoints(data["group_points"]),
            Report(data["report"]),
            data["judge"] and Judge.from_json(data["judge"]),
            data["total_ms"],
        )

    def to_json(self) -> Json:
        """For the row."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        named = {name: values[name].value for name in ("compare", "group_points", "report")}
        tests = [test.to_json() for test in self.tests]
        return values | named | {"tests": tests, "judge": self.judge and self.judge.to_json()}
