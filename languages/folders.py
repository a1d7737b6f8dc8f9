"""What a folder under languages/images says: the language's fields, its image's build context, its self-test. Pure."""

from __future__ import annotations

import io
import tarfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

IMAGES = Path(__file__).parent / "images"
BASE = IMAGES / "base"

_PLAIN = {"name", "aliases", "source_file"}
_COMMANDS = {"compile": "compile_command", "run": "run_command"}
_LIMITS = {
    "timeout_ms", "max_timeout_ms", "compile_timeout_ms", "memory_mb", "compile_memory_mb", "cpu_quota_us", "pids",
    "output_bytes", "tmpfs_mb",
}  # fmt: skip
_WARM = {"runs_per_container", "warm_min", "warm_max"}


class BadFolder(Exception):
    """The folder cannot be a language; the text says what to change."""


@dataclass(frozen=True, slots=True)
class Folder:
    """One language as its folder describes it."""

    slug: str
    path: Path
    fields: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    """Values for the fields of the Language model; what is not named keeps the model's default."""
    version_command: tuple[str, ...] = ()
    """Prints the version of the interpreter or compiler."""

    @property
    def image(self) -> str:
        return str(self.fields["image"])

    def context(self) -> bytes:
        """The image's build context as a tar archive: the folder without what does not go into the image."""
        return context_of(self.path, leave_out={"selftest", "language.toml"})


def slugs(images: Path = IMAGES) -> list[str]:
    """The languages that have a folder, in order."""
    return sorted(path.parent.name for path in images.glob("*/language.toml"))


def read(slug: str, images: Path = IMAGES) -> Folder:
    """The folder of that name. Raises BadFolder."""
    path = images / slug
    try:
        said = tomllib.loads((path / "language.toml").read_text())
    except FileNotFoundError:
        raise BadFolder(f"no folder {slug}: there is no {path / 'language.toml'}") from None
    except tomllib.TOMLDecodeError as error:
        raise BadFolder(f"{path / 'language.toml'}: {error}") from error
    fields = _fields(said, where=f"{slug}/language.toml")
    fields |= {"slug": slug, "example": example_of(path)}
    fields.setdefault("image", f"gexec/{slug}")
    return Folder(slug, path, MappingProxyType(fields), tuple(said.get("version", ())))


def example_of(path: Path) -> str:
    """The program of the folder's hello file."""
    hello = sorted(path.glob("hello.*"))
    if len(hello) != 1:
        raise BadFolder(f"{path}: one hello program is wanted, there are {len(hello)}")
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


def _fields(said: Mapping[str, Any], *, where: str) -> dict[str, Any]:
    fields: dict[str, Any] = {name: said[name] for name in ("name", "source_file") if name in said}
    for name in ("name", "source_file", "run"):
        if name not in said:
            raise BadFolder(f"{where}: {name} is missing")
    fields["aliases"] = list(said.get("aliases", []))
    fields |= {field_name: list(said[name]) for name, field_name in _COMMANDS.items() if name in said}
    fields["environment"] = dict(said.get("environment", {}))
    fields |= _section(said, "limits", _LIMITS, where) | _section(said, "warm", _WARM, where)
    if "image" in said:
        fields["image"] = said["image"]
    known = _PLAIN | _COMMANDS.keys() | {"environment", "limits", "warm", "image", "version"}
    if unknown := sorted(said.keys() - known):
        raise BadFolder(f"{where}: unknown: {', '.join(unknown)}")
    return fields


def _section(said: Mapping[str, Any], title: str, known: set[str], where: str) -> dict[str, Any]:
    section = dict(said.get(title, {}))
    if unknown := sorted(section.keys() - known):
        raise BadFolder(f"{where}: unknown in [{title}]: {', '.join(unknown)}")
    return section
