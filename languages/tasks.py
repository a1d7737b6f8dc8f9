"""Building, pulling and testing languages beside the requests, each task a row that every process can see.

Theory of operation. A task is a row while it runs and after, at most one running a language. The work is done by a
thread of the process that was asked; its progress is written to the row as it goes. A row whose process is gone is
marked lost by the same sweep that finishes executions.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from uuid import UUID

from django.db import Error, IntegrityError, transaction
from django.utils import timezone

from dispatch import workers
from languages import folders
from languages.acting import acting
from languages.documents import BadDescription
from languages.models import Language, LanguageTask, TaskKind, TaskStatus
from languages.selftest.cases import cases_for
from languages.selftest.run import Verdict
from languages.toolchain import installs, language_images
from languages.toolchain.errors import InstallError
from rest.connections import release_connection
from rest.ids import uuid7
from sandbox.errors import SandboxError

logger = logging.getLogger(__name__)

KEPT = 20
"""Tasks whose rows are kept, of each language."""
LOG_LINES = 300
LOG_CHARACTERS = 30_000
"""Of the end of a task's log: it is written to the row, and read by the admin's page, again and again."""
WRITE_EVERY_S = 0.4
"""Twice in the 0.8 s after which the admin's page asks again."""
AT_ONCE = 2
"""Languages that are installed at one time: while one downloads the other compiles; more would share the processors."""
SERVER_GONE = "the server process that was at it ended; start it again"

_STEP = re.compile(r"Step (\d+)/(\d+) : ")
_TERMINAL_CODE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_turns = threading.BoundedSemaphore(AT_ONCE)
_in_flight: set[UUID] = set()
"""Tasks that a thread of this process is at work on; set operations are atomic."""


class AlreadyRunning(Exception):
    """Something is being done to this language already."""


class _Superseded(Exception):
    """The row was finished or deleted by another process: this work is no longer wanted."""


def start(*, language: Language, kind: TaskKind, by: str = "") -> LanguageTask:
    """Begin in a thread of this process; the row is there when this returns. Raises AlreadyRunning."""
    task = LanguageTask(
        id=uuid7(), language=language, kind=kind, started_by=by, worker=workers.own_id(), started_at=timezone.now()
    )
    _in_flight.add(task.pk)
    try:
        with transaction.atomic():
            task.save(force_insert=True)
    except IntegrityError as error:
        _in_flight.discard(task.pk)
        raise AlreadyRunning(f"{language.slug} is being worked on already") from error
    _forget_old(language)
    threading.Thread(target=_work, args=[task], name=f"language-{kind}", daemon=True).start()
    return task


def install(slugs: Iterable[str], *, by: str = "") -> dict[str, str]:
    """Begin to build, test and enable each of these folders' languages, a few at a time.

    Returns why some were not begun, by slug; what fails later is in the task's row, and the others go on.
    """
    refused: dict[str, str] = {}
    for slug in slugs:
        try:
            start(language=installs.load_folder(slug), kind=TaskKind.INSTALL, by=by)
        except (InstallError, AlreadyRunning) as error:
            refused[slug] = str(error)
    return refused


def latest(languages: Iterable[Language], kind: TaskKind | None = None) -> dict[int, LanguageTask]:
    """The newest task of each language, or the newest of one kind, by the language's key."""
    tasks = LanguageTask.objects.filter(language__in=list(languages))
    if kind:
        tasks = tasks.filter(kind=kind)
    return {task.language_id: task for task in tasks.order_by("language_id", "-id").distinct("language_id")}


def can_build(language: Language) -> bool:
    """Whether its image is made from a folder of ours; any other is pulled."""
    return language.slug in folders.slugs() and folders.read(language.slug).image == language.image


def sweep(ended: Iterable[UUID]) -> None:
    """Mark as lost what `ended` processes left, and what this one lost."""
    running = LanguageTask.objects.filter(status=TaskStatus.RUNNING).only("id", "worker")
    for task in workers.orphans(running, ended=ended, is_in_flight=_in_flight.__contains__):
        _mark_lost(task)


def abandon() -> None:
    """This process ends: what it is at will not be finished."""
    try:
        for task in LanguageTask.objects.filter(pk__in=list(_in_flight)).only("id"):
            _mark_lost(task)
    except Error:
        logger.warning("the database is away: tasks of this process stay for others to sweep")


def _work(task: LanguageTask) -> None:
    progress = _Progress(task)
    try:
        language = Language.objects.get(pk=task.language_id)
        release_connection()
        with acting(task.started_by):
            digest = _WORK[TaskKind(task.kind)](language, progress)
    except (InstallError, SandboxError, BadDescription) as error:
        progress.end(TaskStatus.FAILED, error=str(error))
    except (_Superseded, Language.DoesNotExist):
        logger.info("task %s was ended by others", task.pk)
    except Exception:
        logger.exception("task %s failed", task.pk)
        progress.end(TaskStatus.FAILED, error="an error of the server; its log says more")
    else:
        progress.end(TaskStatus.SUCCEEDED, image_digest=digest)
    finally:
        _in_flight.discard(task.pk)
        release_connection()


