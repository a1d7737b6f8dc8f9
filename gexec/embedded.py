"""How the embedded PostgreSQL is reached; serve keeps it running."""

from __future__ import annotations

import hashlib
from pathlib import Path

DATABASE = "gexec"
USER = "gexec"


def run_dir(data_dir: Path) -> Path:
    """Where the server of `data_dir` has its socket: short, because a socket's path may have 93 bytes at most."""
    return Path("/tmp") / f"gexec-{hashlib.sha256(bytes(data_dir)).hexdigest()[:16]}"
