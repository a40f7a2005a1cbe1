"""A tool or a prompt that is not there: whether a server says so, and which names its caller may have meant.

Names are given out of what the caller is listed, and nothing else. A server has a form of its own to say that it has no
such tool (an error of the protocol, or a result with `isError`); it stays, and the names stand after it.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING

from tollbridge.catalog.near import did_you_mean, near
from tollbridge.mcp.access import Unknown
from tollbridge.mcp.jsonrpc import INVALID_PARAMS, RpcError
from tollbridge.mcp.lists import gathered, items_of
from tollbridge.mcp.names import joined, parted
from tollbridge.mcp.upstream import Upstream
from tollbridge.model.json import JsonObject

if TYPE_CHECKING:
    from tollbridge.mcp.view import View

NAMES = 3
_UNKNOWN = re.compile(
    r"unknown|not found|no such|no tool|not exist|not a tool|not available|not registered", re.IGNORECASE
)


async def meant(view: View, kind: str, name: str) -> list[str]:
    """Names of this view that resemble one. Where a server's stands before it, those of that server, by what follows:
    all of them begin alike. Several servers' may stand there (`lab`, `lab-x`), or none's was meant, and a tool is
    called so itself: the longest comes first."""
    found, _ = await gathered(view, f"{kind}/list")
    before = [upstream.definition.prefix for upstream, _ in found] if view.prefixed else []
    told: list[str] = []
    standing = [prefix for prefix in before if parted(name, [prefix], view.hub.separator) is not None]
    for prefix in sorted(standing, key=len, reverse=True):
        rest = name[len(joined(prefix, view.hub.separator, "")) :]
        theirs = [(upstream, items) for upstream, items in found if upstream.definition.prefix == prefix]
        told += _spelled(rest, _names(view, theirs))
    names = _names(view, found)
    told += _spelled(name, names if standing else [*names, *((shown, shown) for _, shown in names)])
    return list(dict.fromkeys(told))[:NAMES]


def _names(view: View, found: Sequence[tuple[Upstream, list[JsonObject]]]) -> list[tuple[str, str]]:
    """(a server's own, as this view shows it)."""
    return [(item["name"], view.name_of(upstream, item["name"])) for upstream, items in found for item in items]


def _spelled(name: str, names: Sequence[tuple[str, str]]) -> list[str]:
    """Of those whose first resembles it, the second."""
    return [shown for one in near(name, {said for said, _ in names}) for said, shown in names if said == one]


async def disowned(view: View, upstream: Upstream, tool: str, result: JsonObject) -> bool:
    """A result with `isError` that says, and truly, that there is no such tool. What a tool that ran says of its own
    failure is not looked at further: its server is not asked for its list."""
    return _says_unknown(result, tool) and await lacks(view, upstream, tool)


def _says_unknown(result: JsonObject, tool: str) -> bool:
    content = result.get("content")
    texts = [str(one.get("text", "")) for one in content if isinstance(one, dict)] if isinstance(content, list) else []
    return any(tool in text and _UNKNOWN.search(text) is not None for text in texts)


async def lacks(view: View, upstream: Upstream, tool: str) -> bool:
    """The server has no tool that it calls so. Where its tools cannot be listed soon it is taken at its word."""
    listed = await upstream.soon(items_of(view, upstream, "tools/list"))
    if isinstance(listed, RpcError) or not listed:
        return False
    return tool not in {upstream.definition.own_name(item["name"]) for item in listed}


async def helped(view: View, upstream: Upstream, tool: str, asked: Awaitable[JsonObject]) -> JsonObject:
    """The result of a call. Raises RpcError."""
    try:
        result = await asked
    except RpcError as error:
        if error.code == INVALID_PARAMS and await lacks(view, upstream, tool):
            raise await named(view, upstream, tool, error) from error
        raise
    if result.get("isError") is True and await disowned(view, upstream, tool, result):
        return await shown(view, upstream, tool, result)
    return result


async def named(view: View, upstream: Upstream, tool: str, said: RpcError) -> Unknown:
    """A server's refusal of a tool that it lacks."""
    names = await meant(view, "tools", view.name_of(upstream, tool))
    message = f"{said.message.rstrip()} {did_you_mean(names)}" if names else said.message
    return Unknown(said.code, message, said.data, status=said.status, extra=said.extra)


async def shown(view: View, upstream: Upstream, tool: str, result: JsonObject) -> JsonObject:
    """The same, where it is the result of a call."""
    names = await meant(view, "tools", view.name_of(upstream, tool))
    content = result.get("content")
    if not names or not isinstance(content, list):
        return result
    return {**result, "content": [*content, {"type": "text", "text": did_you_mean(names)}]}
