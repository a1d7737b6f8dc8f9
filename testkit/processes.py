"""The processes below a server's, as the kernel lists them."""

from __future__ import annotations

from collections.abc import Iterable
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


def youngest(pids: Iterable[int]) -> int:
    """The one that started last: of a server's, its worker. Numbers do not tell, since they begin anew."""
    return max(pids, key=_started)


def _started(pid: int) -> int:
    # proc_pid_stat(5): the 22nd field, behind a name that may have spaces.
    fields = _read(Path(f"/proc/{pid}/stat")).rpartition(b")")[2].split()
    return int(fields[19]) if fields else 0


def _read(file: Path) -> bytes:
    """What the kernel says of a process; nothing where it has ended."""
    try:
        return file.read_bytes()
    except OSError:
        return b""
