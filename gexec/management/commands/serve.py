"""manage.py serve: everything that a start needs, then gunicorn. `make run` ends in it."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection, transaction
from django.db.migrations.executor import MigrationExecutor

from dispatch import active
from gexec.addresses import bound_socket
from languages.toolchain import installs
from languages.toolchain.errors import InstallError
from sandbox.docker import DockerImages, connect
from sandbox.errors import EngineUnavailable, SandboxError
from serve.locks import FileLock, Held
from serve.postgres import PostgresError, Server
from serve.supervisor import Stopped, become, raise_when_stopped

LANGUAGES = ("python", "go")
"""Installed at the first start; others are the operator's choice."""
FREE_DISK_BYTES = 200 * 1024 * 1024
LOCK_WAIT_S = 30.0
DOCKER_ANSWER_S = 20.0
# Any constant will do; it keeps two hosts with one database from migrating it at the same time.
_START_LOCK = 0x67657865


class Command(BaseCommand):
    """Start everything and serve until SIGTERM or SIGINT."""

    help = "Start the database, migrate, install python and go where missing, and serve over HTTP."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Exits 0 after a stop that was asked for, 1 on any error. With all prepared it becomes serve.supervisor."""
        data_dir = Path(settings.GEXEC_DATA_DIR)
        postgres = None if settings.DATABASE_URL else Server(data_dir, self._say)
        raise_when_stopped()
        lock = FileLock(data_dir / "serve.lock")
        try:
            _take(lock, data_dir)
            with closing(_listener()) as listener:
                _refuse_full_disk(data_dir)
                _ask_docker()
                self._start_database(postgres)
                self._prepare(data_dir)
                # The worker processes make their own connections.
                connection.close()
                _close_pool()
                become(
                    project=Path(settings.BASE_DIR),
                    data_dir=data_dir,
                    grace_s=settings.GEXEC_SHUTDOWN_GRACE_S,
                    listener=listener.detach(),
                    lock=lock,
                    postgres=postgres,
                )
        except Stopped:
            return
        except (Held, PostgresError, SandboxError, InstallError) as error:
            raise CommandError(str(error)) from error
        finally:
            if postgres is not None:
                postgres.stop()
            lock.release()

    def _start_database(self, postgres: Server | None) -> None:
        if postgres is not None:
            postgres.start(wait_for_lock_s=LOCK_WAIT_S)
            return
        try:
            connection.ensure_connection()
        except OperationalError as error:
            raise CommandError(f"The database of DATABASE_URL does not answer: {str(error).strip()}") from None

    def _prepare(self, data_dir: Path) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [_START_LOCK])
            try:
                executor = MigrationExecutor(connection)
                if executor.migration_plan(executor.loader.graph.leaf_nodes()):
                    self._say("Migrating the database ...")
                    call_command("migrate", interactive=False, verbosity=0)
                self._make_superuser(data_dir)
                installs.ensure_base(self._say)
                active.backend().prepare(self._say)
                installs.ensure(LANGUAGES, self._say)
            finally:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_START_LOCK])

    def _make_superuser(self, data_dir: Path) -> None:
        """The first administrator, with a password that nobody could know before."""
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
        self._say(f"Made the administrator 'admin' with the password {password}\n(shown once; kept in {file})")

    def _say(self, line: str) -> None:
        self.stderr.write(line, self.style.NOTICE)
        self.stderr.flush()


def _take(lock: FileLock, data_dir: Path) -> None:
    try:
        lock.acquire()
    except Held as held:
        raise CommandError(
            f"gexec is already running on {data_dir} as process {held.pid}. Stop it (kill {held.pid}), or set "
            f"GEXEC_DATA_DIR and GEXEC_PORT for a second one."
        ) from None


def _listener() -> Any:
    host, port = settings.GEXEC_HOST, settings.GEXEC_PORT
    try:
        return bound_socket(host, port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise CommandError(
                f"Port {port} of {host} is taken. Serve on another one (GEXEC_PORT={port + 1} make run), or see what "
                f"uses it (ss -ltnp 'sport = :{port}')."
            ) from None
        raise CommandError(f"Cannot listen on {host} port {port}: {error.strerror}. Change GEXEC_HOST.") from None


def _ask_docker() -> None:
    try:
        with DockerImages(connect(timeout_s=DOCKER_ANSWER_S)) as images:
            images.ping()
    except EngineUnavailable as error:
        raise CommandError(
            f"The Docker engine{f' at DOCKER_HOST={settings.DOCKER_HOST}' if settings.DOCKER_HOST else ''} does not "
            f"answer ({error}). Start it (sudo systemctl start docker), or name another with DOCKER_HOST."
        ) from None


def _refuse_full_disk(data_dir: Path) -> None:
    free = shutil.disk_usage(data_dir).free
    if free < FREE_DISK_BYTES:
        raise CommandError(
            f"Only {free // 1024**2} MB are free for {data_dir}, and {FREE_DISK_BYTES // 1024**2} are needed. "
            f"Free some space, or set GEXEC_DATA_DIR to another disk."
        )


def _close_pool() -> None:
    close_pool = getattr(connection, "close_pool", None)
    if close_pool is not None:
        close_pool()
