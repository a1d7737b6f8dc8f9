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
from languages import figures, folders, rounds
from languages.management.commands.language_figures import write_tables
from languages.management.listing import slug_of
from languages.rounds import Round, Went
from languages.toolchain import installs, language_images
from languages.toolchain.errors import InstallError
from sandbox.errors import EngineUnavailable, SandboxError

FILE = "languages-test.json"


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
            problem = self._one(slug)
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
            problem = "; ".join(f"{verdict.case}: {verdict.problem}" for verdict in found.failed)
        except EngineUnavailable:
            raise
        except (InstallError, SandboxError) as error:
            problem = str(error)
        took = f"{time.monotonic() - began:.0f} s"
        self.stdout.write(f"{slug}: {f'FAILED ({took}): {problem}' if problem else f'passed ({took})'}")
        self.stdout.flush()
        return problem
