"""What the tests of all doors share: a server with every door open, and the same without a server."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import docker
import pytest

from executions.compat.problems import built
from executions.doors import paths_of
from testkit.containers import left_after
from testkit.databases import create_database, database_url
from testkit.servers import RunningServer, clean_environment, manage, start_server

ROOT = "judge0"
START_S = 240
LANGUAGES = ("bash", "lua")
"""Small images, which are built where they are not there; that they work is for the tests of languages to say."""
LARGE = ("jobe",)
"""Used where they are there."""
_ENABLE = """
from django.utils import timezone
from languages.figures import all_figures
from languages.toolchain import installs, language_images
for slug in {slugs!r} + {optional!r}:
    language = installs.load_folder(slug)
    image = language_images.image_of(language)
    if image is None and slug in {optional!r}:
        continue
    image = image or installs.build(language, print)
    language.image_digest, language.version = image.id, all_figures()[slug].version
    language.tested_at, language.tested, language.enabled = timezone.now(), language.what_is_tested(), True
    language.save()
"""


@pytest.fixture(scope="session")
def compat_server(
    prepared_data_dir: Path,
    prepared_postgres: Path,
    tmp_path_factory: pytest.TempPathFactory,
    docker_client: docker.DockerClient,
) -> Iterator[RunningServer]:
    """One server for the whole session with all doors open, without a rate limit.

    It has python and go, and LANGUAGES.
    """
    name = f"compat_{secrets.token_hex(6)}"
    create_database(prepared_postgres, name, "gexec")
    environment = clean_environment(
        DATABASE_URL=database_url(prepared_postgres, name),
        GEXEC_COMPAT=",".join(built()),
        GEXEC_COMPAT_ROOT=ROOT if ROOT in built() else "",
        # A machine that is busy is no reason to fail.
        GEXEC_PISTON_RUN_TIMEOUT="60000",
        GEXEC_PISTON_COMPILE_TIMEOUT="60000",
    )
    data_dir = tmp_path_factory.mktemp("compat") / "data"
    done = manage("shell", "-c", _ENABLE.format(slugs=LANGUAGES, optional=LARGE), environment=environment)
    assert done.returncode == 0, done.stderr
    running = start_server(data_dir, environment)
    try:
        running.wait_ready(within_s=START_S)
        yield running
    finally:
        running.stop()
    assert not left_after(docker_client.api, running.data_dir)


@pytest.fixture
def open_doors(settings: Any) -> None:
    """All doors are open, as far as settings say so; their paths are there with the mark `urls`."""
    # It reads the settings when it is imported: as they are, not as they are here.
    import_module("gexec.urls")
    settings.GEXEC_COMPAT, settings.GEXEC_COMPAT_ROOT = list(built()), ROOT
    settings.GEXEC_COMPAT_PATHS = tuple(path for path, _ in paths_of(settings.GEXEC_COMPAT, ROOT))
