"""`tollbridge config export` and `apply`: what was made over the API as a file, and a file sent to a gateway that runs.

Only MCP servers and keys can be changed over the API; all else of a configuration is read when a gateway starts.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import click
import msgspec

from tollbridge.admin.key_fields import read_wish
from tollbridge.admin.key_shape import moment
from tollbridge.admin.key_shape import shape as key_shape
from tollbridge.cli.columns import printable
from tollbridge.cli.config_kept import KEYS, PREFIX, SERVERS, Written, written
from tollbridge.cli.config_plan import Difference, Step, key_steps, server_steps
from tollbridge.cli.ending import FAILED, errors_told
from tollbridge.cli.gateway import KEY_VARIABLE, URL_VARIABLE, Gateway, address, reached
from tollbridge.cli.indented import indented
from tollbridge.cli.place import Place, configured, place
from tollbridge.cli.screen import painted
from tollbridge.config.document import Array, Entry, Node, Table, array, table
from tollbridge.config.environment import missing_variables, resolve
from tollbridge.config.findings import Findings
from tollbridge.config.include import Gathered
from tollbridge.config.insert import as_yaml
from tollbridge.config.kinds import At, anything
from tollbridge.config.mcp import settled
from tollbridge.errors import APIError, BadRequestError, ConfigError, UnprocessableEntityError
from tollbridge.model.json import Json, JsonObject
from tollbridge.store.database import Database
from tollbridge.store.keys import KeyStore
from tollbridge.store.mcp_servers import McpServerStore

PAGE = 100
FREE = ("x-", "_", ".", "include", "environment_variables")
"""Of a file, what is nobody's to apply."""


class Applied(msgspec.Struct, kw_only=True):
    """What `--json` prints of a step; this shape is kept. `action`: `add`, `change`, `same` or `refuse`. `unseen`: what
    the gateway does not show, and is not compared. `done`: null where nothing was to be done, or nothing was tried.
    `error`: why not. `made_key`: the text of a key that the gateway made, shown once."""

    kind: str
    name: str
    action: str
    differences: Sequence[Difference]
    unseen: Sequence[str]
    done: bool | None
    error: str | None
    made_key: str | None


@click.command()
@configured
@click.option("--json", "as_json", is_flag=True, help="As JSON, with the variables and remarks.")
def export(config: Path | None, as_json: bool) -> None:
    """Print what was made over the API, as a configuration file.

    These are MCP servers and keys, from the database that FILE of --config names; a gateway may run. Secrets are not in
    it: where one stood, os.environ/NAME stands. Keys stand under x-keys, which `tollbridge config apply` reads and a
    gateway passes over; MCP servers a gateway takes from there as from any configuration.

    Exit codes: 0 printed, 1 no database, 2 a configuration that cannot be used.

    Example: tollbridge config export --config config.yaml > made.yaml
    """
    with errors_told():
        found = place(config)
        database = Database.open(found.database_url)
        try:
            made = asyncio.run(_made(found, database))
        finally:
            database.close()
    if as_json:
        told = {SERVERS: made.servers, KEYS: made.keys, "variables": made.variables, "remarks": made.remarks}
        click.echo(indented(told))
    else:
        click.echo("\n".join(_file(made)))


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--url", help=f"Where the gateway is. Default: {URL_VARIABLE}, else this machine, port 4000.")
@click.option("--key", help=f"The admin's key. Default: {KEY_VARIABLE}; on this machine it is found by itself.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--secrets", "with_secrets", is_flag=True, help="Send servers again whose secrets alone may differ.")
@click.option("--json", "as_json", is_flag=True, help="As JSON; nothing is asked, and without --yes nothing is done.")
def apply(file: Path, url: str | None, key: str | None, yes: bool, with_secrets: bool, as_json: bool) -> None:
    """Make a gateway that runs hold the MCP servers and keys of FILE.

    FILE is a configuration; of it mcp_servers and x-keys are applied, which is what the API can change. First it is
    shown what would be done; without --yes it is asked. What is there and not in FILE stays, and what is the same is
    left alone, so that it may be done again. Secrets cannot be compared: a gateway shows none.

    All variables of FILE must be set, but for those of new keys: a key whose text is not given is made, and shown once.

    Exit codes: 0 done, or nothing to do; 1 a part was not done, or the gateway does not answer; 2 FILE cannot be used.

    Example: tollbridge config apply made.yaml --url https://gateway.example --yes
    """
    with errors_told():
        servers, keys, passed_over = _read(file)
        where, shown_key = address(url, key, os.environ)
    if passed_over:
        click.echo(f"Not applied, a gateway reads it when it starts: {', '.join(passed_over)}.", err=True)
    with errors_told():
        steps = asyncio.run(_planned(where, shown_key, servers, keys, with_secrets))
    to_do = [step for step in steps if step.action in ("add", "change")]
    refused = [step for step in steps if step.action == "refuse"]
    if not as_json:
        for step in steps:
            click.echo("\n".join(_told(step)))
    agreed = yes or (not as_json and bool(to_do) and sys.stdin.isatty() and click.confirm(f"Do this at {where}?"))
    results: Mapping[int, Applied] = {}
    if to_do and agreed:
        results = asyncio.run(_done(where, shown_key, to_do))
    rows = [results.get(id(step)) or _applied(step) for step in steps]
    if as_json:
        click.echo(indented(rows))
    else:
        _tell_done(rows, bool(to_do), agreed)
    sys.exit(FAILED if refused or any(row.done is False for row in rows) else 0)


