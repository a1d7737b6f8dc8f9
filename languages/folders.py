"""What a folder under languages/images says: the language's fields, its image's build context, its self-test. Pure."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sandbox.archives import folder_tar

IMAGES = Path(__file__).parent / "images"
BASE = IMAGES / "base"

_TEXTS = {"name", "source_file", "image", "example"}
_FLAGS = {"start_ahead"}
_LISTS = {
    "aliases": "aliases", "compile": "compile_command", "run": "run_command", "version": "version_command",
}  # fmt: skip
_WANTED = ("name", "source_file", "run")
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

    @property
    def image(self) -> str:
        return str(self.fields["image"])

    @property
    def version_command(self) -> tuple[str, ...]:
        """Prints the version of the interpreter or compiler."""
        return tuple(self.fields.get("version_command", ()))

    def context(self) -> bytes:
        """The image's build context as a tar archive: the folder without what does not go into the image."""
        return folder_tar(self.path, leave_out={"selftest", "language.toml"})


def slugs(images: Path = IMAGES) -> list[str]:
    """The languages that have a folder, in order."""
    return sorted(path.parent.name for path in images.glob("*/language.toml"))


def read(slug: str, images: Path = IMAGES) -> Folder:
    """The folder of that name. Raises BadFolder."""
    path = images / slug
    try:
        text = (path / "language.toml").read_text()
    except FileNotFoundError:
        raise BadFolder(f"no folder {slug}: there is no {path / 'language.toml'}") from None
    fields = fields_in(text, where=f"{slug}/language.toml")
    fields |= {"slug": slug, "example": fields.get("example") or example_of(path)}
    fields.setdefault("image", f"gexec/{slug}")
    return Folder(slug, path, MappingProxyType(fields))


def fields_in(text: str, *, where: str) -> dict[str, Any]:
    """Values for the model's fields from the text of a language.toml, wherever it comes from. Raises BadFolder.

    What is there has the type that the field wants; whether the value is allowed, the model says.
    """
    try:
        said = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadFolder(f"{where}: {error}") from error
    return _fields(said, where=where)


def example_of(path: Path) -> str:
    """The program of the folder's hello file."""
    hello = sorted(path.glob("hello.*"))
    if len(hello) != 1:
        raise BadFolder(f"{path}: one hello program is wanted, there are {len(hello)}")
    return hello[0].read_text()


def _fields(said: Mapping[str, Any], *, where: str) -> dict[str, Any]:
    for name in _WANTED:
        if name not in said:
            raise BadFolder(f"{where}: {name} is missing")
    known = _TEXTS | _FLAGS | _LISTS.keys() | {"environment", "limits", "warm"}
    if unknown := sorted(said.keys() - known):
        raise BadFolder(f"{where}: unknown: {', '.join(unknown)}")
    fields: dict[str, Any] = {"aliases": [], "environment": _section(said, "environment", where, _is_text, "a text")}
    fields |= {name: _checked(said, name, where, _is_text, "a text") for name in _TEXTS & said.keys()}
    fields |= {name: _checked(said, name, where, _is_flag, "true or false") for name in _FLAGS & said.keys()}
    for name in _LISTS.keys() & said.keys():
        fields[_LISTS[name]] = _checked(said, name, where, _is_list_of_texts, 'a list of texts, such as ["a", "b"]')
    for title, names in (("limits", _LIMITS), ("warm", _WARM)):
        section = _section(said, title, where, _is_number, "a whole number")
        if unknown := sorted(section.keys() - names):
            raise BadFolder(f"{where}: unknown in [{title}]: {', '.join(unknown)}")
        fields |= section
    return fields


def _section(
    said: Mapping[str, Any], title: str, where: str, is_right: Callable[[object], bool], wanted: str
) -> dict[str, Any]:
    section = said.get(title, {})
    if not isinstance(section, dict):
        raise BadFolder(f"{where}: {title} must be a section: [{title}]")
    return {name: _checked(section, name, where, is_right, wanted) for name in section}


def _checked(values: Mapping[str, Any], name: str, where: str, is_right: Callable[[object], bool], wanted: str) -> Any:
    if not is_right(values[name]):
        raise BadFolder(f"{where}: {name} must be {wanted}")
    return values[name]


def _is_text(value: object) -> bool:
    return isinstance(value, str) and "\x00" not in value


def _is_list_of_texts(value: object) -> bool:
    return isinstance(value, list) and all(_is_text(each) for each in value)


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
