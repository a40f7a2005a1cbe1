"""`tollbridge mcp add` and `import`: servers that are written into a configuration, or given to a gateway."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from tollbridge.cli.called import called
from tollbridge.cli.mcp_arguments import pairs_of
from tollbridge.cli.mcp_asking import as_json, done, fail, written
from tollbridge.cli.mcp_desk import remote
from tollbridge.cli.replacing import replace
from tollbridge.config.insert import as_yaml, with_entry
from tollbridge.config.mcp import AUTH_TYPES, read_said
from tollbridge.config.mcp_import import read_servers
from tollbridge.errors import ConfigError, NotFoundError
from tollbridge.model.json import JsonObject

SECTION = "mcp_servers"


@click.command()
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

        told = done(added())
        click.echo(written(told) if as_json else f"{name} is served, as {told['server_id']}")
        return
    done(_checked(name, entry))
    _write({name: entry}, config, as_json)


@click.command("import")
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
        fail(error)
    for name in only:
        if name not in entries:
            fail(NotFoundError(f"There is no server {name!r} in {file}."))
    entries = {name: entry for name, entry in entries.items() if not only or name in only}
    for remark in remarks:
        click.echo(f"warning: {remark}", err=True)
    if not entries:
        fail(NotFoundError(f"{file} has no server that can be taken over."))
    _write(entries, config, as_json)


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
        click.echo(written({SECTION: entries}) if as_json else as_yaml({SECTION: entries}).rstrip("\n"))
        return
    try:
        text = config.read_bytes().decode("utf-8") if config.exists() else ""
        for name, entry in entries.items():
            text = with_entry(text, SECTION, name, entry)
        replace(config, text.encode())
    except ConfigError as error:
        click.echo(as_yaml({SECTION: entries}).rstrip("\n"))
        fail(ConfigError(f"{config}: {error} The entry is printed above."))
    except (OSError, UnicodeDecodeError) as error:
        fail(ConfigError(f"{config} cannot be changed: {getattr(error, 'strerror', None) or error}."))
    if as_json:
        click.echo(written({SECTION: entries}))
    else:
        names = ", ".join(entries)
        click.echo(f"{names} written into {config}; try: {called()} mcp doctor --config {config}")
