"""Listing and calling tools without MCP: JSON over HTTP, in LiteLLM's shapes.

    GET  /mcp-rest/tools/list      {"tools": [{..., "mcp_info": {"server_id", "server_name"}}], "error", "message"}
    POST /mcp-rest/tools/call      {"name", "arguments", "server_id"} -> {"content": [...], "isError": false}
    GET, POST /mcp/tools/list      the list of tools alone      } as LiteLLM answered
    POST /mcp/tools/call           the list of contents alone   } before it had /mcp-rest
    GET  /v1/mcp/tools             {"tools": [...]} under the names that they have at /mcp

1. Rights, limits, cost and the ledger are those of `/mcp`: each call goes through `Runner`.
2. A tool is listed under its server's own name for it, with the server beside it; a call names the server too
   (`server_id` or `server_name`), or a name that is a tool's alone, or one with the server's name before it, or both.
3. A server that did not answer hides nobody else's tools, and is named in `message`. Errors of a call are OpenAI's.
4. Whoever asks this way answers nothing, so that a server that needs input is refused it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tollbridge.errors import (
    APIError,
    BadGatewayError,
    BadRequestError,
    BudgetExceededError,
    NotFoundError,
    UnprocessableEntityError,
)
from tollbridge.mcp.access import Unknown
from tollbridge.mcp.call import Call, Caller
from tollbridge.mcp.hub import Hub
from tollbridge.mcp.jsonrpc import BUDGET, INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND, RpcError, encode
from tollbridge.mcp.names import parted
from tollbridge.mcp.run import Runner
from tollbridge.mcp.upstream import Upstream
from tollbridge.mcp.view import View
from tollbridge.model.json import Json, JsonObject
from tollbridge.observe import Record
from tollbridge.server.answers import JSON, NO_STORE, cost_headers
from tollbridge.server.inbound import Inbound, Responder, plain_refusal
from tollbridge.server.managed import read_body, read_query
from tollbridge.server.presence import broken_off
from tollbridge.server.routes import Route

if TYPE_CHECKING:
    from tollbridge.mcp.endpoint import Endpoint

LISTED = "Successfully retrieved tools"
CALL_FIELDS = ("name", "tool_name", "arguments", "server_id", "server_name")
LIST_FIELDS = ("server_id", "server_name")
OLDER = "/mcp/tools/"
ALL_TOOLS = "/v1/mcp/tools"
FAILED = (b"x-tollbridge-mcp-is-error", b"true")
"""Of an answer that has no room for `isError`."""


class Rest:
    def __init__(self, endpoint: Endpoint, hub: Hub, runner: Runner) -> None:
        self._endpoint = endpoint
        self._hub = hub
        self._runner = runner

    def routes(self) -> Sequence[Route]:
        def mounted(path: str, *methods: str) -> Route:
            return Route(methods=methods, path=path, handler="mounted", access="key", mount=self.handle)

        return (
            mounted("/mcp-rest/tools/list", "GET"),
            mounted("/mcp-rest/tools/call", "POST"),
            mounted("/mcp/tools/list", "GET", "POST"),
            mounted("/mcp/tools/call", "POST"),
            mounted(ALL_TOOLS, "GET"),
        )

    async def handle(self, inbound: Inbound, responder: Responder, record: Record, id: str | None) -> None:
        work = asyncio.ensure_future(self._answer(inbound, record))

        def gone() -> None:
            work.cancel()

        responder.on_gone(gone)
        try:
            told = await work
        except asyncio.CancelledError as error:
            broken_off(record, error)
            if not responder.gone:
                raise
        except APIError as error:
            refused = plain_refusal(error)
            record.status = refused.status
            responder.reply(refused.status, refused.headers, refused.body)
        else:
            record.status = 200
            failed = isinstance(told, dict) and told.get("isError") is True
            if inbound.path.startswith(OLDER) and isinstance(told, dict):
                told = told.get("content") or []
            cost = () if not record.provider else (cost_headers(record.cost_nanousd, None),)
            responder.reply(200, [JSON, NO_STORE, *cost, *([FAILED] if failed else ())], encode(told))
        finally:
            responder.on_gone(None)

    async def _answer(self, inbound: Inbound, record: Record) -> Json:
        """Raises APIError."""
        self._endpoint.check(inbound)
        said = {**read_query(inbound.query), **read_body(inbound.body)}
        if inbound.path == ALL_TOOLS:
            _only(said, ())
            return await self._all(inbound)
        if inbound.path.endswith("/list"):
            return await self._list(inbound, said)
        try:
            return await self._call(inbound, said, record)
        except RpcError as error:
            raise as_http(error) from error

    async def _list(self, inbound: Inbound, said: Mapping[str, Json]) -> Json:
        _only(said, LIST_FIELDS)
        server = _server(said)
        view = self._view(inbound, server)
        older = inbound.path.startswith(OLDER)
        if server is not None and not view.upstreams:
            told = f"There is no MCP server {server[:200]!r} here."
            return [] if older else {"tools": [], "error": "server_not_found", "message": told}
        found, absent = await view.gathered("tools/list")
        tools = [beside_its_server(self._hub, upstream, tool) for upstream, tools in found for tool in tools]
        if older:
            return tools
        if not absent:
            return {"tools": tools, "error": None, "message": LISTED}
        why = "; ".join(f"{name}: {reason}" for name, reason in absent.items())
        error = "partial_failure" if server is None else "server_error"
        return {"tools": tools, "error": error, "message": f"Failed to get tools from servers: {why}"}

    async def _all(self, inbound: Inbound) -> Json:
        """Under the names by which `/mcp` has them."""
        view = self._view(inbound, None)
        found, _ = await view.gathered("tools/list")
        return {
            "tools": [
                {**beside_its_server(self._hub, upstream, tool), "name": view.name_of(upstream, tool["name"])}
                for upstream, tools in found
                for tool in tools
            ]
        }

    async def _call(self, inbound: Inbound, said: Mapping[str, Json], record: Record) -> JsonObject:
        _only(said, CALL_FIELDS)
        name, arguments = said.get("name") or said.get("tool_name"), said.get("arguments")
        if not isinstance(name, str) or not name:
            raise UnprocessableEntityError("`name` is missing: the tool.", code="missing_field", param="name")
        if not isinstance(arguments, dict | None):
            raise UnprocessableEntityError("`arguments` is an object.", code="invalid_field", param="arguments")
        server = _server(said)
        view = self._view(inbound, server)
        if server is not None and not view.upstreams:
            raise NotFoundError(f"There is no MCP server {server[:200]!r} here.", code="unknown_mcp_server")
        if server is not None:
            name = await self._own_name(view, name)
        call = Call("tools/call", {"name": name, "arguments": arguments or {}}, view.caller)
        return await self._runner.run(view, call, record, whole=True)

    async def _own_name(self, view: View, name: str) -> str:
        """Of a tool of one server. LiteLLM's clients say the server's name before it although they name the server."""
        [upstream] = view.upstreams
        split = parted(name, (upstream.definition.prefix,), self._hub.separator)
        if split is None:
            return name
        found, _ = await view.gathered("tools/list")
        whole = any(tool["name"] == name for _, tools in found for tool in tools)
        return name if whole else split[1]

    def _view(self, inbound: Inbound, server: str | None) -> View:
        principal = inbound.principal
        if principal is None:
            raise TypeError("tools are open to nobody")
        credentials = self._endpoint.brought(principal, inbound.headers, self._endpoint.base(inbound))
        caller = Caller(principal=principal, modern=False, credentials=credentials)
        if server is not None:
            one = self._hub.find(server)
            return self._hub.view(caller, () if one is None else (one.name,), alone=True)
        wanted, _ = self._endpoint.wanted(inbound, None)
        return self._hub.view(caller, wanted)


def beside_its_server(hub: Hub, upstream: Upstream, tool: JsonObject) -> JsonObject:
    """A tool as it is listed here; `flags`: what is suspicious about it."""
    told = shown(upstream)
    flags = hub.pins.flags(upstream.name, upstream.definition.own_name(tool["name"]))
    return {**tool, "mcp_info": {**told, "flags": list(flags)} if flags else told}


def shown(upstream: Upstream) -> JsonObject:
    """What is told of a server beside each of its tools."""
    definition = upstream.definition
    told: JsonObject = {
        **definition.info,
        "server_id": definition.id or definition.name,
        "server_name": definition.name,
    }
    if definition.alias is not None:
        told["alias"] = definition.alias
    return told


def as_http(error: RpcError) -> APIError:
    if isinstance(error, Unknown):
        return NotFoundError(error.message, code="tool_not_found", param="name")
    if error.code == BUDGET:
        return BudgetExceededError(error.message, status_code=error.status, code="budget_exceeded")
    if error.status >= 400:
        wait = error.data.get("retry_after_s") if isinstance(error.data, dict) else None
        kind = _TYPES.get(error.status)
        return APIError(error.message, status_code=error.status, type=kind, retry_after_s=wait)
    if error.code in (INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND):
        return BadRequestError(error.message)
    return BadGatewayError(error.message, code=error.code, fault="provider")


_TYPES = {400: BadRequestError.type, 404: NotFoundError.type, 429: "rate_limit_error"}


def _server(said: Mapping[str, Json]) -> str | None:
    for name in ("server_id", "server_name"):
        value = said.get(name)
        if isinstance(value, str) and value:
            return value
        if value not in (None, ""):
            raise UnprocessableEntityError(f"`{name}` is a text.", code="invalid_field", param=name)
    return None


def _only(said: Mapping[str, Json], known: tuple[str, ...]) -> None:
    for name in said:
        if name not in known:
            raise UnprocessableEntityError(
                f"`{name[:100]}` means nothing here. Known: {', '.join(known)}.", code="unknown_field", param=name[:100]
            )
