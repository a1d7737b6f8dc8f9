"""Subjects that take turns, so that a noisy machine hits all alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from benchmarks import measure
from benchmarks.measure import Figures, Run
from benchmarks.programs import Program

CONCURRENCY = 4
"""Two for each processor of a small machine: what gexec has as slots there."""
BLOCKS = 4
"""Turns of each subject: what the machine does beside them falls on all."""
REUSE_RUNS = 1_000_000
"""The most that a language may have: no container of a measurement is used up."""
SETTLE_S = 0.4
"""Enough to make the one container that a run took."""
REST_S = 2.0
"""Enough to make the warm containers that a slice took."""
LIVE_S = 2.5
"""After this long every process of a server works with a setting that was changed."""
_AFTER_FIRST_S = 1.0


@dataclass
class Subject:
    """One way to run a program, measured."""

    name: str
    program: Program
    make: Callable[[], Run]
    settle_s: float = 0.0
    """How long to wait after a run one after another, so that the next finds the pool full."""
    before: Callable[[], None] = lambda: None
    rest_s: float = 0.0
    """How long to wait before a slice, so that the containers for it are made and none are made within it."""
    figures: Figures = field(default_factory=Figures)

    def __post_init__(self) -> None:
        self.runs = [self.make() for _ in range(CONCURRENCY)]


def run_all(subjects: Sequence[Subject], *, rounds: int, slices: int, slice_s: float) -> None:
    """Every subject has a block of rounds in turn, several times over; then the slices likewise.

    Every other time the order is turned round: who comes first meets a machine that has rested.
    """
    for number in range(BLOCKS):
        for subject in _in_turn(subjects, number):
            _progress(f"block {number + 1} of {BLOCKS}: {subject.program.language}, {subject.name}")
            _block(subject, rounds=max(1, rounds // BLOCKS))
    for number in range(slices):
        for subject in _in_turn(subjects, number):
            _progress(f"slice {number + 1} of {slices}: {subject.program.language}, {subject.name}")
            _slice(subject, seconds=slice_s)
    _progress("")


def _in_turn(subjects: Sequence[Subject], number: int) -> Sequence[Subject]:
    return subjects[::-1] if number % 2 else subjects


def _block(subject: Subject, *, rounds: int) -> None:
    subject.before()
    subject.runs[0]()
    # Containers that are made in place of the one that it took would be measured with the next runs.
    time.sleep(_AFTER_FIRST_S)
    for _ in range(rounds):
        time.sleep(subject.settle_s)
        measure.one(subject.runs[0], subject.figures)


def _slice(subject: Subject, *, seconds: float) -> None:
    subject.before()
    measure.slice_of(subject.runs, Figures(), seconds=0.5)
    time.sleep(subject.rest_s)
    measure.slice_of(subject.runs, subject.figures, seconds=seconds)


def _progress(text: str) -> None:
    print(f"\r\033[K{text}", end="", flush=True)
