"""manage.py run FILE: run a file as a client's program would be run, and end as it ended."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rest_framework.exceptions import APIException, ValidationError

from dispatch import active
from executions import services
from executions.models import Execution
from executions.seed.answer import answer
from executions.seed.serializers import submission_in
from executions.submission import Origin
from languages.models import Language


class Command(BaseCommand):
    """Its row is kept as any other's; no slot or container of a server that runs is needed for it."""

    help = "Run a file in a sandbox of its own, print what it printed, and exit with its exit code."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--language", help="as a request names it; else by the ending of the file's name")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            source = options["file"].read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{options['file']} cannot be read: {error}") from None
        name = options["language"] or _language_of(options["file"])
        # The line that a server logs of each run would stand between what the program printed.
        logging.getLogger("executions").setLevel(logging.WARNING)
        try:
            execution = _executed(name, source)
        finally:
            active.close(0)
        self._end_as(execution)

    def _end_as(self, execution: Execution) -> None:
        printed = answer(execution).fields
        self.stdout.write(str(printed["stdout"]), ending="")
        self.stderr.write(str(printed["stderr"]), ending="", style_func=str)
        if printed["error"]:
            self.stderr.write(f"gexec: {printed['error']}", style_func=str)
        if code := int(printed["exit_code"]) or bool(printed["error"]):
            # What never came to an exit code of its own failed for another reason, which was printed.
            sys.exit(code if code > 0 else 1)


def _executed(name: str, source: str) -> Execution:
    try:
        submission = submission_in({"language": name, "source_code": source}, has_key=True)
        return services.execute(submission=submission, origin=Origin(address=None))
    except ValidationError as error:
        raise CommandError(" ".join(_texts(error.detail))) from None
    except APIException as error:
        raise CommandError(str(error.detail)) from None


def _texts(detail: Any) -> list[str]:
    if isinstance(detail, dict):
        detail = list(detail.values())
    if isinstance(detail, list):
        return [text for inner in detail for text in _texts(inner)]
    return [str(detail)]


def _language_of(file: Path) -> str:
    """The enabled language whose sources have the same ending; with several, the first by name."""
    for language in Language.objects.filter(enabled=True).order_by("slug"):
        if file.suffix and Path(language.source_file).suffix == file.suffix:
            return str(language.slug)
    raise CommandError(f"No enabled language has sources like {file.name}: name one with --language.")
