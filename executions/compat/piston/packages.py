"""Piston's packages: languages of ours, enabled and disabled as its packages are installed and uninstalled."""

from __future__ import annotations

from typing import Any

from executions.compat.languages import Entry, table_of
from executions.compat.piston.requests import refuse
from executions.compat.piston.runtimes import number_in, satisfies, version_in
from executions.doors import Door
from executions.run import ENGINE_RETRY_AFTER_S
from languages.acting import acting
from languages.models import Language
from languages.toolchain import installs
from languages.toolchain.errors import InstallError
from rest.exceptions import Unavailable
from sandbox.errors import SandboxError


def packages() -> list[dict[str, Any]]:
    """All languages that are known here, whether they can be used or not."""
    return [
        {"language": _name(language), "language_version": version_in(language), "installed": language.enabled}
        for language in Language.objects.catalogued()
    ]


def install(name: object, selector: object, *, by: str) -> dict[str, str]:
    """Let requests use the language; its image has to be there, and tested. Raises Refusal."""
    language = _wanted(name, selector)
    if language.enabled:
        refuse("Already installed")
    try:
        with acting(by):
            installs.enable(Language.objects.get(pk=language.pk))
    except InstallError as error:
        refuse(str(error))
    except SandboxError as error:
        raise Unavailable(str(error), retry_after_s=ENGINE_RETRY_AFTER_S, code="engine_unavailable") from error
    return _told(language)


def uninstall(name: object, selector: object, *, by: str) -> dict[str, str]:
    """Refuse requests for it from now on. Raises Refusal."""
    language = _wanted(name, selector)
    if not language.enabled:
        refuse("Package not installed")
    with acting(by):
        installs.disable(Language.objects.get(pk=language.pk))
    return _told(language)


def _wanted(name: object, selector: object) -> Language:
    """The newest language of this name that the selector allows."""
    found = [
        language
        for language in Language.objects.catalogued()
        if isinstance(name, str)
        and isinstance(selector, str)
        and name in _names(language)
        and satisfies(selector, version_in(language))
    ]
    if not found:
        refuse(f"Requested package {_shown(name)}-{_shown(selector)} does not exist", status=404)
    return max(found, key=number_in)


def _shown(value: object) -> str:
    return value if isinstance(value, str) else "undefined"


def _entry(language: Language) -> Entry | None:
    return table_of(Door.PISTON).find("slug", language.family)


def _name(language: Language) -> str:
    entry = _entry(language)
    return language.family if entry is None else str(entry["name"])


def _names(language: Language) -> set[str]:
    entry = _entry(language)
    names = {language.slug, language.family, *language.aliases}
    return names if entry is None else names | {entry["name"], *entry["aliases"]}


def _told(language: Language) -> dict[str, str]:
    return {"language": _name(language), "version": version_in(language)}
