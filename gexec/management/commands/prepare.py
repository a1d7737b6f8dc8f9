"""manage.py prepare: what must be there before the first request. `python -m serve` runs it at every start."""

from __future__ import annotations

import os
import secrets
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection, transaction
from django.db.migrations.executor import MigrationExecutor

from dispatch import active
from executions import partitions
from gexec import last_start
from languages.toolchain import docker_host, installs, language_images
from languages.toolchain.errors import InstallError
from sandbox.errors import EngineUnavailable, SandboxError

LANGUAGES = ("python", "go")
"""Installed at the first start; others are the operator's choice."""
DOCKER_ANSWER_S = 20.0
"""Enough for a Docker that is just starting."""
# Any constant will do; it keeps two hosts with one database from migrating it at the same time.
_START_LOCK = 0x67657865


class Command(BaseCommand):
    """Prepare what is missing; quick when nothing is."""

    help = "Migrate the database, make the first administrator, install python and go where missing."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Raises CommandError, with what to do, where something cannot be had."""
        # As an exception, so that what runs meanwhile (mmdebstrap, a build) ends with it.
        signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
        self._tell_changes()
        self._has_docker = self._asked_docker()
        try:
            connection.ensure_connection()
        except OperationalError as error:
            raise CommandError(f"The database of DATABASE_URL does not answer: {str(error).strip()}") from None
        try:
            self._prepare(settings.GEXEC_DATA_DIR)
        except (SandboxError, InstallError) as error:
            raise CommandError(str(error)) from error

    def _prepare(self, data_dir: Path) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [_START_LOCK])
            try:
                executor = MigrationExecutor(connection)
                if plan := executor.migration_plan(executor.loader.graph.leaf_nodes()):
                    self._report("Migrating the database ...")
                    if way_back := _way_back(executor, {migration.app_label for migration, _ in plan}):
                        self._report(f"The way back, while nothing serves: {way_back}")
                    call_command("migrate", interactive=False, verbosity=0)
                with suppress(OperationalError):  # Then it is made while the server works, which has a part for it.
                    partitions.make_ahead()
                self._make_superuser(data_dir)
                if self._has_docker:
                    self._install()
            finally:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_START_LOCK])

    def _asked_docker(self) -> bool:
        """Whether there is one; where programs run on hosts, none is needed here. Raises CommandError."""
        try:
            _ask_docker()
        except CommandError:
            if not active.backend().remote:
                raise
            self._report("No Docker here: languages are installed where there is one, and hosts have their images.")
            return False
        return True

    def _install(self) -> None:
        language_images.ensure_base(self._report)
        active.backend().prepare(self._report)
        try:
            installs.ensure(LANGUAGES, self._report)
        except InstallError as error:
            if not active.backend().remote:
                raise
            # Their self-tests run on hosts, which may come later than this.
            self._report(f"{error}")

    def _tell_changes(self) -> None:
        for change in last_start.changes():
            self._report(change)
        # With a database elsewhere, the directory may be one that cannot be written.
        with suppress(OSError):
            last_start.remember()

    def _make_superuser(self, data_dir: Path) -> None:
        """The first administrator, with a password that is made here."""
        users = get_user_model().objects
        if users.filter(is_superuser=True).exists():
            return
        password = secrets.token_urlsafe(18)
        file = data_dir / "admin-password"
        with transaction.atomic():
            users.create_superuser("admin", password=password)
            file.unlink(missing_ok=True)
            with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
                out.write(password + "\n")
        self._report(f"Made the administrator 'admin', whose password is in {file}.")

    def _report(self, line: str) -> None:
        # A log on a full disk is no reason to prepare nothing.
        with suppress(OSError):
            self.stderr.write(line, self.style.NOTICE)
            self.stderr.flush()


def _way_back(executor: MigrationExecutor, apps: set[str]) -> str:
    """The commands, of this version, that undo the migrations of a plan; empty where the database is new."""
    applied = executor.loader.applied_migrations
    last = {app: max((name for label, name in applied if label == app), default="zero") for app in apps}
    if not applied:
        return ""
    return " && ".join(f"manage.py migrate {app} {name}" for app, name in sorted(last.items()))


def _ask_docker() -> None:
    try:
        docker_host.images(timeout_s=DOCKER_ANSWER_S).ping()
    except EngineUnavailable as error:
        raise CommandError(
            f"The Docker engine{f' at DOCKER_HOST={settings.DOCKER_HOST}' if settings.DOCKER_HOST else ''} does not "
            f"answer ({error}). Start it (sudo systemctl start docker), or name another with DOCKER_HOST."
        ) from None
