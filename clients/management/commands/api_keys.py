"""manage.py api_keys: list the keys, and revoke one."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from clients import authentication
from clients.models import Key
from clients.secrets import prefix_in
from rest.display import in_a_line


class Command(BaseCommand):
    """A key is named by its prefix, which is its public part and stands in the rows of its executions."""

    help = "List API keys, or revoke one. create_api_key makes one."

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="what", required=True)
        commands.add_parser("list", help="prefix, state, day and name of each key")
        revoke = commands.add_parser("revoke", help="refuse a key from now on, for good")
        revoke.add_argument("prefix", help="as `api_keys list` prints it: its public part")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["what"] == "list":
            self._list()
        else:
            self._revoke(_prefix(options["prefix"]))

    def _list(self) -> None:
        for key in Key.objects.select_related("client").order_by("created_at"):
            self.stdout.write(f"{key.prefix}  {_state(key):7}  {key.created_at:%Y-%m-%d}  {in_a_line(key.name)}")

    def _revoke(self, prefix: str) -> None:
        name = authentication.revoke(prefix)
        if name is None:
            raise CommandError(f"No valid key has the prefix {prefix}; `manage.py api_keys list` prints them all.")
        self.stdout.write(f"Revoked {prefix}, a key for {name}. It is refused within a second.")


def _state(key: Key) -> str:
    if key.revoked_at is not None:
        return "revoked"
    return "expired" if key.expires_at is not None and key.expires_at <= timezone.now() else "valid"


def _prefix(text: str) -> str:
    """Of a whole key as well, as somebody may paste it."""
    return prefix_in(text) or text.partition(".")[0]
