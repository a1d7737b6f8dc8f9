"""manage.py clients: list them, show one with its limits and use, make one, and set what it may."""

from __future__ import annotations

from argparse import RawDescriptionHelpFormatter
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from clients import quotas
from clients.models import Client, Key
from clients.options import ClientOptions, options_of
from rest.display import in_a_line

_OPTIONS = "\n".join(f"  {option.name:20}{option.values}" for option in options_of(ClientOptions))


class Command(BaseCommand):
    """A client is named by its name."""

    help = "List clients, show one, make one, or set what one may do. create_api_key makes its keys."

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="what", required=True)
        commands.add_parser("list", help="name, keys and use of today of each client")
        show = commands.add_parser("show", help="all that is set for one, and what it has used")
        add = commands.add_parser("add", help="make one")
        change = commands.add_parser(
            "set",
            help="set options of one: NAME executions_day=1000 languages=python,go rate=",
            description=f"OPTION=VALUE sets, OPTION= empties. Lists stand between commas. The options:\n{_OPTIONS}",
            formatter_class=RawDescriptionHelpFormatter,
        )
        for each in (show, add, change):
            each.add_argument("name")
        change.add_argument("options", nargs="+", metavar="OPTION=VALUE")

    def handle(self, *args: Any, **options: Any) -> None:
        match options["what"]:
            case "list":
                self._list()
            case "show":
                self._show(_named(options["name"]))
            case "add":
                self._add(options["name"])
            case _:
                self._set(_named(options["name"]), options["options"])

    def _list(self) -> None:
        today = timezone.now().date()
        for client in Client.objects.all():
            state = "enabled" if client.enabled else "disabled"
            keys = Key.objects.filter(client=client, revoked_at=None).count()
            day = quotas.used(client.pk, today)
            self.stdout.write(
                f"{in_a_line(client.name)}  {state}  {keys} keys"
                f"  today: {day.executions} executions, {day.cpu_s:.1f} s of CPU"
            )

    def _show(self, client: Client) -> None:
        for option in options_of(ClientOptions):
            self.stdout.write(f"{option.name:20}{_as_text(getattr(client, option.name))}")
        today = timezone.now().date()
        for period, first in (("today", today), ("this month", today.replace(day=1))):
            used = quotas.used(client.pk, first)
            self.stdout.write(f"{period:20}{used.executions} executions, {used.cpu_s:.1f} s of CPU")
        for key in Key.objects.filter(client=client, revoked_at=None):
            self.stdout.write(f"{'key':20}{key.prefix}  {in_a_line(key.name)}  {', '.join(key.rights)}")

    def _add(self, name: str) -> None:
        client = Client(name=name.strip())
        try:
            client.full_clean()
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        client.save()
        self.stdout.write(f"There is a client {client.name} now; create_api_key NAME --client makes it a key.")

    def _set(self, client: Client, settings: list[str]) -> None:
        known = {option.name for option in options_of(ClientOptions)}
        names = []
        for setting in settings:
            name, equals, text = setting.partition("=")
            if name not in known or not equals:
                raise CommandError(f"{setting}: write OPTION=VALUE, with an option of `manage.py clients set --help`.")
            try:
                value = Client._meta.get_field(name).formfield().clean(text)  # type: ignore[union-attr]  # all have one
                setattr(client, name, value)
                client.full_clean()
            except ValidationError as error:
                raise CommandError(f"{name}: {' '.join(error.messages)}") from None
            names.append(name)
        client.save(update_fields=names)
        self.stdout.write(f"{client.name}: {', '.join(names)} set. Keys follow within a second.")


def _named(name: str) -> Client:
    client = Client.objects.filter(name=name).first()
    if client is None:
        raise CommandError(f"There is no client {name}; `manage.py clients list` prints them all.")
    return client


def _as_text(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(value) or "-"
    if isinstance(value, bool):
        return str(value).lower()
    return "-" if value in (None, "") else str(value)
