"""A legacy caller of a modern server that needs input: each thing that it asks for is asked of the caller, as a
request; the call is then made again with the answers."""

from __future__ import annotations

import asyncio

from tollbridge.mcp.call import Call, Caller
from tollbridge.mcp.jsonrpc import INVALID_REQUEST, RpcError
from tollbridge.mcp.revisions import SERVER_REQUESTS
from tollbridge.model.json import JsonObject


async def with_input(server: str, call: Call, result: JsonObject) -> JsonObject:
    """The parameters for the next time. `result`: the server's `input_required`. Raises RpcError."""
    asked = check_asked(server, call.caller, result)
    if asked and call.ask is None:
        raise _not_given(server)
    names = list(asked)
    answers = await asyncio.gather(*(_input(server, call, asked[name]) for name in names))
    params = {name: value for name, value in call.params.items() if name not in ("inputResponses", "requestState")}
    if names:
        params["inputResponses"] = dict(zip(names, answers, strict=True))
    if "requestState" in result:
        params["requestState"] = result["requestState"]
    return params


def check_asked(server: str, caller: Caller, result: JsonObject) -> JsonObject:
    """What is asked for, by name. Raises RpcError where the caller did not declare that it answers such a thing, or the
    operator does not let this server ask for it."""
    asked = result.get("inputRequests") or {}
    answers = caller.answers
    wanted = asked.values() if isinstance(asked, dict) else (None,)
    methods = [one.get("method") if isinstance(one, dict) else None for one in wanted]
    if not isinstance(asked, dict) or any(SERVER_REQUESTS.get(str(method), "") not in answers for method in methods):
        raise _not_given(server)
    return asked


async def _input(server: str, call: Call, wanted: JsonObject) -> JsonObject:
    params = wanted.get("params")
    assert call.ask is not None
    return await call.ask(server, wanted["method"], params if isinstance(params, dict) else {})


def _not_given(server: str) -> RpcError:
    return RpcError(INVALID_REQUEST, f"The MCP server {server!r} needs input that this client does not give.")
