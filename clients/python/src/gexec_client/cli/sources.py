"""Files of this machine as a program: which ones, by which names, in which language."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import click

from gexec_client.contents import Content, by_digest

STDIN = "-"
MAX_FILES = 100
LARGE_BYTES = 4 * 1024 * 1024
"""Above this a request names its larger files by their digests; a server takes 8 MiB unless it says otherwise."""
_WORTH_IT_BYTES = 64 * 1024

LANGUAGES: Mapping[str, str] = {
    ".asm": "assembly", ".awk": "awk", ".bas": "basic", ".bash": "bash", ".c": "c", ".cc": "cpp", ".clj": "clojure",
    ".cob": "cobol", ".cpp": "cpp", ".cs": "csharp", ".cxx": "cpp", ".d": "d", ".erl": "erlang", ".exs": "elixir",
    ".f90": "fortran", ".go": "go", ".groovy": "groovy", ".hs": "haskell", ".java": "java", ".js": "javascript",
    ".kt": "kotlin", ".lisp": "commonlisp", ".lua": "lua", ".m": "octave", ".mjs": "javascript", ".ml": "ocaml",
    ".pas": "pascal", ".php": "php", ".pl": "perl", ".py": "python", ".r": "r", ".rb": "ruby", ".rkt": "racket",
    ".rs": "rust", ".scala": "scala", ".scm": "scheme", ".sh": "bash", ".sql": "sql", ".swift": "swift",
    ".tcl": "tcl", ".ts": "typescript",
}  # fmt: skip
"""Of the catalogue. An ending that two languages share has the one that is meant more often; `--lang` says another."""


@dataclass(frozen=True, slots=True)
class Program:
    """What is run."""

    language: str
    source_code: Content | None
    files: Mapping[str, Content]
    entrypoint: str | None


def program(files: Sequence[str], language: str | None) -> Program:
    """Read them. The first file is the one that is run. Raises UsageError."""
    chosen = language or language_of(files[0])
    if files == (STDIN,) or list(files) == [STDIN]:
        return Program(chosen, sys.stdin.buffer.read(), {}, None)
    paths = [each for name in files for each in _expanded(Path(name))]
    if len(paths) > MAX_FILES:
        raise click.UsageError(f"more than {MAX_FILES} files")
    first = Path(files[0])
    if first.is_dir():
        raise click.UsageError("the first FILE is the one that is run, and is no folder")
    named = dict(zip(_names(paths), paths, strict=True))
    return Program(chosen, None, {name: read(path) for name, path in named.items()}, _names(paths)[0])


def language_of(name: str) -> str:
    """By the end of the name. Raises UsageError."""
    known = LANGUAGES.get(Path(name).suffix.lower())
    if known is None:
        raise click.UsageError(f"which language is {name}? say --lang; `gexec languages` lists them")
    return known


def read(path: Path) -> bytes:
    """Raises UsageError."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise click.UsageError(f"{path}: {error.strerror}") from None


def lighter(files: Mapping[str, Content], *, has_key: bool) -> dict[str, Content]:
    """Where they are too much for one request, the larger ones by their digests, which needs a key."""
    total = sum(len(each) for each in files.values() if isinstance(each, bytes))
    if total <= LARGE_BYTES or not has_key:
        return dict(files)
    return {
        name: by_digest(each) if isinstance(each, bytes) and len(each) >= _WORTH_IT_BYTES else each
        for name, each in files.items()
    }


def _expanded(path: Path) -> list[Path]:
    """A folder is all files below it; no link is followed, and nothing that begins with a dot is taken."""
    if not path.is_dir():
        return [path]
    found: list[Path] = []
    for directory, folders, names in os.walk(path):
        folders[:] = sorted(each for each in folders if not each.startswith("."))
        here = [Path(directory) / name for name in sorted(names) if not name.startswith(".")]
        found += [each for each in here if each.is_file() and not each.is_symlink()]
        if len(found) > MAX_FILES:
            break
    return found


def _names(paths: Sequence[Path]) -> list[str]:
    """As the program sees them: from the folder on that they have in common."""
    absolute = [Path(os.path.abspath(each)) for each in paths]  # noqa: PTH100 (resolve would follow links)
    root = os.path.commonpath([each.parent for each in absolute])
    return [str(PurePosixPath(each.relative_to(root))) for each in absolute]
