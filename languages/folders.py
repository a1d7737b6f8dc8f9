"""A folder under languages/images: a language's fields, and its image's build context. Nothing here asks Docker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from languages.documents import BadDescription, fields_in
from languages.versions import SEPARATOR, family_of
from sandbox.archives import folder_tar

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

    def places(self, name: str) -> tuple[Path, ...]:
        """Where its `selftest` or `examples` lie: in its folder, and of a version then in that of the language."""
        family = family_of(self.slug)
        own = self.path / name
        return (own,) if family == self.slug else (own, self.path.parent / family / name)

    def context(self) -> bytes:
        """The image's build context as a tar archive: the folder without what does not go into the image."""
        return folder_tar(self.path, leave_out={"examples", "selftest", "language.toml"})


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
    fields.setdefault("image", f"gexec/{slug.replace(SEPARATOR, '-')}")
    return Folder(slug, path, MappingProxyType(fields))


def example_of(path: Path) -> str:
    """The program of the folder's hello file. Raises BadDescription unless there is one."""
    hello = sorted(path.glob("hello.*"))
    if len(hello) != 1:
        raise BadDescription(f"{path}: one hello program is wanted, there are {len(hello)}")
    return hello[0].read_text()
