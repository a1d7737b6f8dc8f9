"""From tests to a job: the program is compiled once, then each test is a fresh step; a judge is a companion."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from executions.grading.asked import Grading, Judge, Role, Test
from executions.grading.judges import check_of, interaction_of
from sandbox.types import Companion, File, Job, Step

Content = Callable[[Mapping[str, Any]], bytes]
"""Resolves a reference."""

_STEP = "test/"
_CHECK, _INTERACT = "/check", "/interact"
"""What the sandbox adds to a step's name for what its judge has said."""
COMPANION = "companion/"
"""What it puts before the names of a judge's own steps."""
_LONGER_MS = 1_000
"""How much longer than its program an interactor may take: of two that wait for each other, the program is at fault."""


def step_of(index: int) -> str:
    """The name of the step that runs a test."""
    return f"{_STEP}{index}"


def index_of(step: str) -> int | None:
    """Which test a step runs, or judges; None for any other step."""
    number = step.removeprefix(_STEP).removesuffix(_CHECK).removesuffix(_INTERACT)
    return int(number) if step.startswith(_STEP) and number.isdecimal() else None


def is_judges(step: str) -> bool:
    """Whether it is the judge's part of a test."""
    return step.endswith((_CHECK, _INTERACT))


def graded(job: Job, grading: Grading, companion: Companion | None, content: Content) -> Job:
    """The job with a step for each test in the place of its last one, which says how the program is run.

    `companion` has the judge's files, its compile step and, last, how it is run.
    """
    *before, run = job.steps
    judge = companion.steps[-1] if companion else None
    steps = [_test_step(index, test, run, grading, judge, content) for index, test in enumerate(grading.tests)]
    own = replace(companion, steps=companion.steps[:-1]) if companion else None
    return replace(job, steps=(*before, *steps), keep_going=True, companion=own)


def _test_step(index: int, test: Test, run: Step, grading: Grading, judge: Step | None, content: Content) -> Step:
    files = tuple(File(each["name"], content(each["content"]), each["executable"]) for each in test.files)
    step = replace(
        run,
        name=step_of(index),
        argv=(*run.argv, *test.args),
        limits=replace(run.limits, **dict[str, Any](test.limits)),
        fresh=True,
        files=files,
    )
    given = content(test.stdin)
    if judge is None or grading.judge is None:
        return replace(step, stdin=given)
    return _judged(replace(step, stdin=given), test, grading.judge, judge, content)


def _judged(step: Step, test: Test, judge: Judge, run: Step, content: Content) -> Step:
    expected = content(test.expected) if test.expected is not None else b""
    if judge.role is Role.CHECKER:
        return replace(step, check=check_of(judge.protocol, run, given=step.stdin, expected=expected))
    longer = replace(run.limits, wall_ms=max(run.limits.wall_ms, step.limits.wall_ms + _LONGER_MS))
    talk = interaction_of(judge.protocol, replace(run, limits=longer), given=step.stdin, expected=expected)
    # What it has to say comes from the interactor alone.
    return replace(step, stdin=b"", interaction=talk)
