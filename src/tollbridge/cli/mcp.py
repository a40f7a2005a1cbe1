"""`tollbridge mcp`: MCP servers, those of a configuration or those behind a gateway that runs.

Exit codes: 0 as wanted; 1 a tool said that it failed, a server is not well, or what was named is not there; 2 it could
not be asked.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from tollbridge.cli import mcp_lines
from tollbridge.cli.called import called
from tollbridge.cli.gateway import KEY_VARIABLE, URL_VARIABLE
from tollbridge.cli.mcp_arguments import arguments_of, pairs_of, schema_of
from tollbridge.cli.mcp_desk import Desk, local, remote
from tollbridge.cli.mcp_login import login, logins, logout
from tollbridge.cli.replacing import replace
from tollbridge.config.insert import as_yaml, with_entry
from tollbridge.config.mcp import AUTH_TYPES, read_said
from tollbridge.config.mcp_import import read_servers
from tollbridge.errors import ConfigError, NotFoundError, TollbridgeError
from tollbridge.model.json import JsonObject

T = TypeVar("T")
SECTION = "mcp_servers"


def asked(command: Callable[..., None]) -> Callable[..., None]:
    """The options that say whom to ask."""
    options = (
        click.option(
            "--config",
            "-c",
            type=click.Path(path_type=Path),
            help="The servers of this config.yaml; none needs to run.",
        ),
        click.option("--url", help=f"A gateway that runs; else ${URL_VARIABLE}, else http://127.0.0.1:4000."),
        click.option("--key", help=f"Its key; else ${KEY_VARIABLE}, else, on this machine, the admin's."),
    )
    for option in reversed(options):
        command = option(command)
    return command


as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


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


for command in (login, logout, logins):
    mcp.add_command(command)


@mcp.command("list")
@asked
@as_json
def list_servers(config: Path | None, url: str | None, key: str | None, as_json: bool) -> None:
    """List servers.

    Exit codes: 0 done, 2 they could not be asked.

    Example: tollbridge mcp list --config config.yaml
    """
    found = _run(config, url, key, lambda desk: desk.servers())
    click.echo(_json(found) if as_json else mcp_lines.servers(found))


@mcp.command()
@click.argument("server", required=False)
@asked
@as_json
def tools(server: str | None, config: Path | None, url: str | None, key: str | None, as_json: bool) -> None:
    """List tools, of all servers or of SERVER. A `?` marks an argument that may be left out.

    Exit codes: 0 done, 1 some did not answer, or SERVER is not there, 2 they could not be asked.

    Example: tollbridge mcp tools github --url http://127.0.0.1:4000 --key sk-...
    """
    found = _run(config, url, key, lambda desk: desk.tools(server))
    click.echo(_json(found.tools) if as_json else mcp_lines.tools(found.tools))
    for told in found.absent:
        click.echo(f"warning: {told}", err=True)
    if found.absent:
        sys.exit(1)


@mcp.command()
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

    result = _run(config, url, key, asking)
    click.echo(_json(result) if raw else mcp_lines.result(result))
    sys.exit(1 if result.get("isError") is True else 0)


@mcp.command()
@click.argument("server", required=False)
@asked
@as_json
def doctor(server: str | None, config: Path | None, url: str | None, key: str | None, as_json: bool) -> None:
    """Say how servers are: which revisions they speak and over what, what they can, how long they take, what is wrong.

    Exit codes: 0 all are well, 1 something is wrong, 2 they could not be asked.

    Example: tollbridge mcp doctor --config config.yaml
    """
    found = _run(config, url, key, lambda desk: desk.diagnoses(server))
    if as_json:
        click.echo(_json(found))
    else:
        click.echo("\n\n".join(map(mcp_lines.diagnosis, found)) or mcp_lines.NO_SERVER)
    sys.exit(0 if all(map(mcp_lines.well, found)) else 1)


@mcp.command()
@click.argument("server")
@click.argument("tool", required=False)
@click.option("--yes", "-y", is_flag=True, help="Approve without asking.")
@asked
@as_json
def approve(
    server: str, tool: str | None, yes: bool, config: Path | None, url: str | None, key: str | None, as_json: bool
) -> None:
    """Show which tools of SERVER are not what they were when they were trusted, or are suspicious, and approve them as
    they are now: what was shown and nothing else. With --json nothing is approved but by --yes.

    Exit codes: 0 approved, or nothing waits for it, 1 not approved, or not there, 2 it could not be asked.

    Example: tollbridge mcp approve github create_issue
    """
    found = _run(config, url, key, lambda desk: desk.standings(server), kept=True)
    waiting = [one for one in found if tool is None or one["tool"] == tool]
    click.echo(_json(waiting) if as_json else mcp_lines.standings(waiting))
    if not waiting:
        return
    if not yes and (as_json or not click.confirm("Approve?")):
        sys.exit(1)
    tools = {one["tool"]: one["fingerprint"] for one in waiting}
    _run(config, url, key, lambda desk: desk.approve(server, tools), kept=True)
    click.echo(f"approved: {len(tools)}", err=as_json)


@mcp.command()
@click.argument("name")
@click.argument("target", nargs=-1, required=True, metavar="URL | -- COMMAND...")
@click.option("--transport", type=click.Choice(["http", "sse"]), help="Of a URL. Default: find out.")
@click.option("--auth-type", type=click.Choice(AUTH_TYPES), help="How its credential is sent.")
@click.option("--auth-value", help="The credential; os.environ/NAME keeps it out of the file.")
@click.option("--header", "headers", multiple=True, metavar="NAME=VALUE", help="Sent with each request.")
@click.option("--env", "environment", multiple=True, metavar="NAME=VALUE", help="Given to the command.")
@click.option("--alias", help="Another name, which stands before its tools.")
@click.option("--group", "groups", multiple=True, help="An access group that it is in; may be repeated.")
@click.option("--tool", "allowed", multiple=True, help="Offer this tool and no other; may be repeated.")
@click.option("--all-keys", is_flag=True, help="Every key may use it.")
@click.option("--config", "-c", type=click.Path(path_type=Path), help="Write it into this config.yaml.")
@click.option("--url", "gateway", help="Add it to the gateway that runs there, at once.")
@click.option("--key", help="The gateway's admin key.")
@as_json
def add(
    name: str,
    target: tuple[str, ...],
    transport: str | None,
    auth_type: str | None,
    auth_value: str | None,
    headers: tuple[str, ...],
    environment: tuple[str, ...],
    alias: str | None,
    groups: tuple[str, ...],
    allowed: tuple[str, ...],
    all_keys: bool,
    config: Path | None,
    gateway: str | None,
    key: str | None,
    as_json: bool,
) -> None:
    """Add a server: into a configuration, whose comments stay, or to a gateway that runs. Without either the entry is
    printed, to be pasted.

    Exit codes: 0 done, 2 it is no server, or could not be written.

    \b
    Example:
      tollbridge mcp add github https://api.githubcopilot.com/mcp/ --auth-type bearer_token \\
        --auth-value os.environ/GITHUB_TOKEN --config config.yaml
      tollbridge mcp add time --config config.yaml -- uvx mcp-server-time
    """
    entry: JsonObject = {}
    if len(target) == 1 and target[0].startswith(("http://", "https://")):
        entry["url"] = target[0]
    else:
        if len(target) == 1:
            _check_program(target[0])
        entry["command"] = target[0]
        if target[1:]:
            entry["args"] = list(target[1:])
    said: JsonObject = {
        "transport": transport,
        "auth_type": auth_type,
        "auth_value": auth_value,
        "static_headers": pairs_of(headers, "--header"),
        "env": pairs_of(environment, "--env"),
        "alias": alias,
        "access_groups": list(groups),
        "allowed_tools": list(allowed),
        "allow_all_keys": all_keys,
    }
    entry |= {field: value for field, value in said.items() if value}
    if gateway is not None:

        async def added() -> JsonObject:
            async with remote(gateway, key) as desk:
                return await desk.add({"server_name": name, **entry})

        told = _done(added())
        click.echo(_json(told) if as_json else f"{name} is served, as {told['server_id']}")
        return
    _done(_checked(name, entry))
    _write({name: entry}, config, as_json)


@mcp.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--only", multiple=True, help="This server alone; may be repeated.")
@click.option("--config", "-c", type=click.Path(path_type=Path), help="Write them into this config.yaml.")
@as_json
def import_servers(file: Path, only: tuple[str, ...], config: Path | None, as_json: bool) -> None:
    """Take over the servers of claude_desktop_config.json, .mcp.json, mcp.json: into a configuration, or printed.

    Exit codes: 0 done, 1 there is nothing to take over, 2 the file cannot be read, or the other not be written.

    \b
    Example:
      tollbridge mcp import ~/Library/Application\\ Support/Claude/claude_desktop_config.json --config config.yaml
    """
    try:
        entries, remarks = read_servers(file)
    except ConfigError as error:
        _fail(error)
    for name in only:
        if name not in entries:
            _fail(NotFoundError(f"There is no server {name!r} in {file}."))
    entries = {name: entry for name, entry in entries.items() if not only or name in only}
    for remark in remarks:
        click.echo(f"warning: {remark}", err=True)
    if not entries:
        _fail(NotFoundError(f"{file} has no server that can be taken over."))
    _write(entries, config, as_json)


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
    _done(bridge(config, url, key, server, named))


def _run(
    config: Path | None, url: str | None, key: str | None, work: Callable[[Desk], Awaitable[T]], *, kept: bool = False
) -> T:
    if config is not None and (url is not None or key is not None):
        raise click.UsageError("Say either --config, or --url and --key.")

    async def asked() -> T:
        desk: AbstractAsyncContextManager[Desk] = remote(url, key) if config is None else local(config, kept=kept)
        async with desk as open_desk:
            return await work(open_desk)

    return _done(asked())


def _done(work: Awaitable[T]) -> T:
    """What comes of it. Ends the process where nothing does."""

    async def awaited() -> T:
        return await work

    try:
        return asyncio.run(awaited())
    except TollbridgeError as error:
        _fail(error)
    except KeyboardInterrupt:
        sys.exit(130)


def _fail(error: TollbridgeError) -> NoReturn:
    click.echo(f"error: {error}", err=True)
    sys.exit(1 if isinstance(error, NotFoundError) else 2)


def _check_program(word: str) -> None:
    """One word is as likely a mistyped URL as a program. Raises UsageError."""
    if shutil.which(word) is None and not Path(word).is_file():
        raise click.UsageError(
            f"{word!r} is no program on PATH, and no URL: that begins with http:// or https://. A command that is "
            "somewhere else is written into the configuration by hand."
        )


async def _checked(name: str, entry: JsonObject) -> None:
    """Raises ConfigError."""
    read_said({"server_name": name, **entry})


def _write(entries: dict[str, JsonObject], config: Path | None, as_json: bool) -> None:
    """Into the file, or to standard output."""
    if config is None:
        click.echo(_json({SECTION: entries}) if as_json else as_yaml({SECTION: entries}).rstrip("\n"))
        return
    try:
        text = config.read_bytes().decode("utf-8") if config.exists() else ""
        for name, entry in entries.items():
            text = with_entry(text, SECTION, name, entry)
        replace(config, text.encode())
    except ConfigError as error:
        click.echo(as_yaml({SECTION: entries}).rstrip("\n"))
        _fail(ConfigError(f"{config}: {error} The entry is printed above."))
    except (OSError, UnicodeDecodeError) as error:
        _fail(ConfigError(f"{config} cannot be changed: {getattr(error, 'strerror', None) or error}."))
    if as_json:
        click.echo(_json({SECTION: entries}))
    else:
        names = ", ".join(entries)
        click.echo(f"{names} written into {config}; try: {called()} mcp doctor --config {config}")


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
