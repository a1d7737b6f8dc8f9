"""manage.py languages_test: build every language from nothing and test it; a second run goes on where one ended."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from dispatch import active
from languages import figures, folders, removal, rounds
from languages.management.commands.language_figures import write_tables
from languages.management.listing import slug_of
from languages.models import Language
from languages.rounds import Round, Went
from languages.selftest.run import run_with_less
from languages.toolchain import installs, language_images
from languages.toolchain.errors import InstallError
from languages.toolchain.installs import SelfTest
from sandbox.errors import EngineUnavailable, SandboxError

FILE = "languages-test.json"
MOST_MEMORY = 0.85
"""Of its limit, what hello world and the program that sorts a million numbers may need: a user's program is larger."""
ROOM_IN = {"hello", "sort"}


class Command(BaseCommand):
    """For who keeps the catalogue. Ctrl-C, or the end of the machine, costs the one language that was being built."""

    help = (
        "Build languages from nothing, with the packages of today, and test them: all of the catalogue, in parts. "
        "What has passed is kept in a file, and left out the next time, until all have."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Which, and how many of them now."""
        parser.add_argument("slugs", nargs="*", metavar="NAME", help="only these; else all that have a folder")
        parser.add_argument("--at-most", type=int, metavar="COUNT", help="a part: so many now, the others another time")
        parser.add_argument("--again", action="store_true", help="also those that have passed")
        parser.add_argument("--keep", action="store_true", help="keep images of languages that had none here before")
        parser.add_argument("--record", action="store_true", help="write the day into the catalogue's figures")
        parser.add_argument(
            "--state", type=Path, metavar="FILE", help=f"where it is kept ({FILE} in the data directory)"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Exits 1 where one of this part has failed; the others were done all the same."""
        known = folders.slugs()
        slugs = [slug_of(name) for name in options["slugs"]] or known
        if unknown := sorted(set(slugs) - set(known)):
            raise CommandError(f"no folder {', '.join(unknown)}")
        try:
            failed = self._part(slugs, Round(options["state"] or Path(settings.GEXEC_DATA_DIR) / FILE), options)
        except (InstallError, EngineUnavailable) as error:
            raise CommandError(str(error)) from error
        finally:
            active.close(grace_s=0)
        if failed:
            sys.exit(1)

    def _part(self, slugs: list[str], state: Round, options: dict[str, Any]) -> list[str]:
        base = language_images.ensure_base(self.stdout.write)
        made_of = {slug: language_images.tag_of(slug, base) for slug in slugs}
        if options["again"]:
            state.forget(slugs)
        left = state.left(made_of)
        part = left[: options["at_most"]]
        self.stdout.write(f"{len(part)} of {len(left)} left: {figures.expected(part)}")
        failed = []
        for slug in part:
            is_new = language_images.is_absent(slug) and not options["keep"]
            problem = self._one(slug)
            if is_new:
                self._drop_image(slug)
            state.write(slug, Went(made_of[slug], rounds.today(), problem))
            if problem:
                failed.append(slug)
            elif options["record"]:
                figures.write({**figures.all_figures(), slug: figures.passed_on(slug, rounds.today())})
                write_tables()
        self.stdout.write(f"{len(part) - len(failed)} passed, {len(failed)} failed, {len(left) - len(part)} are left")
        return failed

    def _one(self, slug: str) -> str:
        """What was wrong; empty where it has passed. Raises EngineUnavailable: that is no fault of the language."""
        began = time.monotonic()
        try:
            language = installs.load_folder(slug, force=True)
            installs.build(language, self.stdout.write, refresh=True)
            found = installs.self_test(language, self.stdout.write)
            problem = "; ".join(
                [*(f"{verdict.case}: {verdict.problem}" for verdict in found.failed), *short_of_room(language, found)]
            )
        except EngineUnavailable:
            raise
        except (InstallError, SandboxError) as error:
            problem = str(error)
        took = f"{time.monotonic() - began:.0f} s"
        self.stdout.write(f"{slug}: {f'FAILED ({took}): {problem}' if problem else f'passed ({took})'}")
        self.stdout.flush()
        return problem

    def _drop_image(self, slug: str) -> None:
        """All of them together would need tens of gigabytes. One that was enabled meanwhile stays."""
        language = Language.objects.filter(slug=slug, enabled=False).first()
        try:
            if language is not None:
                removal.drop_image(language)
        except SandboxError as error:
            self.stdout.write(f"{slug}: its image stays: {error}")


def short_of_room(language: Language, found: SelfTest) -> list[str]:
    """What is wrong with the cases that pass, and would not if they were a little larger.

    Some runtimes take whatever there is, and files that were read count as well: what needs less passes with less.
    """
    near = [each for each in found.verdicts if each.case in ROOM_IN and each.passed and each.memory_share > MOST_MEMORY]
    return [
        f"{each.case}: with {MOST_MEMORY:.0%} of its memory: {less.problem}"
        for each in near
        if (less := run_with_less(language, found.image.id, each.case, memory_share=MOST_MEMORY)).problem
    ]
