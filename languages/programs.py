"""What a language's programs run in and what is started for them: from a row to the sandbox's profile and steps."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from types import MappingProxyType

from django.conf import settings

from languages.commands import fill_command, fill_environment
from languages.models import Isolation, Language
from languages.options import CPU_PERIOD_US, MIB
from languages.validators import VARIABLE
from sandbox.types import FILE_SIZE_BYTES, Ahead, File, Limits, Outcome, Profile, Step, StepResult, WarmTarget

COMPILE = "compile"
RUN = "run"
CELLS_PER_CONTAINER = 1000
"""Where an operator says nothing else; a container is made anew in a tenth of a second."""
_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class _Program:
    """What a program brings besides its language."""

    entrypoint: str
    sources: tuple[str, ...]
    compile_args: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


def steps_of(
    language: Language,
    *,
    timeout_ms: int,
    stdin: bytes = b"",
    args: tuple[str, ...] = (),
    entrypoint: str = "",
    files: tuple[str, ...] = (),
    compile_args: tuple[str, ...] = (),
    environment: Mapping[str, str] = _NOTHING,
) -> tuple[Step, ...]:
    """The compile step, where the language has one, and the run.

    entrypoint: the file that is started; empty: the language's source file. files: the names of all files of the
    program. compile_args: none that refused_args names. environment: the program's own variables, on top of the
    language's, none that refused_variables names; the compile step does not get them, since compilers take arguments
    out of theirs.
    """
    entrypoint = entrypoint or language.source_file
    program = _Program(entrypoint, _sources(language, entrypoint, files), compile_args, environment)
    return (*_compile_steps(language, program), _run_step(language, program, timeout_ms, stdin, args))


def as_started(file: File, *, entrypoint: str) -> File:
    """A file of a program as compilers and interpreters get it.

    A source, which has the entrypoint's suffix, loses the mark of UTF-8 that editors on Windows begin it with: a dozen
    languages refuse it. All other files stay as they are.
    """
    suffix = PurePosixPath(entrypoint).suffix
    is_source = file.name == entrypoint or (suffix and PurePosixPath(file.name).suffix == suffix)
    if not is_source or not file.content.startswith(BOM_UTF8):
        return file
    return replace(file, content=file.content.removeprefix(BOM_UTF8))


def default_entrypoint(language: Language, names: Iterable[str]) -> str | None:
    """The file of a program of these files that is started where nobody says which.

    The language's source file, or the only one with a suffix of its sources, or the only one; else None.
    """
    names = list(names)
    if language.source_file in names:
        return language.source_file
    suffixes = _suffixes(language, language.source_file)
    found = [name for name in names if PurePosixPath(name).suffix in suffixes] or names
    return found[0] if len(found) == 1 else None


def refused_args(language: Language, args: Iterable[str]) -> list[int]:
    """Which of these compile arguments, by index, the language does not allow: all that none of its patterns fits."""
    allowed = language.allowed_compile_args
    return [index for index, arg in enumerate(args) if not _is_text(arg) or not _is_allowed(arg, allowed)]


def refused_variables(language: Language, environment: Mapping[str, str]) -> list[str]:
    """The names in a request's environment that it may not set.

    That is what cannot be a variable, and each that the language sets itself: its runtime needs it as it is.
    """
    return [
        name
        for name, value in environment.items()
        if not VARIABLE.fullmatch(name) or not _is_text(value) or name in language.environment
    ]


def ahead_of(language: Language) -> Ahead | None:
    """What a container of this language starts before its first job: the run step's command, word for word."""
    if not language.start_ahead:
        return None
    source_file = language.source_file
    step = _run_step(language, _Program(source_file, (source_file,)), language.timeout_ms, b"", ())
    return Ahead(source_file, step.argv, tuple(step.environment.items()))


def compile_failed(step: StepResult) -> bool:
    """Whether the compiler ended by itself and refused the program."""
    return step.name == COMPILE and step.outcome in {Outcome.NONZERO_EXIT, Outcome.SIGNAL}


