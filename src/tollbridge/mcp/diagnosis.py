"""How a server is: which eras it speaks and over what, what it can, how long it takes, and what is wrong with it.

It is greeted as by a client of the newest revision; one that speaks that over HTTP is greeted as by an older one too.
What is wrong is told with what to do about it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import msgspec

from tollbridge.mcp.call import Call, Caller
from tollbridge.mcp.definition import Definition
from tollbridge.mcp.hidden import visible
from tollbridge.mcp.http import Refused
from tollbridge.mcp.hub import Hub
from tollbridge.mcp.jsonrpc import METHOD_NOT_FOUND, RpcError
from tollbridge.mcp.link import Link
from tollbridge.mcp.lists import PAGES_MAX
from tollbridge.mcp.offered import flaw_of
from tollbridge.mcp.pins import Pins
from tollbridge.mcp.upstream import SOON_S, Upstream
from tollbridge.model.json import Json, JsonObject
from tollbridge.policy.principal import Principal

LOOK_S = 15.0
"""How long it has for each thing that it is asked."""
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Diagnosis(msgspec.Struct, kw_only=True):
    """`revisions`: those that it was spoken to in. `transport`: what was chosen. Times in milliseconds: to greet it,
    to list its tools. `left_out`: tools that are not offered, each with the reason. `error`: why it cannot be used;
    `problems`: what is wrong although it can."""

    server_id: str
    server_name: str
    status: str = "healthy"
    transport: str = ""
    revisions: list[str] = []
    server_info: JsonObject | None = None
    capabilities: list[str] = []
    latency_ms: float = 0.0
    listing_ms: float | None = None
    tools: int | None = None
    left_out: list[str] = []
    error: str | None = None
    problems: list[str] = []


def as_json(found: Diagnosis) -> JsonObject:
    """With LiteLLM's name for the error."""
    told: JsonObject = msgspec.to_builtins(found)
    return {**told, "health_check_error": told.pop("error")}


async def diagnose(
    upstream: Upstream, principal: Principal, *, tools: bool = True, hub: Hub | None = None
) -> Diagnosis:
    """`tools`: ask for its tools as well. `hub`: knows what they were trusted as."""
    definition = upstream.definition
    found = Diagnosis(server_id=definition.id or definition.name, server_name=definition.name)
    caller = Caller(principal=principal, modern=True)
    began = time.monotonic()
    try:
        link = await _greeted(upstream, caller)
        found.latency_ms = _since(began)
        _tell(found, upstream, link)
        if link.modern and definition.command is None:
            await _greet_as_older(found, upstream, principal)
        if tools:
            await _look_at_tools(found, upstream, caller, Hub([upstream]) if hub is None else hub)
    except (RpcError, TimeoutError) as error:
        found.latency_ms = found.latency_ms or _since(began)
        found.transport = found.transport or upstream.links.carrier
        found.status = "unhealthy"
        found.error = _explained(error, definition)
    found.problems += _misgivings(definition)
    return found


async def _greeted(upstream: Upstream, caller: Caller) -> Link:
    """A link may have been kept from before: what counts is that the server answers now."""
    async with asyncio.timeout(LOOK_S), upstream.links.lent(caller) as link:
        await link.ping()
        return link


async def _greet_as_older(found: Diagnosis, upstream: Upstream, principal: Principal) -> None:
    try:
        link = await _greeted(upstream, Caller(principal=principal, modern=False))
    except (RpcError, TimeoutError):
        return  # it need not speak both
    if link.version not in found.revisions:
        found.revisions.append(link.version)


def _tell(found: Diagnosis, upstream: Upstream, link: Link) -> None:
    found.transport = upstream.links.carrier
    found.revisions.append(link.version)
    found.server_info = link.server_info
    found.capabilities = sorted(link.capabilities)


