"""manage.py periodic: what is done from time to time, when it was, and a run by hand."""

from __future__ import annotations

import sys
import threading
from typing import Any

import psycopg
from django.core.management.base import BaseCommand, CommandError, CommandParser

from periodic import running
from periodic.locks import Locks
from periodic.models import PeriodicTask
from periodic.tasks import Task, registered
from rest import observed


class Command(BaseCommand):
    """It may run beside the server: what a process of it does just now is not done twice."""

    help = "List periodic work with its last and next run, or run some of it here and now."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("names", nargs="*", metavar="TASK", help="run these now, in this process")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exits with 1 where one failed or could not be run."""
        known = registered()
        if unknown := [name for name in options["names"] if name not in known]:
            raise CommandError(f"there is no {', '.join(unknown)}; there is {', '.join(known)}")
        if options["names"]:
            self._run_all([known[name] for name in options["names"]])
        else:
            self._list()

    def _run_all(self, tasks: list[Task]) -> None:
        locks = Locks()
        try:
            # Each of them, also where one before it failed.
            went_well = [self._run(task, locks) for task in tasks]
            # For /metrics: a server process writes what its work has counted with its heartbeat.
            observed.write()
        finally:
            locks.close()
        if not all(went_well):
            sys.exit(1)

    def _list(self) -> None:
        running.make_rows()
        rows = PeriodicTask.objects.in_bulk()
        for name, task in registered().items():
            row = rows[name]
            last = f"{row.began_at:%Y-%m-%d %H:%M:%S}" if row.began_at else "never"
            took = f", {row.took_ms:.0f} ms, {row.done} done" if row.ended_at else ", runs" if row.began_at else ""
            self.stdout.write(f"{name}: {task.what}")
            self.stdout.write(f"    last {last}{took}; next {row.next_at:%Y-%m-%d %H:%M:%S}, every {task.every_s:g} s")
            if row.failed_at:
                self.stdout.write(f"    failed {row.failed_at:%Y-%m-%d %H:%M:%S}: {row.error}")

    def _run(self, task: Task, locks: Locks) -> bool:
        """Until nothing is left, turn after turn; whether it went well."""
        while True:
            try:
                ran = running.run(task, locks, threading.Event(), only_if_due=False)
            except psycopg.Error as error:
                raise CommandError(f"{task.name}: the database is away: {error}") from None
            if ran is None:
                self.stderr.write(f"{task.name}: another process is at it just now")
                return False
            self.stdout.write(f"{task.name}: {ran.error or f'{ran.done} done'} in {ran.took_ms:.0f} ms")
            if ran.error or not ran.is_late:
                return not ran.error
