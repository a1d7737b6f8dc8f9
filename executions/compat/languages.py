"""A door's table of languages: what the other service calls them, and which of ours each is.

`languages.toml` of a door has a table for each, with whatever the door wants to know:

    [[language]]
    id = 71                     # any column: a number, a text, or a list of texts
    name = "Python (3.8.1)"
    slug = "python"             # ours; left out: gexec has none
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from executions.doors import Door
from languages.models import Language


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a table. Two lines may be the same language of ours, and a line none."""

    slug: str
    columns: Mapping[str, Any]

    def __getitem__(self, column: str) -> Any:
        """What stands in this column. Raises KeyError."""
        return self.columns[column]

    def get(self, column: str, default: Any = None) -> Any:
        """The same, or the default where nothing stands there."""
        return self.columns.get(column, default)

    @property
    def language(self) -> Language | None:
        """The language, where it is installed and enabled. It is shared between threads: read it only."""
        return enabled(self.slug) if self.slug else None


@dataclass(frozen=True, slots=True)
class Table:
    """All lines, in their order in the file."""

    entries: tuple[Entry, ...]

    def find(self, column: str, value: object) -> Entry | None:
        """The first whose column is this, or, where it is a list, has this."""
        return next((entry for entry in self.entries if _has(entry.get(column), value)), None)

    def installed(self) -> Iterator[tuple[Entry, Language]]:
        """Those that can be used now."""
        for entry in self.entries:
            if (language := entry.language) is not None:
                yield entry, language


@cache
def table_of(door: Door) -> Table:
    """The door's `languages.toml`."""
    path = Path(__file__).parent / door.value / "languages.toml"
    lines = tomllib.loads(path.read_text(encoding="utf-8"))["language"]
    return Table(tuple(Entry(line.get("slug", ""), line) for line in lines))


def enabled(name: str) -> Language | None:
    """The language of this slug, alias or version, where requests may use it."""
    language = Language.objects.matching(name)
    return language if language is not None and language.enabled else None


def _has(held: Any, value: object) -> bool:
    # True is 1 for Python, and no id of any language.
    if isinstance(value, bool):
        return False
    return value in held if isinstance(held, list) else bool(held == value)
