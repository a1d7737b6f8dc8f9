"""manage.py api_keys: list the keys, and revoke one."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rest_framework_api_key.models import APIKey

from rest import authentication


class Command(BaseCommand):
    """A key is named by its prefix, which is its public part and stands in the rows of its executions."""

    help = "List API keys, or revoke one. create_api_key makes one."

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="what", required=True)
        commands.add_parser("list", help="prefix, state, day and name of each key")
        revoke = commands.add_parser("revoke", help="refuse a key from now on, for good")
        revoke.add_argument("prefix", help="as `api_keys list` prints it: what stands before the key's dot")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["what"] == "list":
            self._list()
        else:
            self._revoke(options["prefix"].partition(".")[0])

    def _list(self) -> None:
        for key in APIKey.objects.order_by("created"):
            state = "revoked" if key.revoked else "expired" if key.has_expired else "valid"
            self.stdout.write(f"{key.prefix}  {state:7}  {key.created:%Y-%m-%d}  {key.name}")

    def _revoke(self, prefix: str) -> None:
        name = authentication.revoke(prefix)
        if name is None:
            raise CommandError(f"No valid key has the prefix {prefix}; `manage.py api_keys list` prints them all.")
        self.stdout.write(f"Revoked {prefix}, a key for {name}. It is refused within a second.")
