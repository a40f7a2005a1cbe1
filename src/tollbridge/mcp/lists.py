"""Lists of tools, prompts and resources, as one caller may see them: of one server as it lists them, page by page; of
several merged, with the servers that did not answer named in `_meta`.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from tollbridge.mcp.call import Call
from tollbridge.mcp.jsonrpc import METHOD_NOT_FOUND, UPSTREAM_FAILED, RpcError
from tollbridge.mcp.names import under_roof
from tollbridge.mcp.offered import ITEMS, KEY, offered, sound
from tollbridge.mcp.upstream import Upstream
from tollbridge.model.json import Json, JsonObject

if TYPE_CHECKING:
    from tollbridge.mcp.view import View

log = logging.getLogger("tollbridge.mcp")

PAGES_MAX = 200
PAGE = 1000
ABSENT = "tollbridge/absent"


async def listed(view: View, call: Call) -> JsonObject:
    method, kind = call.method, ITEMS[call.method]
    if not view.prefixed:
        return await _list_of_one(view, call, kind)
    cursor = call.params.get("cursor")
    begin = 0 if cursor is None else view.cursors.opened(method, cursor)
    items, absent = await merged(view, method)
    if method == "tools/list" and (instead := view.hub.many.instead(view, items)) is not None:
        items = instead
    page = items[begin : begin + PAGE]
    told: JsonObject = {kind: page}
    if begin + PAGE < len(items):
        told["nextCursor"] = view.cursors.sealed(method, begin + PAGE)
    if absent or view.missing:
        told["_meta"] = {ABSENT: {**absent, **dict.fromkeys(view.missing, "unknown or not allowed")}}
    return view.told(method, told, None)


async def _list_of_one(view: View, call: Call, kind: str) -> JsonObject:
    upstreams = view.having(kind)
    if not upstreams:
        return view.told(call.method, {kind: []}, None)
    upstream = upstreams[0]
    if call.method == "tools/list" and view.hub.many.above is not None:
        items = await items_of(view, upstream, call.method)  # of all pages: how many are there
        return view.told(call.method, {kind: view.hub.many.instead(view, items) or items}, None)
    try:
        result, link = await upstream.call(call)
    except RpcError as error:
        if error.code != METHOD_NOT_FOUND:
            raise
        return view.told(call.method, {kind: []}, None)
    return view.told(call.method, {**result, kind: _usable(view, upstream, kind, result.get(kind))}, link)


def _usable(view: View, upstream: Upstream, kind: str, items: Json) -> list[JsonObject]:
    found = sound(upstream.name, kind, items)
    if kind == "tools":
        upstream.knows({tool["name"]: tool["inputSchema"] for tool in found})
        found = view.hub.pins.look(upstream.definition, found, view.hub.separator)
        found = [tool for tool in found if view.rights.tool(upstream.definition, tool["name"])]
        found = offered(upstream.definition, found)
    return found


async def merged(view: View, method: str) -> tuple[list[JsonObject], dict[str, str]]:
    """All that the caller may use, under the names of this view; and the servers that did not answer."""
    found, absent = await gathered(view, method)
    return [
        under_roof(upstream.definition.prefix, view.hub.separator, method, item)
        for upstream, items in found
        for item in _own(view, upstream, method, items)
    ], absent


def _own(view: View, upstream: Upstream, method: str, items: list[JsonObject]) -> list[JsonObject]:
    """Without those whose names, with the server's before them, are another server's: what is called goes to whom it is
    listed of. (`b-echo` of the server `a`, beside a server `a-b`.)"""
    if KEY[ITEMS[method]] != "name":
        return items
    before = upstream.definition.prefix + view.hub.separator
    others = [one.definition.prefix + view.hub.separator for one in view.upstreams if one is not upstream]
    longer = tuple(other for other in others if other.startswith(before))
    if not longer:
        return items
    own = [item for item in items if not (before + item["name"]).startswith(longer)]
    for item in items if len(own) < len(items) else ():
        if item not in own:
            log.warning("the MCP server %r: %r is left out: it has another's name", upstream.name, item["name"][:100])
    return own


async def gathered(
    view: View, method: str, *, for_operator: bool = False
) -> tuple[list[tuple[Upstream, list[JsonObject]]], dict[str, str]]:
    """All that the caller may use, by server, under each server's own names; and the servers that did not answer,
    with the reason. The operator, who asked for it, is told that in full, and it is not in the log."""
    ordered = sorted(view.having(ITEMS[method]), key=lambda upstream: upstream.definition.prefix)
    told = await asyncio.gather(*(upstream.soon(items_of(view, upstream, method)) for upstream in ordered))
    found = [(upstream, items) for upstream, items in zip(ordered, told, strict=True) if isinstance(items, list)]
    absent = {
        upstream.name: items.in_full if for_operator else items.message
        for upstream, items in zip(ordered, told, strict=True)
        if isinstance(items, RpcError)
    }
    for name, why in () if for_operator else absent.items():
        log.warning("the MCP server %r is missing in a list: %s", name, why)
    return found, absent


async def items_of(view: View, upstream: Upstream, method: str) -> list[JsonObject]:
    """Of all pages."""
    kind, cursor = ITEMS[method], None
    items: dict[str, JsonObject] = {}
    for _ in range(PAGES_MAX):
        params: JsonObject = {} if cursor is None else {"cursor": cursor}
        try:
            result, _link = await upstream.call(Call(method, params, view.caller))
        except RpcError as error:
            if error.code == METHOD_NOT_FOUND:
                return list(items.values())
            raise
        items.update({item[KEY[kind]]: item for item in _usable(view, upstream, kind, result.get(kind))})
        cursor = result.get("nextCursor")
        if not isinstance(cursor, str):
            return list(items.values())
    raise RpcError(UPSTREAM_FAILED, f"The MCP server {upstream.name!r} lists more than {PAGES_MAX} pages.")
