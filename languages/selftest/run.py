"""Runs a language's self-test in the sandbox, as a user's programs would run."""

from __future__ import annotations

import copy
import dataclasses
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from languages import programs
from languages.commands import fill_environment
from languages.examples import folder_for
from languages.memory_failures import ran_out_of_memory
from languages.models import Language
from languages.packages import Package, listing_command, packages_in
from languages.programs import COMPILE, RUN, as_started, compile_failed, steps_of
from languages.selftest.cases import Case, cases_for
from languages.selftest.sandbox import run_job
from sandbox.types import File, Job, JobResult, Limits, Outcome, Step, StepResult

_VERSION_LIMITS = Limits(wall_ms=30_000, output_bytes=10_000)
"""Some print their version after the start of a virtual machine, and one line of it is wanted."""
_PACKAGES_LIMITS = Limits(wall_ms=30_000, output_bytes=200_000)
"""The longest list of packages that is read."""
STARTS = 5
"""A program that is to be ended by its time limit has at least so many times what hello world took just now."""
_VERSIONS = (re.compile(r"\d+\.\d[\w.+~-]*"), re.compile(r"\d+"))


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one case went."""

    case: str
    problem: str
    """What was wrong; empty for a pass."""
    compile_ms: float | None
    run_ms: float | None
    peak_memory_bytes: int
    started_ahead: bool = False
    hint: str = ""
    """What can be done about the problem."""
    excused: str = ""
    """Why it may fail, where the language says so."""
    memory_share: float = 0.0
    """Of its limit, what the step took that came nearest to it."""

    @property
    def passed(self) -> bool:
        return not self.problem

    @property
    def failed(self) -> bool:
        """Whether it keeps the language from being enabled."""
        return bool(self.problem) and not self.excused


def run_cases(
    language: Language, image: str, report: Callable[[Verdict], None] = lambda _verdict: None
) -> list[Verdict]:
    """Every case's verdict on this image, the first of which tells how long a start takes.

    What fails while the host is busy is tried once more. Raises SandboxError where the sandbox fails.
    """
    verdicts: list[Verdict] = []
    excused = language.excused
    for case in cases_for(language):
        hello_ms = verdicts[0].run_ms or 0.0 if verdicts else 0.0
        verdict = _tried(language, image, case, hello_ms)
        if not verdict.passed and _host_is_busy():
            verdict = _tried(language, image, case, hello_ms)
        if not verdict.passed:
            verdict = dataclasses.replace(verdict, hint=case.hint, excused=excused.get(case.name, ""))
        verdicts.append(verdict)
        report(verdict)
    return verdicts


def run_with_less(language: Language, image: str, case: str, *, memory_share: float) -> Verdict:
    """One case's verdict where each step may have only this share of its memory. Raises SandboxError."""
    less = copy.copy(language)
    less.memory_mb = int(language.memory_mb * memory_share)
    if language.compile_memory_mb:
        less.compile_memory_mb = int(language.compile_memory_mb * memory_share)
    return _tried(less, image, next(each for each in cases_for(language) if each.name == case), 0.0)


def reported_version(language: Language, image: str) -> str:
    """What the version command prints on this image; where there is none, the row's version. Raises SandboxError."""
    folder = folder_for(language)
    command = tuple(language.version_command) or (folder.version_command if folder else ())
    if not command:
        return language.version
    return version_in(_text(_asked(language, image, Step("version", command, _VERSION_LIMITS))))


def listed_packages(language: Language, image: str) -> list[Package]:
    """The packages of this image, as its own tools tell them in the sandbox: the image may be anybody's.

    None where nothing lists them, or what does fails. Raises SandboxError.
    """
    command = listing_command(language)
    if not command:
        return []
    steps = _asked(language, image, Step("packages", command, _PACKAGES_LIMITS))
    return packages_in("".join(step.stdout.decode(errors="replace") for step in steps))


def version_in(text: str) -> str:
    """The first thing that looks like a version: best with a dot, else any number."""
    return next((found[0] for pattern in _VERSIONS if (found := pattern.search(text))), "")


def _asked(language: Language, image: str, step: Step) -> tuple[StepResult, ...]:
    """What came of a command that asks the image about itself."""
    environment = fill_environment(
        language.environment, memory_mb=language.memory_mb, cpu_quota_us=language.cpu_quota_us
    )
    return _run(language, image, Job((), (dataclasses.replace(step, environment=environment),))).steps


def _tried(language: Language, image: str, case: Case, hello_ms: float) -> Verdict:
    job = _job(language, case, hello_ms)
    return _verdict(case, job, _run(language, image, job))


def _host_is_busy() -> bool:
    """More is ready to run than there are processors: times say little."""
    return os.getloadavg()[0] > (os.cpu_count() or 1)


def _job(language: Language, case: Case, hello_ms: float) -> Job:
    started = case.entrypoint or language.source_file
    files = tuple(as_started(File(name, content), entrypoint=started) for name, content in case.files.items())
    timeout_ms = language.timeout_ms
    if case.timeout_ms is not None:
        timeout_ms = min(max(case.timeout_ms, round(STARTS * hello_ms)), language.max_timeout_ms)
    steps = steps_of(
        language,
        timeout_ms=timeout_ms,
        stdin=case.stdin.encode(),
        args=case.args,
        entrypoint=case.entrypoint,
        files=tuple(case.files),
        compile_args=case.compile_args,
    )
    return Job(files, steps)


def _run(language: Language, image: str, job: Job) -> JobResult:
    """On this image, which need not be the one that the language's programs run in."""
    return run_job(dataclasses.replace(programs.profile_of(language), image=image), job)


def _verdict(case: Case, job: Job, result: JobResult) -> Verdict:
    last = result.steps[-1]
    problem = case.problem(
        outcome=_outcome(last),
        exit_code=last.exit_code,
        stdout=last.stdout.decode(errors="replace"),
        everything=_text(result.steps) + last.detail,
    )
    walls = {step.name: step.wall_ms for step in result.steps}
    peak = max(step.peak_memory_bytes for step in result.steps)
    # A step that was not reached has no result.
    share = max(
        done.peak_memory_bytes / (step.limits.memory_bytes or peak or 1)
        for step, done in zip(job.steps, result.steps, strict=False)
    )
    return Verdict(case.name, problem, walls.get(COMPILE), walls.get(RUN), peak, last.started_ahead, memory_share=share)


def _outcome(step: StepResult) -> str:
    """As a client would be told."""
    if compile_failed(step):
        return "compile_error"
    return str(Outcome.OUT_OF_MEMORY if ran_out_of_memory(step) else step.outcome)


def _text(steps: tuple[StepResult, ...]) -> str:
    return "".join(_streams(steps))


def _streams(steps: tuple[StepResult, ...]) -> Iterator[str]:
    for step in steps:
        yield step.stdout.decode(errors="replace")
        yield step.stderr.decode(errors="replace")
