"""manage.py language_figures: measure languages, and write their figures and the table of docs/languages.md."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from dispatch import active
from languages import figures
from languages.figures import Figures
from languages.folders import Folder
from languages.models import Language
from languages.options import MIB
from languages.selftest.cases import left_out
from languages.selftest.run import Verdict, listed_packages
from languages.toolchain import installs, language_images
from languages.toolchain.errors import InstallError
from sandbox.errors import SandboxError

DOCUMENT = Path(settings.BASE_DIR) / "docs" / "languages.md"
BEGIN = "<!-- The table is written by `manage.py language_figures`. -->\n"
BEGIN_PACKAGES = "<!-- This one, too. -->\n"
BEGIN_LEFT_OUT = "<!-- And this. -->\n"
END = "<!-- Until here. -->\n"
_LEFT_OUT_HEAD = "| language | case | why |\n|---|---|---|\n"


class Command(BaseCommand):
    """For who changes the catalogue: what it says of a language is measured, never typed."""

    help = "Measure languages by their self-test; write images/figures.toml and the table of docs/languages.md."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """The languages to measure; without any, only the tables are written."""
        parser.add_argument("slugs", nargs="*", metavar="NAME")
        parser.add_argument("--packages", action="store_true", help="only list what the images that are there have")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Raises CommandError where a self-test fails; what was measured before is kept."""
        try:
            for slug in options["slugs"]:
                if not options["packages"]:
                    figures.write({**figures.all_figures(), slug: self._measured(slug)})
                figures.write_packages({**figures.all_packages(), slug: self._packages(slug)})
        except (InstallError, SandboxError) as error:
            raise CommandError(str(error)) from error
        finally:
            active.close(grace_s=0)
            write_tables()

    def _measured(self, slug: str) -> Figures:
        language = installs.load_folder(slug, force=True)
        image = language_images.build(language, self.stdout.write)
        result = installs.self_test(language, self.stdout.write)
        if result.failed:
            raise InstallError(f"{slug}: {result.failed[0].case} failed: {result.failed[0].problem}")
        found = measured(Language.objects.get(slug=slug).version, image.size_bytes, result.verdicts)
        # Measuring builds nothing that is there.
        return replace(found, passed=figures.all_figures().get(slug, Figures()).passed)

    def _packages(self, slug: str) -> dict[str, str]:
        language = installs.load_folder(slug, force=True)
        image = language_images.image_of(language)
        if image is None:
            raise InstallError(f"{slug}: {language.image_is_missing}")
        found = listed_packages(language, image.id)
        self.stdout.write(f"{slug}: {len(found)} packages")
        return {each["name"]: each["version"] for each in found}


def measured(version: str, size_bytes: int, verdicts: tuple[Verdict, ...]) -> Figures:
    """The figures that stand in a self-test."""
    by_case = {verdict.case: verdict for verdict in verdicts}
    hello, sort = by_case["hello"], by_case.get("sort")
    return Figures(
        version=version,
        image_mb=size_bytes // 1_000_000,
        compile_ms=None if hello.compile_ms is None else round(hello.compile_ms),
        run_ms=None if hello.run_ms is None else round(hello.run_ms),
        sort_mb=None if sort is None else round(sort.peak_memory_bytes / MIB),
    )


def write_tables() -> None:
    """Bring the document up to date."""
    DOCUMENT.write_text(with_table(DOCUMENT.read_text()))


def with_table(text: str) -> str:
    """The document with the tables of today between their marks."""
    left = [(folder, left_out(folder)) for folder in figures.by_name()]
    tables = {
        BEGIN: figures.table({folder.slug: len(cases) for folder, cases in left}),
        BEGIN_LEFT_OUT: _LEFT_OUT_HEAD + "".join(_left_out_rows(left)),
        BEGIN_PACKAGES: figures.packages_table(),
    }
    for begin, table in tables.items():
        before, _, rest = text.partition(begin)
        text = before + begin + table + END + rest.partition(END)[2]
    return text


def _left_out_rows(left_out: list[tuple[Folder, dict[str, str]]]) -> Iterator[str]:
    for folder, cases in left_out:
        for case, why in cases.items():
            yield f"| {folder.fields['name']} | `{case}` | {why} |\n"
