"""What the fields of a language may hold, each refusal with a message that tells what to change."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator

from languages.commands import COMMAND_PLACEHOLDERS, ENVIRONMENT_PLACEHOLDERS, WORD_PLACEHOLDERS

_CASES = Path(__file__).parent / "images" / "selftest.toml"
_FIRST_CASE = "hello"
"""A language in which not even this works is none."""
MAX_NAME_BYTES = 255
"""NAME_MAX of Linux."""
_PLACEHOLDER = re.compile(r"(?<!\$)\{([A-Za-z_][A-Za-z0-9_]*)\}")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
"""What may name an environment variable."""
_SUFFIX = re.compile(r"\.[^./\x00]+")

validate_slug = RegexValidator(
    r"\A[a-z0-9][a-z0-9+#._@-]*\Z",
    "“%(value)s” cannot name a language: use lower-case letters, digits and + # . _ @ -, and start with no sign.",
    "invalid_slug",
)

validate_image = RegexValidator(
    r"\A(sha256:[0-9a-f]{64}|[a-z0-9][a-z0-9._:/-]*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?)\Z",
    "“%(value)s” cannot name an image: write it as gexec/python, ruby:3.3 or registry.example:5000/team/ruby:3.3.",
    "invalid_image",
)

validate_runtime = RegexValidator(
    r"\A[A-Za-z0-9][A-Za-z0-9_.-]*\Z",
    "“%(value)s” cannot name a runtime: write the name under which Docker knows it, such as runsc.",
    "invalid_runtime",
)


def validate_source_file(value: str) -> None:
    """A plain file name: the program's work directory is flat, and a path could leave it."""
    if value in {".", ".."} or "/" in value or "\x00" in value or len(value.encode()) > MAX_NAME_BYTES:
        raise ValidationError("“%(value)s” is not a plain file name such as main.py.", "invalid_file", {"value": value})


def validate_command(value: object) -> None:
    """A list of words, each text without NUL, with no placeholders but those of commands."""
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise ValidationError(
            'Write the command as a JSON list of words, such as ["python3", "{source}"].', "not_a_list"
        )
    if value and not value[0]:
        raise ValidationError("The first word, the program to start, is empty.", "no_program")
    for word in value:
        if "\x00" in word:
            raise ValidationError("A word of the command contains a NUL character.", "nul")
        _check_placeholders(word)


def validate_compile_args(value: object) -> None:
    """A list of compile arguments that a request may give; one that ends in * stands for all that begin so."""
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise ValidationError('Write the arguments as a JSON list of words, such as ["-O2", "-D*"].', "not_a_list")
    for word in value:
        if word in {"", "*"} or "*" in word[:-1] or "\x00" in word:
            raise ValidationError(
                "“%(word)s” is no argument to allow: write it out, or its beginning and one * at the end.",
                "invalid_pattern",
                {"word": word},
            )


def validate_suffixes(value: object) -> None:
    """A list of the ends that names of source files have."""
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise ValidationError('Write the suffixes as a JSON list of words, such as [".cpp", ".cc"].', "not_a_list")
    for word in value:
        if not _SUFFIX.fullmatch(word):
            raise ValidationError("“%(word)s” is no suffix such as .cpp.", "invalid_suffix", {"word": word})


def validate_environment(value: object) -> None:
    """An object from variable names to texts."""
    if not isinstance(value, dict):
        raise ValidationError('Write the variables as a JSON object, such as {"LANG": "C.UTF-8"}.', "not_an_object")
    for name, text in value.items():
        if not VARIABLE.fullmatch(name):
            raise ValidationError("“%(name)s” cannot name an environment variable.", "invalid_name", {"name": name})
        if not isinstance(text, str) or "\x00" in text:
            raise ValidationError("The value of %(name)s must be a text without NUL.", "invalid_value", {"name": name})
        for placeholder in _PLACEHOLDER.findall(text):
            if placeholder not in ENVIRONMENT_PLACEHOLDERS:
                raise ValidationError(
                    "{%(name)s} is not a placeholder of the environment; there are %(known)s.",
                    "unknown_placeholder",
                    {"name": placeholder, "known": _in_braces(ENVIRONMENT_PLACEHOLDERS)},
                )


def validate_excused(value: object) -> None:
    """An object from cases of the self-test to the reasons why they may fail."""
    if not isinstance(value, dict):
        raise ValidationError(
            'Write the cases as a JSON object with a reason for each, such as {"timeout": "it holds back its output"}.',
            "not_an_object",
        )
    known = tomllib.loads(_CASES.read_text()).keys() - {_FIRST_CASE}
    for name, reason in value.items():
        if name not in known:
            raise ValidationError(
                "“%(name)s” is no case that can be excused; there are %(known)s.",
                "unknown_case",
                {"name": name, "known": ", ".join(sorted(known))},
            )
        if not isinstance(reason, str) or not reason.strip() or "\x00" in reason:
            raise ValidationError("Say why %(name)s may fail.", "no_reason", {"name": name})


def _in_braces(names: Iterable[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in sorted(names))


def _check_placeholders(word: str) -> None:
    for name in _PLACEHOLDER.findall(word):
        if name not in COMMAND_PLACEHOLDERS:
            raise ValidationError(
                "{%(name)s} is not a placeholder; there are %(known)s.",
                "unknown_placeholder",
                {"name": name, "known": _in_braces(COMMAND_PLACEHOLDERS)},
            )
        if name in WORD_PLACEHOLDERS and word != f"{{{name}}}":
            raise ValidationError(
                "{%(name)s} stands for several words: make it a word of its own.", "not_alone", {"name": name}
            )
