"""Fills the placeholders of a language's commands and environment."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from types import MappingProxyType

from languages.options import CPU_PERIOD_US
from rest.text import StorableDecoder

COMPILE_ARGS = "{compile_args}"
WORD_PLACEHOLDERS = frozenset({"sources", "compile_args"})
"""A word that is exactly one of these becomes as many words as there are, or none."""
COMMAND_PLACEHOLDERS = frozenset({"source", "stem", "stack_mb"}) | WORD_PLACEHOLDERS
ENVIRONMENT_PLACEHOLDERS = frozenset({"memory_mb", "heap_mb", "cpus"})

_BRACES = re.compile(r"\{(\w+)\}")

DEFAULT_ENVIRONMENT: Mapping[str, str] = MappingProxyType(
    {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/box",
        "USER": "gexec",
        "LOGNAME": "gexec",
        "LANG": "C.UTF-8",
        "TMPDIR": "/tmp",
    }
)
"""What every program finds; the language's own values come on top. The image's own environment is not passed on."""


def words_in(text: str) -> list[str]:
    """The words of a command as people write it: a command line with a shell's quotes, or a JSON list of words.

    Nothing but quotes and backslashes means anything: no shell reads the words. Raises ValueError with what to change.
    """
    text = text.strip()
    if not text.startswith("["):
        try:
            return shlex.split(text)
        except ValueError as error:
            raise ValueError(f"The command line cannot be read: {str(error).lower()}.") from None
    try:
        words = json.loads(text, cls=StorableDecoder)
    except ValueError as error:
        raise ValueError(f"This is no valid JSON list of words: {error}.") from None
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise ValueError("Every word of the list must be a text in double quotes.")
    return words


def fill_command(
    command: Iterable[str],
    *,
    source_file: str,
    stack_mb: int,
    sources: Sequence[str] = (),
    compile_args: Sequence[str] = (),
) -> tuple[str, ...]:
    """The argv for a program whose main file is source_file. Other braces stay as they are.

    sources: all files that are compiled together, source_file among them; none are given: it alone.
    """
    source = _as_word(source_file)
    values = {"stack_mb": str(stack_mb), "source": source, "stem": source.removesuffix(PurePosixPath(source).suffix)}
    lists = {"{sources}": [_as_word(name) for name in sources or (source_file,)], COMPILE_ARGS: compile_args}
    return tuple(filled for word in command for filled in lists.get(word, [_fill(word, values)]))


def processors_of(cpu_quota_us: int) -> int:
    """A quota in whole processors, at least one."""
    return -(-cpu_quota_us // CPU_PERIOD_US)


def fill_environment(environment: Mapping[str, str], *, memory_mb: int, cpu_quota_us: int) -> dict[str, str]:
    """The whole environment of a step that may use memory_mb and cpu_quota_us, by name.

    Interpreters with a heap of their own are told their share: {heap_mb} is three quarters of the memory, {cpus} the
    quota in whole processors, at least one.
    """
    heap_mb, cpus = memory_mb * 3 // 4, processors_of(cpu_quota_us)
    values = {"memory_mb": str(memory_mb), "heap_mb": str(heap_mb), "cpus": str(cpus)}
    filled = {**DEFAULT_ENVIRONMENT, **{name: _fill(text, values) for name, text in environment.items()}}
    return dict(sorted(filled.items()))


def _fill(text: str, values: Mapping[str, str]) -> str:
    """In one pass: a file may be named as a placeholder is."""
    return _BRACES.sub(lambda found: values.get(found[1], found[0]), text)


def _as_word(name: str) -> str:
    """The file's name, such that no command takes it for an option (-x), or for a file of options (@x)."""
    return name if name[:1].isalnum() or name[:1] in {"_", "."} else f"./{name}"
