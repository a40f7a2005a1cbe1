"""What a view of servers is told to be, in a handshake or a discovery: what they can, who they are, their instructions.

One server alone is told as it told itself. Of several, one that does not answer soon is left out.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from tollbridge.mcp.capabilities import merged, passed, to_modern_client
from tollbridge.mcp.eras import to_modern
from tollbridge.mcp.jsonrpc import RpcError
from tollbridge.mcp.link import OURSELVES, Link
from tollbridge.mcp.oauth.invitations import SignInNeeded
from tollbridge.mcp.revisions import CLIENT_CAPABILITIES, MODERN
from tollbridge.mcp.upstream import Upstream
from tollbridge.model.json import JsonObject

if TYPE_CHECKING:
    from tollbridge.mcp.view import View

log = logging.getLogger("tollbridge.mcp")


UNKNOWN: JsonObject = {"tools": {"listChanged": True}}
"""What a server is said to offer before anybody signed in: a client asks it for tools then, and is told to sign in."""


async def facts(view: View) -> tuple[JsonObject, JsonObject | None, str | None]:
    """(capabilities, who the server is, instructions), of all together. Raises RpcError where there is but one server
    and it cannot be reached."""
    found = await asyncio.gather(*(_link(view, upstream) for upstream in view.upstreams))
    links = [link for link in found if isinstance(link, Link)]
    own = {
        upstream.definition.prefix: _instructions(view, upstream, link)
        for upstream, link in zip(view.upstreams, found, strict=True)
    }
    if not view.prefixed and found and not links:
        return UNKNOWN, None, next(iter(own.values()))
    if not view.prefixed and links:
        return passed(links[0].capabilities), links[0].server_info, next(iter(own.values()))
    instructions = "\n\n".join(f"{prefix}: {text}" for prefix, text in own.items() if text)
    capabilities = merged([link.capabilities for link in links])
    if None in found:  # when it comes, that is told
        capabilities = {**capabilities, "tools": {**capabilities.get("tools", {}), "listChanged": True}}
    return capabilities, OURSELVES, instructions or None


async def discover(view: View) -> JsonObject:
    """The answer to `server/discover`."""
    capabilities, info, instructions = await facts(view)
    told: JsonObject = {"supportedVersions": list(MODERN), "capabilities": to_modern_client(capabilities)}
    if instructions is not None:
        told["instructions"] = instructions
    return to_modern("server/discover", told, info or OURSELVES)


def _instructions(view: View, upstream: Upstream, link: Link | RpcError | None) -> str | None:
    if isinstance(link, RpcError):
        return link.message
    told = None if link is None else link.instructions
    return upstream.definition.instructions or view.hub.pins.instructions(upstream.definition, told)


async def _link(view: View, upstream: Upstream) -> Link | RpcError | None:
    """None of one that is not there, an error of one that somebody has to sign in at first. Who is only greeted needs
    no link of its own: where nobody's is to spare it is looked at by the one that is everybody's."""
    links, caller = upstream.links, view.caller.without(upstream.definition.barred)
    if not links.has_room(caller):
        caller = caller.without(CLIENT_CAPABILITIES)

    async def opened() -> Link:
        async with links.lent(caller) as link:
            return link

    link = await upstream.soon(opened(), greeting=view.prefixed)
    if isinstance(link, Link):
        return link
    if isinstance(link, SignInNeeded) and upstream.tokens is not None:
        return upstream.tokens.invitations.told(link, view.caller)
    if not view.prefixed:
        raise link
    log.warning("the MCP server %r is missing: %s", upstream.name, link.message)
    return None
