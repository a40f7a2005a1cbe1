"""Servers of tools as a request in the Messages format names them (Anthropic's MCP connector), as the definitions that
the other formats have among their tools.

    "mcp_servers": [{"type": "url", "name", "url", "authorization_token", "tool_configuration": {"enabled",
                     "allowed_tools"}}]
    "tools": [{"type": "mcp_toolset", "mcp_server_name", "default_config": {"enabled"}, "configs": {TOOL: {"enabled"}},
               "tools": [{"name"}]}]

https://platform.claude.com/docs/en/agents-and-tools/mcp-connector (seen 2026-11-27). A tool runs without asking, as it
does at the vendor's. The token is what the gateway itself would be sent: a key of the gateway's, which narrows what the
request's own may do. It is sent to nobody.
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from tollbridge.calls.ask import Ask, field
from tollbridge.errors import BadRequestError
from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import Opaque
from tollbridge.model.request import Request
from tollbridge.server.identify import OWN_HEADER
from tollbridge.wires.dialects import MESSAGES

TOOLSET = "mcp_toolset"


def connectors(ask: Ask) -> list[JsonObject]:
    """Raises BadRequestError where one cannot be read."""
    servers, tools = field(ask.fields, "mcp_servers"), field(ask.fields, "tools")
    if ask.dialect.name != MESSAGES or not isinstance(servers, list):
        return []
    toolsets = {
        tool.get("mcp_server_name"): tool
        for tool in (tools if isinstance(tools, list) else [])
        if isinstance(tool, dict) and tool.get("type") == TOOLSET
    }
    return [
        _definition(server, toolsets.get(server.get("name"), {}), f"$.mcp_servers[{at}]")
        for at, server in enumerate(servers)
        if isinstance(server, dict) and isinstance(server.get("url"), str)
    ]


def without(request: Request, labels: Collection[str]) -> Request:
    """The request, but for the servers of these names, which are asked here."""
    if not labels:
        return request
    servers = request.extra.get("mcp_servers")
    left = [one for one in servers if one.get("name") not in labels] if isinstance(servers, list) else []
    extra = {**request.extra, "mcp_servers": left}
    if not left:
        del extra["mcp_servers"]
    tools = tuple(tool for tool in request.tools if not (isinstance(tool, Opaque) and _of(tool.value, labels)))
    return msgspec.structs.replace(request, extra=extra, tools=tools)


def _of(tool: Json, labels: Collection[str]) -> bool:
    return isinstance(tool, dict) and tool.get("type") == TOOLSET and tool.get("mcp_server_name") in labels


def _definition(server: JsonObject, toolset: JsonObject, where: str) -> JsonObject:
    made: JsonObject = {
        "type": TOOLSET,
        "server_label": server.get("name"),
        "server_url": server["url"],
        "require_approval": "never",
    }
    token = server.get("authorization_token")
    if token is not None:
        if not isinstance(token, str):
            raise BadRequestError(f"`authorization_token` must be a text - at `{where}`.", param="mcp_servers")
        made["headers"] = {OWN_HEADER.decode(): token}
    older = _object(server, "tool_configuration", where)
    default = _object(toolset, "default_config", where).get("enabled", older.get("enabled", True)) is not False
    configs = _object(toolset, "configs", where)
    chosen = {name: isinstance(one, dict) and one.get("enabled", default) is not False for name, one in configs.items()}
    allowed = older.get("allowed_tools")
    if isinstance(toolset.get("tools"), list):
        allowed = [tool.get("name") for tool in toolset["tools"] if isinstance(tool, dict)]
    if not default:
        allowed = [name for name, on in chosen.items() if on and (allowed is None or name in allowed)]
    if allowed is not None:
        made["allowed_tools"] = allowed
    denied = [name for name, on in chosen.items() if not on]
    if denied:
        made["denied_tools"] = denied
    return made


def _object(said: JsonObject, name: str, where: str) -> JsonObject:
    value = said.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadRequestError(f"`{name}` must be an object - at `{where}`.", param="mcp_servers")
    return value
