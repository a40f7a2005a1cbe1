"""What reaches an MCP server of the credentials that a request carries: never the gateway's own key."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.mcp.gateway import Gateway, gateway
from tests.mcp.raw import META, MODERN
from tests.server.served import KEY, Answered
from tests.transport.upstream import Peer, Upstream, answer
from tollbridge.mcp.upstream import Upstream as McpUpstream
from tollbridge.transport.http1 import HttpTransport

TOOLS = {"tools": [{"name": "echo", "inputSchema": {"type": "object"}}]}
GREETING = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {"name": "x", "version": "1"}}


class Server:
    """A legacy server that keeps the heads of what it is asked. `badly`: the status for credentials that it cannot
    read."""

    def __init__(self, badly: int | None = None) -> None:
        self.heads: list[str] = []
        self._badly = badly

    async def __call__(self, peer: Peer) -> None:
        while (said := await peer.request()) is not None:
            head, _, body = said.partition(b"\r\n\r\n")
            self.heads.append(head.decode().lower())
            if self._badly is not None and "authorization: bearer nonsense" in self.heads[-1]:
                peer.send(answer(b'{"message": "badly formatted"}', status=f"{self._badly} Refused"))
                continue
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


BROUGHT = [
    "host",
    "cookie",
    "forwarded",
    "x-forwarded-host",
    "x-forwarded-for",
    "x-original-url",
    "x-real-ip",
    "connection",
    "content-length",
    "transfer-encoding",
    "te",
    "upgrade",
    "keep-alive",
    "proxy-authorization",
    "content-type",
    "content-encoding",
    "accept",
    "accept-encoding",
    "mcp-session-id",
    "mcp-protocol-version",
    "mcp-param-region",
    "last-event-id",
    "origin",
]


@asynccontextmanager
async def shielded(tmp_path: Path, **more: Any) -> AsyncIterator[tuple[Gateway, Server]]:
    """A gateway whose server `one` has a credential of the operator's."""
    server = Server()
    async with Upstream(server) as upstream:
        one: dict[str, Any] = {"url": f"http://127.0.0.1:{upstream.port}/mcp", "auth_type": "bearer_token"}
        servers = {"one": {**one, "auth_value": STORED, "allow_all_keys": True}, **more}
        model = {"model_name": "m", "litellm_params": {"model": "demo/hello"}}
        async with gateway({"model_list": [model], "mcp_servers": servers}, tmp_path) as served:
            yield served, server


async def each_way(served: Gateway, headers: Mapping[str, str], key: str) -> dict[str, Answered]:
    """The answers where these come along, by the way in."""
    there = {"accept": "application/json, text/event-stream"}
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}}
    meta = {f"{META}protocolVersion": MODERN, f"{META}clientCapabilities": {}}
    modern = {"mcp-protocol-version": MODERN, "mcp-method": "tools/list", **there}
    tool = {"type": "mcp", "server_label": "one", "server_url": "litellm_proxy", "headers": dict(headers)}
    ways: dict[str, tuple[str, str, Any, dict[str, str]]] = {
        "modern": ("POST", "/mcp", {**LIST, "params": {"_meta": meta}}, {**modern, **headers}),
        "modern, alone": ("POST", "/mcp/one", {**LIST, "params": {"_meta": meta}}, {**modern, **headers}),
        "legacy": ("POST", "/mcp/one", LIST, {**there, **headers}),
        "handshake": ("POST", "/mcp", {**LIST, "method": "initialize", "params": hello}, {**there, **headers}),
        "list": ("GET", "/mcp-rest/tools/list", None, dict(headers)),
        "call": ("POST", "/mcp-rest/tools/call", {"server_id": "one", "name": "echo"}, dict(headers)),
        "older": ("POST", "/mcp/tools/list", {}, dict(headers)),
        "model": ("POST", "/v1/responses", {"model": "m", "input": "hi", "tools": [tool]}, {}),
    }
    return {
        way: await served.send(method, path, body, key=key, headers=said)
        for way, (method, path, body, said) in ways.items()
    }


@pytest.mark.parametrize("name", BROUGHT)
async def test_a_client_sets_no_header_that_leads_or_frames_a_request_beside_the_operators_credential(
    tmp_path: Path, name: str
) -> None:
    async with shielded(tmp_path) as (served, server):
        key = await served.key()
        headers = {f"x-mcp-one-{name}": "evil.example"}
        answers = await each_way(served, headers, key)
        answers["SSE"] = await served.send("GET", "/sse", key=key, headers=headers)
        for way, refused in answers.items():
            assert refused.status == 400, (way, refused.status, refused.body)
            told = refused.json()["error"]["message"]
            assert f"x-mcp-one-{name}" in told, (way, told)
            assert "evil.example" not in told
        assert server.heads == []
        listed = await served.send("POST", "/mcp/one", LIST, key=key, headers={"x-mcp-one-x-tenant": "t1"})
        assert listed.status == 200, listed.body
    assert server.heads
    assert all("x-tenant: t1" in head for head in server.heads)


async def test_a_header_in_a_body_that_http_could_not_have_is_the_clients_fault(tmp_path: Path) -> None:
    said = [
        {"x-mcp-one-:owner": "master"},
        {"x-mcp-one-x tenant": "t1"},
        {"x-mcp-one-x-tenant": "t1\r\nhost: evil.example"},
        {"x-mcp-auth": "t1\r\nhost: evil.example"},
        {"authorization": "t1\r\nhost: evil.example"},
    ]
    async with shielded(tmp_path) as (served, server):
        for headers in said:
            tool = {"type": "mcp", "server_label": "one", "server_url": "litellm_proxy", "headers": headers}
            body = {"model": "m", "input": "hi", "tools": [tool]}
            refused = await served.send("POST", "/v1/responses", body)
            assert refused.status == 400, (headers, refused.body)
            assert repr(next(iter(headers))) in refused.json()["error"]["message"]
            assert refused.json()["error"]["param"] == "tools"
    assert server.heads == []


