"""What adapters call: a program, translated, is checked as /api/v1 checks it, and run by the same services.

`run` waits for its end in this request; `enqueue` leaves it to whichever process takes it up, and `wait` may wait for
that; `ran` reads a finished row: the compile step, and the runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from django.conf import settings
from rest_framework.request import Request

from clients.caller import Caller
from clients.policy import capped, check_language
from executions import services
from executions.accept import all_queued
from executions.bounds import (
    MAX_ARG_BYTES,
    MAX_ARGS,
    MAX_COMPILE_ARGS,
    MAX_FILES,
    are_too_long,
    bytes_in,
    clash_in,
    why_no_name,
)
from executions.content import NOTHING, Content
from executions.doors import Door
from executions.grading.asked import Grading
from executions.limits import (
    AskedLimits,
    Caps,
    caps_of,
    effective,
    interactive_caps,
    interactive_limits,
    too_much,
)
from executions.models import Execution, Lane
from executions.origins import caller_of, origin_of
from executions.results import StepRecord, steps_in
from executions.submission import Handle, Interactive, SourceFile, Submission
from languages.models import Language
from languages.programs import COMPILE, refused_args, refused_variables
from rest.disconnect import watched
from rest.exceptions import Refusal
from sandbox.types import ArtifactRequest

__all__ = [
    "NOTHING",
    "ArtifactRequest",
    "AskedLimits",
    "Content",
    "Handle",
    "Interactive",
    "Lane",
    "Program",
    "Ran",
    "SourceFile",
]


@dataclass(frozen=True, slots=True)
class Program:
    """What an adapter has read out of a request. Names, words and limits are checked where it is run."""

    language: Language
    files: tuple[SourceFile, ...]
    entrypoint: str
    """Which of `files` is compiled or run."""
    stdin: Content = NOTHING
    args: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    compile_args: tuple[str, ...] = ()
    """Of those that the language allows; see `languages.programs.refused_args` for which these are."""
    limits: AskedLimits = field(default_factory=AskedLimits)
    """In our names; one that is left out is the language's own."""
    refuse_more: bool = False
    """Whether limits above what the caller may have are refused (limit_exceeded); else they are lowered to that."""
    merge_stderr: bool = False
    repeat: int = 1
    """So many runs after one compile."""
    grading: Grading | None = None
    artifacts: ArtifactRequest | None = None
    lane: Lane = Lane.INTERACTIVE
    webhook_url: str = ""
    sources: tuple[str, ...] | None = None
    """Of `files` those of the entrypoint's kind that are compiled with it; None: all."""
    file_bytes: int | None = None
    """How large a file may be; None: as large as a source."""
    handle: Handle | None = None
    """By what its client finds it again; None: by nothing but our id."""
    interactive: Interactive | None = None
    """Where its client talks to it while it runs: see executions.conversation, which takes the submission."""

    def known_by(self, handle: Handle) -> Program:
        """The same, with this handle."""
        return replace(self, handle=handle)


class Ran(NamedTuple):
    """A finished execution's steps."""

    compile: StepRecord | None
    runs: tuple[StepRecord, ...]
    """Empty where compiling failed, or nothing was run for a reason of ours."""


def run(request: Request, door: Door, program: Program) -> Execution:
    """Run it and return its row, finished but where it was lost and begins again: then wait, or tell that it is open.

    It is cancelled once the client is gone. Raises Refusal, PermissionDenied, Limited and Unavailable.
    """
    submission = submission_of(program, door, caller_of(request))
    with watched(request.META) as client:
        return services.execute(submission=submission, origin=origin_of(request), client=client)


def enqueue(request: Request, door: Door, program: Program) -> Execution:
    """Take it in for whichever process takes it up; its row, queued. Raises what `run` does, and `queue_full`."""
    submission = submission_of(program, door, caller_of(request))
    return services.enqueue(submission=submission, origin=origin_of(request))


def enqueue_all(request: Request, door: Door, programs: Iterable[Program]) -> list[Execution]:
    """As `enqueue`, for all of them or none."""
    caller = caller_of(request)
    return all_queued([submission_of(each, door, caller) for each in programs], origin_of(request))


