"""Which languages a run of the tests builds and tests, besides python and go, which are installed for every run.

Building all takes an hour. So each run takes those whose folder was changed, and a few more in rotation by the date,
as much as is downloaded and built in a minute or two; the large ones have the Sundays. GEXEC_TEST_LANGUAGES names
others: slugs, or `all`.
"""

from __future__ import annotations

import datetime
import os
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from languages import figures, folders

PROJECT = Path(__file__).resolve().parent.parent
ALWAYS = {"python", "go"}
BUDGET_MB = 450
"""Size of the images that a day's rotation may build; one that is larger has a day for itself."""
LARGE_MB = 500
"""From here on building takes three minutes and more on two busy cores."""
BUDGET_CHANGED_MB = 600
UNKNOWN_MB = 300
"""Taken for the size of an image that was not measured yet."""


def slugs_to_test() -> list[str]:
    """The languages of this run."""
    asked = os.environ.get("GEXEC_TEST_LANGUAGES", "").replace(",", " ").split()
    if asked:
        return folders.slugs() if "all" in asked else asked
    sizes = image_sizes_mb()
    changed = affordable(changed_slugs() & sizes.keys(), sizes, BUDGET_CHANGED_MB)
    return sorted({*changed, *slugs_of_the_day(sizes, datetime.date.today())})


def image_sizes_mb() -> dict[str, int]:
    """The size of each language's image, as it was measured."""
    known = figures.all_figures()
    sizes = {slug: known[slug].image_mb if slug in known else None for slug in folders.slugs() if slug not in ALWAYS}
    return {slug: UNKNOWN_MB if size is None else size for slug, size in sizes.items()}


def slugs_of_the_day(sizes_mb: Mapping[str, int], day: datetime.date) -> list[str]:
    """As many neighbours in the alphabet as the budget allows; each language has its day, and then all again."""
    weeks, is_weekday = divmod(day.toordinal(), 7)
    if is_weekday:
        groups = _groups({slug: size for slug, size in sizes_mb.items() if size < LARGE_MB})
        return groups[(day.toordinal() - weeks) % len(groups)]
    groups = _groups({slug: size for slug, size in sizes_mb.items() if size >= LARGE_MB})
    return groups[weeks % len(groups)]


def _groups(sizes_mb: Mapping[str, int]) -> list[list[str]]:
    groups: list[list[str]] = []
    for slug in sorted(sizes_mb):
        fits = groups and sum(sizes_mb[each] for each in groups[-1]) + sizes_mb[slug] <= BUDGET_MB
        if fits:
            groups[-1].append(slug)
        else:
            groups.append([slug])
    return groups


def affordable(slugs: Iterable[str], sizes_mb: Mapping[str, int], budget_mb: int) -> list[str]:
    """The smallest ones that fit; at least one."""
    chosen: list[str] = []
    for slug in sorted(slugs, key=lambda each: sizes_mb[each]):
        if chosen and sum(sizes_mb[each] for each in chosen) + sizes_mb[slug] > budget_mb:
            break
        chosen.append(slug)
    return chosen


def changed_slugs(project: Path = PROJECT) -> set[str]:
    """Languages whose folder differs from where this branch began, or on main itself from the commit before."""
    head = _git(project, "rev-parse", "HEAD")
    began = _git(project, "merge-base", "HEAD", "origin/main") or _git(project, "merge-base", "HEAD", "main")
    names = _git(
        project, "diff", "--name-only", began if began not in {"", head} else "HEAD~1", "--", "languages/images"
    )
    return {Path(name).parts[2] for name in names.splitlines() if len(Path(name).parts) > 3}


def _git(project: Path, *arguments: str) -> str:
    """What git prints; empty where there is no git, no repository or no such commit."""
    try:
        return subprocess.run(
            ["git", *arguments], cwd=project, capture_output=True, text=True, check=True, timeout=20
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
