"""What a client asks for: checked, typed, and nothing of HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from clients.caller import Caller, sharing
from executions.content import NOTHING, Content
from executions.grading.asked import Grading
from executions.limits import EffectiveLimits
from executions.models import EXECUTE, Lane, Store
from languages.models import Language
from sandbox.types import ArtifactRequest, TerminalSize


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a submission comes from."""

    address: str | None
    api_key_id: str | None = None
    client_id: UUID | None = None
    caller: Caller | None = None
    """Whose quotas and places it takes; None: nobody's with a key, or a command's."""

    @property
    def sharing(self) -> str:
        """Who shares slots and places with others: see clients.caller.sharing."""
        return sharing(self.client_id, self.address)


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file of the program: a relative name, and what is in it."""

    name: str
    content: Content
    executable: bool = False


@dataclass(frozen=True, slots=True)
class Interactive:
    """That its client talks to the program while it runs."""

    terminal: TerminalSize | None
    """None: over pipes, as every other program has them."""


@dataclass(frozen=True, slots=True)
class Handle:
    """By what a client of another service's door finds its execution again: a token that nobody can guess."""

    asked: Mapping[str, Any]
    """What it was asked with, in that service's words."""
    token: UUID = field(default_factory=uuid4)


@dataclass(frozen=True, slots=True)
class Submission:
    """A program in an enabled language, what it gets, and what is to become of its execution."""

    language: Language
    files: tuple[SourceFile, ...]
    entrypoint: str
    """The file that is run or compiled: one of `files`."""
    limits: EffectiveLimits
    stdin: Content = NOTHING
    args: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    """On top of the language's own."""
    compile_args: tuple[str, ...] = ()
    merge_stderr: bool = False
    repeat: int = 1
    artifacts: ArtifactRequest | None = None
    grading: Grading | None = None
    """Its tests, each of which is a run; without, there is one run with `stdin`."""
    door: str = EXECUTE
    lane: Lane = Lane.INTERACTIVE
    background: bool = False
    """Whether any process may take it up; else its request runs it."""
    queue_limit_ms: int | None = None
    store: Store = Store.ALL
    tags: Mapping[str, str] | None = None
    webhook_url: str = ""
    interactive: Interactive | None = None
    sources: tuple[str, ...] | None = None
    """Of `files` those of the entrypoint's kind that are compiled with it; None: all."""
    handle: Handle | None = None

    @property
    def source(self) -> str:
        """The text of the entrypoint, where it is text; it stands in a column of its own."""
        content = next(file.content for file in self.files if file.name == self.entrypoint)
        return "" if content.file else content.reference().get("text", "")


def single_file(
    language: Language, source: str, limits: EffectiveLimits, *, stdin: bytes = b"", args: tuple[str, ...] = ()
) -> Submission:
    """A program of one file, under the name that its language gives it."""
    name = language.source_file
    files = (SourceFile(name, Content(source.encode())),)
    return Submission(language, files, name, limits, stdin=Content(stdin), args=args)
