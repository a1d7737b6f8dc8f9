"""language.toml in both directions: from its text to values for the model's fields, and from a language to the text."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import tomli_w

from languages.models import Language
from languages.options import GROUPS, options_of

_SECTIONS = tuple(dict.fromkeys(group.section for group in GROUPS))
_OBJECTS = ("environment", "excused")
"""Sections whose names are the operator's."""
_LISTS = ("aliases", "source_suffixes", "compile_args")
"""Empty where the document does not name them."""


class BadDescription(Exception):
    """What describes a language cannot be one; the text tells what to change."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A type that a value of the document may have."""

    fits: Callable[[object], bool]
    wanted: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A name in the document, and the field that its value is for."""

    name: str
    field: str
    kind: Kind
    section: str = ""
    """Empty: the top level."""
    formerly: str = ""
    """What older documents call it."""

    @property
    def names(self) -> tuple[str, ...]:
        """All that it may be called."""
        return (self.name, self.formerly) if self.formerly else (self.name,)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and "\x00" not in value


def _is_list_of_texts(value: object) -> bool:
    return isinstance(value, list) and all(_is_text(each) for each in value)


TEXT = Kind(_is_text, "a text")
TEXTS = Kind(_is_list_of_texts, 'a list of texts, such as ["a", "b"]')
FLAG = Kind(lambda value: isinstance(value, bool), "true or false")
NUMBER = Kind(lambda value: isinstance(value, int) and not isinstance(value, bool), "a whole number")

_REQUIRED = ("name", "source_file", "run")
_PLAIN_ENTRIES = (
    Entry("name", "name", TEXT),
    Entry("aliases", "aliases", TEXTS),
    Entry("image", "image", TEXT),
    Entry("oci_runtime", "oci_runtime", TEXT),
    Entry("isolation", "isolation", TEXT),
    Entry("source_file", "source_file", TEXT),
    Entry("source_suffixes", "source_suffixes", TEXTS),
    Entry("compile", "compile_command", TEXTS),
    Entry("compile_args", "compile_args", TEXTS),
    Entry("run", "run_command", TEXTS),
    Entry("version", "version_command", TEXTS),
    Entry("packages", "packages_command", TEXTS),
    Entry("example", "example", TEXT),
)


def fields_in(text: str, *, where: str) -> dict[str, Any]:
    """Values for the model's fields from the text of a language.toml, wherever it comes from. Raises BadDescription.

    What is there has the type that the field wants; whether the value is allowed, the model decides.
    """
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadDescription(f"{where}: {error}") from error
    try:
        return _fields(document)
    except BadDescription as error:
        raise BadDescription(f"{where}: {error}") from None


def toml_of(language: Language) -> str:
    """Everything that an operator chose; what a test found out (version, digest) is left for a test to find again."""
    document = {name: value for name, value in _values(language, "").items() if value}
    document |= {"environment": language.environment} if language.environment else {}
    document |= {"excused": language.excused} if language.excused else {}
    document |= {section: _values(language, section) for section in _SECTIONS}
    return tomli_w.dumps(document, multiline_strings=True)


def _entries(section: str) -> list[Entry]:
    options = (
        Entry(option.name, option.name, FLAG if option.is_flag else NUMBER, option.section, option.formerly)
        for option in options_of(Language)
    )
    return [entry for entry in (*_PLAIN_ENTRIES, *options) if entry.section == section]


def _fields(document: Mapping[str, Any]) -> dict[str, Any]:
    for name in _REQUIRED:
        if name not in document:
            raise BadDescription(f"{name} is missing")
    top = {name: value for name, value in document.items() if name not in {*_SECTIONS, *_OBJECTS}}
    fields: dict[str, Any] = {name: [] for name in _LISTS} | {title: _texts(document, title) for title in _OBJECTS}
    fields |= _read(top, _entries(""), "unknown")
    for section in _SECTIONS:
        fields |= _read(_section(document, section), _entries(section), f"unknown in [{section}]")
    return fields


def _texts(document: Mapping[str, Any], title: str) -> dict[str, str]:
    section = _section(document, title)
    return {name: _checked(section, name, TEXT) for name in section}


def _read(values: Mapping[str, Any], entries: Iterable[Entry], unknown_is: str) -> dict[str, Any]:
    known = {name: entry for entry in entries for name in entry.names}
    if unknown := sorted(values.keys() - known.keys()):
        raise BadDescription(f"{unknown_is}: {', '.join(unknown)}")
    for name in values:
        if (now := known[name].name) != name and now in values:
            raise BadDescription(f"{name} is what {now} was called before: keep one of them")
    return {known[name].field: _checked(values, name, known[name].kind) for name in values}


def _section(document: Mapping[str, Any], title: str) -> Mapping[str, Any]:
    section = document.get(title, {})
    if not isinstance(section, dict):
        raise BadDescription(f"{title} must be a section: [{title}]")
    return section


def _checked(values: Mapping[str, Any], name: str, kind: Kind) -> Any:
    if not kind.fits(values[name]):
        raise BadDescription(f"{name} must be {kind.wanted}")
    return values[name]


def _values(language: Language, section: str) -> dict[str, Any]:
    values = {entry.name: getattr(language, entry.field) for entry in _entries(section)}
    return {name: value for name, value in values.items() if value is not None}
