"""Fills the placeholders of a language's commands and environment."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from languages.options import CPU_PERIOD_US

COMMAND_PLACEHOLDERS = frozenset({"source", "stack_mb"})
ENVIRONMENT_PLACEHOLDERS = frozenset({"memory_mb", "heap_mb", "cpus"})

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
        words = json.loads(text)
    except ValueError as error:
        raise ValueError(f"This is no valid JSON list of words: {error}.") from None
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise ValueError("Every word of the list must be a text in double quotes.")
    return words


def fill_command(command: Iterable[str], *, source_file: str, stack_mb: int) -> tuple[str, ...]:
    """The argv for a program whose main file is source_file. Other braces stay as they are."""
    values: Mapping[str, int | str] = {"stack_mb": stack_mb, "source": source_file}
    return tuple(_fill(word, values) for word in command)


def fill_environment(environment: Mapping[str, str], *, memory_mb: int, cpu_quota_us: int) -> dict[str, str]:
    """The whole environment of a step that may use memory_mb and cpu_quota_us, by name.

    Interpreters with a heap of their own are told their share: {heap_mb} is three quarters of the memory, {cpus} the
    quota in whole processors, at least one.
    """
    values: Mapping[str, int | str]
    values = {"memory_mb": memory_mb, "heap_mb": memory_mb * 3 // 4, "cpus": -(-cpu_quota_us // CPU_PERIOD_US)}
    filled = {**DEFAULT_ENVIRONMENT, **{name: _fill(text, values) for name, text in environment.items()}}
    return dict(sorted(filled.items()))


def _fill(text: str, values: Mapping[str, int | str]) -> str:
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", str(value))
    return text