async def _made(found: Place, database: Database) -> Written:
    pepper = found.home.pepper()
    servers = await McpServerStore(database, pepper).list()
    keys: list[JsonObject] = []
    while True:
        page = await KeyStore(database).list(descending=False, page=len(keys) // PAGE + 1, size=PAGE)
        keys += [key_shape(key) for key in page.keys]
        if len(page.keys) < PAGE:
            return written([(one.name, one.said) for one in servers], keys, moment(time.time()) or "")


def _file(made: Written) -> list[str]:
    lines = ["# What was made over the API: MCP servers, and keys (tollbridge config apply)."]
    lines += [f"# {remark}" for remark in made.remarks]
    if made.variables:
        lines.append("# Secrets are not in here. Set, before this is used:")
        of_keys = {str(key["key"]).removeprefix(PREFIX) for key in made.keys.values()}
        lines += [f"#   {name}{' (or a new key is made)' if name in of_keys else ''}" for name in made.variables]
    tables = {name: table for name, table in ((SERVERS, made.servers), (KEYS, made.keys)) if table}
    return [*lines, as_yaml(tables).rstrip("\n")] if tables else [*lines, "# There is nothing."]


def _read(file: Path) -> tuple[dict[str, JsonObject], dict[str, JsonObject], list[str]]:
    """(servers by name, keys by alias, what of the file is not applied). Raises ConfigError."""
    environ = place(file).environ
    findings = Findings()
    top = resolve(Gathered(environ, findings).read(file), environ, findings)
    entries = top.entries if isinstance(top, Table) else {}
    at = At("", findings)
    servers, keys = entries.get(SERVERS), entries.get(KEYS)
    made = {} if keys is None else _keys(keys.node, at)
    for scalar in () if servers is None else missing_variables(servers.node):
        raise ConfigError(f"{scalar.place}: {scalar.variable} is not set.")
    said = {} if servers is None else _by_name(anything(_settled(servers.node), at))
    if not said and not made:
        raise ConfigError(f"{file} has neither {SERVERS} nor {KEYS}: the API changes nothing else.")
    return said, made, [name for name in entries if name not in (SERVERS, KEYS) and not name.startswith(FREE)]


def _settled(servers: Node) -> Node:
    """As the API is told of them: it fills in what looks like a variable."""
    match servers:
        case Table(entries, place):
            return table({name: Entry(one.place, settled(one.node)) for name, one in entries.items()}, place)
        case Array(items, place):
            return array([settled(item) for item in items], place)
    return servers


def _by_name(said: Json) -> dict[str, JsonObject]:
    """A table, or a list, of servers; the configuration was read before, so that it is one of them."""
    if isinstance(said, list):
        return {
            str(one.get("server_name") or one.get("name")): {
                k: v for k, v in one.items() if k not in ("server_name", "name")
            }
            for one in said
        }
    return dict(said) if isinstance(said, dict) else {}


def _keys(node: Node, at: At) -> dict[str, JsonObject]:
    """Raises ConfigError for what no key can be given."""
    if not isinstance(node, Table):
        raise ConfigError(f"{node.place}: {KEYS} is a table: settings by alias.")
    found: dict[str, JsonObject] = {}
    for alias, entry in node.entries.items():
        said = anything(entry.node, at) or {}
        if not isinstance(said, dict):
            raise ConfigError(f"{entry.place}: {KEYS}.{alias}: expected a table of settings.")
        for scalar in missing_variables(entry.node):
            if scalar is not _text_of(entry.node):
                raise ConfigError(f"{scalar.place}: {scalar.variable} is not set.")
        settings = {name: value for name, value in said.items() if value is not None}
        try:
            read_wish({"key_alias": alias, **settings}, 0.0, beside=("key",))
        except (BadRequestError, UnprocessableEntityError) as error:
            raise ConfigError(f"{entry.place}: {KEYS}.{alias}: {error.message}") from error
        found[alias] = settings
    return found


def _text_of(node: Node) -> Node | None:
    """Where the key itself stands."""
    return node.entries["key"].node if isinstance(node, Table) and "key" in node.entries else None


async def _planned(
    url: str, key: str | None, servers: Mapping[str, JsonObject], keys: Mapping[str, JsonObject], with_secrets: bool
) -> list[Step]:
    """Raises APIError where the gateway does not answer, or the key is not the admin's."""
    async with reached(url, key) as gateway:
        await _check_admin(gateway)
        there: list[JsonObject] = await gateway.ask("GET", "/v1/mcp/server") if servers else []
        steps = list(server_steps(servers, there, with_secrets=with_secrets))
        return [*steps, *key_steps(keys, await _all_keys(gateway) if keys else [])]


async def _check_admin(gateway: Gateway) -> None:
    """A key is shown itself; the admin's is none, and it is told to name one."""
    try:
        await gateway.ask("GET", "/key/info")
    except APIError as error:
        if error.status_code != 400:
            raise
    else:
        raise APIError(f"This key is not the admin's at {gateway.url}: it can change nothing there.", status_code=403)


async def _all_keys(gateway: Gateway) -> list[JsonObject]:
    found: list[JsonObject] = []
    page, pages = 1, 1
    while page <= pages:
        query = {"return_full_object": "true", "size": PAGE, "page": page, "sort_by": "created_at", "sort_order": "asc"}
        told = await gateway.ask("GET", f"/key/list?{urlencode(query)}")
        found += told["keys"]
        page, pages = page + 1, told["total_pages"]
    return found


async def _done(url: str, key: str | None, steps: Sequence[Step]) -> dict[int, Applied]:
    """One after another. What fails does not keep the rest from being tried; all is told."""
    results: dict[int, Applied] = {}
    async with reached(url, key) as gateway:
        for step in steps:
            try:
                told = await gateway.ask(step.method, step.path, step.body)
            except APIError as error:
                results[id(step)] = _applied(step, done=False, error=error.message)
            else:
                makes_key = step.path == "/key/generate" and "key" not in step.body
                results[id(step)] = _applied(step, done=True, made_key=told["key"] if makes_key else None)
    return results


def _applied(step: Step, *, done: bool | None = None, error: str | None = None, made_key: str | None = None) -> Applied:
    return Applied(
        kind=step.kind,
        name=step.name,
        action=step.action,
        differences=step.differences,
        unseen=step.unseen,
        done=done,
        error=error or step.why or None,
        made_key=made_key,
    )


_SIGNS: Mapping[str, tuple[str, str]] = {
    "add": ("+", "green"),
    "change": ("~", "yellow"),
    "same": ("=", "reset"),
    "refuse": ("!", "red"),
}


def _told(step: Step) -> list[str]:
    sign, colour = _SIGNS[step.action]
    kind = step.kind.replace("mcp_server", "MCP server")
    head = painted(f"{sign} {kind} {printable(step.name)}", sys.stdout, fg=colour)
    if step.action == "refuse":
        return [f"{head}: {step.why}"]
    unseen = f"  (not compared: {', '.join(step.unseen)})" if step.unseen and step.action != "add" else ""
    if step.action == "same":
        return [f"{head}: as it is there{unseen}"]
    lines = [f"{head}{unseen}"]
    for one in step.differences:
        before = "" if step.action == "add" else f"{_value(one.before)} -> "
        lines.append(f"    {one.field}: {before}{_value(one.after)}")
    return lines


def _value(value: Any) -> str:
    return printable(msgspec.json.encode(value).decode()) if value not in (None, "", [], {}) else "-"


def _tell_done(rows: Sequence[Applied], to_do: bool, agreed: bool) -> None:
    for row in rows:
        if row.made_key is not None:
            click.echo(f"The key {printable(row.name)}, shown once and kept nowhere: {row.made_key}")
        if row.done is False:
            click.echo(f"error: {row.kind.replace('_', ' ')} {printable(row.name)}: {row.error}", err=True)
    done, failed = sum(row.done is True for row in rows), sum(row.done is False for row in rows)
    if not to_do:
        click.echo("Nothing is to be done.")
    elif not agreed:
        click.echo("Nothing was changed; --yes does it.", err=True)
    else:
        click.echo(f"{done} done{f', {failed} not done: see above' if failed else ''}.")
