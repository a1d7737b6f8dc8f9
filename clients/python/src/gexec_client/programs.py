"""What is to be run, as keyword arguments and as the body of a request: docs/api.md of gexec says what each means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

from gexec_client.contents import Content, encoded


class Limits(TypedDict, total=False):
    """What a program may use, where that differs from its language's."""

    wall_ms: int
    cpu_ms: int
    memory_mb: int
    output_bytes: int
    processes: int
    file_bytes: int
    compile_wall_ms: int


class Artifacts(TypedDict, total=False):
    """Which files are taken from the work directory at the end."""

    paths: Sequence[str]
    max_files: int
    max_bytes: int


class ProgramTest(TypedDict, total=False):
    """One test of a program."""

    name: str
    stdin: Content
    args: Sequence[str]
    files: Mapping[str, Content]
    expected_stdout: Content
    expected_exit_code: int
    hidden: bool
    points: float
    group: str
    limits: Limits


class Judge(TypedDict, total=False):
    """A checker or an interactor."""

    language: str
    source_code: Content
    protocol: Literal["testlib", "kattis", "json"]
    limits: Limits


class Grading(TypedDict, total=False):
    """How outputs are judged."""

    compare: Literal["exact", "trim", "lines", "tokens", "float", "judge0", "none"]
    abs_tolerance: float
    rel_tolerance: float
    checker: Judge
    interactor: Judge
    stop_on_failure: bool
    stop_group_on_failure: bool
    group_points: Literal["min", "sum"]
    report: Literal["full", "verdicts", "summary"]


class Settings(TypedDict, total=False):
    """What a program can be run with besides its language, its source and its tests."""

    files: Mapping[str, Content]
    """By their names in the work directory."""
    entrypoint: str
    stdin: Content
    args: Sequence[str]
    env: Mapping[str, str]
    compile_args: Sequence[str]
    merge_stderr: bool
    limits: Limits
    repeat: int
    artifacts: Artifacts | Sequence[str]
    priority: Literal["interactive", "batch"]
    queue_ms: int
    store: Literal["all", "no_code", "nothing"]
    tags: Mapping[str, str]
    webhook_url: str


class Options(Settings, total=False):
    """The same, and how it is tested."""

    tests: Sequence[ProgramTest]
    grading: Grading


class Program(Options, total=False):
    """A whole program: an item of a batch, or what its items share."""

    language: str
    source_code: Content


@dataclass(frozen=True, slots=True)
class Body:
    """A request's, and the contents that it names by their digests."""

    fields: Mapping[str, Any]
    uploads: Mapping[str, bytes]


def body_of(program: Mapping[str, Any], **more: Any) -> Body:
    """What is sent for it. Raises OSError for a file that cannot be read, TypeError for what is no content."""
    uploads: dict[str, bytes] = {}
    return Body(_program(program, uploads) | more, uploads)


def batch_body_of(items: Sequence[Mapping[str, Any]], defaults: Mapping[str, Any] | None, **more: Any) -> Body:
    """The same of many."""
    uploads: dict[str, bytes] = {}
    fields: dict[str, Any] = {"items": [_program(item, uploads) for item in items]}
    if defaults:
        fields["defaults"] = _program(defaults, uploads)
    return Body(fields | more, uploads)


def _program(program: Mapping[str, Any], uploads: dict[str, bytes]) -> dict[str, Any]:
    told = _with_contents(program, ("source_code", "stdin"), uploads)
    if isinstance(told.get("artifacts"), (list, tuple)):
        told["artifacts"] = {"paths": list(told["artifacts"])}
    if "tests" in told:
        contents = ("stdin", "expected_stdout")
        told["tests"] = [_with_contents(test, contents, uploads) for test in told["tests"]]
    if "grading" in told:
        told["grading"] = _grading(told["grading"], uploads)
    return told


def _grading(grading: Mapping[str, Any], uploads: dict[str, bytes]) -> dict[str, Any]:
    judges = {
        name: _with_contents(grading[name], ("source_code",), uploads)
        for name in ("checker", "interactor")
        if grading.get(name)
    }
    return _given(grading) | judges


def _with_contents(values: Mapping[str, Any], names: Sequence[str], uploads: dict[str, bytes]) -> dict[str, Any]:
    told = _given(values)
    for name in names:
        if name in told:
            told[name] = encoded(told[name], uploads)
    if files := told.pop("files", None):
        told["files"] = [{"name": name, "content": encoded(each, uploads)} for name, each in files.items()]
    return told


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
