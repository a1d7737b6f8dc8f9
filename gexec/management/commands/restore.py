"""manage.py restore FILE: what `manage.py backup` has written becomes the database."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from gexec import backups
from gexec.postgresql.programs import ProgramFailed, ProgramMissing


class Command(BaseCommand):
    """All of it or nothing."""

    help = "Fill an empty database from a file of `manage.py backup` or `pg_dump -Fc`."
    requires_system_checks = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """The file, and whether a database that is not empty may go."""
        parser.add_argument("file", metavar="FILE", help="the backup, or - for standard input")
        parser.add_argument("--replace", action="store_true", help="what is in the database now goes for ever")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Raises CommandError where nothing was restored."""
        try:
            restored = backups.read(options["file"], replace=options["replace"])
        except (backups.Refused, OSError, ProgramFailed, ProgramMissing) as error:
            raise CommandError(f"Nothing was restored: {error}") from error
        self.stderr.write(f"{restored.executions} executions are there, and {restored.finished} have ended in all.")
        if restored.from_newer:
            self.stderr.write(
                f"It comes from a newer gexec ({', '.join(restored.from_newer)}): start that one, or a newer one still."
            )
        else:
            self.stderr.write("The next start brings the database up to date, and installs what images are missing.")
