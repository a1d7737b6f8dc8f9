"""manage.py doctor: what gexec needs, each thing ok, warn or fail, with what to do. Exit code 1 where one fails."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import DatabaseError, connection

from executions import partitions
from gexec import deploy_checks
from languages import host_state
from languages.models import Language
from languages.programs import profile_of
from languages.toolchain import docker_host
from rest import disk
from sandbox.errors import EngineUnavailable


class Finding(NamedTuple):
    """What was looked at, how it is, and what to do where it is not well."""

    about: str
    state: str
    text: str
    remedy: str = ""


class Command(BaseCommand):
    """It looks and changes nothing, and each look is bounded."""

    help = "Look at Docker, the database, the images, the slots and the disk, and say what to do."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        failed = False
        for finding in _findings():
            self.stdout.write(f"{finding.state:4}  {finding.about}: {finding.text}")
            if finding.remedy:
                self.stdout.write(f"      {finding.remedy}")
            failed = failed or finding.state == "fail"
        if failed:
            sys.exit(1)


def _findings() -> Iterator[Finding]:
    docker = _docker()
    database = _database()
    yield docker
    for found in deploy_checks.apparmor():
        yield Finding("AppArmor", "warn", str(found.msg), str(found.hint))
    yield database
    if docker.state == "ok" and database.state == "ok":
        yield _history()
        yield from _images()
        yield from _runtimes()
        yield from _cells()
    yield _slots()
    yield _disk()


def _docker() -> Finding:
    for found in deploy_checks.docker():
        return Finding("Docker", "fail", str(found.msg), str(found.hint))
    runtime = settings.GEXEC_DOCKER_RUNTIME
    return Finding("Docker", "ok", "it answers" + (f"; containers are to start with {runtime}" if runtime else ""))


def _database() -> Finding:
    try:
        # Not through the pool, which would try for seconds and lose the reason.
        with psycopg.connect(**connection.get_connection_params()) as direct:
            rows = direct.execute("SELECT to_regclass('executions_execution') IS NOT NULL").fetchone()
    except psycopg.Error as error:
        reason = " ".join(str(error).split())
        if settings.DATABASE_URL:
            return Finding("database", "fail", reason, "Start it, or correct DATABASE_URL.")
        return Finding("database", "warn", "the embedded PostgreSQL does not run", "`make run` starts it.")
    if not rows or not rows[0]:
        return Finding("database", "warn", "it answers, and is empty", "`make run`, or `manage.py migrate`, fills it.")
    return Finding("database", "ok", "it answers")


def _history() -> Finding:
    try:
        ahead = partitions.ahead()
    except DatabaseError as error:
        return Finding("history", "fail", str(error), "`manage.py migrate` brings the database up to date.")
    text = f"there are parts for the executions of the next {ahead.days} days"
    if ahead < partitions.ENOUGH:
        remedy = "`manage.py periodic partitions` makes them, or says what is in the way."
        return Finding("history", "warn", text, remedy)
    return Finding("history", "ok", text)


def _images() -> Iterator[Finding]:
    try:
        languages = list(Language.objects.filter(enabled=True))
    except DatabaseError as error:
        yield Finding("images", "fail", str(error), "`manage.py migrate` brings the database up to date.")
        return
    if not languages:
        yield Finding("images", "warn", "no language is enabled", "`manage.py languages install python`")
    on_host = host_state.on_host(languages)
    for language in languages:
        yield _image(language, on_host[language.pk])


def _image(language: Language, there: host_state.OnHost) -> Finding:
    """Programs run in the image that was tested, whatever has its name now."""
    about, slug = f"image of {language.slug}", language.slug
    if there.error or not there.tested_is_there:
        reason = there.error or "what was tested is not on the Docker host, and requests are answered with 503"
        return Finding(about, "fail", reason, f"`manage.py languages install {slug}`, or pull it and test it.")
    if there.image_id != language.image_digest:
        text = f"{language.image} is not the image that was tested, in which programs run on"
        remedy = f"Find out who has changed it; `manage.py languages test {slug}` lets it go live."
        return Finding(about, "warn", text, remedy)
    return Finding(about, "ok", "it is there")


def _runtimes() -> Iterator[Finding]:
    wanted = dict(Language.objects.filter(enabled=True).exclude(oci_runtime="").values_list("oci_runtime", "slug"))
    if settings.GEXEC_DOCKER_RUNTIME:
        wanted[settings.GEXEC_DOCKER_RUNTIME] = "GEXEC_DOCKER_RUNTIME"
    try:
        known = docker_host.images(timeout_s=deploy_checks.DOCKER_ANSWER_S).runtimes() if wanted else frozenset()
    except EngineUnavailable as error:
        yield Finding("runtimes", "fail", str(error))
        return
    for name, of in sorted(wanted.items()):
        if name in known:
            yield Finding(f"runtime {name} of {of}", "ok", "Docker knows it")
        else:
            remedy = 'Install it, name it under "runtimes" in /etc/docker/daemon.json, and reload Docker.'
            yield Finding(f"runtime {name} of {of}", "fail", "Docker knows none of this name", remedy)


_MAX_USER_NAMESPACES = Path("/proc/sys/user/max_user_namespaces")


def _cells() -> Iterator[Finding]:
    """What can be seen without starting a container; what one has told is in /readyz."""
    wanted = [row for row in Language.objects.filter(enabled=True) if profile_of(row).cells]
    if not wanted:
        return
    about = f"cells of {', '.join(row.slug for row in wanted)}"
    found = [Finding(about, "warn", *obstacle) for obstacle in _obstacles({row.oci_runtime for row in wanted})]
    yield from found or [
        Finding(about, "ok", "nothing is seen to stand in their way; /readyz says whether they are made")
    ]


def _obstacles(runtimes: set[str]) -> Iterator[tuple[str, str]]:
    """Each of them leaves executions in containers."""
    if any("runsc" in (name or settings.GEXEC_DOCKER_RUNTIME) for name in runtimes):
        yield "gVisor makes none", "`manage.py languages set NAME isolation=container`, or another oci_runtime."
    for refused in deploy_checks.apparmor():
        yield "AppArmor refuses the mounts that they take", str(refused.hint)
    if _MAX_USER_NAMESPACES.exists() and _MAX_USER_NAMESPACES.read_text().strip() == "0":
        yield "the kernel makes no user namespaces", "sysctl user.max_user_namespaces=10000"


def _slots() -> Finding:
    for found in deploy_checks.memory():
        return Finding("slots", "warn", str(found.msg), str(found.hint))
    return Finding("slots", "ok", f"{settings.GEXEC_SLOTS} programs at once have the memory that they may take")


def _disk() -> Finding:
    text = f"{disk.free_bytes() // disk.MIB} MB are free for {settings.GEXEC_DATA_DIR}"
    if disk.room() is disk.Room.FULL:
        return Finding("disk", "fail", text, "Nothing is taken in (GEXEC_DISK_FULL_MB): free some space.")
    if disk.room() is disk.Room.LOW:
        return Finding("disk", "warn", text, "Free some space; `docker system df` shows what Docker uses.")
    return Finding("disk", "ok", text)
