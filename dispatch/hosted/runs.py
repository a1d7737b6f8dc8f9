"""The runs of this process, by their tasks and by where they are told of."""

from __future__ import annotations

from typing import Protocol

from dispatch.base import Task
from dispatch.keyboard import Keyboard


class Followed(Protocol):
    """A run, as far as it is found and told."""

    task: Task
    subject: str
    """Below which it is told of."""
    keyboard: Keyboard | None

    def told(self, kind: str, data: bytes) -> None:
        """What came for it."""

    def cancel(self) -> None:
        """End it, wherever it is."""


class Runs:
    """Safe for threads: each step is one of a dict."""

    def __init__(self) -> None:
        self._by_subject: dict[str, Followed] = {}
        self._by_task: dict[str, Followed] = {}

    def __len__(self) -> int:
        return len(self._by_task) + len(self._by_subject)

    def enter(self, run: Followed) -> None:
        self._by_task[run.task.id] = run
        self._by_subject[run.subject] = run

    def move(self, run: Followed, subject: str) -> None:
        """What is told there is of this run, and nothing else any more."""
        self._by_subject.pop(run.subject, None)
        run.subject = subject
        self._by_subject[subject] = run

    def leave(self, run: Followed) -> None:
        self._by_subject.pop(run.subject, None)
        if self._by_task.get(run.task.id) is run:
            del self._by_task[run.task.id]

    def cancel(self, task_id: str) -> bool:
        """Whether there is one of this task."""
        run = self._by_task.get(task_id)
        if run is None:
            return False
        run.cancel()
        return True

    def cancel_all(self) -> None:
        for run in list(self._by_task.values()):
            run.cancel()

    def told(self, subject: str, data: bytes) -> None:
        """Pass on what a host tells. Does not wait."""
        where, _, kind = subject.rpartition(".")
        run = self._by_subject.get(where)
        if run is not None:
            run.told(kind, data)

    def beat(self) -> None:
        """Whoever talks is there, and what was lost is said again."""
        for run in list(self._by_subject.values()):
            if run.keyboard is not None:
                run.keyboard.repeat()
