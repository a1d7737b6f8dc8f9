"""`make clean` takes nothing from a server that runs."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from testkit.servers import PROJECT
from testkit.waiting import eventually


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A directory with the scripts, an environment and a cache, as a working copy has them."""
    shutil.copytree(PROJECT / "scripts", tmp_path / "scripts")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").symlink_to(Path(sys.executable).resolve())
    (tmp_path / ".mypy_cache").mkdir()
    (tmp_path / "var").mkdir()
    return tmp_path


def clean(copy: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([copy / "scripts" / "clean"], capture_output=True, text=True, timeout=60, check=False)


def test_it_removes_what_can_be_made_again(copy: Path) -> None:
    assert clean(copy).returncode == 0
    assert {path.name for path in copy.iterdir()} == {"scripts", "var"}


def test_it_refuses_while_a_server_of_the_directory_runs(copy: Path) -> None:
    python = str(copy / ".venv" / "bin" / "python")
    # The words after the program are there for whoever reads the command line.
    with subprocess.Popen([python, "-c", "input()", "-m", "gunicorn"], stdin=subprocess.PIPE) as server:
        eventually(lambda: b"gunicorn" in Path(f"/proc/{server.pid}/cmdline").read_bytes())
        refused = clean(copy)
        assert refused.returncode == 1
        assert f"its gunicorn is process {server.pid}" in refused.stderr
        assert (copy / ".venv").exists()
        server.communicate(b"\n")
    assert clean(copy).returncode == 0


def test_a_server_of_another_directory_is_no_hindrance(copy: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()", "-m", "gunicorn"], stdin=subprocess.PIPE) as server:
        assert clean(copy).returncode == 0
        server.communicate(b"\n")
