"""Languages by their ids there: which there are now, what they are called, and how a program in one is run."""

from __future__ import annotations

import copy
import re
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from django.conf import settings
from rest_framework.exceptions import PermissionDenied

from clients.caller import Caller
from clients.policy import check_language
from executions.compat.languages import Entry, enabled, table_of
from executions.doors import Door
from languages.commands import COMPILE_ARGS, fill_command
from languages.models import Language

COMPILE_SCRIPT, RUN_SCRIPT = "compile", "run"
"""Of a program of several files; each is run by bash."""
_NUMBER = re.compile(r"\d+(?:\.\d+)*")
_OPTIONS = "%s"
"""Where compiler options stand in a command that is told."""


@dataclass(frozen=True, slots=True)
class Known:
    """A language by the id that it was asked for with."""

    id: int
    entry: Entry
    language: Language | None
    """None: archived, or not installed."""

    @property
    def is_archived(self) -> bool:
        """Known by its name, and refused."""
        return bool(self.entry.get("archived"))

    @property
    def is_project(self) -> bool:
        """Whether its program is in the additional files, with scripts that say how it is compiled and run."""
        return bool(self.entry.get("files"))

    @property
    def takes_options(self) -> bool:
        """Whether compiler options may be set."""
        return bool(self.entry.get("compiled"))

    @property
    def name(self) -> str:
        """With the version that it has here."""
        found = _NUMBER.search(self.language.version) if self.language else None
        return str(self.entry["name"]).replace("{version}", found[0] if found else "?")

    def told(self) -> dict[str, Any]:
        """As a list has it."""
        return {"id": self.id, "name": self.name}

    def described(self) -> dict[str, Any]:
        """All that is known of it."""
        told = self.told() | {"is_archived": self.is_archived, "source_file": None, "compile_cmd": None}
        if self.language is None or self.is_project:
            return told | {"run_cmd": None}
        language = program_of(self, ())
        return told | {
            "source_file": language.source_file,
            "compile_cmd": _shown(language, language.compile_command) if language.compile_command else None,
            "run_cmd": _shown(language, language.run_command),
        }


def known(language_id: int, caller: Caller | None) -> Known | None:
    """The language of this id; None where there is none that this caller may use."""
    entry = _entry(language_id)
    if entry is None:
        return None
    found = Known(language_id, entry, entry.language)
    if found.is_archived:
        return found
    return found if found.language is not None and _is_allowed(found.language, caller) else None


def named(language_id: int) -> dict[str, Any]:
    """What a submission says of its language, also where it is no longer there."""
    entry = _entry(language_id)
    return {"id": language_id, "name": "" if entry is None else Known(language_id, entry, entry.language).name}


def is_project(language_id: int) -> bool:
    """Whether programs of this id are in their additional files."""
    entry = _entry(language_id)
    return entry is not None and bool(entry.get("files"))


def active(caller: Caller | None) -> list[Known]:
    """All that this caller may use, by name as they are listed."""
    return sorted(_active(caller), key=lambda known: (known.name, known.id))


def archived() -> Iterator[Known]:
    """Those that are known by name alone."""
    for entry in table_of(Door.JUDGE0).entries:
        if entry.get("archived"):
            yield Known(entry["id"], entry, None)


def program_of(known: Known, names: Iterable[str]) -> Language:
    """The language as its programs are run, with additional files of these names; a copy where that is not its own way.

    It is for the caller alone, and never saved.
    """
    own = known.language
    if own is None:
        raise ValueError(f"language {known.id} cannot be used")
    if known.is_project:
        return _project(own, set(names))
    run: list[str] | None = known.entry.get("run")
    if run is None:
        return own
    language = copy.copy(own)
    language.run_command = run
    language.source_file = known.entry.get("source_file", own.source_file)
    return language


def _entry(language_id: int) -> Entry | None:
    table = table_of(Door.JUDGE0)
    return table.find("id", language_id) or table.find("also", language_id)


def _active(caller: Caller | None) -> Iterator[Known]:
    for entry, language in table_of(Door.JUDGE0).installed():
        if _is_allowed(language, caller):
            later = entry.get("also", []) if settings.GEXEC_JUDGE0_NEW_IDS else []
            yield from (Known(each, entry, language) for each in (entry["id"], *later))


def _is_allowed(language: Language, caller: Caller | None) -> bool:
    try:
        check_language(caller, language.slug)
    except PermissionDenied:
        return False
    return True


def _project(own: Language, names: set[str]) -> Language:
    """In the image of the language that most of the files are in; of those without one, in bash's."""
    language = copy.copy(_main_language(names) or own)
    # An interpreter that waits for the language's own file is no use for scripts.
    language.start_ahead = False
    language.compile_command = ["bash", _script(COMPILE_SCRIPT, names)] if _has(COMPILE_SCRIPT, names) else []
    language.run_command = ["bash", _script(RUN_SCRIPT, names)]
    language.source_file = _script(RUN_SCRIPT, names)
    return language


def _main_language(names: set[str]) -> Language | None:
    suffixes = Counter(PurePosixPath(name).suffix for name in names)
    found: Counter[str] = Counter()
    for entry in table_of(Door.JUDGE0).entries:
        if entry.slug in found or entry.slug in ("", "bash") or (language := entry.language) is None:
            continue
        own = language.source_suffixes or [PurePosixPath(language.source_file).suffix]
        found[entry.slug] = sum(suffixes[suffix] for suffix in own if suffix)
    return next((enabled(slug) for slug, count in found.most_common(1) if count), None)


def _has(script: str, names: set[str]) -> bool:
    return bool({script, f"{script}.sh"} & names)


def _script(script: str, names: set[str]) -> str:
    return f"{script}.sh" if script not in names and f"{script}.sh" in names else script


def _shown(language: Language, command: list[str]) -> str:
    words = [_OPTIONS if word == COMPILE_ARGS else word for word in command]
    filled = fill_command(words, source_file=language.source_file, stack_mb=language.stack_mb or language.memory_mb)
    return " ".join(word if word == _OPTIONS else shlex.quote(word) for word in filled)
