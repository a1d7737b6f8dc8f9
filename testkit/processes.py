"""The processes below a server's, as the kernel lists them."""

from __future__ import annotations

from pathlib import Path


def family(pid: int) -> list[int]:
    """A process and all its descendants; of those that end meanwhile, some may be missing."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in _read(task).split():
            found += family(int(child))
    return found


def serving(pid: int) -> list[int]:
    """The process of `serve`, gunicorn's arbiter and its workers; the database's are not among them."""
    programs = {pid: _read(Path(f"/proc/{pid}/cmdline")).split(b"\0")[0] for pid in family(pid)}
    return [pid for pid, program in programs.items() if program and b"postgres" not in program]


def _read(file: Path) -> bytes:
    """What the kernel says of a process; nothing where it has ended."""
    try:
        return file.read_bytes()
    except OSError:
        return b""
