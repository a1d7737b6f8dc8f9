"""Running a task: once at a time among all processes, and what came of it in its row."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from datetime import timedelta
from typing import NamedTuple

import psycopg
from django.db import DatabaseError, Error
from django.db.models import F, Q
from django.db.models.functions import Now

from periodic.clock import Steadiness
from periodic.locks import Locks
from periodic.models import PeriodicTask
from periodic.tasks import Task, Turn, registered
from rest.connections import release_connection
from rest.exceptions import Unavailable

logger = logging.getLogger(__name__)

_AGAIN_S = 5.0
"""After a failure at the least: what is done every two seconds need not fail that often."""
_MAX_ERROR = 500
_steadiness = Steadiness()


class Ran(NamedTuple):
    """One run that has ended."""

    done: int
    took_ms: float
    error: str
    """Empty: it went well."""
    is_late: bool
    """Whether something may be left for the next turn."""


def run(task: Task, locks: Locks, stop: threading.Event, *, only_if_due: bool) -> Ran | None:
    """Do it now, in this thread. None: another process is at it, or, with `only_if_due`, has been just before.

    Raises the database's errors where it is away before the work begins; what the work raises is told in `Ran`.
    """
    with locks.held(task.name) as is_held:
        if not is_held or not _begin(task, only_if_due=only_if_due):
            return None
        ran = _carry_out(task, Turn(stop, task.longest_s, is_lost=lambda: locks.is_lost(task.name)))
        _end(task, ran)
        return ran


def due() -> list[Task]:
    """Those whose time has come."""
    tasks = registered()
    names = set(PeriodicTask.objects.filter(next_at__lte=Now()).values_list("name", flat=True))
    return [task for name, task in tasks.items() if name in names]


def make_rows() -> None:
    """A row for each task that has none yet; it is due at once."""
    PeriodicTask.objects.bulk_create([PeriodicTask(name=name) for name in registered()], ignore_conflicts=True)


def ask_for(names: list[str]) -> int:
    """Have these run as soon as a server process looks, which is within a second; how many that are."""
    return PeriodicTask.objects.filter(name__in=[name for name in names if name in registered()]).update(next_at=Now())


def _begin(task: Task, *, only_if_due: bool) -> bool:
    """Whether it is this one's to run. The next run is set at once: a process that dies in this one is followed."""
    if not PeriodicTask.objects.filter(pk=task.name).exists():
        make_rows()
    rows = PeriodicTask.objects.filter(Q(name=task.name), *([Q(next_at__lte=Now())] if only_if_due else []))
    return bool(
        rows.update(
            began_at=Now(),
            ended_at=None,
            next_at=Now() + timedelta(seconds=task.every_s),
            ran_in=f"{socket.gethostname()}, {os.getpid()}"[:300],
            runs=F("runs") + 1,
        )
    )


def _carry_out(task: Task, turn: Turn) -> Ran:
    began, done, error = time.monotonic(), 0, ""
    try:
        if task.by_age and (error := _steadiness.doubt()):
            logger.warning("periodic work: %s is not done: %s", task.name, error)
        else:
            done = task.work(turn)
        if done and not task.is_quiet:
            logger.info("periodic work: %s", task.name, extra={"task": task.name, "done": done})
    except (Error, Unavailable) as exc:
        logger.warning("periodic work: %s cannot be done now: %s", task.name, exc)
        error = _one_line(exc)
    except Exception as exc:
        logger.exception("periodic work: %s failed, and is tried again", task.name)
        error = _one_line(exc)
    finally:
        release_connection()
    return Ran(done, (time.monotonic() - began) * 1000, error, is_late=turn.is_late)


def _one_line(error: Exception) -> str:
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return text.replace("\x00", "")[:_MAX_ERROR]


def _end(task: Task, ran: Ran) -> None:
    """Note it. A database that is away now is noted by nobody; the next run is set already."""
    wait_s = max(task.every_s, _AGAIN_S) if ran.error else 0.0 if ran.is_late else task.every_s
    fields = {"ended_at": Now(), "took_ms": ran.took_ms, "done": ran.done, "next_at": Now() + timedelta(seconds=wait_s)}
    fields |= {"error": ran.error, "failed_at": Now()} if ran.error else {}
    try:
        PeriodicTask.objects.filter(pk=task.name).update(**fields)
    except (DatabaseError, psycopg.Error) as error:
        logger.warning("periodic work: what came of %s cannot be written now: %s", task.name, error)
    finally:
        release_connection()
