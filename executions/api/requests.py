"""What POST /api/v1/executions takes: one program, what it gets, and what is to become of its execution."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_serializer

from clients.caller import Caller
from clients.policy import capped, check_language, reads_by_token
from executions.api.fields import (
    Choice,
    ContentField,
    FileName,
    LanguageField,
    ListOf,
    PlainText,
    TextsByName,
    Whole,
    problem_with,
)
from executions.api.grading import GradingSerializer, TestSerializer, grading_in
from executions.api.limits import LimitsSerializer, limits_of
from executions.api.tokens import SHORT_S
from executions.artifacts import INLINE_BYTES
from executions.bounds import (
    MAX_ARG_BYTES,
    MAX_ARGS,
    MAX_COMPILE_ARGS,
    MAX_FILES,
    MAX_WORDS_BYTES,
    are_too_long,
    clash_in,
)
from executions.content import NOTHING, Content
from executions.grading.asked import TESTS_AT_MOST
from executions.limits import AskedLimits
from executions.models import API, INTERACTIVE, WISHES, Lane, Store
from executions.submission import Interactive, SourceFile, Submission
from languages.models import Language
from languages.programs import default_entrypoint, refused_args, refused_variables
from rest.described import Schema
from rest.fields import Flag
from rest.unknown import StrictSerializer
from sandbox.types import ArtifactRequest
from webhooks.services import check_url
from webhooks.targets import BadTarget

MAX_VARIABLES, MAX_TAGS = 64, 16
_LONGEST_WAIT_S = 300
_NOT_INTERACTIVE = ("wait", "on_disconnect", "priority", "queue_ms", "repeat", "tests", "grading")


class FileSerializer(StrictSerializer):
    """A file of the program."""

    name = FileName(help_text="Relative, with folders: lib/util.py.")
    content = ContentField(nul=False, help_text="What is in it.")
    executable = Flag(default=False, help_text="Whether it may be executed.")


class ArtifactsSerializer(StrictSerializer):
    """Which files that the program leaves are wanted."""

    paths = ListOf(
        child=FileName(), min_length=1, max_length=32, help_text="Names, with *, ? and ** for folders: out/**."
    )
    max_files = Whole(low=1, high=100, default=20, help_text="Files that are taken at most.")
    max_bytes = Whole(low=1, high=32 * 1024 * 1024, default=8 * 1024 * 1024, help_text="Bytes of all together.")


class Wait(PlainText):
    """Whether the answer waits for the end: true, false, or for how many seconds."""

    default_error_messages = {"wait": "must be true, false, or seconds from 0 to {most}"}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_bytes=0, **kwargs)

    def described(self) -> Schema:
        """Two types."""
        return {"oneOf": [{"type": "boolean"}, {"type": "number", "minimum": 0, "maximum": _LONGEST_WAIT_S}]}

    def to_internal_value(self, data: Any) -> float | bool:  # type: ignore[override]  # no text at all
        if isinstance(data, bool):
            return data
        if not isinstance(data, (int, float)) or not 0 <= data <= _LONGEST_WAIT_S:
            self.fail("wait", most=_LONGEST_WAIT_S)
        return float(data)


@extend_schema_serializer(component_name="Execution")
class ExecutionRequestSerializer(StrictSerializer):
    """A program and its input."""

    language = LanguageField(help_text="A language's slug or alias, with a version where it has several: python@3.13.")
    source_code = ContentField(
        required=False, nul=False, may_be_empty=False, help_text="The program, where it is one file; else `files`."
    )
    files = ListOf(child=FileSerializer(), required=False, min_length=1, max_length=MAX_FILES, help_text="Its files.")
    entrypoint = FileName(required=False, help_text="Which of `files` is run; the language's own name where left out.")
    stdin = ContentField(required=False, default=None, help_text="What the program reads on its stdin.")
    args = ListOf(
        child=PlainText(max_bytes=MAX_ARG_BYTES), required=False, default=list, max_length=MAX_ARGS,
        help_text="Its command line's arguments.",
    )  # fmt: skip
    env = TextsByName(
        most=MAX_VARIABLES,
        name=PlainText(max_bytes=256),
        value=PlainText(max_bytes=MAX_ARG_BYTES),
        pattern=r"[A-Za-z_][A-Za-z0-9_]*",
        required=False,
        default=dict,
        help_text="Environment variables, on top of the language's own.",
    )
    compile_args = ListOf(
        child=PlainText(max_bytes=1024), required=False, default=list, max_length=MAX_COMPILE_ARGS,
        help_text="Arguments of the compiler, of those that the language allows.",
    )  # fmt: skip
    merge_stderr = Flag(required=False, default=False, help_text="Whether stderr is written into stdout.")
    limits = LimitsSerializer(required=False, help_text="What the program may use.")
    repeat = Whole(low=1, high=20, required=False, default=1, help_text="Runs after one compile; numbers are the mean.")
    tests = ListOf(
        child=TestSerializer(), required=False, allow_null=True, default=None, min_length=1, max_length=TESTS_AT_MOST,
        help_text="Its tests, each of which is a run of its own.",
    )  # fmt: skip
    grading = GradingSerializer(required=False, allow_null=True, default=None, help_text="How tests are judged.")
    artifacts = ArtifactsSerializer(required=False, allow_null=True, default=None, help_text="Files wanted back.")
    wait = Wait(required=False, default=True, help_text="Whether, or how many seconds, the answer waits for the end.")
    on_disconnect = Choice(
        ("cancel", "continue"), required=False, default="cancel",
        help_text="What becomes of it when a client that waits hangs up.",
    )  # fmt: skip
    priority = Choice(
        ("interactive", "batch"), required=False, default="interactive",
        help_text="Whose turn comes first: interactive before batch.",
    )  # fmt: skip
    queue_ms = Whole(
        low=0, high=86_400_000, required=False, default=None, allow_null=True,
        help_text="How long it may wait for its turn.",
    )  # fmt: skip
    store = Choice(
        tuple(wish.value for wish in WISHES), required=False, default=Store.ALL.value,
        help_text="What is kept once it has ended: all; no_code: no source, input and output; nothing: numbers only.",
    )  # fmt: skip
    tags = TextsByName(
        most=MAX_TAGS,
        name=PlainText(max_bytes=64),
        value=PlainText(max_bytes=256),
        pattern=r"[A-Za-z0-9_.:-]+",
        required=False,
        allow_null=True,
        default=None,
        help_text="Names and values by which it is found again.",
    )
    webhook_url = PlainText(
        max_bytes=2048, required=False, allow_null=True, default=None, help_text="Where its end is announced."
    )


class TokenRequestSerializer(StrictSerializer):
    """How long a token is to hold."""

    lifetime_s = Whole(low=1, high=3600, default=SHORT_S, help_text="For how many seconds it opens the execution.")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, read: the submission, and how its answer is to come."""

    submission: Submission
    wait: float | bool
    on_disconnect: str


