"""What the page is told of the languages: the list, and what there is to begin with in one of them."""

from __future__ import annotations

from typing import Any

from languages.examples import Example, examples_for
from languages.models import Language

HELLO = "hello"


def enabled() -> list[Language]:
    """All that programs can be written in, by their names for people."""
    languages = [language for language in Language.objects.catalogued() if language.enabled]
    return sorted(languages, key=lambda language: (language.name.casefold(), language.slug))


def find(name: str) -> Language | None:
    """The enabled language that this names, as a request of the API would."""
    found = Language.objects.matching(name)
    return found if found is not None and found.enabled else None


def summary(language: Language) -> dict[str, Any]:
    """A line of the list."""
    return {
        "slug": language.slug,
        "name": language.name,
        "family": language.family,
        "source_file": language.source_file,
    }


def beginnings(language: Language) -> dict[str, Any]:
    """Its examples, hello world first, and how its messages tell a line."""
    found = examples_for(language)
    hello = Example(HELLO, "Hello, world", {language.source_file: language.example})
    examples = [_told(example) for example in (hello, *found.programs)]
    return {"slug": language.slug, "error_pattern": found.error_pattern, "examples": examples}


def _told(example: Example) -> dict[str, Any]:
    return {
        "name": example.name,
        "title": example.title,
        "files": [{"name": name, "content": text} for name, text in example.files.items()],
        "stdin": example.stdin,
        "args": list(example.args),
        "tests": [dict(test) for test in example.tests],
    }
