"""Tests in a folder: inputs, and the answers beside them, by the names that judges and their packages use.

1.in 1.out        and 1.ans                    most archives
sample/1.in sample/1.ans, secret/…             Kattis
01 01.a                                        Polygon
input/input00.txt output/output00.txt          HackerRank
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from gexec_client.cli.sources import read

MAX_TESTS = 500
MAX_NAME = 100
_ANSWERS = (".out", ".ans", ".a", ".sol")


@dataclass(frozen=True, slots=True)
class Pair:
    """A test."""

    name: str
    stdin: bytes
    answer: bytes | None
    """None: any output will do."""


def pairs(directory: Path) -> list[Pair]:
    """All tests below a folder, in the order of their numbers. Raises UsageError."""
    named = sorted(_inputs(directory), key=lambda each: _in_order(each[0]))
    if not named:
        raise click.UsageError(f"{directory} has no tests, such as 1.in beside 1.out or 1.ans")
    if len(named) > MAX_TESTS:
        raise click.UsageError(f"{directory} has {len(named)} tests; there may be {MAX_TESTS}")
    return [Pair(name[-MAX_NAME:], read(path), read(answer) if answer else None) for name, path, answer in named]


def _inputs(directory: Path) -> Iterator[tuple[str, Path, Path | None]]:
    """Names, inputs and answers."""
    for path in sorted(directory.rglob("*")):
        if not path.is_file() or any(part.startswith(".") for part in path.relative_to(directory).parts):
            continue
        answer = _answer(path)
        if path.suffix == ".in" or answer is not None:
            stem = path.with_suffix("") if path.suffix in {".in", ".txt"} else path
            yield stem.relative_to(directory).as_posix(), path, answer


def _answer(path: Path) -> Path | None:
    if path.suffix == ".in":
        return next((each for end in _ANSWERS if (each := path.with_suffix(end)).is_file()), None)
    if re.fullmatch(r"[0-9]+", path.name):
        return _there(path.with_name(f"{path.name}.a"))
    if path.parent.name == "input" and path.name.startswith("input"):
        return _there(path.parent.with_name("output") / path.name.replace("input", "output", 1))
    return None


def _there(path: Path) -> Path | None:
    return path if path.is_file() else None


def _in_order(name: str) -> list[tuple[int, int, str]]:
    """2 before 10."""
    parts = re.findall(r"[0-9]+|[^0-9]+", name)
    return [(0, int(part), "") if part.isdecimal() and part.isascii() else (1, 0, part) for part in parts]
