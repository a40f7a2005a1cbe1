"""What carries the messages to a server, by what it is: a program, an API with a document, or MCP over HTTP."""

from __future__ import annotations

from collections.abc import Mapping

from tollbridge.mcp.definition import Definition
from tollbridge.mcp.http import Address, Http, Mirrors, Pairs
from tollbridge.mcp.http_sse import HttpSse
from tollbridge.mcp.link import Channel
from tollbridge.mcp.openapi.channel import OpenApi
from tollbridge.mcp.stdio import Stdio
from tollbridge.transport.base import Transport


def channel_to(
    definition: Definition,
    transport: Transport,
    environ: Mapping[str, str],
    headers: Pairs,
    *,
    sse: bool,
    mirrors: Mirrors,
) -> Channel:
    """`headers`: of the caller's requests. `sse`: it was found to speak HTTP+SSE."""
    command, address = definition.command, definition.address
    if command is not None:
        return Stdio(command.command, command.args, env=command.env, environ=environ, cwd=command.cwd)
    assert address is not None
    here = Address(address.origin, address.target, headers)
    if definition.api is not None:
        return OpenApi(transport, here, definition.api)
    return HttpSse(transport, here) if sse else Http(transport, here, mirrors=mirrors)
