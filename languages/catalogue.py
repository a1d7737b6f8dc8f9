"""A snapshot of all languages in this process, at most a second old, so that a request asks the database for none."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Generic, Protocol, TypeVar

MAX_AGE_S = 1.0


class Named(Protocol):
    """What the catalogue needs of a language."""

    slug: str
    aliases: list[str]


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
        """The language, enabled or not, whose slug or alias is `name`, whatever its case."""
        return self._current().get(name.lower())

    def all(self) -> list[L]:
        """Every language once, by slug."""
        return sorted({entry.slug: entry for entry in self._current().values()}.values(), key=lambda entry: entry.slug)

    def forget(self) -> None:
        """Load again at the next question."""
        self._loaded_at = float("-inf")

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
