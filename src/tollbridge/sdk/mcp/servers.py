"""Where tools come from: what a program says of servers -> servers.

    "python server.py", ["python", "server.py"]     a command, spoken to on stdio
    "https://example.com/mcp"                       a server's URL, or a gateway's
    "mcp.json", Path("mcp.json")                    a file with `mcpServers`, as Claude, Cursor and VS Code have it
    {"mcpServers": {...}}, {"command": ...}         the same as values

The keys of a server are those of `mcp_servers` in the configuration file.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tollbridge.assemble.mcp import definition
from tollbridge.config.mcp import read_said
from tollbridge.config.mcp_import import entries_of, read_servers, table_of
from tollbridge.errors import ConfigError
from tollbridge.mcp.definition import Definition
from tollbridge.model.json import JsonObject

Source = str | Path | Sequence[str] | Mapping[str, Any]
GATEWAY_KEY = "x-litellm-api-key"


def definitions(
    sources: Sequence[Source], named: Mapping[str, Source], headers: Mapping[str, str], key: str | None
) -> list[Definition]:
    """`headers`, `key`: for all that are reached by URL; `key` is a gateway's. Raises ConfigError."""
    found: dict[str, JsonObject] = {}
    for source in sources:
        for name, entry in _entries(source).items():
            found[_free(name, found)] = entry
    for name, source in named.items():
        entries = list(_entries(source).values())
        if len(entries) != 1:
            raise ConfigError(f"{name}: a name is for one server; here are {len(entries)}.")
        found[name] = entries[0]
    sent = {**headers, **({GATEWAY_KEY: f"Bearer {key}"} if key else {})}
    return [_definition(name, entry, sent) for name, entry in found.items()]


def _definition(name: str, entry: JsonObject, sent: Mapping[str, str]) -> Definition:
    if sent and "url" in entry:
        entry = {**entry, "static_headers": {**entry.get("static_headers", {}), **sent}}
    server, _ = read_said({"server_name": name, **entry})
    if server.auth_type == "oauth2":
        raise ConfigError(f"{name}: signing in is the gateway's: name the gateway's URL here, and the server there.")
    return definition(server, os.environ, folder=Path.cwd())


def _entries(source: Source) -> dict[str, JsonObject]:
    match source:
        case Path():
            return servers_of(source)
        case str() if source.endswith(".json") and " " not in source and not _is_url(source):
            return servers_of(Path(source))
        case str() if _is_url(source):
            return {_host(source): {"url": source}}
        case str():
            return _command(shlex.split(source))
        case Mapping():
            return _table(source)
        case _:
            return _command([str(word) for word in source])


def servers_of(path: Path) -> dict[str, JsonObject]:
    """Those of a file with `mcpServers`, by name. Raises ConfigError."""
    entries, remarks = read_servers(path)
    if remarks:
        raise ConfigError(f"{path}: {'; '.join(remarks)}.")
    return entries


def _table(said: Mapping[str, Any]) -> dict[str, JsonObject]:
    servers = table_of(dict(said))
    if servers is not None:
        entries, remarks = entries_of(servers)
        if remarks:
            raise ConfigError(f"{'; '.join(remarks)}.")
        return entries
    entry = dict(said)
    name = entry.pop("server_name", None) or entry.pop("name", None)
    if "command" in entry:
        return {name or _program(str(entry["command"])): entry}
    if "url" in entry:
        return {name or _host(str(entry["url"])): entry}
    raise ConfigError("A server is described by its `command` or its `url`, several by `mcpServers`.")


def _command(words: Sequence[str]) -> dict[str, JsonObject]:
    if not words:
        raise ConfigError("A server's command is empty.")
    program = next((word for word in words[1:] if word.endswith((".py", ".js", ".ts"))), words[0])
    return {_program(program): {"command": words[0], "args": list(words[1:])}}


def _is_url(text: str) -> bool:
    return text.startswith(("http://", "https://"))


def _host(url: str) -> str:
    return re.sub(r"\W", "_", urlsplit(url).hostname or "server")


def _program(path: str) -> str:
    return re.sub(r"\W", "_", Path(path).stem) or "server"


def _free(name: str, taken: Mapping[str, object]) -> str:
    return next(one for one in (name, *(f"{name}_{i}" for i in range(2, 1_000))) if one not in taken)
