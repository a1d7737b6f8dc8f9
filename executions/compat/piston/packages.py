"""Piston's packages: languages of ours, enabled and disabled as its packages are installed and uninstalled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from semantic_version import Version

from executions.compat.languages import table_of
from executions.compat.piston.requests import refuse
from executions.compat.piston.runtimes import number_in, satisfies
from executions.doors import Door
from executions.run import ENGINE_RETRY_AFTER_S
from languages import folders
from languages.acting import acting
from languages.figures import Figures, all_figures
from languages.models import Language
from languages.toolchain import installs
from languages.toolchain.errors import InstallError
from rest.exceptions import Unavailable
from sandbox.errors import SandboxError


@dataclass(frozen=True, slots=True)
class Package:
    """A language that there is, or that can be built here."""

    slug: str
    name: str
    names: frozenset[str]
    version: Version
    language: Language | None
    """None where only its folder is there."""

    @property
    def is_installed(self) -> bool:
        """Whether requests may use it."""
        return self.language is not None and self.language.enabled

    def to_json(self) -> dict[str, Any]:
        """As GET /packages has it."""
        return {"language": self.name, "language_version": str(self.version), "installed": self.is_installed}


def packages() -> list[Package]:
    """All of them, by slug."""
    rows = {language.slug: language for language in Language.objects.catalogued()}
    figures = all_figures()
    return sorted([*map(_of_row, rows.values()), *_of_folders(set(rows), figures)], key=lambda each: each.slug)


def install(name: object, selector: object, *, by: str) -> dict[str, str]:
    """Let requests use the language; its image has to be there, and tested. Raises Refusal and Unavailable."""
    package = _wanted(name, selector)
    if package.is_installed:
        refuse("Already installed")
    if package.language is None:
        refuse(f"{package.slug}: not enabled: it is built by `manage.py languages install {package.slug}`")
    try:
        with acting(by):
            installs.enable(Language.objects.get(pk=package.language.pk))
    except InstallError as error:
        refuse(str(error))
    except SandboxError as error:
        raise Unavailable(str(error), retry_after_s=ENGINE_RETRY_AFTER_S, code="engine_unavailable") from error
    return _told(package)


def uninstall(name: object, selector: object, *, by: str) -> dict[str, str]:
    """Refuse requests for it from now on. Raises Refusal."""
    package = _wanted(name, selector)
    if package.language is None or not package.is_installed:
        refuse("Package not installed")
    with acting(by):
        installs.disable(Language.objects.get(pk=package.language.pk))
    return _told(package)


def _of_row(language: Language) -> Package:
    return _package(language.slug, number_in(language.version), language, language.aliases)


def _of_folders(known: set[str], figures: Mapping[str, Figures]) -> Iterator[Package]:
    for slug in folders.slugs():
        if slug not in known:
            version = figures.get(slug, Figures()).version
            yield _package(slug, number_in(version), None, ())


def _package(slug: str, version: Version, language: Language | None, aliases: Iterable[str]) -> Package:
    family = slug.partition("@")[0]
    entry = table_of(Door.PISTON).find("slug", family)
    names = {slug, family, *aliases}
    if entry is None:
        return Package(slug, family, frozenset(names), version, language)
    return Package(slug, entry["name"], frozenset(names | {entry["name"], *entry["aliases"]}), version, language)


def _wanted(name: object, selector: object) -> Package:
    """The newest of this name that the selector allows."""
    found = [
        package
        for package in packages()
        if isinstance(name, str)
        and isinstance(selector, str)
        and name in package.names
        and satisfies(selector, str(package.version))
    ]
    if not found:
        refuse(f"Requested package {_shown(name)}-{_shown(selector)} does not exist", status=404)
    return max(found, key=lambda each: each.version)


def _shown(value: object) -> str:
    return value if isinstance(value, str) else "undefined"


def _told(package: Package) -> dict[str, str]:
    return {"language": package.name, "version": str(package.version)}
