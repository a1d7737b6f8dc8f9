"""All languages by name in this process, at most a second old, so that a request asks the database for none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Generic, Protocol, TypeVar

from languages.versions import SEPARATOR, family_of, is_version
from rest.snapshot import Snapshot


class Named(Protocol):
    """What the catalogue needs of a language."""

    slug: str
    aliases: list[str]
    version: str
    enabled: bool

    @property
    def family(self) -> str: ...


L = TypeVar("L", bound=Named)


class Catalogue(Generic[L]):
    """Languages by slug and alias. What it hands out is shared by all threads: read it, never change it."""

    def __init__(self, load: Callable[[], Iterable[L]]) -> None:
        self._names = Snapshot(lambda: _by_name(load()))

    def matching(self, name: str) -> L | None:
        """The language, enabled or not, with this slug or alias in any case; else the version that `name` asks for."""
        return self._names.current().get(name.lower()) or self._of_version(name)

    def versions(self, name: str) -> list[L]:
        """The versions of the language that `name` names, by slug; `@…` in it is left aside."""
        one = self._names.current().get(family_of(name.lower()))
        return [] if one is None else [entry for entry in self.all() if entry.family == one.family]

    def all(self) -> list[L]:
        """Every language once, by slug."""
        entries = self._names.current().values()
        return sorted({entry.slug: entry for entry in entries}.values(), key=lambda entry: entry.slug)

    def forget(self) -> None:
        """Load again at the next question."""
        self._names.forget()

    def _of_version(self, name: str) -> L | None:
        asked = name.partition(SEPARATOR)[2]
        matching = [entry for entry in self.versions(name) if asked and is_version(entry.version, asked)]
        return min(matching, key=lambda entry: (not entry.enabled, entry.slug), default=None)


def _by_name(languages: Iterable[L]) -> Mapping[str, L]:
    return {name: language for language in languages for name in (language.slug, *language.aliases)}
