"""From what was asked for to a program of ours: names, files, limits."""

from __future__ import annotations

import base64
import math
import posixpath
import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from clients.caller import Caller
from clients.policy import reads_by_token
from executions.artifacts import INLINE_BYTES
from executions.bounds import why_no_name
from executions.compat import running
from executions.compat.running import ArtifactRequest, AskedLimits, Content, Program, SourceFile
from executions.compat.sandboxfusion.asked import Asked
from languages.models import Language

_LEFT_OUT = "IGNORE_THIS_FILE"
"""The other service leaves files aside whose path has this."""
_WORK_DIRECTORIES = ("/box/", "/mnt/data/")
_LEAST_MEMORY_MB = 16
OUTPUT_BYTES = 1 << 20
"""So much of each stream the other service keeps."""
_MAX_FETCHED, _MAX_FETCHED_BYTES = 32, 32 << 20
_PHP_TAG = re.compile(r"<\?(php|=)", re.IGNORECASE)


class BadFile(ValueError):
    """A file of the request that has no place in a sandbox, or is no base64."""


def program_of(asked: Asked, language: Language, caller: Caller | None) -> Program:
    """The program. Raises BadFile."""
    given = {_name_of(path): _bytes_of(text) for path, text in asked.files.items() if _LEFT_OUT not in path}
    entrypoint = language.source_file
    if asked.entry.get("fixed"):
        given.pop(entrypoint, None)
    elif entrypoint in given:
        entrypoint = _free(entrypoint, given)
    given[entrypoint] = _source(asked, language).encode(errors="replace")
    return Program(
        language,
        tuple(SourceFile(name, Content(data)) for name, data in given.items()),
        entrypoint,
        stdin=Content(asked.stdin.encode(errors="replace")),
        compile_args=tuple(asked.entry.get("compile_args", ())),
        limits=_limits(asked, language, caller),
        artifacts=_wanted(asked.fetch_files, caller),
    )


def name_of_fetched(path: str) -> str | None:
    """The name of a file that is to be fetched, within the work directory; None where it cannot be in it."""
    resolved = posixpath.normpath(posixpath.join(_WORK_DIRECTORIES[0], path))
    name = next((resolved.removeprefix(each) for each in _WORK_DIRECTORIES if resolved.startswith(each)), None)
    return None if name is None or why_no_name(name) else name


def _wanted(paths: Iterable[str], caller: Caller | None) -> ArtifactRequest | None:
    names = dict.fromkeys(filter(None, map(name_of_fetched, paths)))
    if not names:
        return None
    # What does not stand in the row is a file of the client's: who has no key has none.
    most = INLINE_BYTES if reads_by_token(caller) else _MAX_FETCHED_BYTES
    return ArtifactRequest(tuple(names)[:_MAX_FETCHED], min(len(names), _MAX_FETCHED), most)


def _name_of(path: str) -> str:
    """The name in the work directory. Raises BadFile."""
    name = posixpath.normpath(path)
    if path.endswith("/") or why_no_name(name) is not None:
        raise BadFile(f"the file {path!r} has no place in the work directory")
    return name


def _bytes_of(text: str) -> bytes:
    try:
        return base64.b64decode(text)
    except ValueError as error:
        raise BadFile(str(error)) from None


def _source(asked: Asked, language: Language) -> str:
    if language.slug == "php" and not _PHP_TAG.search(asked.code):
        return f"<?php\n\n{asked.code}"
    return asked.code


def _free(name: str, taken: Mapping[str, bytes]) -> str:
    """A name beside those, with the same suffix."""
    suffix = PurePosixPath(name).suffix
    return next(made for number in range(1, len(taken) + 2) if (made := f"program{number}{suffix}") not in taken)


def _limits(asked: Asked, language: Language, caller: Caller | None) -> AskedLimits:
    """As much as was asked for: what is above the caller's caps is lowered to them."""
    most = running.caps(language, caller)
    memory_mb = max(asked.memory_mb, _LEAST_MEMORY_MB) if asked.memory_mb > 0 else None
    return AskedLimits(
        wall_ms=_ms(asked.run_timeout_s, most.wall_ms),
        compile_wall_ms=_ms(asked.compile_timeout_s, most.compile_wall_ms) if language.compile_command else None,
        memory_mb=memory_mb and min(memory_mb, most.memory_mb),
        output_bytes=min(OUTPUT_BYTES, most.output_bytes),
    )


def _ms(seconds: float, most: int) -> int:
    """From one millisecond, for nothing and less than that, to the most."""
    if math.isnan(seconds) or seconds * 1000 >= most:
        return most
    return max(1, math.ceil(max(0.0, seconds) * 1000))
