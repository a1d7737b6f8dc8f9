"""What the server answers, typed. What a newer server adds is kept (`model_extra`) and stands in no one's way."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gexec_client.errors import UnexpectedAnswer

OPEN = frozenset({"queued", "running"})
"""Statuses of what has not ended."""


class Result(BaseModel):
    """Part of an answer. Words such as outcomes are plain text, since more of them may come."""

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True)


class Printed(Result):
    """What a program has printed, as text and as bytes, and how it ended."""

    outcome: str | None = None
    exit_code: int | None = None
    signal: int | None = None
    signal_name: str | None = None
    message: str = ""
    stdout: str = ""
    stderr: str = ""
    stdout_base64: str | None = Field(default=None, repr=False)
    stderr_base64: str | None = Field(default=None, repr=False)
    stdout_bytes: int | None = None
    stderr_bytes: int | None = None
    stdout_truncated: bool = False
    stderr_truncated: bool = False
    wall_ms: float | None = None
    cpu_ms: float | None = None
    peak_memory_bytes: int | None = None
    output: Sequence[Mapping[str, Any]] | None = None
    """Both streams in the order in which they came, where that was asked for."""

    @property
    def stdout_data(self) -> bytes:
        """Every byte of stdout."""
        return _data(self.stdout, self.stdout_base64)

    @property
    def stderr_data(self) -> bytes:
        """Every byte of stderr."""
        return _data(self.stderr, self.stderr_base64)


class Step(Printed):
    """The compiler, or a run of the program."""


class Difference(Result):
    """Where an output leaves what was expected; line and column count from 1."""

    line: int
    column: int
    expected: str | None = None
    actual: str | None = None


class TestResult(Printed):
    """One test. Of a hidden one a key without the right `see_hidden` is told the name and the verdict alone."""

    __test__ = False  # For pytest, which collects what is named so.

    name: str = ""
    verdict: str = ""
    hidden: bool = False
    points: float | None = None
    max_points: float | None = None
    group: str = ""
    first_difference: Difference | None = None
    checker_message: str = ""


class Score(Result):
    """All tests together."""

    passed: int = 0
    total: int = 0
    points: float = 0
    max_points: float = 0
    groups: Mapping[str, Any] = {}


class Artifact(Result):
    """A file that a program has left."""

    name: str
    bytes: int = 0
    media_type: str = ""
    sha256: str | None = None
    content: Mapping[str, Any] | None = Field(default=None, repr=False)
    """Its bytes in base64, where they are few; `Client.artifact` has them in any case."""
    file: str | None = None
    skipped: str | None = None
    """Why it was not taken; None where it was."""


class UsedLanguage(Result):
    """What an execution was run with."""

    slug: str
    version: str | None = None
    image_digest: str | None = None


class Execution(Result):
    """An execution, whole or as a list has it."""

    id: str
    status: str
    outcome: str | None = None
    verdict: str | None = None
    error: str = ""
    language: UsedLanguage | None = None
    created_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    queue_ms: float | None = None
    tags: Mapping[str, str] = {}
    batch: str | None = None
    attempt: int = 1
    stored: str = "all"
    limits: Mapping[str, Any] | None = None
    compile: Step | None = None
    run: Step | None = None
    runs: Sequence[Step] | None = None
    tests: Sequence[TestResult] | None = None
    score: Score | None = None
    artifacts: Sequence[Artifact] = ()
    access_token: str | None = Field(default=None, repr=False)
    """Opens this one execution; where it was submitted without a key."""
    files: Sequence[Mapping[str, Any]] | None = None
    entrypoint: str | None = None
    stdin: str | None = None
    timeline: Sequence[Mapping[str, Any]] | None = None
    queue: Mapping[str, Any] | None = None

    @property
    def ended(self) -> bool:
        """Whether it is as it will stay."""
        return self.status not in OPEN

    @property
    def ok(self) -> bool:
        """Whether the program ended well, and passed all its tests where it had some."""
        return self.outcome == "ok" and self.verdict in {None, "passed"}

    @property
    def exit_code(self) -> int | None:
        """Of the run."""
        return self.run.exit_code if self.run else None

    @property
    def stdout(self) -> str:
        """Of the run; empty where there was none."""
        return self.run.stdout if self.run else ""

    @property
    def stderr(self) -> str:
        """Of the run; the compiler's where it did not come so far."""
        if self.run:
            return self.run.stderr
        return self.compile.stdout + self.compile.stderr if self.compile else ""


class BatchItem(Result):
    """One of a batch: an execution, or why it was refused."""

    index: int
    id: str | None = None
    status: str | None = None
    error: Mapping[str, Any] | None = None
    execution: Execution | None = None


class Batch(Result):
    """Executions that were submitted together."""

    id: str
    status: str
    counts: Mapping[str, int] = {}
    items: Sequence[BatchItem] = ()
    created_at: datetime | None = None
    cancelled_at: datetime | None = None
    access_token: str | None = Field(default=None, repr=False)

    @property
    def ended(self) -> bool:
        """Whether all of it has ended."""
        return self.status == "finished"


class Language(Result):
    """What programs can be written in."""

    slug: str
    name: str = ""
    aliases: Sequence[str] = ()
    version: str | None = None
    versions: Sequence[Mapping[str, Any]] = ()
    source_file: str = ""
    compile_args: Sequence[str] = ()
    example: str = ""
    limits: Mapping[str, Any] = {}
    warm: bool = False
    isolation: str | None = None
    packages: Sequence[Mapping[str, str]] = ()
    """Told where one language is asked for."""


class StoredFile(Result):
    """A file that the client has uploaded."""

    id: str
    bytes: int = 0
    expires_at: datetime | None = None


class Me(Result):
    """What the server knows of the key."""

    client: str
    key: Mapping[str, Any] = {}
    limits: Mapping[str, Any] = {}
    quotas: Sequence[Mapping[str, Any]] = ()


class Languages(Result):
    """All of them."""

    languages: Sequence[Language]


class Missing(Result):
    """Files that are to be uploaded."""

    missing: Sequence[str]


class Cancelled(Result):
    """How many are to end."""

    cancelled: int


class Page(Result):
    """A part of the history, newest first."""

    data: Sequence[Execution]
    has_more: bool = False
    next: str | None = None


R = TypeVar("R", bound=Result)


def result(kind: type[R], told: Any) -> R:
    """`told` as a `kind`. Raises UnexpectedAnswer."""
    try:
        return kind.model_validate(told)
    except ValidationError as error:
        raise UnexpectedAnswer(f"the answer is no {kind.__name__}: {error}") from None


def _data(text: str, in_base64: str | None) -> bytes:
    return text.encode() if in_base64 is None else base64.b64decode(in_base64)
