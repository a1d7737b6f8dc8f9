"""What a language's programs run in and what is started for them: from a row to the sandbox's profile and steps."""

from __future__ import annotations

from languages.commands import fill_command, fill_environment
from languages.models import Language
from languages.options import CPU_PERIOD_US, MIB
from sandbox.types import FILE_SIZE_BYTES, Ahead, Limits, Outcome, Profile, Step, StepResult, WarmTarget

COMPILE = "compile"
RUN = "run"


def steps_of(
    language: Language, *, timeout_ms: int, stdin: bytes = b"", args: tuple[str, ...] = ()
) -> tuple[Step, ...]:
    """The compile step, where the language has one, and the run."""
    return (*_compile_steps(language), _run_step(language, timeout_ms, stdin, args))


def ahead_of(language: Language) -> Ahead | None:
    """What a container of this language starts before its first job: the run step's command, word for word."""
    if not language.start_ahead:
        return None
    step = _run_step(language, language.timeout_ms, b"", ())
    return Ahead(language.source_file, step.argv, tuple(step.environment.items()))


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
    )


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


def _compile_steps(language: Language) -> tuple[Step, ...]:
    if not language.compile_command:
        return ()
    memory_mb = language.compile_memory_mb or language.memory_mb
    limits = Limits(
        wall_ms=language.compile_timeout_ms,
        output_bytes=language.output_bytes,
        file_size_bytes=_file_size_bytes(language),
        large_files_fail=True,
        memory_bytes=memory_mb * MIB,
    )
    argv = fill_command(language.compile_command, source_file=language.source_file, stack_mb=_stack_mb(language))
    return (Step(COMPILE, argv, limits, _environment(language, memory_mb)),)


def _run_step(language: Language, timeout_ms: int, stdin: bytes, args: tuple[str, ...]) -> Step:
    limits = Limits(
        wall_ms=timeout_ms,
        output_bytes=language.output_bytes,
        file_size_bytes=_file_size_bytes(language),
        memory_bytes=language.memory_mb * MIB,
    )
    argv = fill_command(language.run_command, source_file=language.source_file, stack_mb=_stack_mb(language))
    return Step(RUN, argv + args, limits, _environment(language, language.memory_mb), stdin)


def _environment(language: Language, memory_mb: int) -> dict[str, str]:
    return fill_environment(language.environment, memory_mb=memory_mb, cpu_quota_us=language.cpu_quota_us)


def _file_size_bytes(language: Language) -> int:
    """A larger work directory may hold a larger file; in a small one its own size is met first."""
    return max(FILE_SIZE_BYTES, language.tmpfs_mb * MIB)


def _stack_mb(language: Language) -> int:
    return language.stack_mb or language.memory_mb


def _compile_memory_mb(language: Language) -> int:
    return (language.compile_memory_mb or 0) if language.compile_command else 0
