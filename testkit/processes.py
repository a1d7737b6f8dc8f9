"""The processes below a server's, as the kernel lists them."""

from __future__ import annotations

from pathlib import Path


def family(pid: int) -> list[int]:
    """A process and all its descendants."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += family(int(child))
    return found


def serving(pid: int) -> list[int]:
    """The process of `serve`, gunicorn's arbiter and its workers; the database's are not among them."""
    return [pid for pid in family(pid) if b"postgres" not in _program(pid)]


def _program(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0]
