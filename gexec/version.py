"""Which release this is: pyproject.toml says so, and nothing else."""

from __future__ import annotations

import tomllib

from gexec.process import BASE_DIR


def version() -> str:
    """As a release is named; `unknown` where it was left out of an image."""
    try:
        return str(tomllib.loads((BASE_DIR / "pyproject.toml").read_text())["project"]["version"])
    except (OSError, KeyError, tomllib.TOMLDecodeError):
        return "unknown"
