"""A round of tests: every language's image built from nothing and tested, in as many parts as it takes.

Theory of operation. Rarely used languages rot unseen: a package of today may break what passed when it was added. How
each one went is kept in a file as soon as it is known, with what its image was made of. A run goes on with what has
not passed yet as it is now; one that finds nothing left begins the next round.
"""

from __future__ import annotations

import contextlib
import datetime
import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Went:
    """How one language went."""

    made_of: str
    """The tag of its image, which says what the folder and the base were."""
    on: str
    """The day, as 2026-01-31."""
    problem: str = ""
    """Empty: it has passed."""


class Round:
    """How far the round is, in its file."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._went = _read(file)

    def left(self, made_of: Mapping[str, str]) -> list[str]:
        """Which of these are to be done, what failed last and what was never tried first; all when all have passed.

        made_of: by slug, the tag of the image as it would be built now.
        """
        due = [slug for slug in made_of if not self._has_passed(slug, made_of[slug])]
        return sorted(due or made_of, key=lambda slug: (self._went[slug].on if slug in self._went else "", slug))

    def write(self, slug: str, went: Went) -> None:
        """Keep it, beside what another run has kept meanwhile."""
        self._keep({**_read(self._file), slug: went})

    def forget(self, slugs: Collection[str]) -> None:
        """These are to be done again."""
        self._keep({slug: went for slug, went in _read(self._file).items() if slug not in slugs})

    def _keep(self, went: dict[str, Went]) -> None:
        """What is cut off in the middle leaves the file as it was."""
        self._went = went
        new = self._file.with_name(f"{self._file.name}.new")
        self._file.parent.mkdir(parents=True, exist_ok=True)
        new.write_text(json.dumps({name: asdict(each) for name, each in sorted(went.items())}, indent=1) + "\n")
        new.replace(self._file)

    def _has_passed(self, slug: str, made_of: str) -> bool:
        went = self._went.get(slug)
        return went is not None and went.made_of == made_of and not went.problem


def today() -> str:
    """The day, as it is written."""
    return datetime.date.today().isoformat()


def _read(file: Path) -> dict[str, Went]:
    """What cannot be read is a round that was not begun."""
    with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
        return {slug: Went(**went) for slug, went in json.loads(file.read_text()).items()}
    return {}