def _install(language: Language, progress: _Progress) -> str:
    progress.say("waiting for its turn")
    with _turns:
        # It may have been changed, or have gone, while others had their turn.
        language.refresh_from_db()
        if can_build(language):
            _build(language, progress)
        elif language_images.image_of(language) is None:
            _pull(language, progress)
        digest = _test(language, progress)
        installs.enable(language)
    return digest


def _build(language: Language, progress: _Progress) -> str:
    return installs.build(language, progress.add_line, on_line=progress.add_line).id


def _pull(language: Language, progress: _Progress) -> str:
    return installs.pull(language, progress.add_line).id


def _test(language: Language, progress: _Progress) -> str:
    progress.expect(len(cases_for(language)))
    result = installs.self_test(language, progress.add_line, on_verdict=progress.add_verdict)
    if result.failed:
        cases = ", ".join(verdict.case for verdict in result.failed)
        raise InstallError(f"failed {len(result.failed)} of {len(result.verdicts)}: {cases}")
    return result.image.id


class _Progress:
    """How far a task is, in its row: steps and verdicts at once, other lines no more often than WRITE_EVERY_S."""

    def __init__(self, task: LanguageTask) -> None:
        self._task = task
        self._lines: dict[str, str] = {}
        self._line_count = 0
        self._written_at = 0.0

    def add_line(self, line: str) -> None:
        """One line. Of a layer that is being pulled, the newest stands for those before it."""
        line = _TERMINAL_CODE.sub("", line).replace("\x00", "").rstrip()
        if step := _STEP.match(line):
            self._task.done, self._task.total = int(step[1]) - 1, int(step[2])
        if step or not self._task.total:
            self._task.headline = line[:300]
        self._line_count += 1
        layer = line.partition(" ")[0] if self._task.kind == TaskKind.PULL else ""
        self._lines[layer or str(self._line_count)] = line
        if len(self._lines) > LOG_LINES:
            del self._lines[next(iter(self._lines))]
        self._write(now=step is not None)

    def expect(self, total: int) -> None:
        """So many self-tests will be run."""
        self._task.done, self._task.total = 0, total
        self.say("waiting for the first self-test")

    def say(self, headline: str) -> None:
        """What it is at."""
        self._task.headline = headline
        self._write(now=True)

    def add_verdict(self, verdict: Verdict) -> None:
        """One self-test was run."""
        # PostgreSQL's JSON has no NUL, and a program may have printed one.
        problem = verdict.problem.replace("\x00", "\ufffd")
        self._task.verdicts.append(asdict(verdict) | {"problem": problem, "passed": verdict.passed})
        self._task.done += 1
        self._task.headline = f"{verdict.case}: {_ended(verdict)}"
        self._write(now=True)

    def end(self, status: TaskStatus, *, error: str = "", image_digest: str = "") -> None:
        """The task is over."""
        error = error.replace("\x00", "")
        try:
            self._update(status=status, error=error, image_digest=image_digest, finished_at=timezone.now())
        except (_Superseded, Error):
            logger.warning("task %s: its end could not be written: %s %s", self._task.pk, status, error)

    def _write(self, *, now: bool = False) -> None:
        if not now and time.monotonic() - self._written_at < WRITE_EVERY_S:
            return
        try:
            self._update()
        except Error as error:
            logger.warning("task %s goes on without the database: %s", self._task.pk, error)
        self._written_at = time.monotonic()
        release_connection()

    def _update(self, **more: object) -> None:
        task = self._task
        rows = LanguageTask.objects.filter(pk=task.pk, status=TaskStatus.RUNNING).update(
            log="\n".join(self._lines.values())[-LOG_CHARACTERS:],
            done=task.done,
            total=task.total,
            headline=task.headline,
            verdicts=task.verdicts,
            **more,
        )
        if not rows:
            raise _Superseded


def _ended(verdict: Verdict) -> str:
    return "passed" if verdict.passed else "failed" if verdict.failed else "excused"


def _mark_lost(task: LanguageTask) -> None:
    LanguageTask.objects.filter(pk=task.pk, status=TaskStatus.RUNNING).update(
        status=TaskStatus.LOST, error=SERVER_GONE, finished_at=timezone.now()
    )


def _forget_old(language: Language) -> None:
    kept = LanguageTask.objects.filter(language=language).order_by("-id").values("pk")[:KEPT]
    LanguageTask.objects.filter(language=language).exclude(pk__in=kept).delete()


_WORK: Mapping[TaskKind, Callable[[Language, _Progress], str]] = {
    TaskKind.BUILD: _build,
    TaskKind.PULL: _pull,
    TaskKind.TEST: _test,
    TaskKind.INSTALL: _install,
}
"""What is done for each kind; returns the digest of the image that it was about."""
