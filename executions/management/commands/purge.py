"""manage.py purge: delete old executions."""

from __future__ import annotations

import argparse
import re
import signal
import sys
import threading
import time
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from clients.models import Client
from executions import ageing, dropping, retention, storage
from executions.models import Status
from executions.outcomes import Outcome
from rest.display import size

INTERRUPTED = 128 + signal.SIGINT
"""The exit code of what Ctrl-C ended, as shells count it."""
_TELL_EVERY_S = 5.0
_UNITS = {"": "days", "h": "hours", "d": "days", "w": "weeks"}
_ENDINGS = (*(outcome.value for outcome in Outcome), Status.REJECTED.value)


class Command(BaseCommand):
    """What is deleted is gone for good; the totals of /metrics go on counting it."""

    help = (
        "Delete executions of which all that is asked for here holds; without a word, what the settings and the "
        "clients' own days are over for. It may run beside the server. Open executions and the totals of /metrics stay."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--older-than", type=_age, metavar="AGE", help="90d, 12h, 8w; a number alone is days")
        parser.add_argument("--keep", type=_count, metavar="N", help="the newest N stay, however they ended")
        parser.add_argument("--outcome", type=_endings, default=(), metavar="A,B", help=f"only {', '.join(_ENDINGS)}")
        parser.add_argument("--client", type=_client, metavar="NAME", help="only those of this client")
        parser.add_argument("--contents", action="store_true", help="only source, input and output; the rows stay")
        parser.add_argument("--dry-run", action="store_true", help="say how many these are, and delete none")
        after = parser.add_mutually_exclusive_group()
        after.add_argument("--vacuum", action="store_true", help="let new rows use the space at once; locks nobody out")
        after.add_argument(
            "--vacuum-full",
            action="store_true",
            help="give the space back to the disk: needs as much free as stays, and nothing is executed meanwhile",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Exits with 130 after Ctrl-C; each batch that was deleted stays deleted."""
        rules = _rules(options)
        old = None if rules else _asked(options)
        self._rows = self._bytes = 0
        try:
            if old is None:
                self._follow(rules, dry_run=options["dry_run"])
            else:
                self._purge(old, dry_run=options["dry_run"])
            if not options["dry_run"]:
                self._vacuum(options)
        except KeyboardInterrupt:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            done = "nothing was to be deleted" if options["dry_run"] else f"{self._sum()} deleted, for good"
            self.stderr.write(f"interrupted: {done}; run it again to go on")
            sys.exit(INTERRUPTED)

    def _purge(self, old: retention.Old, *, dry_run: bool) -> None:
        began = told = time.monotonic()
        for batch in old.batches(dry_run=dry_run):
            self._rows += batch.rows
            self._bytes += batch.bytes
            if time.monotonic() - told > _TELL_EVERY_S:
                told = time.monotonic()
                self._say(f"{self._sum()} so far")
        took_s = time.monotonic() - began
        if dry_run:
            self._say(f"{self._sum()} would be deleted")
        else:
            self._say(f"deleted {self._sum()} in {took_s:.1f} s")

    def _follow(self, rules: list[ageing.Rule], *, dry_run: bool) -> None:
        if not dry_run and (dropped := dropping.drop_old(threading.Event())):
            self._rows += dropped
            self._say(f"parts of which nothing is to stay: about {dropped} deleted, and their space is free")
        for rule in rules:
            changed = 0
            for passed in rule.carry_out(dry_run=dry_run):
                changed += passed.changed
            self._rows += changed
            done = "emptied" if rule.contents else "deleted"
            self._say(f"{rule}: {changed} {'would be ' if dry_run else ''}{done}")

    def _vacuum(self, options: dict[str, Any]) -> None:
        before = storage.bytes_on_disk()
        if options["vacuum"] or options["vacuum_full"]:
            retention.vacuum(full=options["vacuum_full"])
            self._say(f"on disk {size(before)} before VACUUM, {size(storage.bytes_on_disk())} after")
        elif self._rows:
            self._say(
                f"on disk still {size(before)}: PostgreSQL uses the space for new executions (--vacuum: at once); "
                f"--vacuum-full gives it back to the disk"
            )

    def _sum(self) -> str:
        return f"{self._rows} executions of {size(self._bytes)}"

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def _rules(options: dict[str, Any]) -> list[ageing.Rule]:
    """What goes by rules: contents, and without a word what the settings say. None: `_asked` says."""
    old = retention.Old(options["older_than"], options["keep"], options["outcome"], options["client"])
    if options["contents"]:
        if old.older_than is None or old.keep or old.endings:
            raise CommandError("--contents goes with --older-than, and with --client or without.")
        # Whole days, so that nothing goes that is younger than was said.
        days = -(-old.older_than // timedelta(days=1))
        return [ageing.Rule("contents by hand", days, contents=True, client_id=old.client_id, is_marked=False)]
    return ageing.rules() if old == retention.Old() else []


def _asked(options: dict[str, Any]) -> retention.Old:
    old = retention.Old(options["older_than"], options["keep"], options["outcome"], options["client"])
    if old != retention.Old():
        return old
    raise CommandError(
        "Say what may go: --older-than 90d, --keep 100000, --client NAME or --outcome rejected, or several of them. "
        "GEXEC_RETENTION_DAYS is not set."
    )


def _client(name: str) -> UUID:
    client = Client.objects.filter(name=name).first()
    if client is None:
        raise argparse.ArgumentTypeError(f"there is no client {name!r}")
    return client.pk


def _age(text: str) -> timedelta:
    found = re.fullmatch(r"(\d{1,6})([hdw]?)", text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is no age: write 90d, 12h or 8w")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 on")
    return int(text)


def _endings(text: str) -> tuple[str, ...]:
    wanted = tuple(dict.fromkeys(text.split(",")))
    if unknown := [each for each in wanted if each not in _ENDINGS]:
        raise argparse.ArgumentTypeError(f"there is no {', '.join(unknown)}; there is {', '.join(_ENDINGS)}")
    return wanted
