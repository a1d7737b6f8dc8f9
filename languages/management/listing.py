"""What manage.py languages prints of a language, and the names by which it finds one."""

from __future__ import annotations

from languages import folders
from languages.documents import toml_of
from languages.models import Language
from languages.toolchain import language_images
from languages.usage import executions_of

HEAD = f"{'language':<16} {'version':<16} {'state':<10} {'image':<24} {'MB':>6}  tested"


def slug_of(name: str) -> str:
    """The slug of the row, or else of the folder, that has this slug or alias; the name itself where none has."""
    name = name.lower()
    rows = {alias: row.slug for row in Language.objects.all() for alias in (*row.aliases, row.slug)}
    if name in rows or name in (known := folders.slugs()):
        return rows.get(name, name)
    aliases = {alias: slug for slug in known for alias in folders.read(slug).fields["aliases"]}
    return aliases.get(name, name)


def line_of(slug: str, language: Language | None) -> str:
    """Its line in the list."""
    if language is None:
        return f"{slug:<16} {'':<16} {'available':<10}".rstrip()
    size = megabytes(language) or "absent"
    return (
        f"{slug:<16} {language.version:<16} {_state(language):<10} {language.image:<24} {size:>6}  {_tested(language)}"
    )


def described(language: Language) -> str:
    """All of it as a language.toml that can be imported again; what was found out stands above it as comments."""
    facts = (
        f"{language.slug}: {_state(language)}",
        f"version: {language.version or 'not known'}",
        f"image: {language.image}, {size} MB" if (size := megabytes(language)) else f"image: {language.image}, absent",
        f"tested: {_tested(language)}{f', on {language.image_digest}' if language.image_digest else ''}",
        f"packages: {_packages(language)}",
        f"executions: {executions_of(language.slug)}",
    )
    return "".join(f"# {fact}\n" for fact in facts) + "\n" + toml_of(language)


def megabytes(language: Language) -> str:
    """The size of what is there under its image's name; empty where nothing is."""
    image = language_images.image_of(language)
    return f"{image.size_bytes / 1e6:.0f}" if image else ""


def _packages(language: Language) -> str:
    return ", ".join(f"{each['name']} {each['version']}" for each in language.packages or ()) or "none known"


def _state(language: Language) -> str:
    return "enabled" if language.enabled else "disabled"


def _tested(language: Language) -> str:
    if language.tested_at is None:
        return "never"
    image = language_images.image_of(language)
    changed = ["image"] if image and image.id != language.image_digest else []
    changes = ", ".join(changed + language.untested)
    return f"{language.tested_at:%Y-%m-%d %H:%M}{f', {changes} changed since' if changes else ''}"
