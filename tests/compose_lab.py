"""Compose, for the tests that need it, with the project's own compose.yaml."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from testkit.servers import PROJECT, clean_environment

NEEDED = (2, 24)
"""The first version that takes `required: false` of an env_file."""


def compose() -> Sequence[str] | None:
    """Compose, where it is there: the plugin of the docker command, or the program that scripts/bootstrap fetches."""
    places = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    for name, *rest in (["docker", "compose"], ["docker-compose"]):
        program = shutil.which(name, path=places)
        if program is None:
            continue
        command = [program, *rest]
        said = subprocess.run([*command, "version", "--short"], capture_output=True, text=True, check=False)
        found = re.match(r"v?(\d+)\.(\d+)", said.stdout)
        if found and (int(found[1]), int(found[2])) >= NEEDED:
            return command
    return None


needs_compose = pytest.mark.skipif(compose() is None, reason="Compose 2.24 is not installed")


def asked(
    *arguments: str,
    file: Path = PROJECT / "compose.yaml",
    on_top: Sequence[Path] = (),
    stdin: Path = Path(os.devnull),
    **variables: str,
) -> str:
    """What Compose answers of compose.yaml, or another `file`, with those that come on top of it; it has to succeed."""
    command = compose()
    assert command is not None
    given = [part for each in (file, *on_top) for part in ("--file", str(each))]
    environment = clean_environment(**({"POSTGRES_PASSWORD": "told", "DOCKER_GID": "999"} | variables))
    whole = [*command, *given, *arguments]
    with stdin.open("rb") as opened:
        done = subprocess.run(whole, env=environment, stdin=opened, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
