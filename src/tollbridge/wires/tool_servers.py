"""Servers of tools that a provider connects to itself, for Anthropic's format.

    {"type": "mcp", "server_label", "server_url", "authorization", "headers", "allowed_tools", "require_approval"}
        the Responses format, among the tools
    {"type": "url", "url", "name", "authorization_token", "tool_configuration": {"enabled", "allowed_tools"}}
        Anthropic's `mcp_servers`, beside them; LiteLLM's clients write it among the tools too

Since mcp-client-2025-11-20 each server needs a toolset among the tools, which says what of it is used, and
`tool_configuration` is gone (https://platform.claude.com/docs/en/agents-and-tools/mcp-connector, seen 2026-11-27).
Anthropic asks nobody before it calls: a server whose calls want approval, which is what the Responses format has where
nothing is said, is left out.
"""

from __future__ import annotations

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import Opaque
from tollbridge.model.request import Tool
from tollbridge.model.response import Caveat
from tollbridge.model.unsent import unsent_thing


def server_of(tool: Tool | Opaque, where: str, caveats: list[Caveat]) -> JsonObject | None:
    """None where the tool is no server; empty where Anthropic cannot be told of it, and a Caveat says why."""
    value: Json = tool.value if isinstance(tool, Opaque) else None
    if not isinstance(value, dict):
        return None
    if value.get("type") == "url" and isinstance(value.get("url"), str):
        return value
    if value.get("type") != "mcp" or not isinstance(value.get("server_url"), str):
        return None
    if value.get("require_approval") != "never":
        detail = "Anthropic asks for no approval before it calls a server's tools; say `require_approval: never`."
        caveats.append(Caveat(code="dropped_part", where=where, detail=detail))
        return {}
    allowed = value.get("allowed_tools")
    if isinstance(allowed, dict) and allowed.keys() - {"tool_names"}:
        detail = "Anthropic knows a server's tools by their names alone: name those that are allowed."
        caveats.append(Caveat(code="dropped_part", where=where, detail=detail))
        return {}
    label = value.get("server_label")
    server: JsonObject = {"type": "url", "url": value["server_url"], "name": label or f"server_{where[8:-1]}"}
    headers = value.get("headers")
    named = {name.lower(): said for name, said in headers.items()} if isinstance(headers, dict) else {}
    token = named.pop("authorization", None)
    token = value.get("authorization") or token
    if isinstance(token, str):
        server["authorization_token"] = token.removeprefix("Bearer ")
    if allowed is not None:
        server["tool_configuration"] = {"allowed_tools": _names(allowed)}
    if named:
        thing = f"Anthropic sends a server its token alone: {', '.join(f'`{name}`' for name in named)}"
        caveats.append(unsent_thing(f"{where}.headers", thing, code="dropped_param"))
    return server


def _names(allowed: Json) -> list[Json]:
    listed = allowed.get("tool_names") if isinstance(allowed, dict) else allowed
    return listed if isinstance(listed, list) else []


def with_toolsets(body: JsonObject) -> None:
    """Puts a toolset beside the tools for each of `mcp_servers` that has none, from its older `tool_configuration`."""
    servers, tools = body.get("mcp_servers"), [*(body.get("tools") or ())]
    if not isinstance(servers, list):
        return
    used = [tool.get("mcp_server_name") for tool in tools if isinstance(tool, dict)]
    written: list[Json] = []
    for server in servers:
        if not isinstance(server, dict) or server.get("name") in used:
            written.append(server)
            continue
        settings = server.get("tool_configuration")
        tools.append(_toolset(server.get("name"), settings if isinstance(settings, dict) else {}))
        written.append({name: said for name, said in server.items() if name != "tool_configuration"})
    body["mcp_servers"], body["tools"] = written, tools


def _toolset(name: Json, settings: JsonObject) -> JsonObject:
    toolset: JsonObject = {"type": "mcp_toolset", "mcp_server_name": name}
    allowed = settings.get("allowed_tools")
    if isinstance(allowed, list):
        toolset["default_config"] = {"enabled": False}
        toolset["configs"] = {tool: {"enabled": True} for tool in allowed if isinstance(tool, str)}
    elif settings.get("enabled") is False:
        toolset["default_config"] = {"enabled": False}
    return toolset
