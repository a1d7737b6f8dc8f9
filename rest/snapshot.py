"""What was loaded a moment ago, for requests that should not ask the database for it each time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from rest.turns import Turns

MAX_AGE_S = 1.0
"""A change of another process is seen within this; what follows the rows adds a second of its own."""

T = TypeVar("T")


class Snapshot(Generic[T]):
    """The last answer of `load`, at most MAX_AGE_S old. Several threads may ask: one loads, the others wait for it.

    What it hands out is shared by all threads: read it, never change it. Where loading fails, those who asked until
    then get the exception, and the next one loads again.
    """

    def __init__(self, load: Callable[[], T]) -> None:
        self._load = load
        self._turns = Turns()
        self._kept: _Loaded[T] | None = None
        self._epoch = object()

    def current(self) -> T:
        """The answer, loaded anew where the last one is too old."""
        kept = self._kept
        if kept is not None and kept.is_young():
            return kept.answer
        with self._turns.turn():
            kept = self._kept
            return kept.answer if kept is not None and kept.is_young() else self._load_again()

    def forget(self) -> None:
        """Load again at the next question."""
        self._epoch = object()
        self._kept = None

    def _load_again(self) -> T:
        epoch = self._epoch
        # The age counts from before the query: what changed while it ran is seen a second later.
        began = time.monotonic()
        answer = self._load()
        self._kept = _Loaded(answer, began)
        if self._epoch is not epoch:
            # Forgotten while it loaded: the answer may be of before the change.
            self._kept = None
        return answer


@dataclass(frozen=True, slots=True)
class _Loaded(Generic[T]):
    answer: T
    at: float

    def is_young(self) -> bool:
        return time.monotonic() - self.at <= MAX_AGE_S
