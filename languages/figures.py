"""What is known of a folder's image before it is built: version, size, times, memory; and the table that tells it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, replace

import tomli_w

from languages import folders
from languages.folders import Folder
from languages.models import Language

FILE = "figures.toml"
PACKAGES_FILE = "packages.toml"
_HEAD = """\
# What was measured of every language with `manage.py language_figures`, which writes this file and the table of
# docs/languages.md: the version of its interpreter or compiler, its size with all shared layers, the times of hello
# world at its own CPU quota, and the peak memory of a program that sorts 1,000,000 numbers.

"""
_PACKAGES_HEAD = """\
# The packages of every language's image with their versions, as its own tools tell them: written by
# `manage.py language_figures`, and shown in docs/languages.md.

"""
_COLUMNS = (
    "language", "slug and aliases", "version", "from", "image MB", "compile ms", "run ms", "sort MB", "memory MB",
    "left out", "built anew",
)  # fmt: skip
_TABLE_HEAD = f"| {' | '.join(_COLUMNS)} |\n|{'---|' * len(_COLUMNS)}\n"
_PACKAGES_TABLE_HEAD = """\
| language | packages |
|---|---|
"""
_SOURCES = {
    "Debian": r"\binstall-packages [a-z]",
    "its backports": r"\binstall-packages \S+/trixie-backports\b",
    "PyPI": r"\bpip3? (?:install|download)\b",
    "npm": r"\bnpm(?:-cli\.js)? (?:pack|install|ci)\b",
    "Maven": r"\bmvn\b|/ivy\.jar\b",
    "Go modules": r"\bgo (?:get|mod download|mod vendor|list -m)\b",
    "crates": r"\bcargo (?:fetch|vendor|build)\b",
}
"""Where a Dockerfile, and the scripts beside it, fetch what the image is made of, by the clients that they call."""
_NONE = "\N{EN DASH}"
_SHARED_MB = 80
"""The base, which is there."""
_BEGIN_S = 15
_PER_MB_S = 0.3
"""Fetched, unpacked, compiled and tested, over builds of images from 120 to 1100 MB on two busy cores near a mirror."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one image."""

    version: str = ""
    image_mb: int | None = None
    """With all shared layers. None: not known, as of a folder that is new."""
    compile_ms: int | None = None
    """Of hello world, as the next. None: there is no compile step."""
    run_ms: int | None = None
    sort_mb: int | None = None
    """None: the language leaves that case out."""
    passed: str = ""
    """The day on which it was last built from nothing and has passed; empty: not known."""

    @property
    def build_s(self) -> float | None:
        """About how long it takes until the language can be used."""
        if self.image_mb is None:
            return None
        return _BEGIN_S + _PER_MB_S * max(self.image_mb - _SHARED_MB, 0)


def all_figures() -> Mapping[str, Figures]:
    """By slug."""
    file = folders.IMAGES / FILE
    listed = tomllib.loads(file.read_text()) if file.exists() else {}
    return {slug: Figures(**values) for slug, values in listed.items()}


def write(figures: Mapping[str, Figures]) -> None:
    """Keep them in the file, by slug."""
    known = {slug: _known(figures[slug]) for slug in sorted(figures)}
    (folders.IMAGES / FILE).write_text(_HEAD + tomli_w.dumps(known))


def expected(slugs: Collection[str]) -> str:
    """What it will take to build these, in words: the base's layers are there, others are shared now and then."""
    known = all_figures()
    measured = [each for slug in slugs if (each := known.get(slug)) and each.image_mb is not None]
    megabytes = sum(max((each.image_mb or 0) - _SHARED_MB, 0) for each in measured)
    seconds = sum(each.build_s or 0.0 for each in measured)
    unknown = f", and {len(slugs) - len(measured)} that were never measured" if len(measured) < len(slugs) else ""
    return (
        f"{len(slugs)} images to build: up to {megabytes / 1000:.1f} GB on the Docker host's disk, "
        f"in about {max(round(seconds / 60), 1)} minutes{unknown}"
    )


def by_name() -> list[Folder]:
    """The catalogue as its tables have it."""
    return sorted(map(folders.read, folders.slugs()), key=lambda folder: str(folder.fields["name"]).lower())


def table(left_out: Mapping[str, int]) -> str:
    """All languages with their figures, and how many cases each leaves out, by name, in Markdown."""
    known = all_figures()
    return _TABLE_HEAD + "".join(
        f"| {' | '.join(_cells(each, known.get(each.slug, Figures()), left_out.get(each.slug, 0)))} |\n"
        for each in by_name()
    )


def sources(folder: Folder) -> list[str]:
    """Where the image's packages come from."""
    scripts = [each for each in sorted(folder.path.glob("*")) if each.is_file() and not each.suffix]
    text = "\n".join(each.read_text() for each in scripts)
    return [name for name, client in _SOURCES.items() if re.search(client, text)]


def all_packages() -> Mapping[str, Mapping[str, str]]:
    """Of each language by slug: versions by name."""
    file = folders.IMAGES / PACKAGES_FILE
    return tomllib.loads(file.read_text()) if file.exists() else {}


def write_packages(packages: Mapping[str, Mapping[str, str]]) -> None:
    """Keep them in the file, by slug."""
    (folders.IMAGES / PACKAGES_FILE).write_text(
        _PACKAGES_HEAD + tomli_w.dumps({slug: packages[slug] for slug in sorted(packages)})
    )


def packages_table() -> str:
    """What each image has, by the language's name, in Markdown."""
    known = all_packages()
    return _PACKAGES_TABLE_HEAD + "".join(
        f"| {folder.fields['name']} | {', '.join(f'{name} {version}' for name, version in found.items())} |\n"
        for folder in by_name()
        if (found := known.get(folder.slug))
    )


def passed_on(slug: str, day: str) -> Figures:
    """Its figures, with the day on which it has passed."""
    return replace(all_figures().get(slug, Figures()), passed=day)


def _known(figures: Figures) -> dict[str, str | int]:
    return {name: value for name, value in asdict(figures).items() if value not in {None, ""} or name == "version"}


def _cells(folder: Folder, figures: Figures, left_out: int) -> Iterator[str]:
    yield str(folder.fields["name"])
    yield ", ".join(f"`{name}`" for name in (folder.slug, *folder.fields["aliases"]))
    yield figures.version
    yield ", ".join(sources(folder)) or _NONE
    for number in (figures.image_mb, figures.compile_ms, figures.run_ms, figures.sort_mb):
        yield _NONE if number is None else str(number)
    limits = Language(**folder.fields)
    yield f"{limits.memory_mb} ({limits.compile_memory_mb})" if limits.compile_memory_mb else str(limits.memory_mb)
    yield str(left_out or _NONE)
    yield figures.passed or _NONE
