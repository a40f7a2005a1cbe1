"""`tollbridge mcp`: MCP servers, those of a configuration or those behind a gateway that runs.

Exit codes: 0 as wanted; 1 a tool said that it failed, a server is not well, or what was named is not there; 2 it could
not be asked.
"""

from __future__ import annotations

from pathlib import Path

import click

from tollbridge.cli.mcp_adding import add, import_servers
from tollbridge.cli.mcp_arguments import pairs_of
from tollbridge.cli.mcp_asking import asked, done
from tollbridge.cli.mcp_calling import call
from tollbridge.cli.mcp_login import login, logins, logout
from tollbridge.cli.mcp_looking import approve, doctor, list_servers, tools


@click.group()
def mcp() -> None:
    """List, call, examine and add MCP servers.

    With --config: the servers of that file, spoken to from here. With --url, or without either: the gateway that runs
    there, by its rights, its limits and its ledger.

    Exit codes: 0 as wanted, 1 a tool failed, a server is not well, or what was named is not there, 2 it could not be
    asked.

    Example:

    \b
      tollbridge mcp add time -- uvx mcp-server-time
      tollbridge mcp doctor --config config.yaml
      tollbridge mcp call get_current_time --arg timezone=Europe/Paris --config config.yaml
    """


for command in (list_servers, tools, call, doctor, approve, add, import_servers, login, logout, logins):
    mcp.add_command(command)


@mcp.command()
@click.argument("server", required=False)
@click.option("--header", "headers", multiple=True, metavar="NAME=VALUE", help="Sent with each request.")
@asked
def stdio(server: str | None, headers: tuple[str, ...], config: Path | None, url: str | None, key: str | None) -> None:
    """Be an MCP server on standard input and output: the gateway, or SERVER alone, for clients that know nothing else.

    With --config it serves the servers of that file by itself, as long as its client lives.

    Exit codes: 0 its client closed standard input, 2 it could not begin.

    \b
    Example:
      TOLLBRIDGE_URL=https://gateway.example TOLLBRIDGE_KEY=sk-... tollbridge mcp stdio

    \b
    In claude_desktop_config.json:
      {"mcpServers": {"tollbridge": {"command": "tollbridge", "args": ["mcp", "stdio"],
        "env": {"TOLLBRIDGE_URL": "https://gateway.example", "TOLLBRIDGE_KEY": "sk-..."}}}}
    """
    from tollbridge.cli.mcp_stdio import bridge  # the server's modules, which the other commands do without

    named = tuple((pairs_of(headers, "--header") or {}).items())
    done(bridge(config, url, key, server, named))
