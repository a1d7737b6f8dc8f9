"""Colours for a stranger's source, of the lexers of Pygments: in a process of their own that can be ended.

A pattern that searches for ever would hold up every thread of a server process. Where it takes too long, or is too
much, the source is shown as it is.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
from functools import lru_cache
from pathlib import Path

logger = logging.getLogger(__name__)

MOST_CHARACTERS = 100_000
"""Of all files of a program together: three times what anybody writes in an exercise."""
TIMEOUT_S = 3.0
_AT_ONCE = 2
"""Processes, of one server process."""
_COMMAND = (sys.executable, "-I", str(Path(__file__).with_name("highlighter.py")))

Tokens = tuple[tuple[str, str], ...]
"""Pieces of a text with their kinds, a letter each; empty: nothing special."""
Files = tuple[tuple[str, str], ...]
"""Names and texts."""

_places = threading.BoundedSemaphore(_AT_ONCE)


class _Failed(Exception):
    """There are no colours this time."""


def tokens_of(slug: str, files: Files) -> list[Tokens | None]:
    """Of each file of a program in this language; None where it has no colours."""
    if not files or sum(len(text) for _, text in files) > MOST_CHARACTERS:
        return [None] * len(files)
    try:
        return list(_found(slug, files))
    except _Failed as error:
        logger.info("source is shown without colours: %s", error)
        return [None] * len(files)


@lru_cache(maxsize=32)
def _found(slug: str, files: Files) -> tuple[Tokens | None, ...]:
    """Raises _Failed, which is not remembered."""
    if not _places.acquire(timeout=TIMEOUT_S):
        raise _Failed("too many are looked at")
    try:
        done = subprocess.run(
            _COMMAND,
            input=json.dumps({"slug": slug, "files": files}).encode(),
            capture_output=True,
            timeout=TIMEOUT_S,
            env={},
            cwd="/",
            check=True,
        )
        told = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise _Failed(type(error).__name__) from error
    finally:
        _places.release()
    # Its own word that it has changed nothing is not enough: what is shown is what was run.
    return tuple(
        None if tokens is None or "".join(piece for _, piece in tokens) != text else tuple((k, p) for k, p in tokens)
        for (_, text), tokens in zip(files, told, strict=True)
    )
