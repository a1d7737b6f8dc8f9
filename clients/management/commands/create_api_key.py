"""manage.py create_api_key NAME: make an API key and print it, once."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from clients import authentication

MAX_NAME_LENGTH = 50


class Command(BaseCommand):
    """The key stands alone on the last line, for scripts."""

    help = "Make an API key. It is printed on the last line, and cannot be read again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="whose key it is, at most 50 characters")
        parser.add_argument("--again", action="store_true", help="make one more where the name has a valid key already")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["name"].strip()
        if not name or len(name) > MAX_NAME_LENGTH:
            raise CommandError(f"A key's name has 1 to {MAX_NAME_LENGTH} characters.")
        if authentication.has_valid(name) and not options["again"]:
            raise CommandError(f"There is a valid key for {name} already. Make one more with --again.")
        key = authentication.create(name)
        self.stdout.write(f"A key for {name}. Keep it: it is not shown again. Send it as 'Authorization: Api-Key KEY'.")
        self.stdout.write(key)
