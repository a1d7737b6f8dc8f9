"""What the commands have in common: where the server is, tables, and words on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gexec_client.cli import settings
from gexec_client.cli.sources import LANGUAGES
from gexec_client.client import Client
from gexec_client.terminal import one_line

F = TypeVar("F", bound=Callable[..., Any])

COLOURS = {"ok": "green", "passed": "green", "skipped": "dim", "queued": "dim", "running": "dim"}


def asks_server(command: F) -> F:
    """Give a command the options that say which server."""
    for option in (
        click.option("--key", metavar="KEY", help="API key; else GEXEC_API_KEY, else the one of `gexec login`."),
        click.option("--server", metavar="URL", help="Where gexec is; else GEXEC_SERVER, else that of `gexec login`."),
    ):
        command = option(command)
    return command


def language_option(command: F) -> F:
    """Give a command `--lang`."""
    return click.option(
        "--lang",
        "language",
        metavar="LANGUAGE",
        shell_complete=complete_languages,
        help="Language, such as python or cpp@14; else by the end of the file's name.",
    )(command)


def complete_languages(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Names of languages that begin so."""
    return sorted({each for each in LANGUAGES.values() if each.startswith(incomplete)})


def client_for(server: str | None, key: str | None) -> Client:
    """Raises BadSettings."""
    place = settings.place(server, key)
    return Client(place.server, place.key or "")


def note(text: str) -> None:
    """A word of ours, beside what programs print."""
    click.echo(f"gexec: {one_line(text)}", err=True)


def print_json(told: Any) -> None:
    """For scripts. What is no ASCII is escaped, and can do nothing to a terminal."""
    click.echo(json.dumps(told, indent=2 if sys.stdout.isatty() else None))


def print_table(headers: Sequence[str], rows: Sequence[Sequence[str]], *, coloured: int | None = None) -> None:
    """With lines and colours on a terminal; elsewhere plain columns. The words in column `coloured` have colours."""
    shown = [[one_line(cell) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        _print_plain([list(headers), *shown])
        return
    table = Table(box=box.SIMPLE_HEAD, header_style="bold")
    for header in headers:
        table.add_column(header, overflow="fold")
    for row in shown:
        table.add_row(*(Text(cell, style=_style(cell) if at == coloured else "") for at, cell in enumerate(row)))
    Console().print(table)


def _print_plain(rows: Sequence[Sequence[str]]) -> None:
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _style(word: str) -> str:
    return COLOURS.get(word, "red") if word else ""
