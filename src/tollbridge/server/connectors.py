"""Servers of tools as a request in the Messages format names them (Anthropic's MCP connector), or in another that says
it in Anthropic's words, as the definitions that the other formats have among their tools.

    "mcp_servers": [{"type": "url", "name", "url", "authorization_token", "tool_configuration": {"enabled",
                     "allowed_tools"}}]
    "tools": [{"type": "mcp_toolset", "mcp_server_name", "default_config": {"enabled"}, "configs": {TOOL: {"enabled"}},
               "tools": [{"name"}]}]

https://platform.claude.com/docs/en/agents-and-tools/mcp-connector (seen 2026-11-27). A tool runs without asking, as it
does at the vendor's. The token is what the gateway itself would be sent: a key of the gateway's, which narrows what the
request's own may do. It is sent to nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import msgspec

from tollbridge.calls.ask import Ask, field
from tollbridge.errors import BadRequestError
from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import Opaque
from tollbridge.model.request import Request
from tollbridge.server.identify import OWN_HEADER

TOOLSET = "mcp_toolset"
_OF_SERVERS = frozenset({"type", "name", "url", "authorization_token", "tool_configuration"})
_OF_TOOLSETS = frozenset({"type", "mcp_server_name", "default_config", "configs", "tools"})


def connectors(ask: Ask, is_ours: Callable[[JsonObject], bool]) -> list[JsonObject]:
    """Of those that are ours; what is wrong with others is their vendor's to say. Raises BadRequestError where one
    cannot be read."""
    servers, tools = field(ask.fields, "mcp_servers"), field(ask.fields, "tools")
    if not isinstance(servers, list):
        return []
    toolsets: dict[str, JsonObject] = {}
    for tool in tools if isinstance(tools, list) else []:
        if isinstance(tool, dict) and tool.get("type") == TOOLSET and isinstance(tool.get("mcp_server_name"), str):
            toolsets[tool["mcp_server_name"]] = tool
    found: list[JsonObject] = []
    names = [server.get("name") if isinstance(server, dict) else None for server in servers]
    for at, server in enumerate(servers):
        if not isinstance(server, dict) or not is_ours({"server_url": server.get("url")}):
            continue
        where, name = f"$.mcp_servers[{at}]", names[at]
        if not isinstance(name, str) or not name:
            raise _wrong("`name` must be a text", where)
        if names.count(name) > 1:
            raise _wrong(f"two servers have the name {name[:100]!r}", where)
        found.append(_definition(name, server, toolsets.get(name, {}), where))
    return found


def without(request: Request, labels: Collection[str]) -> Request:
    """The request, but for the servers of these names, which are asked here."""
    if not labels:
        return request
    servers = request.extra.get("mcp_servers")
    left = [one for one in servers if not _named(one, "name", labels)] if isinstance(servers, list) else []
    extra = {**request.extra, "mcp_servers": left}
    if not left:
        del extra["mcp_servers"]
    tools = tuple(tool for tool in request.tools if not (isinstance(tool, Opaque) and _of(tool.value, labels)))
    return msgspec.structs.replace(request, extra=extra, tools=tools)


def _of(tool: Json, labels: Collection[str]) -> bool:
    return isinstance(tool, dict) and tool.get("type") == TOOLSET and _named(tool, "mcp_server_name", labels)


def _named(value: Json, field: str, labels: Collection[str]) -> bool:
    name = value.get(field) if isinstance(value, dict) else None
    return isinstance(name, str) and name in labels


def _definition(name: str, server: JsonObject, toolset: JsonObject, where: str) -> JsonObject:
    """Fields that nobody here knows are in it by their names: `tool_loop` tells of them."""
    token = server.get("authorization_token")
    if token is not None and not isinstance(token, str):
        raise _wrong("`authorization_token` must be a text", where)
    older = _object(server, "tool_configuration", where)
    usual = _object(toolset, "default_config", where)
    configs = _object(toolset, "configs", where)
    default = usual.get("enabled", older.get("enabled", True)) is not False
    chosen = {tool: isinstance(one, dict) and one.get("enabled", default) is not False for tool, one in configs.items()}
    allowed = older.get("allowed_tools")
    if isinstance(toolset.get("tools"), list):
        allowed = [tool.get("name") for tool in toolset["tools"] if isinstance(tool, dict)]
    if allowed is not None and not (isinstance(allowed, list) and all(isinstance(tool, str) for tool in allowed)):
        raise _wrong("`allowed_tools` must be a list of names", where)
    if not default:
        allowed = [tool for tool, on in chosen.items() if on and (allowed is None or tool in allowed)]
    denied = [tool for tool, on in chosen.items() if not on]
    unknown = {key: value for key, value in server.items() if key not in _OF_SERVERS}
    unknown |= {key: value for key, value in toolset.items() if key not in _OF_TOOLSETS}
    for config in (usual, *configs.values()):
        unknown |= {key: value for key, value in config.items() if key != "enabled"} if isinstance(config, dict) else {}
    return {
        **unknown,
        "type": TOOLSET,
        "server_label": name,
        "server_url": server["url"],
        "require_approval": "never",
        **({} if token is None else {"headers": {OWN_HEADER.decode(): token}}),
        **({} if allowed is None else {"allowed_tools": allowed}),
        **({"denied_tools": denied} if denied else {}),
    }


def _object(said: JsonObject, name: str, where: str) -> JsonObject:
    value = said.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _wrong(f"`{name}` must be an object", where)
    return value


def _wrong(what: str, where: str) -> BadRequestError:
    return BadRequestError(f"{what} - at `{where}`.", param="mcp_servers")
