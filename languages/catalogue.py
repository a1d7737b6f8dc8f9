"""A snapshot of all languages in this process, at most a second old, so that a request asks the database for none."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Generic, Protocol, TypeVar

from languages.versions import SEPARATOR, family_of, is_version

MAX_AGE_S = 1.0


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
    """Languages by slug and alias. Several threads may ask; one of them loads, the others wait for it.

    What it hands out is shared by all threads: read it, never change it.
    """

    def __init__(self, load: Callable[[], Iterable[L]]) -> None:
        self._load = load
        self._lock = threading.Lock()
        self._names: Mapping[str, L] = {}
        self._loaded_at = float("-inf")

    def matching(self, name: str) -> L | None:
        """The language, enabled or not, with this slug or alias in any case; else the version that `name` asks for."""
        return self._current().get(name.lower()) or self._of_version(name)

    def versions(self, name: str) -> list[L]:
        """The versions of the language that `name` names, by slug; `@…` in it is left aside."""
        one = self._current().get(family_of(name.lower()))
        return [] if one is None else [entry for entry in self.all() if entry.family == one.family]

    def all(self) -> list[L]:
        """Every language once, by slug."""
        return sorted({entry.slug: entry for entry in self._current().values()}.values(), key=lambda entry: entry.slug)

    def forget(self) -> None:
        """Load again at the next question."""
        self._loaded_at = float("-inf")

    def _of_version(self, name: str) -> L | None:
        asked = name.partition(SEPARATOR)[2]
        fitting = [entry for entry in self.versions(name) if asked and is_version(entry.version, asked)]
        return min(fitting, key=lambda entry: (not entry.enabled, entry.slug), default=None)

    def _current(self) -> Mapping[str, L]:
        if self._is_stale():
            with self._lock:
                if self._is_stale():
                    # The age counts from before the query: what changed while it ran is seen a second later.
                    now = time.monotonic()
                    self._names = _by_name(self._load())
                    self._loaded_at = now
        return self._names

    def _is_stale(self) -> bool:
        return time.monotonic() - self._loaded_at > MAX_AGE_S


def _by_name(languages: Iterable[L]) -> Mapping[str, L]:
    return {name: language for language in languages for name in (language.slug, *language.aliases)}
