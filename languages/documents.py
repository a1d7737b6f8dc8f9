"""A language as the text of a language.toml, as languages.folders reads it."""

from __future__ import annotations

from typing import Any

import tomli_w

from languages.models import Language

_LIMITS = (
    "timeout_ms", "max_timeout_ms", "compile_timeout_ms", "memory_mb", "compile_memory_mb", "cpu_quota_us", "pids",
    "output_bytes", "tmpfs_mb",
)  # fmt: skip
_WARM = ("runs_per_container", "warm_min", "warm_max")


def toml_of(language: Language) -> str:
    """Everything that an operator chose; what a test found out (version, digest) is left for a test to find again."""
    said = {
        "name": language.name,
        "aliases": language.aliases,
        "image": language.image,
        "source_file": language.source_file,
        "compile": language.compile_command or None,
        "run": language.run_command,
        "version": language.version_command or None,
        "start_ahead": language.start_ahead or None,
        "example": language.example or None,
        "environment": language.environment or None,
        "limits": _chosen(language, _LIMITS),
        "warm": _chosen(language, _WARM),
    }
    return tomli_w.dumps({name: value for name, value in said.items() if value is not None}, multiline_strings=True)


def _chosen(language: Language, names: tuple[str, ...]) -> dict[str, Any]:
    values = {name: getattr(language, name) for name in names}
    return {name: value for name, value in values.items() if value is not None}
