"""Names of several servers' things under one roof, and back.

1. A tool or prompt is `server-name`; the server's name first, one separator between. Back again by the names of the
   servers, the longest first, never by splitting: names hold separators themselves.
2. A resource `uri` of a server is `mcp://server/uri`, the rest as it was: so a template stays a template.
3. Wherever a URI stands in what a server says (contents, links, prompts), it is written the same way; a `uri` in what
   is no resource is left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tollbridge.model.json import Json, JsonObject

SCHEME = "mcp://"


def joined(server: str, separator: str, name: str) -> str:
    return f"{server}{separator}{name}"


def parted(name: str, servers: Iterable[str], separator: str) -> tuple[str, str] | None:
    """(server, its own name); None where no server's name stands before it."""
    for server in sorted(servers, key=len, reverse=True):
        if name.startswith(server + separator) and len(name) > len(server) + len(separator):
            return server, name[len(server) + len(separator) :]
    return None


def uri_of(server: str, uri: str) -> str:
    return f"{SCHEME}{server}/{uri}"


def uri_parted(uri: str, servers: Iterable[str]) -> tuple[str, str] | None:
    for server in sorted(servers, key=len, reverse=True):
        if uri.startswith(f"{SCHEME}{server}/"):
            return server, uri[len(SCHEME) + len(server) + 1 :]
    return None


def under_roof(server: str, separator: str, method: str, item: JsonObject) -> JsonObject:
    """An item of a list."""
    match method:
        case "resources/list":
            return {**item, "uri": uri_of(server, item["uri"])}
        case "resources/templates/list":
            return {**item, "uriTemplate": uri_of(server, item["uriTemplate"])}
        case _:
            return {**item, "name": joined(server, separator, item["name"])}


def with_uris(server: str, method: str, result: JsonObject) -> JsonObject:
    """A result with its resources under the roof."""
    match method:
        case "resources/read":
            return _each(result, "contents", lambda item: _renamed(server, item))
        case "tools/call":
            return _each(result, "content", lambda block: _block(server, block))
        case "prompts/get":
            return _each(result, "messages", lambda message: _message(server, message))
        case _:
            return result


def _each(result: JsonObject, name: str, change: Callable[[Json], Json]) -> JsonObject:
    items = result.get(name)
    if not isinstance(items, list):
        return result
    return {**result, name: [change(item) for item in items]}


def _message(server: str, message: Json) -> Json:
    if not isinstance(message, dict):
        return message
    content = message.get("content")
    if isinstance(content, list):
        return {**message, "content": [_block(server, block) for block in content]}
    return {**message, "content": _block(server, content)}


def _block(server: str, block: Json) -> Json:
    if not isinstance(block, dict):
        return block
    if block.get("type") == "resource_link":
        return _renamed(server, block)
    if block.get("type") == "resource":
        return {**block, "resource": _renamed(server, block.get("resource"))}
    return block


def _renamed(server: str, item: Json) -> Json:
    if not isinstance(item, dict) or not isinstance(item.get("uri"), str):
        return item
    return {**item, "uri": uri_of(server, item["uri"])}
