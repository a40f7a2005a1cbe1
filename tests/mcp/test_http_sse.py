"""Where a server over HTTP+SSE says that messages go."""

from __future__ import annotations

import asyncio

import pytest

from tests.transport.upstream import CHUNKED_HEAD, Peer, Upstream, chunked
from tollbridge.mcp import http_sse
from tollbridge.mcp.http import Address
from tollbridge.mcp.http_sse import HttpSse
from tollbridge.mcp.jsonrpc import RpcError
from tollbridge.mcp.link import Link
from tollbridge.transport.base import Origin
from tollbridge.transport.http1 import HttpTransport

STREAM_HEAD = CHUNKED_HEAD.replace(b"\r\n\r\n", b"\r\ncontent-type: text/event-stream\r\n\r\n")


@pytest.mark.parametrize(
    ("endpoint", "why"),
    [
        ("http://[", "named an endpoint that is no address"),
        ("http://[::zz]/messages", "named an endpoint that is no address"),
        ("https://other.example/messages", "named an endpoint on another host"),
        ("//other.example/messages", "named an endpoint on another host"),
    ],
)
async def test_an_endpoint_that_cannot_be_used_is_told_at_once(
    endpoint: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_sse, "ENDPOINT_S", 60.0)

    async def stream(peer: Peer) -> None:
        await peer.request()
        peer.send(STREAM_HEAD, chunked(f"event: endpoint\ndata: {endpoint}\n\n".encode()))
        await peer.request()

    async with Upstream(stream) as upstream:
        transport = HttpTransport()
        channel = HttpSse(transport, Address(Origin("http", "127.0.0.1", upstream.port), "/sse"))
        link = Link("one", channel, modern=False)
        async with asyncio.timeout(20):
            with pytest.raises(RpcError, match=why):
                await link.open()
        await link.close()
        await transport.close()
