"""`gexec login`, `logout`, `languages`, `history`, `completion`."""

from __future__ import annotations

import ipaddress
import sys
from itertools import islice
from urllib.parse import urlsplit

import click
from click.shell_completion import get_completion_class

from gexec_client.cli import settings
from gexec_client.cli.run import pairs_in
from gexec_client.cli.shared import asks_server, client_for, complete_languages, note, print_json, print_table
from gexec_client.client import Client
from gexec_client.results import Execution
from gexec_client.terminal import one_line

_COMPLETE_VARIABLE = "_GEXEC_COMPLETE"


@click.command()
@click.option("--server", metavar="URL", help="Where gexec is.")
def login(server: str | None) -> None:
    """Keep a server's address and a key for it, in a file that only you can read.

    The key is asked for, or read from stdin where that is no terminal; it is tried before it is kept.
    """
    saved = settings.read()
    if server is None:
        default = settings.place(None, None).server
        server = str(click.prompt("Server", default=default)) if sys.stdin.isatty() else default
    key = str(click.prompt("Key", hide_input=True)) if sys.stdin.isatty() else sys.stdin.readline()
    place = settings.place(server, key.strip())
    if place.key is None:
        raise click.UsageError("no key was given")
    if not _is_private(place.server):
        note(f"{place.server} is not https: whoever is on the way reads the key and the programs")
    with Client(place.server, place.key) as client:
        me = client.me()
    kept = settings.save(settings.Saved(place.server, {**saved.keys, place.server: place.key}))
    click.echo(f"{one_line(me.client)} at {place.server}, kept in {kept}")


@click.command()
@click.option("--server", metavar="URL", help="Which one; else that of the last login.")
def logout(server: str | None) -> None:
    """Forget the key of a server."""
    saved = settings.read()
    server = settings.place(server, None).server
    keys = {name: key for name, key in saved.keys.items() if name != server}
    settings.save(settings.Saved(saved.server if saved.server != server else None, keys))
    click.echo(f"the key of {server} is forgotten here; it stays valid until it is revoked there")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print all of it as JSON.")
@asks_server
def languages(as_json: bool, server: str | None, key: str | None) -> None:
    """List what programs can be written in."""
    with client_for(server, key) as client:
        found = client.languages()
    if as_json:
        print_json([each.model_dump(mode="json", exclude_unset=True) for each in found])
        return
    rows = [[each.slug, each.version or "", ", ".join(each.aliases), each.source_file] for each in found]
    print_table(["language", "version", "also", "file"], rows)


@click.command()
@click.option("--limit", type=click.IntRange(1, 100_000), default=20, show_default=True, help="How many.")
@click.option("--lang", "language", shell_complete=complete_languages, help="Only those in this language.")
@click.option("--outcome", help="Only those that ended so: ok, nonzero_exit, timeout_wall …")
@click.option("--verdict", help="Only those with this verdict.")
@click.option("--tag", "tags", multiple=True, metavar="NAME=VALUE", help="Only those with this tag.")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
@asks_server
def history(
    limit: int,
    language: str | None,
    outcome: str | None,
    verdict: str | None,
    tags: tuple[str, ...],
    as_json: bool,
    server: str | None,
    key: str | None,
) -> None:
    """List what was run with the keys of this client, newest first."""
    with client_for(server, key) as client:
        pages = client.history(
            language=language, outcome=outcome, verdict=verdict, tags=pairs_in(tags), page_size=min(limit, 200)
        )
        found = list(islice(pages, limit))
    if as_json:
        print_json([each.model_dump(mode="json", exclude_unset=True) for each in found])
        return
    print_table(["execution", "created", "language", "outcome", "tags"], [_row(each) for each in found], coloured=3)


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print what makes a shell complete this command.

    \b
    bash   eval "$(gexec completion bash)"           in ~/.bashrc
    zsh    eval "$(gexec completion zsh)"            in ~/.zshrc
    fish   gexec completion fish | source            in ~/.config/fish/config.fish
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"nothing is known of {shell}")
    click.echo(kind(ctx.find_root().command, {}, "gexec", _COMPLETE_VARIABLE).source())


def _row(execution: Execution) -> list[str]:
    created = execution.created_at.astimezone().strftime("%Y-%m-%d %H:%M:%S") if execution.created_at else ""
    language = execution.language.slug if execution.language else ""
    tags = " ".join(f"{name}={value}" for name, value in execution.tags.items())
    return [execution.id, created, language, execution.verdict or execution.outcome or execution.status, tags]


def _is_private(server: str) -> bool:
    """Whether nobody is on the way: TLS, or this very machine."""
    parts = urlsplit(server)
    if parts.scheme == "https" or parts.hostname == "localhost":
        return True
    try:
        return ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False
