"""Which packages an image has: the command that lists them, and what its output says. Nothing is run here.

A language names its command (`packages` in language.toml: what `pip list`, `pip freeze`, `gem list`, `npm ls` or
`dpkg-query` print is understood). For a folder that names none it is Debian's, of what its Dockerfile installs.
"""

from __future__ import annotations

import re
from typing import TypedDict

from languages.examples import folder_for
from languages.folders import Folder
from languages.models import Language

MOST = 1000
"""Kept of one image."""
LONGEST = 100
"""Characters of a name or a version: a line that has more is no package's."""
_LINE = re.compile(r"[^\w@]*(@?\w[\w./+-]*?)(?:==|@|\s*\(|\s+)(?:default: )?v?(?:\d+:)?(\d[\w.+~:-]*)")
"""`numpy==2.2.4`, `numpy 2.2.4`, `rake (13.1.0)`, `├── lodash@4.17.21`; of `g++ 4:14.2.0-1` without Debian's epoch."""
_INSTALLED = re.compile(r"\binstall-packages((?:[ \t]+[a-z0-9][a-z0-9.+-]+|[ \t]*\\\n)+)")
_DPKG = ("dpkg-query", "-W", "-f", r"${Package} ${Version}\n")


class Package(TypedDict):
    """One, as the API tells it."""

    name: str
    version: str


def listing_command(language: Language) -> tuple[str, ...]:
    """What prints the packages of the language's image; empty where nothing is known that does."""
    folder = folder_for(language)
    if own := language.packages_command or (folder.fields.get("packages_command") if folder else ()):
        return tuple(own)
    names = debian_packages(folder) if folder and folder.image == language.image else []
    return (*_DPKG, *names) if names else ()


def debian_packages(folder: Folder) -> list[str]:
    """What the folder's Dockerfile installs from Debian, by name; of a stage of its own, too."""
    dockerfile = folder.path / "Dockerfile"
    found = _INSTALLED.findall(dockerfile.read_text()) if dockerfile.exists() else []
    return sorted({name for words in found for name in words.replace("\\\n", " ").split()})


def packages_in(text: str) -> list[Package]:
    """The packages that a listing names, by name, each once; what is no package's line is left out."""
    found: dict[str, Package] = {}
    for line in text.splitlines():
        if (match := _LINE.match(line)) and max(map(len, match.groups())) <= LONGEST:
            found.setdefault(match[1].lower(), Package(name=match[1], version=match[2]))
    return [found[name] for name in sorted(found)][:MOST]
