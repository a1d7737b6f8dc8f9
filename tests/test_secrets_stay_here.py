"""Files with secrets are neither committed nor copied into the image."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from docker.utils.build import exclude_paths

from testkit.servers import PROJECT

SECRET = (".env", ".env.production", "serve/.env", "var/secret-key", "var/admin-password")
NEEDED = (
    "manage.py",
    "requirements.txt",
    "serve/__main__.py",
    "sandbox/runner/runner.c",
    "languages/images/go/Dockerfile",
)


def context(directory: Path) -> set[str]:
    """The files that a build of `directory` sends to the engine, by the rules of our .dockerignore."""
    rules = (PROJECT / ".dockerignore").read_text().split()
    return {name for name in exclude_paths(str(directory), rules) if (directory / name).is_file()}


def test_the_image_holds_no_file_with_secrets(tmp_path: Path) -> None:
    for name in (*SECRET, *NEEDED):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    assert context(tmp_path) == set(NEEDED)


@pytest.mark.parametrize("name", SECRET)
def test_git_ignores_it(name: str) -> None:
    ignored = subprocess.run(["git", "check-ignore", "--quiet", "--no-index", name], cwd=PROJECT, check=False)
    assert ignored.returncode == 0
