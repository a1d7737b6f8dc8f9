"""A folder under languages/images: a language's fields, and its image's build context. Nothing here asks Docker."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from languages.documents import BadDescription, fields_in

IMAGES = Path(__file__).parent / "images"
BASE = IMAGES / "base"


@dataclass(frozen=True, slots=True)
class Folder:
    """One language as its folder describes it."""

    slug: str
    path: Path
    fields: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    """Values for the fields of the Language model; what is not named keeps the model's default."""

    @property
    def image(self) -> str:
        return str(self.fields["image"])

    @property
    def version_command(self) -> tuple[str, ...]:
        """Prints the version of the interpreter or compiler."""
        return tuple(self.fields.get("version_command", ()))

    def context(self) -> bytes:
        """The image's build context as a tar archive: the folder without what does not go into the image."""
        return context_of(self.path, leave_out={"selftest", "language.toml"})


def slugs() -> list[str]:
    """The languages that have a folder, in order."""
    return sorted(path.parent.name for path in IMAGES.glob("*/language.toml"))


def read(slug: str) -> Folder:
    """The folder of that name. Raises BadDescription."""
    path = IMAGES / slug
    try:
        text = (path / "language.toml").read_text()
    except FileNotFoundError:
        raise BadDescription(f"no folder {slug}: there is no {path / 'language.toml'}") from None
    fields = fields_in(text, where=f"{slug}/language.toml")
    fields |= {"slug": slug, "example": fields.get("example") or example_of(path)}
    fields.setdefault("image", f"gexec/{slug}")
    return Folder(slug, path, MappingProxyType(fields))


def example_of(path: Path) -> str:
    """The program of the folder's hello file."""
    hello = sorted(path.glob("hello.*"))
    if len(hello) != 1:
        raise BadDescription(f"{path}: one hello program is wanted, there are {len(hello)}")
    return hello[0].read_text()


def context_of(path: Path, *, leave_out: set[str] | None = None) -> bytes:
    """The files under path as a tar archive that is the same for the same contents."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.add(path, arcname=".", recursive=False, filter=_plain)
        for entry in sorted(path.iterdir()):
            if entry.name not in (leave_out or set()):
                archive.add(entry, arcname=entry.name, filter=_plain)
    return packed.getvalue()


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Owner, mode and time depend on the checkout; the layers' cache must not."""
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = "root"
    member.mode = 0o755 if member.mode & 0o100 else 0o644
    return member
