"""Tar archives that are the same bytes for the same contents, wherever and whenever they are made."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Collection
from pathlib import Path


def folder_tar(folder: Path, *, leave_out: Collection[str] = ()) -> bytes:
    """Everything below a folder, but for what lies in it under one of the names `leave_out`."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.add(folder, arcname=".", recursive=False, filter=_plain)
        for entry in sorted(folder.iterdir()):
            if entry.name not in leave_out:
                archive.add(entry, arcname=entry.name, filter=_plain)
    return packed.getvalue()


def file_tar(name: str, content: bytes, *, mode: int = 0o644) -> bytes:
    """One file, root's."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.size, member.mode = len(content), mode
        archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Owner, mode and time depend on the checkout; the layers' cache must not."""
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = "root"
    member.mode = 0o755 if member.mode & 0o100 else 0o644
    return member
