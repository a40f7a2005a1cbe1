"""What of a server's list is offered, and how: one malformed item is left out, and the rest of the server works.

An item is malformed where clients would refuse the whole list for its sake: it is no object, has no name, or one that
was there before, or (a tool) no schema of its input of the type `object`; or a field that is known is of another kind.
What we merely do not know stays. A tool whose annotations for headers are not valid is left out as well: who calls a
modern server over HTTP must (MCP 2026-07-28).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from tollbridge.mcp.definition import Definition
from tollbridge.mcp.mirrors import flaw_in
from tollbridge.model.json import Json, JsonObject

log = logging.getLogger("tollbridge.mcp")

ITEMS = {
    "tools/list": "tools",
    "prompts/list": "prompts",
    "resources/list": "resources",
    "resources/templates/list": "resourceTemplates",
}
KEY = {"tools": "name", "prompts": "name", "resources": "uri", "resourceTemplates": "uriTemplate"}
NAME_CHARACTERS_MAX = 1024
KINDS: Mapping[str, type] = {
    "title": str,
    "description": str,
    "annotations": dict,
    "outputSchema": dict,
    "arguments": list,
    "icons": list,
    "mimeType": str,
    "_meta": dict,
}
"""Of fields that are known, where they are there at all."""


def sound(server: str, kind: str, items: Json) -> list[JsonObject]:
    """`kind`: of `ITEMS`."""
    if not isinstance(items, list):
        return []
    found: dict[str, JsonObject] = {}
    for item in items:
        flaw = flaw_of(kind, item) or ("its name is another's as well" if item[KEY[kind]] in found else "")
        if flaw:
            log.warning("the MCP server %r: one of its %s is left out: %s", server, kind, flaw)
        else:
            found[item[KEY[kind]]] = item
    return list(found.values())


def flaw_of(kind: str, item: Json) -> str:
    """Why it is left out, or ""."""
    if not isinstance(item, dict):
        return "it is no object"
    key = KEY[kind]
    name = item.get(key)
    if not isinstance(name, str) or not name or len(name) > NAME_CHARACTERS_MAX:
        return f"it has no `{key}`"
    for field, wanted in KINDS.items():
        if item.get(field) is not None and not isinstance(item[field], wanted):
            return f"the `{field}` of {name[:100]!r} is of another kind"
    if key != "name" and not isinstance(item.get("name"), str):
        return f"{name[:100]!r} has no `name`"
    if kind == "tools":
        schema = item.get("inputSchema")
        if not isinstance(schema, dict) or schema.get("type") != "object":
            return f"{name[:100]!r} has no `inputSchema` of the type `object`"
        return flaw_in(schema)
    return ""


def offered(definition: Definition, tools: list[JsonObject]) -> list[JsonObject]:
    """The tools that the operator lets through, named and described as the operator says. One whose name the operator
    gave to another is left out: a name means one tool."""
    renamed = {definition.shown_name(own): own for own in reversed(list(definition.display))}
    found = []
    for tool in tools:
        name = tool["name"]
        if not definition.offers(name):
            continue
        shown = definition.shown_name(name)
        if renamed.get(shown, name) != name:
            log.warning("the MCP server %r: %r is left out: another tool is called so", definition.name, name[:100])
            continue
        if shown != name:
            tool = {**tool, "name": shown}
        elif name in definition.display:
            tool = {**tool, "title": definition.display[name]}
        if name in definition.descriptions:
            tool = {**tool, "description": definition.descriptions[name]}
        if name in definition.allowed_params:
            tool = {**tool, "inputSchema": _narrowed(tool["inputSchema"], definition.allowed_params[name])}
        found.append(tool)
    return found


def _narrowed(schema: JsonObject, allowed: frozenset[str]) -> JsonObject:
    """Without the arguments that may not be given."""
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return schema
    told = {**schema, "properties": {name: value for name, value in properties.items() if name in allowed}}
    required = schema.get("required")
    if isinstance(required, list):
        told["required"] = [name for name in required if name in allowed]
    return told