def wait(request: Request, execution: Execution, timeout_s: float) -> Execution:
    """Its row once it has ended, or as it is when the time is up or the client is gone."""
    with watched(request.META) as client:
        return services.wait(execution=execution, timeout_s=timeout_s, client=client, by=origin_of(request).sharing)


def ran(execution: Execution) -> Ran:
    """What its row tells of its steps."""
    steps = steps_in(execution)
    compiled = next((step for step in steps if step.name == COMPILE), None)
    return Ran(compiled, tuple(step for step in steps if step.name != COMPILE))


def caps(language: Language, caller: Caller | None) -> Caps:
    """The most that this caller may ask for in this language."""
    return caps_of(language, has_key=caller is not None, within=caller.caps if caller else {})


def submission_of(program: Program, door: Door, caller: Caller | None) -> Submission:
    """The program as services take it. Raises Refusal, with a code of rest/codes.py, and PermissionDenied."""
    language = program.language
    check_language(caller, language.slug)
    _check_files(program)
    _check_words(program)
    _check_count("repeat", program.repeat, caller)
    if program.grading is not None:
        _check_count("tests", len(program.grading.tests), caller)
    most = caps(language, caller)
    if program.interactive is not None:
        most = interactive_caps(most, caller.caps if caller else {})
    asked = program.limits
    if over := too_much(asked, most):
        if program.refuse_more:
            name, bound = next(iter(over.items()))
            raise Refusal(f"{name}: at most {bound}", code="limit_exceeded", limit=name, most=bound)
        asked = replace(asked, **over)
    limits = effective(language, asked, most)
    if program.interactive is not None:
        limits = interactive_limits(asked, limits, most)
    return Submission(
        language=language,
        files=program.files,
        entrypoint=program.entrypoint,
        limits=limits,
        stdin=program.stdin,
        args=program.args,
        environment=program.environment,
        compile_args=program.compile_args,
        merge_stderr=program.merge_stderr,
        repeat=program.repeat,
        artifacts=program.artifacts,
        grading=program.grading,
        door=door.value,
        lane=program.lane,
        webhook_url=program.webhook_url,
        sources=program.sources,
        handle=program.handle,
        interactive=program.interactive,
    )


def _check_files(program: Program) -> None:
    names = [file.name for file in program.files]
    if len(names) > MAX_FILES:
        raise Refusal(f"more than {MAX_FILES} files", code="invalid_field")
    for number, name in enumerate(names):
        if (why := why_no_name(name)) is not None:
            raise Refusal(f"files[{number}].name {why}", code="invalid_file_name", file=number)
    if (clashing := clash_in(names)) is not None:
        why = "is the name, or a folder, of another file"
        raise Refusal(f"files[{clashing}].name {why}", code="invalid_file_name", file=clashing)
    if program.entrypoint not in names:
        raise Refusal("none of the files is the one that is run", code="missing_field")
    _check_source(program)


def _check_source(program: Program) -> None:
    most = settings.GEXEC_MAX_SOURCE_BYTES if program.file_bytes is None else program.file_bytes
    for number, file in enumerate(program.files):
        if len(file.content.data) > most:
            raise Refusal(
                f"files[{number}] is larger than {most} bytes", status=413, code="body_too_large", file=number
            )


def _check_words(program: Program) -> None:
    args, compile_args = program.args, program.compile_args
    if len(args) > MAX_ARGS or len(compile_args) > MAX_COMPILE_ARGS:
        raise Refusal("too many arguments", code="invalid_field")
    for number, arg in enumerate(args):
        size = bytes_in(arg)
        if size is None or size > MAX_ARG_BYTES or "\x00" in arg:
            raise Refusal(f"args[{number}] is too long, or no text", code="invalid_field")
    for number in refused_args(program.language, compile_args):
        raise Refusal(f"compile argument {number} is not allowed", code="invalid_field", compile_arg=number)
    for name in refused_variables(program.language, program.environment):
        raise Refusal(f"the variable {name!r} may not be set", code="invalid_field")
    if are_too_long([*args, *(f"{name}={value}" for name, value in program.environment.items())]):
        raise Refusal("arguments and variables are too long together", code="invalid_field")


def _check_count(name: str, asked: int, caller: Caller | None) -> None:
    if asked > (most := capped(caller, name, asked)):
        raise Refusal(f"{name}: at most {most}", code="limit_exceeded", limit=name, most=most)
