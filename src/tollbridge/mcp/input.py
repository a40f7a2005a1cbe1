"""A legacy caller of a modern server that needs input: each thing that it asks for is asked of the caller, as a
request; the call is then made again with the answers."""

from __future__ import annotations

import asyncio

from tollbridge.mcp.call import Call
from tollbridge.mcp.jsonrpc import INVALID_REQUEST, RpcError
from tollbridge.mcp.revisions import SERVER_REQUESTS
from tollbridge.model.json import Json, JsonObject


async def with_input(server: str, call: Call, result: JsonObject) -> JsonObject:
    """The parameters for the next time. `result`: the server's `input_required`. Raises RpcError."""
    asked = result.get("inputRequests") or {}
    if not isinstance(asked, dict) or (asked and call.ask is None):
        raise RpcError(INVALID_REQUEST, f"The MCP server {server!r} needs input that this client does not give.")
    names = list(asked)
    answers = await asyncio.gather(*(_input(server, call, asked[name]) for name in names))
    params = {name: value for name, value in call.params.items() if name not in ("inputResponses", "requestState")}
    if names:
        params["inputResponses"] = dict(zip(names, answers, strict=True))
    if "requestState" in result:
        params["requestState"] = result["requestState"]
    return params


async def _input(server: str, call: Call, wanted: Json) -> JsonObject:
    method = wanted.get("method") if isinstance(wanted, dict) else None
    if not isinstance(method, str) or method not in SERVER_REQUESTS or call.ask is None:
        raise RpcError(INVALID_REQUEST, f"The MCP server {server!r} asked for something unknown.")
    params = wanted.get("params")
    return await call.ask(method, params if isinstance(params, dict) else {})
