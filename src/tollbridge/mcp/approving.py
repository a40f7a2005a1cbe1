"""`/v1/mcp/pins`: what tools were trusted as, what they are now, and approving it. For the admin alone.

    GET  /v1/mcp/pins?server=NAME      what waits for a look: {"server", "tool", "state", "flags", "diff", ...};
                                       `all=true`: the rest as well
    POST /v1/mcp/pins                  {"server": NAME, "tools": {TOOL: FINGERPRINT}} approves what was looked at;
                                       {"server": NAME, "tool": TOOL} one, whatever it is now; without, all that waits

The tool "" is the instructions of the server. Servers are asked for their tools anew before anything is shown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from tollbridge.errors import NotFoundError, UnprocessableEntityError
from tollbridge.mcp.call import Caller
from tollbridge.mcp.facts import facts
from tollbridge.mcp.hub import Hub
from tollbridge.mcp.jsonrpc import RpcError
from tollbridge.mcp.pins import Standing, difference
from tollbridge.mcp.upstream import Upstream
from tollbridge.model.json import Json, JsonObject
from tollbridge.observe.line import spelled
from tollbridge.policy.principal import Principal
from tollbridge.server.managed import Call as Asked
from tollbridge.server.managed import Reply
from tollbridge.server.routes import READ, Route

PATH = "/v1/mcp/pins"
LOOK_S = 15.0


class Approving:
    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def routes(self) -> Sequence[Route]:
        return (
            Route(methods=READ, path=PATH, handler="managed", access="admin", manager=self.show),
            Route(methods=("POST",), path=PATH, handler="managed", access="admin", manager=self.approve),
        )

    async def show(self, asked: Asked) -> Reply:
        all_of_them = asked.query.get("all", "").lower() == "true"
        return Reply(await standings(self._hub, asked.principal, asked.query.get("server"), all_of_them=all_of_them))

    async def approve(self, asked: Asked) -> Reply:
        body = asked.body
        server, tool, tools = body.get("server"), body.get("tool"), body.get("tools")
        if not isinstance(server, str):
            raise _wrong("server")
        if not isinstance(tool, str | None):
            raise _wrong("tool")
        if not isinstance(tools, dict | None) or not all(isinstance(one, str) for one in (tools or {}).values()):
            raise _wrong("tools")
        wanted: Mapping[str, str | None] | None = tools if tools is not None else None if tool is None else {tool: None}
        return Reply({"approved": await approve(self._hub, asked.principal, server, wanted)})


async def standings(hub: Hub, principal: Principal, server: str | None, *, all_of_them: bool) -> list[JsonObject]:
    """Raises NotFoundError."""
    upstreams = list(hub.upstreams.values()) if server is None else [_found(hub, server)]
    await asyncio.gather(*(_look(hub, upstream, principal) for upstream in upstreams))
    return [
        _shown(upstream, one)
        for upstream in upstreams
        for one in hub.pins.standings(upstream.definition)
        if all_of_them or one.open
    ]


async def approve(hub: Hub, principal: Principal, server: str, wanted: Mapping[str, str | None] | None) -> list[str]:
    """The tools that are approved. `wanted`: None is all that wait for it. Raises APIError."""
    upstream = _found(hub, server)
    if wanted is None or not all(wanted.values()):
        await _look(hub, upstream, principal)
    known = {one.pin.tool: one for one in hub.pins.standings(upstream.definition)}
    for tool in wanted or ():
        if tool not in known:
            raise NotFoundError(f"{upstream.name!r} has no tool {tool[:200]!r}.", code="tool_not_found", param="tool")
    chosen = wanted if wanted is not None else {tool: one.now.fingerprint for tool, one in known.items() if one.open}
    approved = await hub.pins.approve(upstream.definition, chosen, principal.id)
    return [pin.tool for pin in approved]


async def _look(hub: Hub, upstream: Upstream, principal: Principal) -> None:
    """What it says of itself now; what was seen before where it does not answer."""
    view = hub.view(Caller(principal=principal, modern=True), (upstream.name,), alone=True)
    try:
        async with asyncio.timeout(LOOK_S):
            await view.learn(upstream)
            await facts(view)
    except (RpcError, TimeoutError):
        return


def _shown(upstream: Upstream, one: Standing) -> JsonObject:
    pin = one.pin
    return {
        "server": upstream.name,
        "tool": pin.tool,
        "state": "changed" if one.changed else "flagged" if one.open else "approved" if pin.pinned_by else "first use",
        "quarantined": bool(one.barred),
        "flags": list(one.flags),
        "pinned_at": spelled(pin.pinned_at),
        "pinned_by": pin.pinned_by or None,
        "fingerprint": one.now.fingerprint,
        "pinned_fingerprint": pin.fingerprint,
        "diff": difference(pin.definition, one.now.definition),
        "definition": one.now.definition,
    }


def _found(hub: Hub, server: str) -> Upstream:
    upstream = hub.find(server)
    if upstream is None:
        raise NotFoundError(f"There is no MCP server {server[:200]!r} here.", code="mcp_server_not_found")
    return upstream


def _wrong(field: str) -> UnprocessableEntityError:
    told: dict[str, Json] = {"server": "a name", "tool": "a name", "tools": "fingerprints by name"}
    return UnprocessableEntityError(f"`{field}` is {told[field]}.", code="invalid_field", param=field)
