"""`tollbridge mcp call`: one call of a tool."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from tollbridge.cli import mcp_lines
from tollbridge.cli.mcp_arguments import arguments_of, schema_of
from tollbridge.cli.mcp_asking import asked, run, written
from tollbridge.cli.mcp_desk import Desk
from tollbridge.model.json import JsonObject


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="[SERVER] TOOL")
@click.option("--server", "-s", help="Of this server, where several have such a tool.")
@click.option("--arg", "-a", "pairs", multiple=True, metavar="NAME=VALUE", help="An argument; may be repeated.")
@click.option("--json", "whole", metavar="OBJECT", help="All arguments, as JSON; - reads them from standard input.")
@click.option("--raw", is_flag=True, help="Print the whole result, as JSON.")
@asked
def call(
    names: tuple[str, ...],
    server: str | None,
    pairs: tuple[str, ...],
    whole: str | None,
    raw: bool,
    config: Path | None,
    url: str | None,
    key: str | None,
) -> None:
    """Call a tool and print what it says. A value of --arg is read as the tool's schema wants it. Of the servers of a
    configuration only SERVER is started where it is said, by itself or before the tool's name (time-get_current_time).

    Exit codes: 0 it succeeded, 1 it failed or is not there, 2 it could not be asked.

    \b
    Example:
      tollbridge mcp call echo --arg text=hello --config config.yaml
      tollbridge mcp call time get_current_time --arg timezone=Europe/Paris --config config.yaml
      tollbridge mcp call github-create_issue --json '{"title": "A bug", "labels": ["bug"]}'
    """
    if len(names) > 2 or (len(names) == 2 and server is not None):
        raise click.UsageError("Say a tool, or a server and a tool; arguments are --arg NAME=VALUE.")
    *before, tool = names
    server = before[0] if before else server

    async def asking(desk: Desk) -> JsonObject:
        schema = await schema_of(desk, tool, server) if pairs else None
        return await desk.call(tool, arguments_of(whole, pairs, schema), server)

    result = run(config, url, key, asking)
    click.echo(written(result) if raw else mcp_lines.result(result))
    sys.exit(1 if result.get("isError") is True else 0)
