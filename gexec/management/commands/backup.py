"""manage.py backup FILE: all that gexec keeps in its database, at one moment, while it serves or not."""

from __future__ import annotations

import argparse
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from gexec import backups
from gexec.postgresql.programs import ProgramFailed, ProgramMissing


class Command(BaseCommand):
    """It changes nothing."""

    help = "Write the database to a file that `manage.py restore` and pg_restore read."
    requires_system_checks = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """The file."""
        parser.add_argument("file", metavar="FILE", help="one that is not there yet, or - for standard output")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Raises CommandError where there is no backup."""
        try:
            size = backups.write(options["file"])
        except (backups.Refused, OSError, ProgramFailed, ProgramMissing) as error:
            raise CommandError(f"No backup: {error}") from error
        if size:
            self.stderr.write(f"{options['file']}: {size / 1e6:.1f} MB")
        self.stderr.write(
            f"It holds what callers sent, hashes of keys and passwords, and secrets of webhooks: keep it as safe as "
            f"the database. It does not hold {settings.GEXEC_DATA_DIR / 'secret-key'} (or GEXEC_SECRET_KEY), without "
            f"which log-ins end and tokens of executions open nothing: keep that too, and elsewhere; nor images of "
            f"languages, which are built or pulled again."
        )
