"""Compose, for the tests that need it, with the project's own compose.yaml."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from testkit.servers import PROJECT, clean_environment


def compose() -> Sequence[str] | None:
    """Compose, where it is there: the plugin of the docker command, or a command of its own, in its second version."""
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]) is None:
            continue
        said = subprocess.run([*command, "version", "--short"], capture_output=True, text=True, check=False)
        if said.returncode == 0 and said.stdout.strip().lstrip("v") >= "2.2":
            return command
    return None


needs_compose = pytest.mark.skipif(compose() is None, reason="Compose 2 is not installed")


def asked(*arguments: str, files: Sequence[Path] = (), **variables: str) -> str:
    """What Compose answers; it has to succeed. `files` come on top of compose.yaml."""
    command = compose()
    assert command is not None
    given = [part for file in (PROJECT / "compose.yaml", *files) for part in ("--file", str(file))]
    environment = clean_environment(**({"POSTGRES_PASSWORD": "told", "DOCKER_GID": "999"} | variables))
    done = subprocess.run([*command, *given, *arguments], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
