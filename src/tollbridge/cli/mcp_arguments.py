"""Arguments of a tool, as they are typed on the command line."""

from __future__ import annotations

import sys

import click
import msgspec

from tollbridge.cli.mcp_desk import Desk
from tollbridge.model.json import Json, JsonObject


def pairs_of(said: tuple[str, ...], option: str) -> dict[str, str]:
    pairs = [pair.partition("=") for pair in said]
    if not all(name and sign for name, sign, _ in pairs):
        raise click.BadParameter("write NAME=VALUE", param_hint=option)
    return {name: value for name, _, value in pairs}


async def schema_of(desk: Desk, tool: str, server: str | None) -> Json:
    """Of the tool's input, where it is found under that name."""
    for one in (await desk.tools(server or desk.home_of(tool))).tools:
        info = one["mcp_info"]
        names = {one["name"], *(f"{info[key]}-{one['name']}" for key in ("server_name", "alias") if info.get(key))}
        if tool in names:
            return one.get("inputSchema")
    return None


def arguments_of(whole: str | None, pairs: tuple[str, ...], schema: Json) -> JsonObject:
    arguments: JsonObject = {}
    if whole is not None:
        try:
            arguments = msgspec.json.decode(sys.stdin.buffer.read() if whole == "-" else whole)
        except msgspec.DecodeError as error:
            raise click.BadParameter(f"is no JSON: {error}", param_hint="--json") from error
        if not isinstance(arguments, dict):
            raise click.BadParameter("is no JSON object", param_hint="--json")
    properties = schema.get("properties") if isinstance(schema, dict) else None
    known = properties if isinstance(properties, dict) else {}
    for name, value in pairs_of(pairs, "--arg").items():
        arguments[name] = _value(name, value, known.get(name))
    return arguments


def _value(name: str, value: str, schema: Json) -> Json:
    """Text where the schema takes text, else JSON."""
    kind = schema.get("type") if isinstance(schema, dict) else None
    kinds = {kind} if isinstance(kind, str) else set(kind) if isinstance(kind, list) else set()
    if "string" in kinds or not kinds:
        return value
    try:
        return msgspec.json.decode(value)
    except msgspec.DecodeError as error:
        wanted = " or ".join(sorted(map(str, kinds)))
        raise click.BadParameter(f"{name} is {wanted}, not {value!r}", param_hint="--arg") from error
