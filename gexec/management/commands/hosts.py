"""manage.py hosts: those that run programs, what they have, and which of them take no more."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from dispatch import active, credentials
from dispatch.admin_page import shown_image
from dispatch.base import Backend
from languages.lookup import names_by_image
from languages.models import Language
from languages.toolchain import docker_host
from sandbox.errors import EngineUnavailable, SandboxError
from sandbox.hosts import HostState, ImageState, is_name, registry_name


class Command(BaseCommand):
    """A host is named by its name, which several of its processes may have one after the other."""

    help = "List the hosts that run programs, have one take no more of them, or take them again; give each a key."

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="what", required=True)
        commands.add_parser("list", help="name, state, slots, programs, warm containers and release of each host")
        commands.add_parser("images", help="which host has the image of each language, and what has run there in it")
        push = commands.add_parser(
            "push", help="bring the images of enabled languages from this machine to a registry, for hosts to fetch"
        )
        push.add_argument("registry", help="its address: registry.example.org:5000")
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
        if options["what"] == "push":
            self._push(options["registry"].rstrip("/"))
            return
        backend = active.backend()
        if not backend.remote:
            raise CommandError("Programs run in the server's own process: GEXEC_NATS_URL is not set.")
        try:
            if options["what"] == "list":
                self._list(backend)
            elif options["what"] == "images":
                self._images(backend)
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
            self.stdout.write(_line(host, fleet.images_of(host) if fleet else ()))
        if not fleet or not fleet.hosts:
            self.stderr.write("No host is connected.")

    def _images(self, backend: Backend) -> None:
        fleet, names = backend.fleet(), names_by_image()
        for host in fleet.hosts if fleet else ():
            for image in fleet.images_of(host) if fleet else ():
                self.stdout.write(f"{host.name}  {shown_image(image.image, names)}  {_had(image)}")
        if not fleet or not fleet.hosts:
            self.stderr.write("No host is connected.")

    def _push(self, registry: str) -> None:
        try:
            images = docker_host.images()
            for digest in sorted({each.image_digest for each in Language.objects.catalogued() if each.enabled}):
                name = registry_name(registry, digest)
                images.tag(digest, name)
                try:
                    images.push(name, lambda _line: None)
                finally:
                    images.remove(name)
                self.stdout.write(f"{shown_image(digest, names_by_image())} is {name}.")
        except SandboxError as error:
            raise CommandError(f"{error}.") from error

    def _drain(self, backend: Backend, name: str, *, drained: bool) -> None:
        self._require_name(name)
        backend.drain(name, drained=drained)
        self.stdout.write(f"{name} takes {'no more programs; what runs there goes on' if drained else 'programs'}.")


def _had(image: ImageState) -> str:
    if not image.there:
        return f"missing: {image.problem}" if image.problem else "missing"
    return f"there  {image.programs} programs" + (f"  {image.failures} failed" if image.failures else "")


def _line(host: HostState, images: Sequence[ImageState]) -> str:
    state = "draining" if host.draining else "taking"
    warm = sum(each.count for each in host.warm)
    failed = ", ".join(f"{kind} {times}" for kind, times in sorted((host.failures or {}).items()))
    return (
        f"{host.name}  {host.id}  {state}  {host.in_use} of {host.slots} slots  {warm} warm"
        f"  images {sum(each.there for each in images)} of {len(images)}"
        f"  release {host.version or 'unknown'}" + (f"  failed starts: {failed}" if failed else "")
    )
