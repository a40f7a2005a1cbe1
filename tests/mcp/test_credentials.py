"""What reaches an MCP server of the credentials that a request carries: never the gateway's own key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.mcp.gateway import gateway
from tests.server.served import KEY
from tests.transport.upstream import Peer, Upstream, answer

TOOLS = {"tools": [{"name": "echo", "inputSchema": {"type": "object"}}]}
GREETING = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {"name": "x", "version": "1"}}


class Server:
    """A legacy server that keeps the heads of what it is asked."""

    def __init__(self) -> None:
        self.heads: list[str] = []

    async def __call__(self, peer: Peer) -> None:
        while (said := await peer.request()) is not None:
            head, _, body = said.partition(b"\r\n\r\n")
            self.heads.append(head.decode().lower())
            message = json.loads(body) if body else {}
            if "id" not in message:
                peer.send(answer(b"", status="202 Accepted" if body else "405 Method Not Allowed"))
                continue
            result = GREETING if message["method"] == "initialize" else TOOLS
            told = {"jsonrpc": "2.0", "id": message["id"], "result": result}
            peer.send(answer(json.dumps(told).encode(), "content-type: application/json"))


LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
STORED = "operators-own-token"


@pytest.mark.parametrize(
    ("headers", "reaches"),
    [
        ({"authorization": f"Bearer {KEY}"}, f"bearer {STORED}"),
        ({"x-litellm-api-key": KEY, "authorization": f"Bearer {KEY}"}, f"bearer {STORED}"),
        ({"x-litellm-api-key": f"Bearer {KEY}", "authorization": KEY}, f"bearer {STORED}"),
        ({"x-litellm-api-key": KEY, "authorization": "Bearer mine"}, "bearer mine"),
        ({"authorization": f"Bearer {KEY}", "x-mcp-auth": "mine"}, "bearer mine"),
        ({"authorization": f"Bearer {KEY}", "x-mcp-auth": "Basic bWluZQ=="}, "basic bwluzq=="),
        ({"authorization": f"Bearer {KEY}", "x-mcp-one-authorization": "Bearer its"}, "bearer its"),
        ({"authorization": f"Bearer {KEY}", "x-mcp-other-authorization": "Bearer its"}, f"bearer {STORED}"),
    ],
)
async def test_a_server_is_shown_its_own_credential_or_the_callers_and_never_the_gateways_key(
    tmp_path: Path, headers: dict[str, str], reaches: str
) -> None:
    """S38."""
    server = Server()
    async with Upstream(server) as upstream:
        one: dict[str, Any] = {"url": f"http://127.0.0.1:{upstream.port}/mcp", "auth_type": "bearer_token"}
        one |= {"auth_value": STORED, "extra_headers": ["authorization", "x-litellm-api-key", "x-trace"]}
        async with gateway({"mcp_servers": {"one": one}}, tmp_path) as served:
            listed = await served.send("POST", "/mcp", LIST, key=None, headers={**headers, "x-trace": "t1"})
    assert listed.status == 200, listed.body
    assert server.heads
    for head in server.heads:
        assert KEY.lower() not in head
        told = [line.partition(": ")[2] for line in head.split("\r\n") if line.startswith("authorization:")]
        assert told == [reaches]
    assert any("x-trace: t1" in head for head in server.heads)