async def _look_at_tools(found: Diagnosis, upstream: Upstream, caller: Caller, hub: Hub) -> None:
    began = time.monotonic()
    async with asyncio.timeout(LOOK_S):
        items = await _tools(upstream, caller)
    found.listing_ms = _since(began)
    definition = upstream.definition
    good: list[str] = []
    tools: list[JsonObject] = []
    for item in items:
        flaw = flaw_of("tools", item)
        if flaw:
            found.left_out.append(f"{_name(item)}: {flaw}")
        else:
            good.append(item["name"])
            tools.append(item)
    usable = {tool["name"] for tool in hub.pins.look(definition, tools, hub.separator)}
    found.tools = sum(definition.offers(name) for name in good if name in usable)
    _look_at_pins(found, definition, hub.pins)
    found.problems += [f"{key} names {name!r}, which it does not have" for key, name in _unknown(definition, good)]
    twice = sorted({name for name in good if good.count(name) > 1})
    found.problems += [f"it lists the tool {name!r} more than once" for name in twice]
    if found.listing_ms > SOON_S * 1000:
        found.problems.append(
            f"it took {found.listing_ms / 1000:.1f} s to list its tools: where several servers are listed it is "
            f"missing after {SOON_S:g} s"
        )


def _look_at_pins(found: Diagnosis, definition: Definition, pins: Pins) -> None:
    hint = f"`tollbridge mcp approve {definition.name}`"
    for one in pins.standings(definition):
        name = f"the tool {visible(one.pin.tool)[:100]!r}" if one.pin.tool else "its instructions"
        if one.barred:
            found.left_out.append(f"{name}: {one.barred}; see {hint}")
        elif one.changed:
            found.problems.append(f"{name}: another definition than before; see {hint}")
        if one.open:
            found.problems += [f"{name}: {flag}" for flag in one.flags]


async def _tools(upstream: Upstream, caller: Caller) -> list[Json]:
    items: list[Json] = []
    cursor: Json = None
    for _ in range(PAGES_MAX):
        try:
            result, _link = await upstream.call(Call("tools/list", {"cursor": cursor} if cursor else {}, caller))
        except RpcError as error:
            if error.code == METHOD_NOT_FOUND:
                return items
            raise
        listed = result.get("tools")
        items += listed if isinstance(listed, list) else []
        cursor = result.get("nextCursor")
        if not isinstance(cursor, str):
            break
    return items


def _unknown(definition: Definition, names: Sequence[str]) -> list[tuple[str, str]]:
    said = {
        "tool_name_to_display_name": definition.display,
        "tool_name_to_description": definition.descriptions,
        "allowed_params": definition.allowed_params,
        "tool_name_to_cost_per_query": definition.costs_nanousd,
    }
    return [(key, name) for key, tools in said.items() for name in sorted(tools) if name not in names]


def _misgivings(definition: Definition) -> list[str]:
    address = definition.address
    if address is None or address.origin.scheme == "https" or address.origin.host in LOOPBACK or not address.headers:
        return []
    return ["its headers go over http, readable on the way; use https"]


def _explained(error: RpcError | TimeoutError, definition: Definition) -> str:
    if isinstance(error, TimeoutError):
        return f"it did not answer within {LOOK_S:g} s"
    if not isinstance(error, Refused):
        return error.in_full
    match error.http_status:
        case 401 | 403:
            said = (
                "the credential that it is given is refused" if _has_credential(definition) else "it wants a credential"
            )
            return f"{error.in_full} {said[0].upper()}{said[1:]}: see `auth_type` and `auth_value`."
        case 404 | 405:
            return f"{error.message} Is the path of its URL right?"
        case _:
            return error.message


def _has_credential(definition: Definition) -> bool:
    return definition.address is not None and any(
        name in ("authorization", "x-api-key") for name, _ in definition.address.headers
    )


def _name(item: Json) -> str:
    name = item.get("name") if isinstance(item, dict) else None
    return repr(name[:100]) if isinstance(name, str) else "a tool without a name"


def _since(began: float) -> float:
    return round((time.monotonic() - began) * 1000, 1)