def asked_in(data: Any, *, caller: Caller | None, interactive: Interactive | None = None) -> Asked:
    """What a request's JSON object asks for. Raises ValidationError, or PermissionDenied for its language.

    `interactive` is for one whose client talks to its program.
    """
    if interactive is not None:
        _refuse_not_interactive(data)
    values = _serializer().run_validation(data)
    language: Language = values["language"]
    files, entrypoint = _files(values, language)
    _refuse_long_words(values)
    _refuse_words(values, language)
    check_language(caller, language.slug)
    _refuse_bad_target(caller, values["webhook_url"])
    _refuse_too_many(caller, values)
    asked_limits = AskedLimits(**values.get("limits", {}))
    limits = limits_of(asked_limits, language, caller, interactive=interactive is not None)
    artifacts = values["artifacts"]
    submission = Submission(
        language=language,
        files=files,
        entrypoint=entrypoint,
        limits=limits,
        stdin=values["stdin"] or NOTHING,
        args=tuple(values["args"]),
        environment=values["env"],
        compile_args=tuple(values["compile_args"]),
        merge_stderr=values["merge_stderr"],
        repeat=values["repeat"],
        artifacts=artifacts and _artifacts(artifacts, caller),
        grading=grading_in(values, language, files, caller),
        door=API if interactive is None else INTERACTIVE,
        lane=Lane(values["priority"]),
        queue_limit_ms=values["queue_ms"],
        store=Store(values["store"]),
        tags=values["tags"],
        webhook_url=values["webhook_url"] or "",
        interactive=interactive,
    )
    return Asked(submission, values["wait"], values["on_disconnect"])


