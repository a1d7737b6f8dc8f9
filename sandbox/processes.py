"""Processes of this machine, as the kernel tells of them."""

from __future__ import annotations

import os
from pathlib import Path


def pid_namespace() -> str:
    """The namespace within this boot: after a reboot, every process of before is gone."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()[:36]
    return f"{boot}/{Path('/proc/self/ns/pid').readlink()}"[:64]


def pid_started(pid: int) -> int | None:
    """Clock ticks from boot to the start of process `pid` (proc(5), field 22), or None where it is gone or a zombie."""
    try:
        # The second field is the program's name in parentheses and may hold anything.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def place() -> str:
    """Where this process runs, for `lives_at`."""
    pid = os.getpid()
    return f"{pid}.{pid_started(pid)}@{pid_namespace()}"


def lives_at(place: str) -> bool | None:
    """Whether the process of a `place` lives; None where that is another machine's, or another container's.

    None also of one that is not seen where /proc hides those of other users (hidepid, proc(5)).
    """
    process, _, namespace = place.partition("@")
    if namespace != pid_namespace():
        return None
    pid, _, started = process.partition(".")
    try:
        seen = pid_started(int(pid))
    except PermissionError:
        return None
    return None if seen is None and not sees_others() else seen == int(started)


def sees_others() -> bool:
    """Whether /proc shows the first process, which is there as long as any other, and is root's."""
    return os.access("/proc/1/stat", os.R_OK)
