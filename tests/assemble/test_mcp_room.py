"""A room that is loaded when somebody needs it answers as one that was there."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.mcp.gateway import gateway
from tests.server.accounted import Accounted, accounted
from tollbridge.assemble.mcp_room import McpRoom, holds
from tollbridge.errors import StoreUnavailable
from tollbridge.store.mcp_servers import McpServerStore

PLAIN = json.dumps({"model_list": [{"model_name": "m", "litellm_params": {"model": "demo/hello"}}]})
WITH_ONE = json.dumps({**json.loads(PLAIN), "mcp_servers": {"one": {"url": "https://one.example.com/mcp"}}})
SERVER = {"server_name": "far", "url": "https://mcp.example.com/mcp"}


def room(served: Accounted) -> McpRoom:
    assert served.mcp is not None
    return served.mcp


async def asked(served: Accounted, method: str, path: str, body: Any = None, **more: Any) -> Any:
    return await served.send(method, path, None if body is None else json.dumps(body).encode(), **more)


async def test_the_first_request_at_one_of_its_paths_opens_it(tmp_path: Path) -> None:
    async with accounted(PLAIN, tmp_path) as served:
        chat = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
        assert (await asked(served, "POST", "/v1/chat/completions", chat)).status == 200
        assert (await asked(served, "GET", "/nothing/here")).status == 404
        metrics = await served.send("GET", "/metrics")
        assert b"tollbridge_mcp_tools_changed_total 0" in metrics.body
        assert room(served).endpoint is None
        ping = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
        answers = await asyncio.gather(
            asked(served, "POST", "/mcp", ping, headers={"mcp-protocol-version": "2025-06-18"}),
            asked(served, "GET", "/v1/mcp/server"),
            asked(served, "GET", "/v1/mcp/server", key=None),
            asked(served, "DELETE", "/v1/mcp/access_groups"),
        )
        assert [one.status for one in answers[1:]] == [200, 401, 405]
        assert answers[1].json() == []
        endpoint = room(served).endpoint
        assert endpoint is not None
        assert (await asked(served, "POST", "/v1/chat/completions", chat)).status == 200
        assert (await asked(served, "GET", "/nothing/here")).status == 404
        assert room(served).endpoint is endpoint


async def test_all_its_paths_open_it(tmp_path: Path) -> None:
    async with accounted(PLAIN, tmp_path) as served:
        for route in (await room(served).open()).routes():
            assert holds(route.path.replace("{id}", "a/b")), route.path
    for path in ("/v1/chat/completions", "/v1/models/m", "/health/readiness", "/key/generate", "/", "/v1/files/x"):
        assert not holds(path)


async def test_tools_of_this_gateway_open_it_and_others_do_not(tmp_path: Path) -> None:
    def chat(url: str) -> Any:
        tool = {"type": "mcp", "server_label": "t", "server_url": url, "require_approval": "never"}
        return {"model": "m", "messages": [{"role": "user", "content": "hi"}], "tools": [tool]}

    async with accounted(PLAIN, tmp_path) as served:
        await asked(served, "POST", "/v1/chat/completions", chat("https://elsewhere.example/mcp"))
        assert room(served).endpoint is None
        answered = await asked(served, "POST", "/v1/chat/completions", chat("litellm_proxy"))
        assert answered.status == 200
        assert room(served).endpoint is not None


async def test_a_server_that_another_process_adds_opens_it(tmp_path: Path) -> None:
    async with accounted(PLAIN, tmp_path) as served:
        store = McpServerStore(served.accounts.database, served.accounts.pepper)
        await store.insert("id-1", "far", SERVER, "admin")
        async with asyncio.timeout(20):
            while room(served).endpoint is None:
                await asyncio.sleep(0.02)
        assert room(served).servers == ["far"]
    async with accounted(PLAIN, tmp_path) as served:  # and is there at the next start
        assert room(served).servers == ["far"]


async def test_that_servers_are_not_heard_of_is_told_and_so_is_that_they_are_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("tollbridge.store.following.FOLLOW_S", 0.01)
    for config in (PLAIN, WITH_ONE):  # before the room is open, and after
        caplog.clear()
        async with accounted(config, tmp_path) as served:
            database = served.accounts.database
            real, database.read = database.read, away  # type: ignore[method-assign]
            await told(caplog, "changes of MCP servers are not heard of: The database does not answer.")
            database.read = real  # type: ignore[method-assign]
            await told(caplog, "changes of MCP servers are heard of again")


async def told(caplog: pytest.LogCaptureFixture, words: str) -> None:
    async with asyncio.timeout(20):
        while words not in [record.message for record in caplog.records]:
            await asyncio.sleep(0.01)


async def test_where_the_database_does_not_answer_the_next_request_tries_anew(tmp_path: Path) -> None:
    async with gateway(json.loads(PLAIN), tmp_path) as served:
        database = served.accounts.database
        real, database.read = database.read, away  # type: ignore[method-assign]
        await served.get("/v1/mcp/server", status=503)
        database.read = real  # type: ignore[method-assign]
        assert await served.get("/v1/mcp/server") == []


async def away(*_: Any, **__: Any) -> Any:
    raise StoreUnavailable("The database does not answer.")
