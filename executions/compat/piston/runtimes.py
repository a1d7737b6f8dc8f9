"""Which language a request means: names as Piston's public server has them, versions as npm's ranges select them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.conf import settings
from semantic_version import NpmSpec, Version

from executions.compat.languages import Entry, table_of
from executions.doors import Door
from languages.models import Language

ANY, MAJOR, EXACT = "any", "major", "exact"
"""GEXEC_PISTON_VERSIONS: what becomes of a version that there is not."""
FALLBACKS = (ANY, MAJOR, EXACT)
_NUMBER = re.compile(r"\d+(?:\.\d+){0,2}", re.ASCII)
_MAJOR = re.compile(r"[\s=v^~<>]*(\d{1,9})", re.ASCII)
_LONGEST_SELECTOR = 128


@dataclass(frozen=True, slots=True)
class Runtime:
    """A version of a language that can be used now, as Piston would tell of it."""

    name: str
    aliases: tuple[str, ...]
    runtime: str
    """Empty where Piston tells none."""
    language: Language
    also: tuple[str, ...] = ()

    @property
    def version(self) -> str:
        """Three numbers, whatever the compiler says of itself; 0.0.0 where it says none."""
        return str(self.number)

    @property
    def number(self) -> Version:
        """The same, to be compared."""
        return number_in(self.language.version)

    def is_called(self, name: str) -> bool:
        """Whether a request that names it so means this."""
        return name == self.name or name in self.aliases or name in self.also

    def to_json(self) -> dict[str, Any]:
        """As GET /runtimes has it."""
        told: dict[str, Any] = {"language": self.name, "version": self.version, "aliases": list(self.aliases)}
        return told | ({"runtime": self.runtime} if self.runtime else {})


def runtimes() -> list[Runtime]:
    """All that can be used now: those of Piston's table, then whatever else is enabled, by its own name."""
    listed = [runtime for entry in table_of(Door.PISTON).entries for runtime in _of_entry(entry)]
    known = {runtime.language.slug for runtime in listed}
    return listed + [
        _of_ours(each) for each in Language.objects.catalogued() if each.enabled and each.slug not in known
    ]


def runtime_for(name: str, selector: str) -> Runtime | None:
    """The newest of this language that the selector allows, else what GEXEC_PISTON_VERSIONS has in its place."""
    everything = runtimes()
    named = [each for each in everything if each.is_called(name)] or [
        each for each in everything if each.is_called(name.lower()) or name.lower() in each.language.aliases
    ]
    allowed = [each for each in named if satisfies(selector, each.version)] or _instead(named, selector)
    return max(allowed, key=lambda each: each.number, default=None)


def _instead(named: list[Runtime], selector: str) -> list[Runtime]:
    """What stands in for a version that is not there: whoever wrote 3.10.0 down mostly means Python."""
    match settings.GEXEC_PISTON_VERSIONS:
        case "any":
            return named
        case "major" if found := _MAJOR.match(selector):
            return [each for each in named if each.number.major == int(found[1])]
    return []


def _of_entry(entry: Entry) -> Iterator[Runtime]:
    for language in Language.objects.versions(entry.slug):
        if language.enabled:
            yield Runtime(
                entry["name"],
                tuple(entry["aliases"]),
                entry.get("runtime", ""),
                language,
                (*entry.get("also", ()), entry.slug),
            )


def _of_ours(language: Language) -> Runtime:
    return Runtime(language.family, tuple(language.aliases), "", language, (language.slug,))


@lru_cache(maxsize=256)
def number_in(reported: str) -> Version:
    """What a compiler or interpreter says of itself, as three numbers, to be compared; 0.0.0 where it says none."""
    found = _NUMBER.search(reported)
    numbers = [int(part) for part in (found[0].split(".") if found else ())]
    major, minor, patch = (*numbers, 0, 0, 0)[:3]
    return Version(major=major, minor=minor, patch=patch)


def satisfies(selector: str, version: str) -> bool:
    """Whether a version is one that npm's range means; what is no range means none."""
    return len(selector) <= _LONGEST_SELECTOR and _satisfies(selector, version)


@lru_cache(maxsize=1024)
def _satisfies(selector: str, version: str) -> bool:
    try:
        return bool(NpmSpec(selector).match(Version(version)))
    except ValueError:
        return False