def _refuse_not_interactive(data: Any) -> None:
    """What says how an answer comes, and what is run more than once: one talks to a program once, from its start."""
    for name in _NOT_INTERACTIVE:
        if isinstance(data, dict) and name in data:
            raise problem_with(name, "has no place in an interactive execution", "invalid_field")


def _artifacts(asked: dict[str, Any], caller: Caller | None) -> ArtifactRequest:
    """What does not stand in the answer is a file of the client, for whose share its pages' readers are no match."""
    most = INLINE_BYTES if reads_by_token(caller) else asked["max_bytes"]
    return ArtifactRequest(tuple(asked["paths"]), asked["max_files"], min(asked["max_bytes"], most))


@cache
def _serializer() -> ExecutionRequestSerializer:
    """One for all requests: making its fields costs more than using them."""
    return ExecutionRequestSerializer()


def _files(values: dict[str, Any], language: Language) -> tuple[tuple[SourceFile, ...], str]:
    """The files, and which of them is run."""
    if ("source_code" in values) == ("files" in values):
        code = "missing_field" if "files" not in values else "invalid_field"
        raise problem_with("source_code", "either source_code or files is needed", code)
    if "source_code" in values:
        if "entrypoint" in values:
            raise problem_with("entrypoint", "names one of `files`, and there are none", "invalid_field")
        content: Content = values["source_code"]
        _bound_source("source_code", content)
        return (SourceFile(language.source_file, content),), language.source_file
    files = tuple(SourceFile(**each) for each in values["files"])
    _refuse_clashes(files)
    for number, file in enumerate(files):
        _bound_source(f"files.{number}.content", file.content)
    return files, _entrypoint(values, language, [file.name for file in files])


def _entrypoint(values: dict[str, Any], language: Language, names: list[str]) -> str:
    named: str | None = values.get("entrypoint")
    if named is not None:
        if named not in names:
            raise problem_with("entrypoint", "is none of the files", "invalid_field")
        return named
    entrypoint = default_entrypoint(language, names)
    if entrypoint is None:
        raise problem_with("entrypoint", f"is needed: none of the files is {language.source_file}", "missing_field")
    return entrypoint


def _refuse_clashes(files: tuple[SourceFile, ...]) -> None:
    """One name twice, or a name that is a folder of another."""
    if (number := clash_in(file.name for file in files)) is not None:
        raise problem_with(f"files.{number}.name", "is the name, or a folder, of another file", "invalid_file_name")


def _bound_source(name: str, content: Content) -> None:
    if len(content.data) > settings.GEXEC_MAX_SOURCE_BYTES:
        message = f"is larger than {settings.GEXEC_MAX_SOURCE_BYTES} bytes: upload it as a file"
        raise problem_with(name, message, "too_large")


def _refuse_too_many(caller: Caller | None, values: dict[str, Any]) -> None:
    """More runs or tests than the caller's client may have in one execution."""
    for name, asked in (("repeat", values["repeat"]), ("tests", len(values["tests"] or ()))):
        if asked > (most := capped(caller, name, asked)):
            raise problem_with(name, f"at most {most}", "limit_exceeded")


def _refuse_bad_target(caller: Caller | None, url: str | None) -> None:
    if url is None:
        return
    try:
        check_url(caller, url)
    except BadTarget as error:
        raise problem_with("webhook_url", str(error), "invalid_field") from None


def _refuse_words(values: dict[str, Any], language: Language) -> None:
    """Arguments of the compiler and variables that the language does not allow."""
    for number in refused_args(language, values["compile_args"]):
        raise problem_with(f"compile_args.{number}", f"{language.slug} does not allow it", "invalid_field")
    for name in refused_variables(language, values["env"]):
        raise problem_with(f"env.{name}", f"{language.slug} sets it itself", "invalid_field")


def _refuse_long_words(values: dict[str, Any]) -> None:
    texts = [*values["args"], *(f"{name}={text}" for name, text in values["env"].items())]
    if are_too_long(texts):
        raise problem_with("args", f"args and env together are longer than {MAX_WORDS_BYTES} bytes", "too_large")
