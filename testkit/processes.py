"""The processes below a server's, as the kernel lists them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path


def family(pid: int) -> list[int]:
    """A process and all its descendants; of those that end meanwhile, some may be missing."""
    return [pid, *(each for child in children(pid) for each in family(child))]


def children(pid: int) -> list[int]:
    """Those that the process has started and that are there."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in _read(task).split()]


def command(pid: int) -> str:
    """Its command line, or the title that it has given itself; empty where it has ended."""
    return _read(Path(f"/proc/{pid}/cmdline")).replace(b"\0", b" ").decode(errors="replace").strip()


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


def arbiter(pid: int) -> int | None:
    """gunicorn's first process below that of `serve`."""
    return next((child for child in children(pid) if "gunicorn" in command(child)), None)


def workers(pid: int) -> list[int]:
    """Those that gunicorn has forked, below the process of `serve`."""
    parent = arbiter(pid)
    return children(parent) if parent else []


def postmaster(data_dir: Path) -> int | None:
    """The first process of the embedded PostgreSQL of this data directory."""
    first = _read(data_dir / "postgres" / "postmaster.pid").split(b"\n", 1)[0]
    return int(first) if first.isdigit() and "postgres" in command(int(first)) else None


def backends(data_dir: Path) -> list[int]:
    """The processes of that PostgreSQL that serve a client each: they say of whom, and where it comes from."""
    server = postmaster(data_dir)
    return [child for child in children(server) if "[local]" in command(child)] if server else []


def _read(file: Path) -> bytes:
    """What the kernel says of a process; nothing where it has ended."""
    try:
        return file.read_bytes()
    except OSError:
        return b""


def using(data_dir: Path) -> list[int]:
    """Processes that were started with this data directory as a setting, or that work inside it."""
    named = f"GEXEC_DATA_DIR={data_dir}\0".encode()
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [pid for pid in pids if named in _read(Path(f"/proc/{pid}/environ")) or _works_in(pid, data_dir)]


def _works_in(pid: int, folder: Path) -> bool:
    try:
        return Path(f"/proc/{pid}/cwd").readlink().is_relative_to(folder)
    except OSError:
        return False


def resident_bytes(pid: int) -> int:
    """What a process has in memory; 0 for one that is gone."""
    fields = _read(Path(f"/proc/{pid}/statm")).split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") if fields else 0
