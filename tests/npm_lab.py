"""Packages of npm for tests: installed once into a cache, from tests/npm/package.json with its exact versions."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent / "npm"
INSTALL_S = 240


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """The directory with the packages. Skips where there is no npm."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        pytest.skip("there is no npm here")
    listed = (HERE / "package.json").read_bytes()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gexec-tests"
    directory = cache / f"npm-{hashlib.sha256(listed).hexdigest()[:16]}"
    if not (directory / "installed").exists():
        _install(listed, directory)
    return directory / "node_modules"


def run_node(script: str, *arguments: str, given: Any, within_s: float = 120) -> Any:
    """What a script of tests/npm prints, which is JSON; it is given some on its stdin."""
    command = ["node", str(HERE / script), *arguments]
    ran = subprocess.run(
        command, input=json.dumps(given), capture_output=True, text=True, timeout=within_s, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def _install(listed: bytes, directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "package.json").write_bytes(listed)
    # Nothing of a package runs when it is installed, and no file is left that names where it came from.
    command = ["npm", "install", "--ignore-scripts", "--no-package-lock", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=INSTALL_S, check=False)
    assert done.returncode == 0, done.stderr
    (directory / "installed").touch()
