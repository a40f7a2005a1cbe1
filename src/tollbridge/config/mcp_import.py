"""What other programs write about MCP servers, as entries of `mcp_servers`.

Read are `mcpServers` (Claude Desktop, Claude Code, Cursor), `servers` (VS Code), and what stands in an `mcp` table.
Variables stay variables: `${NAME}` and `${NAME:-else}` as they are, `${env:NAME}` and `${userHome}` as we write them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from tollbridge.config.mcp import read_said
from tollbridge.errors import ConfigError
from tollbridge.model.json import Json, JsonObject

TABLES = ("mcpServers", "servers", "mcp_servers")
TRANSPORTS = {"http": "http", "streamable-http": "http", "streamableHttp": "http", "sse": "sse", "stdio": "stdio"}
_VARIABLE = re.compile(r"\$\{env:([A-Za-z_]\w*)\}")
_KNOWN = {"userHome": "${HOME}", "pathSeparator": "/", "/": "/"}
"""Variables of VS Code's and Cursor's (https://code.visualstudio.com/docs/reference/variables-reference, seen
2026-11-27)."""
_FOLDER = "workspaceFolder"
_SETTINGS = (".vscode", ".cursor", ".claude")
_PREDEFINED = re.compile(r"\$\{(userHome|pathSeparator|/|workspaceFolder)\}")
_FOREIGN = re.compile(r"\$\{(?![A-Za-z_]\w*(?::-[^}]*)?\})[^}]*\}")
_INPUT = re.compile(r"\$\{input:([^}]*)\}")


def read_servers(path: Path) -> tuple[dict[str, JsonObject], list[str]]:
    """(entries by name, what could not be taken over). Raises ConfigError where there is nothing of it."""
    try:
        said: Any = msgspec.json.decode(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror or error}.") from error
    except msgspec.DecodeError as error:
        raise ConfigError(f"{path} is no JSON: {error}.") from error
    found = table_of(said)
    if found is None:
        raise ConfigError(f"{path} has no {' or '.join(TABLES)} in it.")
    parent = path.resolve().parent
    return entries_of(found, parent.parent if parent.name in _SETTINGS else parent)


def entries_of(servers: Mapping[str, Any], folder: Path | None = None) -> tuple[dict[str, JsonObject], list[str]]:
    """(entries by name, what could not be taken over). `folder`: of the project whose file it is."""
    entries: dict[str, JsonObject] = {}
    remarks: list[str] = []
    for name, server in servers.items():
        entry = _entry(name, server, remarks, folder)
        if entry is None:
            continue
        try:
            read_said({"server_name": name, **entry})
        except ConfigError as error:
            remarks.append(f"{name}: left out: {error}")
        else:
            entries[name] = entry
    return entries, remarks


def table_of(said: Any) -> Mapping[str, Any] | None:
    """The servers by name, where the value has a table of them."""
    if not isinstance(said, dict):
        return None
    for name in TABLES:
        if isinstance(said.get(name), dict):
            return said[name]  # type: ignore[no-any-return]
    return table_of(said.get("mcp"))


def _entry(name: str, server: Any, remarks: list[str], folder: Path | None) -> JsonObject | None:
    if not isinstance(server, dict):
        remarks.append(f"{name}: left out: it is no table")
        return None
    if server.get("disabled") is True:
        remarks.append(f"{name}: left out: it is disabled there")
        return None
    entry: JsonObject = {}
    kind = server.get("type") or server.get("transport")
    if server.get("url") or server.get("serverUrl"):
        entry["url"] = server.get("url") or server.get("serverUrl")
        if kind in ("sse", "http", "streamable-http", "streamableHttp"):
            entry["transport"] = TRANSPORTS[kind]
        if server.get("headers"):
            entry["static_headers"] = server["headers"]
    else:
        entry |= {key: server[key] for key in ("command", "args", "env", "cwd") if server.get(key)}
    for variable in sorted(set(_INPUT.findall(str(entry)))):
        remarks.append(f"{name}: asks for {variable!r} there: set the variable {_as_variable(variable)} in its place")
    known = _KNOWN if folder is None else {**_KNOWN, _FOLDER: str(folder)}
    entry = {key: _spelled(value, known) for key, value in entry.items()}
    for variable in sorted(set(_FOREIGN.findall(str(entry)))):
        remarks.append(f"{name}: {variable} means nothing here, and stays as it is: write what it stands for")
    return entry


def _spelled(value: Json, known: Mapping[str, str]) -> Json:
    """Variables as we write them."""
    match value:
        case str():
            value = _PREDEFINED.sub(lambda found: known.get(found[1], found[0]), value)
            return _INPUT.sub(lambda found: f"${{{_as_variable(found[1])}}}", _VARIABLE.sub(r"${\1}", value))
        case list():
            return [_spelled(item, known) for item in value]
        case dict():
            return {name: _spelled(item, known) for name, item in value.items()}
    return value


def _as_variable(text: str) -> str:
    return re.sub(r"\W", "_", text).upper()