def profile_of(language: Language) -> Profile:
    """The containers that this language's programs run in.

    They start with the memory of the compile step where that is more; the steps name their own.
    """
    return Profile(
        image=language.image_digest or language.image,
        memory_bytes=max(language.memory_mb, _compile_memory_mb(language)) * MIB,
        cpu_quota_us=language.cpu_quota_us,
        processes=language.processes,
        cpu_period_us=CPU_PERIOD_US,
        tmpfs_bytes=language.tmpfs_mb * MIB,
        stack_bytes=_stack_mb(language) * MIB,
        runs_per_container=language.runs_per_container,
        ahead=ahead_of(language),
        runtime=language.oci_runtime,
        cells=_cells(language),
        share=_has_cells(language) and (language.share_containers or settings.GEXEC_SHARE_CONTAINERS),
    )


def _has_cells(language: Language) -> bool:
    return (language.isolation or settings.GEXEC_ISOLATION) == Isolation.CELL


def _cells(language: Language) -> int:
    """How many a container makes: one alone would be for nothing."""
    if not _has_cells(language):
        return 0
    return language.runs_per_container if language.runs_per_container > 1 else CELLS_PER_CONTAINER


def warm_targets() -> dict[Profile, WarmTarget]:
    """What should be kept warm now, from the enabled languages. Where two share a profile, the higher numbers hold."""
    targets: dict[Profile, WarmTarget] = {}
    for language in Language.objects.catalogued():
        if language.enabled:
            profile = profile_of(language)
            other = targets.get(profile, WarmTarget(0, 0))
            targets[profile] = WarmTarget(
                max(other.minimum, language.warm_min), max(other.maximum, language.warm_max, language.warm_min)
            )
    return targets


def _compile_steps(language: Language, program: _Program) -> tuple[Step, ...]:
    if not language.compile_command:
        return ()
    memory_mb = language.compile_memory_mb or language.memory_mb
    limits = Limits(
        wall_ms=language.compile_timeout_ms,
        output_bytes=language.output_bytes,
        file_size_bytes=file_size_bytes(language),
        large_files_fail=True,
        memory_bytes=memory_mb * MIB,
    )
    argv = _argv(language, language.compile_command, program)
    return (Step(COMPILE, argv, limits, _environment(language, memory_mb)),)


def _run_step(language: Language, program: _Program, timeout_ms: int, stdin: bytes, args: tuple[str, ...]) -> Step:
    limits = Limits(
        wall_ms=timeout_ms,
        output_bytes=language.output_bytes,
        file_size_bytes=file_size_bytes(language),
        memory_bytes=language.memory_mb * MIB,
    )
    environment = _environment(language, language.memory_mb)
    if program.environment:
        environment = dict(sorted({**environment, **program.environment}.items()))
    return Step(RUN, _argv(language, language.run_command, program) + args, limits, environment, stdin)


def _argv(language: Language, command: Iterable[str], program: _Program) -> tuple[str, ...]:
    return fill_command(
        command,
        source_file=program.entrypoint,
        sources=program.sources,
        compile_args=program.compile_args,
        stack_mb=_stack_mb(language),
    )


def _sources(language: Language, entrypoint: str, files: Iterable[str]) -> tuple[str, ...]:
    """What is compiled together: the entrypoint, then the other files of its kind by name."""
    suffixes = _suffixes(language, entrypoint)
    others = {name for name in files if PurePosixPath(name).suffix in suffixes} - {entrypoint}
    return (entrypoint, *sorted(others))


def _suffixes(language: Language, name: str) -> set[str]:
    """Where the language names none, that of this file; a name without a suffix has no others of its kind."""
    return set(language.source_suffixes or [PurePosixPath(name).suffix]) - {""}


def _is_allowed(arg: str, patterns: Iterable[str]) -> bool:
    return any(arg.startswith(pattern[:-1]) if pattern.endswith("*") else arg == pattern for pattern in patterns)


def _is_text(value: str) -> bool:
    """Whether it can be a word of a command or a variable's value: neither NUL nor half a character."""
    return "\x00" not in value and not any("\ud800" <= each <= "\udfff" for each in value)


def _environment(language: Language, memory_mb: int) -> dict[str, str]:
    return fill_environment(language.environment, memory_mb=memory_mb, cpu_quota_us=language.cpu_quota_us)


def file_size_bytes(language: Language) -> int:
    """A larger work directory may hold a larger file; in a small one its own size is met first."""
    return max(FILE_SIZE_BYTES, language.tmpfs_mb * MIB)


def _stack_mb(language: Language) -> int:
    return language.stack_mb or language.memory_mb


def _compile_memory_mb(language: Language) -> int:
    return (language.compile_memory_mb or 0) if language.compile_command else 0
