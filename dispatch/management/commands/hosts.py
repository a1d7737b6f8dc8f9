"""manage.py hosts: those that run programs, and which of them take no more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from dispatch import active, credentials
from dispatch.base import Backend
from sandbox.errors import EngineUnavailable
from sandbox.hosts import HostState, is_name


class Command(BaseCommand):
    """A host is named by its name, which several of its processes may have one after the other."""

    help = "List the hosts that run programs, have one take no more of them, or take them again; give each a key."

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="what", required=True)
        commands.add_parser("list", help="name, state, slots, programs, warm containers and release of each host")
        for what, meaning in (("drain", "take no more programs; those that run go on"), ("resume", "take them again")):
            commands.add_parser(what, help=meaning).add_argument("name")
        permissions = commands.add_parser(
            "permissions", help="what NATS' configuration says of the web processes and of hosts, with a key for each"
        )
        permissions.add_argument("name", nargs="+", help="of hosts")
        permissions.add_argument(
            "--keys", type=Path, required=True, help="the folder of the keys; made where it is not"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["what"] == "permissions":
            self._permissions(options["keys"], options["name"])
            return
        backend = active.backend()
        if not backend.remote:
            raise CommandError("Programs run in the server's own process: GEXEC_NATS_URL is not set.")
        try:
            if options["what"] == "list":
                self._list(backend)
            else:
                self._drain(backend, options["name"], drained=options["what"] == "drain")
        except EngineUnavailable as error:
            raise CommandError(f"{error}.") from error
        finally:
            active.close(0)

    def _permissions(self, keys: Path, names: list[str]) -> None:
        for name in names:
            self._require_name(name)
        try:
            keys.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.stdout.write(credentials.configuration(keys, names), ending="")
        except OSError as error:
            raise CommandError(f"{error}.") from error

    def _require_name(self, name: str) -> None:
        if not is_name(name):
            raise CommandError(f"{name!r} is no name of a host.")

    def _list(self, backend: Backend) -> None:
        fleet = backend.fleet()
        for host in fleet.hosts if fleet else ():
            self.stdout.write(_line(host))
        if not fleet or not fleet.hosts:
            self.stderr.write("No host is connected.")

    def _drain(self, backend: Backend, name: str, *, drained: bool) -> None:
        self._require_name(name)
        backend.drain(name, drained=drained)
        self.stdout.write(f"{name} takes {'no more programs; what runs there goes on' if drained else 'programs'}.")


def _line(host: HostState) -> str:
    state = "draining" if host.draining else "taking"
    warm = sum(each.count for each in host.warm)
    failed = ", ".join(f"{kind} {times}" for kind, times in sorted((host.failures or {}).items()))
    return (
        f"{host.name}  {host.id}  {state}  {host.in_use} of {host.slots} slots  {warm} warm"
        f"  release {host.version or 'unknown'}" + (f"  failed starts: {failed}" if failed else "")
    )
