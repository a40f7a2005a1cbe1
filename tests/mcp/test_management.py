"""`/v1/mcp/*`: what is seen of servers, and adding them while the gateway serves."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from tests.mcp.gateway import Gateway, gateway
from tests.mcp.raw import raw
from tests.mcp.serving import LEGACY_STDIO, Serving, broken, legacy_http
from tollbridge.store.mcp_servers import McpServerStore

INVALID_REQUEST = -32600
SECRET = "hush-5Yd0q"


@pytest.fixture(scope="module")
def server() -> Iterator[Serving]:
    with legacy_http() as running:
        yield running


@pytest.fixture(scope="module")
def plain() -> Iterator[Serving]:
    with broken("good") as running:
        yield running


@pytest.fixture
async def served(server: Serving, tmp_path: Path) -> AsyncIterator[Gateway]:
    config = {
        "general_settings": {"mcp_api_hosts": ["127.0.0.1"], "mcp_api_commands": [LEGACY_STDIO.command]},
        "mcp_servers": {
            "here": {
                "url": server.url + f"?key={SECRET}",
                "auth_type": "bearer_token",
                "auth_value": SECRET,
                "static_headers": {"x-team": SECRET},
                "access_groups": ["desk"],
            },
            "other": {**LEGACY_STDIO.configured(), "env": {"TOKEN": SECRET}},
        },
    }
    async with gateway(config, tmp_path) as running:
        yield running


def named(servers: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {server["server_name"]: server for server in servers}


async def call(served: Gateway, name: str, status: int = 200, **said: Any) -> Any:
    return await served.post("/mcp-rest/tools/call", {"name": name, "arguments": said}, status=status)


async def test_servers_are_shown_without_their_secrets(served: Gateway, server: Serving) -> None:
    answered = await served.send("GET", "/v1/mcp/server")
    assert SECRET.encode() not in answered.body
    told = named(answered.json())
    assert told["here"]["url"] == f"{server.origin}/***"
    assert told["here"]["static_headers"] == {"x-team": "***"}
    assert told["other"]["env"] == {"TOKEN": "***"}
    assert (told["here"]["server_id"], told["here"]["auth_type"]) == ("here", "bearer_token")
    assert await served.get("/v1/mcp/server/here") == told["here"]
    assert await served.get("/v1/mcp/access_groups") == {"access_groups": ["desk"]}


async def test_a_key_is_shown_what_it_may_use_and_not_where_that_is(served: Gateway) -> None:
    key = await served.key(permission={"mcp_servers": ["here"]})
    (told,) = await served.get("/v1/mcp/server", key=key)
    assert (told["server_name"], told["url"], told["static_headers"]) == ("here", None, None)
    await served.get("/v1/mcp/server/here", key=key)
    told = await served.get("/v1/mcp/server/other", key=key, status=404)
    assert told == await served.get("/v1/mcp/server/nobody", key=key, status=404)
    nothing = await served.key()
    assert await served.get("/v1/mcp/server", key=nothing) == []
    assert await served.get("/v1/mcp/access_groups", key=nothing) == {"access_groups": []}
    assert await served.get("/v1/mcp/server/health", key=nothing) == []
    for method, path in (
        ("POST", "/v1/mcp/server"),
        ("PUT", "/v1/mcp/server"),
        ("DELETE", "/v1/mcp/server/here"),
        ("POST", "/mcp-rest/test/connection"),
        ("POST", "/mcp-rest/test/tools/list"),
    ):
        assert (await served.send(method, path, {}, key=key)).status == 403
    assert (await served.send("PATCH", "/v1/mcp/server")).headers["allow"] == "GET, HEAD, POST, PUT"


async def test_the_health_of_each_is_told(served: Gateway) -> None:
    await served.post("/v1/mcp/server", {"server_name": "gone", "url": "http://127.0.0.1:9/mcp"}, status=201)
    told = named(await served.get("/v1/mcp/server/health"))
    assert {name: one["status"] for name, one in told.items()} == {
        "here": "healthy",
        "other": "healthy",
        "gone": "unhealthy",
    }
    assert "cannot be reached" in told["gone"]["health_check_error"]
    (one,) = await served.get("/v1/mcp/server/health?server_ids=here")
    assert one["latency_ms"] > 0
    assert named(await served.get("/v1/mcp/server"))["gone"]["status"] == "unhealthy"


async def test_a_server_that_is_added_is_served_at_once_changed_and_deleted(served: Gateway, plain: Serving) -> None:
    body = {
        "server_name": "added",
        "url": plain.url,
        "transport": "http",
        "auth_type": "bearer_token",
        "credentials": {"auth_value": SECRET},
        "static_headers": {"x-key": SECRET},
        "mcp_access_groups": ["late"],
        "mcp_info": {"mcp_server_cost_info": {"default_cost_per_query": 0.01}},
    }
    made = await served.post("/v1/mcp/server", body, status=201)
    assert SECRET not in str(made)
    assert (made["server_name"], made["created_by"], made["mcp_access_groups"]) == ("added", "master", ["late"])
    assert await call(served, "added-echo", text="x")
    key = await served.key(permission={"mcp_servers": [made["server_id"]]})
    (seen,) = await served.get("/v1/mcp/server", key=key)
    assert seen["server_id"] == made["server_id"]

    answered = await served.send("PUT", "/v1/mcp/server", {**made, "allowed_tools": ["echo"], "alias": "late"})
    assert answered.status == 202, answered.body
    assert answered.json()["allowed_tools"] == ["echo"]
    assert await call(served, "late-echo", text="x")
    await call(served, "late-add", status=404)
    (kept,) = served.accounts.database.read_sync(_sealed)
    assert SECRET.encode() not in kept
    (row,) = await McpServerStore(served.accounts.database, served.accounts.pepper).list()
    said = row.said
    assert (said["url"], said["static_headers"]) == (plain.url, {"x-key": SECRET})
    assert said["credentials"] == {"auth_value": SECRET}

    assert (await served.send("DELETE", f"/v1/mcp/server/{made['server_id']}")).status == 202
    await served.get(f"/v1/mcp/server/{made['server_id']}", status=404)
    await call(served, "late-echo", status=404)
    assert (await served.send("DELETE", f"/v1/mcp/server/{made['server_id']}")).status == 404


async def _sealed(connection: Any) -> list[bytes]:
    rows = await connection.execute(text("SELECT sealed FROM mcp_servers"))
    return [bytes(row.sealed) for row in rows]


async def test_a_call_that_is_under_way_outlives_a_change_and_a_deletion(served: Gateway, server: Serving) -> None:
    made = await served.post("/v1/mcp/server", {"server_name": "busy", "url": server.url}, status=201)
    running = asyncio.create_task(call(served, "busy-report", steps=2000))
    former = served.hub.upstreams["busy"]
    async with asyncio.timeout(10):
        while not former.flying:
            await asyncio.sleep(0.005)
    assert (await served.send("PUT", "/v1/mcp/server", {"server_id": made["server_id"], "timeout": 5})).status == 202
    assert served.hub.upstreams["busy"] is not former
    assert await call(served, "here-echo", text="x")
    assert (await served.send("DELETE", f"/v1/mcp/server/{made['server_id']}")).status == 202
    assert (await running)["content"]
    await call(served, "busy-report", status=404)


async def test_what_is_no_server_is_refused_with_the_reason(served: Gateway, plain: Serving) -> None:
    """S48."""
    for body, reason in (
        ({"server_name": "a"}, "needs either a `url` or a `command`"),
        ({"server_name": "a", "url": plain.url, "nothing": 1}, "nothing: is not a known key"),
        ({"server_name": "a", "url": "ftp://x.example"}, "begins with http"),
        ({"server_name": "a", "url": plain.url, "pinned_tools": ["a"]}, "NOTHING IS RESTRICTED"),
        ({"server_name": "here", "url": plain.url}, "already a name of the MCP server 'here'"),
        ({"server_name": "a", "alias": "here", "url": plain.url}, "already a name of the MCP server 'here'"),
        ({"server_name": "sse", "url": plain.url}, "'sse' is reserved"),
        ({"url": plain.url}, "lacks `server_name`"),
        ({"server_name": "a", "command": "/bin/sh", "args": ["-c", "true"]}, "mcp_api_commands"),
        ({"server_name": "a", "url": "http://localhost:1/mcp"}, "mcp_api_hosts"),
        ({"server_name": "a", "url": "http://169.254.169.254/"}, "metadata"),
        ({"server_name": "a", "url": "http://10.0.0.1/mcp"}, "private network"),
        ({"server_name": "a", "url": plain.url, "static_headers": {"x": "${HOME}"}}, "HOME"),
        ({"server_name": "a", "url": plain.url, "auth_value": "os.environ/HOME", "auth_type": "?"}, "expected one of"),
    ):
        told = await served.post("/v1/mcp/server", body, status=422)
        assert reason in told["error"]["message"], told
    assert set(named(await served.get("/v1/mcp/server"))) == {"here", "other"}
    told = await served.send("PUT", "/v1/mcp/server", {"server_id": "here", "timeout": 3})
    assert (told.status, told.json()["error"]["code"]) == (422, "configured")
    assert (await served.send("PUT", "/v1/mcp/server", {"server_id": "nobody"})).status == 404


async def test_two_of_one_name_are_a_conflict(served: Gateway, plain: Serving) -> None:
    await served.post("/v1/mcp/server", {"server_name": "a", "server_id": "1", "url": plain.url}, status=201)
    told = await served.post("/v1/mcp/server", {"server_name": "b", "server_id": "1", "url": plain.url}, status=409)
    assert told["error"]["code"] == "mcp_server_exists"


async def test_a_later_key_is_a_warning(served: Gateway, plain: Serving) -> None:
    body = {"server_name": "a", "url": plain.url, "env_vars": ["A"]}
    assert (await served.post("/v1/mcp/server", body, status=201))["warnings"] == [
        "env_vars: is not built yet; it has no effect"
    ]


async def test_a_command_that_the_file_allows_is_started(served: Gateway) -> None:
    body = {"server_name": "made", "command": LEGACY_STDIO.command, "args": list(LEGACY_STDIO.args)}
    made = await served.post("/v1/mcp/server", body, status=201)
    assert (made["transport"], made["args"]) == ("stdio", ["***"])
    assert (await call(served, "made-echo", text="x"))["content"][0]["text"] == "x"


async def test_a_connection_is_tried_before_it_is_kept(served: Gateway, plain: Serving) -> None:
    path = "/mcp-rest/test/connection"
    assert await served.post(path, {"url": plain.url, "transport": "http"}) == {"status": "ok"}
    told = await served.post(path, {"url": "http://127.0.0.1:9/mcp"})
    assert (told["status"], "cannot be reached" in told["message"]) == ("error", True)
    tools = await served.post("/mcp-rest/test/tools/list", {"url": plain.url})
    assert [tool["name"] for tool in tools["tools"]] == ["echo", "add"]
    told = await served.post(path, {"url": "http://10.0.0.1/mcp"}, status=422)
    assert "private network" in told["error"]["message"]
    for body in ({"command": LEGACY_STDIO.command}, {"transport": "stdio", "url": plain.url}):
        told = await served.post(path, body, status=422)
        assert "a command is not started" in told["error"]["message"]
    assert set(named(await served.get("/v1/mcp/server"))) == {"here", "other"}


async def test_another_gateway_on_the_database_serves_it_soon(plain: Serving, server: Serving, tmp_path: Path) -> None:
    config = {
        "general_settings": {"mcp_api_hosts": ["127.0.0.1"]},
        "mcp_servers": {"here": {"url": server.url}, "more": {"url": server.url}},
    }
    async with gateway(config, tmp_path) as one, gateway(config, tmp_path) as two:
        made = await one.post("/v1/mcp/server", {"server_name": "late", "url": plain.url}, status=201)
        path = f"/v1/mcp/server/{made['server_id']}"

        async def seen(status: int) -> None:
            async with asyncio.timeout(10):
                while (await two.send("GET", path)).status != status:
                    await asyncio.sleep(0.02)

        await seen(200)
        assert await call(two, "late-echo", text="x")
        assert (await one.send("DELETE", path)).status == 202
        await seen(404)
        await call(two, "late-echo", status=404)


async def test_any_node_answers_and_a_session_of_another_is_begun_anew(server: Serving, tmp_path: Path) -> None:
    """R54: the node that a client began at is gone, and another one has its address."""
    config = {"mcp_servers": {"here": {"url": server.url}}}
    async with AsyncExitStack() as gone:
        before = await gone.enter_async_context(gateway(config, tmp_path))
        key = await before.key(permission={"mcp_servers": ["here"]})
        async with gateway(config, tmp_path) as after, raw(before.url, key=key) as modern:
            async with raw(before.url, modern=False, key=key) as legacy:
                listed = [await one.ask("", "tools/list") for one in (modern, legacy)]
                await gone.aclose()
                modern.url = legacy.url = after.url
                assert (await modern.ask("", "tools/list"))["result"] == listed[0]["result"]
                assert (await legacy.ask("", "tools/list"))["error"]["code"] == INVALID_REQUEST
                assert legacy.status == 404
                legacy.sessions.clear()
                assert (await legacy.ask("", "tools/list"))["result"] == listed[1]["result"]


async def test_what_was_added_is_there_after_a_restart(
    plain: Serving, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = {"general_settings": {"mcp_api_hosts": ["127.0.0.1"]}}
    async with gateway(settings, tmp_path) as served:
        made = await served.post("/v1/mcp/server", {"server_name": "late", "url": plain.url}, status=201)
    async with gateway(settings, tmp_path) as served:
        assert await call(served, "echo", text="x")
    with caplog.at_level(logging.ERROR, logger="tollbridge.mcp"):
        async with gateway({}, tmp_path) as served:
            (told,) = await served.get("/v1/mcp/server")
            assert (told["server_id"], told["status"]) == (made["server_id"], "unhealthy")
            assert "mcp_api_hosts" in told["health_check_error"]
            assert await served.get(f"/v1/mcp/server/{made['server_id']}") == told
    assert "the MCP server 'late' is not served" in caplog.text
