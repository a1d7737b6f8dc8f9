"""manage.py create_api_key NAME: make an API key and print it, once."""

from __future__ import annotations

from argparse import ArgumentTypeError
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from clients import authentication
from clients.rights import PUBLISHABLE, Right
from rest.display import check_name

MAX_NAME_LENGTH, MAX_CLIENT_LENGTH = 50, 100


class Command(BaseCommand):
    """The key stands alone on the last line, for scripts."""

    help = "Make an API key. It is printed on the last line, and cannot be read again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="whose key it is, at most 50 characters")
        parser.add_argument(
            "--client", help="the client that it belongs to, made where there is none; else the key's name"
        )
        parser.add_argument("--rights", type=_rights, help=f"what it may do, of {', '.join(Right)}; else the usual")
        parser.add_argument(
            "--publishable", action="store_true", help="for web pages: low caps, the client's origins only"
        )
        parser.add_argument("--again", action="store_true", help="make one more where the name has a valid key already")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["name"].strip()
        if not name or len(name) > MAX_NAME_LENGTH:
            raise CommandError(f"A key's name has 1 to {MAX_NAME_LENGTH} characters.")
        if authentication.has_valid(name) and not options["again"]:
            raise CommandError(f"There is a valid key for {name} already. Make one more with --again.")
        client = (options["client"] or name).strip()
        if not client or len(client) > MAX_CLIENT_LENGTH:
            raise CommandError(f"A client's name has 1 to {MAX_CLIENT_LENGTH} characters.")
        try:
            check_name(name)
            check_name(client)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        if options["publishable"] and options["rights"] and not PUBLISHABLE.issuperset(options["rights"]):
            raise CommandError(f"A publishable key can have the rights {', '.join(sorted(PUBLISHABLE))}, and no other.")
        key = authentication.create(name, client=client, rights=options["rights"], publishable=options["publishable"])
        self.stdout.write(f"A key for {name}. Keep it: it is not shown again. Send it as 'Authorization: Api-Key KEY'.")
        self.stdout.write(key)


def _rights(text: str) -> list[Right]:
    try:
        return [Right(word.strip()) for word in text.split(",")]
    except ValueError as error:
        raise ArgumentTypeError(f"{error}: there is {', '.join(Right)}") from None