async def test_nobody_learns_by_a_header_which_servers_there_are(tmp_path: Path) -> None:
    async with shielded(tmp_path, hidden={"url": "http://127.0.0.1:9/mcp"}) as (served, _):
        key = await served.key()
        for server in ("hidden", "nobody"):
            answers = await each_way(served, {f"x-mcp-{server}-host": "evil.example"}, key)
            assert {way for way, answered in answers.items() if answered.status >= 400} <= {"call"}, answers


async def test_a_header_is_for_the_server_of_the_longest_name_that_it_begins_with(tmp_path: Path) -> None:
    other = Server()
    async with Upstream(other) as upstream:
        url = f"http://127.0.0.1:{upstream.port}/mcp"
        async with shielded(tmp_path, **{"one-host": {"url": url}}) as (served, server):
            headers = {"x-mcp-one-host-authorization": "Bearer its", "x-mcp-one-x-tenant": "t1"}
            listed = await served.send("POST", "/mcp", LIST, headers=headers)
            assert listed.status == 200, listed.body
    assert all("authorization: bearer its" in head and "x-tenant" not in head for head in other.heads)
    assert all("its" not in head and "x-tenant: t1" in head for head in server.heads)
    assert other.heads
    assert server.heads


@pytest.mark.parametrize(
    "headers",
    [
        {"x-mcp-one-x-tenant": "theirs", "x-mcp-one-authorization": "Bearer theirs"},
        {"X-Tenant": "theirs", "x-mcp-auth": "theirs"},
    ],
)
async def test_what_the_operator_fixed_no_client_replaces_and_the_log_tells_it_once(
    tmp_path: Path, headers: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    server = Server()
    async with Upstream(server) as upstream:
        one = {
            "url": f"http://127.0.0.1:{upstream.port}/mcp",
            "auth_type": "bearer_token",
            "auth_value": "less-than-what-is-fixed",
            "static_headers": {"X-Tenant": "ours", "Authorization": "Static ours"},
            "extra_headers": ["x-tenant", "X-Trace"],
        }
        async with gateway({"mcp_servers": {"one": one}}, tmp_path) as served:
            for _ in range(2):
                listed = await served.send("POST", "/mcp", LIST, headers={**headers, "x-trace": "t1"})
                assert listed.status == 200, listed.body
    told = [record.getMessage() for record in caplog.records if "static_headers" in record.getMessage()]
    assert sorted(told) == [
        f"The MCP server 'one': a client brought {name!r}, which does not go along: `static_headers` fix it"
        for name in ("authorization", "x-tenant")
    ]
    for head in server.heads:
        lines = head.split("\r\n")
        assert [line for line in lines if line.startswith(("x-tenant:", "authorization:"))] == [
            "authorization: static ours",
            "x-tenant: ours",
        ]
        assert "x-trace: t1" in lines


@pytest.mark.parametrize("kind", [{}, {"transport": "sse"}, {"spec_path": "/openapi.json"}], ids=["http", "sse", "API"])
async def test_a_header_that_cannot_be_sent_is_told_and_is_no_failure_of_the_gateway(
    tmp_path: Path, kind: dict[str, str]
) -> None:
    url = "http://127.0.0.1:9"
    said = {"spec_path": url + kind["spec_path"]} if "spec_path" in kind else {"url": f"{url}/mcp", **kind}
    te = (("te", "trailers"),)  # the configuration refuses it; a token that somebody gives may be no better
    async with gateway({"mcp_servers": {"one": said}}, tmp_path) as served:
        made = served.hub.upstreams["one"].definition
        assert made.address is not None
        api = made.api and replace(made.api, address=made.api.address and replace(made.api.address, headers=te))
        made = replace(made, address=replace(made.address, headers=te), api=api)
        served.hub.put(McpUpstream(made, HttpTransport(), {}))
        for _ in range(2):
            told = await served.send("POST", "/mcp-rest/tools/call", {"server_id": "one", "name": "echo"})
            assert told.status == 502, told.body
            assert "the header te belongs to the connection" in told.json()["error"]["message"]


@pytest.mark.parametrize("status", [400, 422, 500])
@pytest.mark.parametrize("kind", [{}, {"transport": "sse"}], ids=["http", "sse"])
async def test_a_server_that_cannot_read_one_callers_credential_rests_for_nobody_else(
    tmp_path: Path, status: int, kind: dict[str, str]
) -> None:
    server = Server(badly=status)
    async with Upstream(server) as upstream:
        one = {"url": f"http://127.0.0.1:{upstream.port}/mcp", "allow_all_keys": True, **kind}
        async with gateway({"mcp_servers": {"one": one}}, tmp_path) as served:

            async def told(token: str) -> str:
                headers = {"x-mcp-one-authorization": f"Bearer {token}"}
                listed = await served.send("GET", "/mcp-rest/tools/list?server_id=one", headers=headers)
                return str(listed.json()["message"])

            for _ in range(3):
                assert str(status) in await told("nonsense")
            asked = len(server.heads)
            assert str(status) in await told("nonsense")
            assert len(server.heads) == asked  # it rests for who brings this
            answered = await told("good")
            assert str(status) not in answered
            assert len(server.heads) > asked
            assert kind or answered == "Successfully retrieved tools"
