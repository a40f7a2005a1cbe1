"""`tollbridge config`: what a configuration comes to, in what two differ, and its schema for editors.

A configuration is a file; what the API can change beside it, keys and MCP servers, is exported and applied.
"""

from __future__ import annotations

import difflib
import math
import sys
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import click
import msgspec

from tollbridge.cli.ending import FAILED, errors_told
from tollbridge.cli.indented import indented
from tollbridge.cli.place import place
from tollbridge.cli.screen import painted
from tollbridge.config.findings import Place
from tollbridge.config.insert import as_yaml
from tollbridge.config.masking import MASK, mask
from tollbridge.config.settings import Config
from tollbridge.model.json import Json, JsonObject
from tollbridge.secret import Secret

LATER = ("export", "apply")
PRIVATE = frozenset({"extra_headers", "headers", "env"})
UNTOLD = frozenset({"source", "database_place", "master_key_variable"})
"""Tables whose values are not shown, whatever they look like."""
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
file = click.Path(path_type=Path)


class Sections(click.Group):
    """Those that ask a database or a gateway are loaded when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*super().list_commands(ctx), *LATER]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in LATER:
            return super().get_command(ctx, cmd_name)
        from tollbridge.cli import config_apply  # a database, MCP: what `show` has no need of

        command: click.Command = getattr(config_apply, cmd_name)
        return command


@click.group(cls=Sections)
def config() -> None:
    """Show what a configuration comes to, in what two differ, its schema; export and apply what the API can change.

    Exit codes: 0 done, 1 two differ, or a part was not done, 2 what was given cannot be used.

    Example:

    \b
      tollbridge config show config.yaml
      tollbridge config diff old.yaml new.yaml
      tollbridge config schema > tollbridge.schema.json
      tollbridge config export --config config.yaml > made.yaml
      tollbridge config apply made.yaml --url https://gateway.example
    """


@config.command()
@click.argument("path", metavar="FILE", type=file, required=False)
@as_json
def show(path: Path | None, as_json: bool) -> None:
    """Show what FILE comes to: includes, variables and defaults in their places, without secrets. Without FILE: the
    defaults.

    Names are those of Tollbridge's own settings, with their units, not those of the file.

    Exit codes: 0 shown, 2 FILE cannot be used.

    Example: tollbridge config show config.yaml
    """
    shown = effective(_read(path))
    click.echo(indented(shown) if as_json else as_yaml(shown).rstrip("\n"))


@config.command()
@click.argument("before", type=file)
@click.argument("after", type=file)
@as_json
def diff(before: Path, after: Path, as_json: bool) -> None:
    """Show in what the configuration AFTER differs from BEFORE, once both are read: order of keys, comments, includes
    and other spellings of the same make no difference, and models are compared by their names.

    Exit codes: 0 nothing, 1 they differ, 2 one cannot be used.

    Example: tollbridge config diff config.yaml new.yaml
    """
    old, new = (_comparable(effective(_read(one))) for one in (before, after))
    changes = [] if old == new else changed(old, new)
    if as_json:
        click.echo(indented(changes))
    else:
        lines = difflib.unified_diff(
            as_yaml(old).splitlines(), as_yaml(new).splitlines(), str(before), str(after), lineterm="", n=3
        )
        colours = {"+": "green", "-": "red", "@": "cyan"}
        for line in lines if changes else ():
            click.echo(painted(line, sys.stdout, fg=colours[line[0]]) if line[:1] in colours else line)
        if not changes:
            click.echo("They say the same.")
    sys.exit(FAILED if changes else 0)


@config.command()
@click.option("--json", "as_json", is_flag=True, help="The same: a schema is JSON.")
def schema(as_json: bool) -> None:
    """Print the JSON Schema of a configuration, by which editors complete keys and mark those that are unknown.

    Exit codes: 0 printed.

    \b
    Example:
      tollbridge config schema > tollbridge.schema.json
      (and at the head of config.yaml: # yaml-language-server: $schema=tollbridge.schema.json)
    """
    from tollbridge.cli.config_schema import schema as made  # all tables of keys, which `show` has no need of

    click.echo(indented(made()))


def effective(config: Config) -> JsonObject:
    """As plain values, without secrets."""
    fields: JsonObject = _plain(config, "")
    return {name: value for name, value in fields.items() if name not in UNTOLD}


def changed(old: Json, new: Json, at: str = "") -> list[JsonObject]:
    """Each value that differs, as `{"path", "before", "after"}`; what one of them lacks is null there."""
    if isinstance(old, dict) and isinstance(new, dict):
        names = dict.fromkeys((*old, *new))
        return [
            change
            for name in names
            if old.get(name) != new.get(name)
            for change in changed(old.get(name), new.get(name), f"{at}.{name}" if at else name)
        ]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        pairs = zip(old, new, strict=True)
        return [change for i, (a, b) in enumerate(pairs) if a != b for change in changed(a, b, f"{at}[{i}]")]
    return [{"path": at, "before": old, "after": new}]


def _comparable(said: JsonObject) -> JsonObject:
    """Without where things stand (a line more above them is no difference), and without what says nothing."""
    compared: JsonObject = _pruned({name: value for name, value in said.items() if name != "files"})
    return compared


def _pruned(value: Json) -> Json:
    match value:
        case dict():
            kept = {name: _pruned(one) for name, one in value.items() if name != "where"}
            if "model_name" in kept:
                del kept["id"]  # made of all the rest, unless `model_info` has one
            return {name: one for name, one in kept.items() if one not in (None, [], {}, "")}
        case [{"model_name": str()}, *_]:
            return _by_name([_pruned(one) for one in value])
        case list():
            return [_pruned(one) for one in value]
    return value


def _by_name(deployments: list[Any]) -> JsonObject:
    """Each under its model's name; with its number where there are several."""
    named: JsonObject = {}
    for one in deployments:
        name, number = one["model_name"], 1
        while (key := name if number == 1 else f"{name} #{number}") in named:
            number += 1
        named[key] = one
    return named


def _plain(value: Any, name: str) -> Any:
    match value:
        case Secret():
            return MASK
        case msgspec.Struct() if not isinstance(value, Place):
            return {field: _plain(one, field) for field, one in msgspec.structs.asdict(value).items()}
        case Mapping():
            return {str(key): MASK if name in PRIVATE else _plain(one, str(key)) for key, one in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_plain(one, name) for one in value]
        case Place():
            return str(value)
        case Path():
            return str(value)
        case str():
            return mask(value)
        case Fraction():
            return float(value)
        case float() if math.isinf(value):
            return "never"
    return value


def _read(path: Path | None) -> Config:
    with errors_told():
        return place(path).config
