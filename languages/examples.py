"""The examples of a language: what the page at / offers beside hello world. Nothing is run here.

An example is a program `examples/<name>.<anything>`, stored under the language's source file name, or a folder
`examples/<name>/` of several files. What each does is the same for all languages, and stands in images/examples.toml; a
language's own examples/examples.toml changes it. They are no part of the image: to change one builds nothing.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from languages import folders
from languages.documents import BadDescription
from languages.folders import Folder
from languages.models import Language

COMMON = "examples.toml"
_KNOWN = {"title", "stdin", "args", "tests", "stdout", "matches", "outcome", "exit_code"}
_PATTERN = "error_pattern"
"""In a language's own file: a regular expression of browsers, in which messages tell `file`, `line` and `column`."""


@dataclass(frozen=True, slots=True)
class Example:
    """A program to begin with, what it is given, and what comes of it."""

    name: str
    title: str
    files: Mapping[str, str]
    stdin: str = ""
    args: tuple[str, ...] = ()
    tests: tuple[Mapping[str, str], ...] = ()
    """As the API takes them: name, stdin, expected_stdout."""
    ends: Mapping[str, Any] | None = None
    """How it ends, in the words of images/selftest.toml."""


@dataclass(frozen=True, slots=True)
class Examples:
    """What a language's folder has for the page."""

    programs: tuple[Example, ...] = ()
    error_pattern: str = ""
    """Empty: the page's own."""


def examples_for(language: Language) -> Examples:
    """Those of its folder, or of the language that it is a version of; none where its file is called otherwise."""
    return _kept(language.slug, language.family, language.source_file)


def examples_in(folder: Folder) -> Examples:
    """The examples of a folder, in the common file's order. Raises BadDescription where one is not known.

    Without a common file, as among folders of an operator's own, there are none.
    """
    shared = folder.path.parent / COMMON
    common = tomllib.loads(shared.read_text()) if shared.exists() else {}
    own = _own(folder)
    pattern = own.pop(_PATTERN, "")
    there = {path.stem for place in folder.places("examples") for path in place.glob("*") if path.name != COMMON}
    if unknown := sorted((there | own.keys()) - common.keys()):
        raise BadDescription(f"{folder.slug}: no such example: {', '.join(unknown)}")
    described = {name: common[name] | own.get(name, {}) for name in common if name in there}
    return Examples(tuple(_example(folder, name, values) for name, values in described.items()), pattern)


def folder_for(language: Language) -> Folder | None:
    """Its own folder, or that of the language that it is a version of."""
    return _folder_of(language.slug, language.family)


def _folder_of(*names: str) -> Folder | None:
    known = folders.slugs()
    return next((folders.read(name) for name in names if name in known), None)


@lru_cache(maxsize=256)
def _kept(slug: str, family: str, source_file: str) -> Examples:
    """Folders do not change while a process lives."""
    folder = _folder_of(slug, family)
    if folder is None or folder.fields["source_file"] != source_file:
        return Examples()
    return examples_in(folder)


def _own(folder: Folder) -> dict[str, Any]:
    paths = [path for place in folder.places("examples") if (path := place / COMMON).exists()]
    return tomllib.loads(paths[0].read_text()) if paths else {}


def _example(folder: Folder, name: str, values: Mapping[str, Any]) -> Example:
    if unknown := sorted(values.keys() - _KNOWN):
        raise BadDescription(f"{folder.slug}: example {name}: unknown: {', '.join(unknown)}")
    return Example(
        name=name,
        title=values["title"],
        files=_files(folder, name),
        stdin=values.get("stdin", ""),
        args=tuple(values.get("args", ())),
        tests=tuple(values.get("tests", ())),
        ends={word: values[word] for word in ("stdout", "matches", "outcome", "exit_code") if word in values},
    )


def _files(folder: Folder, name: str) -> Mapping[str, str]:
    source_file = str(folder.fields["source_file"])
    places = [place for place in folder.places("examples") if any(place.glob(f"{name}*"))]
    several = places[0] / name
    if not several.is_dir():
        programs = sorted(places[0].glob(f"{name}.*"))
        if len(programs) != 1:
            raise BadDescription(f"{folder.slug}: example {name}: one program is wanted, there are {len(programs)}")
        return {source_file: programs[0].read_text()}
    found = {str(path.relative_to(several)): path.read_text() for path in _tree(several)}
    if source_file not in found:
        raise BadDescription(f"{folder.slug}: example {name}: {source_file} is missing")
    # The program first, as it is read first.
    return {source_file: found.pop(source_file)} | found


def _tree(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
