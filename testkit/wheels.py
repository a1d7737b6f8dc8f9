"""Packages for builds of images that reach no index, as the Dockerfile says how to put them beside it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_SOURCES = ("nkeys==",)
"""There is no wheel of these, but a source that this machine makes one of."""


def download(wanted: Sequence[str], folder: Path, *, python_version: str) -> None:
    """Put wheels for Linux on this machine's processor into a folder. `wanted` are lines of requirements."""
    pip = [sys.executable, "-m", "pip"]
    made_here = [line.split()[0] for line in wanted if line.startswith(_SOURCES)]
    subprocess.run([*pip, "wheel", "-q", "--no-deps", "-w", str(folder), *made_here], check=True)
    machine = os.uname().machine
    platforms = [f"--platform=manylinux{age}_{machine}" for age in ("_2_17", "_2_28", "2014")]
    options = ["--only-binary=:all:", "--find-links", str(folder), f"--python-version={python_version}", *platforms]
    packages = [line.split()[0] for line in wanted if line[:1].isalnum()]
    subprocess.run([*pip, "download", "-q", *packages, "-d", str(folder), *options], check=True)
