"""`gexec mcp`: tools for agents."""

from __future__ import annotations

import click

from gexec_client.cli import settings
from gexec_client.cli.shared import asks_server


@click.command()
@click.option("--http", "over_http", is_flag=True, help="Listen for streamable HTTP instead of speaking over stdio.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--port", type=click.IntRange(0, 65535), default=8848, show_default=True)
@click.option("--allow-host", "hosts", multiple=True, metavar="NAME[:PORT]", help="A name by which it may be called.")
@click.option("--allow-origin", "origins", multiple=True, metavar="ORIGIN", help="A page that may call it.")
@asks_server
def mcp(
    over_http: bool,
    host: str,
    port: int,
    hosts: tuple[str, ...],
    origins: tuple[str, ...],
    server: str | None,
    key: str | None,
) -> None:
    """Serve run_code, run_tests and list_languages over the Model Context Protocol.

    Over stdio it uses your key. Over HTTP each caller brings a key of its own in Authorization, and yours is used for
    nobody.
    """
    try:
        from gexec_client.agents import serve_http, serve_stdio  # noqa: PLC0415 (it needs the extra)
    except ImportError:
        raise click.ClickException("this needs more: pip install 'gexec-client[mcp]'") from None
    place = settings.place(server, key)
    if over_http:
        serve_http(place.server, host=host, port=port, hosts=hosts, origins=origins)
    else:
        serve_stdio(place)
