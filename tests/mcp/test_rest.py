"""Tools over plain HTTP, in LiteLLM's shapes, in front of real servers in processes of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.mcp.gateway import Gateway, gateway
from tests.mcp.serving import LEGACY_STDIO, Serving, broken, modern_only

COST = 0.002


@pytest.fixture(scope="module")
def modern() -> Iterator[Serving]:
    with modern_only() as server:
        yield server


@pytest.fixture
async def served(modern: Serving, tmp_path: Path) -> AsyncIterator[Gateway]:
    servers = {
        "old": {
            **LEGACY_STDIO.configured(),
            "mcp_info": {
                "logo_url": "https://x.example/logo.png",
                "mcp_server_cost_info": {"default_cost_per_query": COST},
            },
            "access_groups": ["desk"],
        },
        "new": {"url": modern.url, "alias": "fresh", "disallowed_tools": ["announce"]},
    }
    async with gateway({"mcp_servers": servers}, tmp_path) as running:
        yield running


def names(tools: list[dict[str, Any]]) -> set[str]:
    return {tool["name"] for tool in tools}


async def test_tools_are_listed_under_their_own_names_with_their_server(served: Gateway) -> None:
    told = await served.get("/mcp-rest/tools/list")
    assert (told["error"], told["message"]) == (None, "Successfully retrieved tools")
    by_server: dict[str, set[str]] = {}
    for tool in told["tools"]:
        assert tool["inputSchema"]["type"] == "object"
        by_server.setdefault(tool["mcp_info"]["server_name"], set()).add(tool["name"])
    assert by_server["new"] == {"greet", "echo", "count", "closed", "flood", "flooded"}
    assert {"echo", "report"} <= by_server["old"]
    assert {tool["mcp_info"].get("logo_url") for tool in told["tools"]} == {None, "https://x.example/logo.png"}


async def test_one_server_is_listed_by_its_id_or_its_alias(served: Gateway) -> None:
    for query in ("server_id=new", "server_name=fresh"):
        told = await served.get(f"/mcp-rest/tools/list?{query}")
        assert names(told["tools"]) == {"greet", "echo", "count", "closed", "flood", "flooded"}
    told = await served.get("/mcp-rest/tools/list?server_id=nobody")
    assert (told["tools"], told["error"]) == ([], "server_not_found")


async def test_the_older_paths_answer_with_the_list_alone(served: Gateway) -> None:
    for method in ("GET", "POST"):
        answered = await served.send(method, "/mcp/tools/list")
        assert {"greet", "report"} <= names(answered.json())
    body = {"name": "echo", "arguments": {"text": "hello"}, "server_name": "old"}
    assert await served.post("/mcp/tools/call", body) == [{"type": "text", "text": "hello"}]


async def test_all_tools_are_listed_under_the_names_that_they_have_at_mcp(served: Gateway) -> None:
    assert {"old-echo", "fresh-echo"} <= names((await served.get("/v1/mcp/tools"))["tools"])


async def test_a_tool_is_called_by_its_server_or_by_its_name(served: Gateway) -> None:
    said = {"arguments": {"text": "hello"}}
    for body in (
        {"name": "echo", "server_id": "old", **said},
        {"tool_name": "echo", "server_name": "fresh", **said},
        {"name": "old-echo", **said},
        {"name": "fresh-echo", **said},
        {"name": "fresh-echo", "server_id": "fresh", **said},
    ):
        told = await served.post("/mcp-rest/tools/call", body)
        assert told["content"][0]["text"] == "hello"
        assert "resultType" not in told
    assert (await served.post("/mcp-rest/tools/call", {"name": "count", "arguments": {"steps": 1}}))["content"]


async def test_a_call_is_in_the_ledger_with_its_cost(served: Gateway) -> None:
    key = await served.key(permission={"mcp_servers": ["old"]})
    body = {"name": "old-echo", "arguments": {"text": "x"}}
    called = await served.send("POST", "/mcp-rest/tools/call", body, key=key)
    assert (float(called.headers["x-litellm-response-cost"]), called.status) == (COST, 200)
    (entry,) = await served.entries(1)
    assert (entry["model"], entry["spend"]) == ("echo", COST)
    assert (entry["custom_llm_provider"], entry["model_id"], entry["model_group"]) == ("mcp", "old", "mcp/old")


async def test_a_key_sees_and_calls_what_it_may_and_nothing_else(served: Gateway) -> None:
    key = await served.key(permission={"mcp_access_groups": ["desk"], "mcp_tool_permissions": {"old": ["echo"]}})
    assert names((await served.get("/mcp-rest/tools/list", key=key))["tools"]) == {"echo"}
    assert (await served.get("/mcp-rest/tools/list?server_id=new", key=key))["error"] == "server_not_found"
    assert await served.post("/mcp-rest/tools/call", {"name": "echo", "arguments": {"text": "x"}}, key=key)
    for body in (
        {"name": "old-environment", "arguments": {}},
        {"name": "environment", "server_id": "old"},
        {"name": "fresh-echo", "arguments": {"text": "x"}},
        {"name": "echo", "server_id": "new"},
    ):
        told = await served.post("/mcp-rest/tools/call", body, key=key, status=404)
        assert told["error"]["code"] in ("tool_not_found", "unknown_mcp_server")
    nothing = await served.key()
    assert (await served.get("/mcp-rest/tools/list", key=nothing))["tools"] == []
    assert (await served.send("GET", "/mcp-rest/tools/list", key=None)).status == 401


async def test_a_budget_refuses_a_call(served: Gateway) -> None:
    key = await served.key(permission={"mcp_servers": ["old"]}, max_budget=COST / 2)
    await served.post("/mcp-rest/tools/call", {"name": "old-echo", "arguments": {}}, key=key)  # the last on trust
    told = await served.post("/mcp-rest/tools/call", {"name": "old-echo", "arguments": {}}, key=key, status=429)
    assert told["error"]["type"] == "budget_exceeded"


async def test_what_is_wrong_with_a_request_is_said(served: Gateway) -> None:
    path = "/mcp-rest/tools/call"
    assert (await served.post(path, {"name": "echo", "arguments": {}}, status=400))["error"]["message"] == (
        "Several servers have 'echo': say old-echo, fresh-echo."
    )
    assert (await served.post(path, {"name": "x", "nothing": 1}, status=422))["error"]["param"] == "nothing"
    assert (await served.post(path, {"arguments": {}}, status=422))["error"]["param"] == "name"
    assert (await served.post(path, {"name": "old-echo", "arguments": "{}"}, status=422))["error"][
        "param"
    ] == "arguments"
    assert (await served.send("POST", path, [1])).status == 400
    foreign = await served.send("POST", path, {"name": "old-echo"}, headers={"origin": "https://evil.example"})
    assert foreign.status == 403


async def test_a_server_that_is_down_hides_nobody_elses_tools(tmp_path: Path) -> None:
    with broken("good") as server:
        servers = {"here": {"url": server.url}, "gone": {"url": "http://127.0.0.1:9/mcp"}}
        async with gateway({"mcp_servers": servers}, tmp_path) as served:
            told = await served.get("/mcp-rest/tools/list")
            assert names(told["tools"]) == {"echo", "add"}
            assert told["error"] == "partial_failure"
            assert "gone" in told["message"]
            told = await served.post("/mcp-rest/tools/call", {"name": "x", "server_id": "gone"}, status=502)
            assert "cannot be reached" in told["error"]["message"]


async def test_where_a_server_is_that_is_away_is_in_the_log_and_in_no_answer(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    servers = {
        "gone": {"url": "http://127.0.0.1:9/mcp", "allow_all_keys": True},
        "unmade": {"command": "/srv/secret-place/program", "allow_all_keys": True},
    }
    async with gateway({"mcp_servers": servers}, tmp_path) as served:
        key = (await served.post("/key/generate", {}))["key"]
        told = [(await served.send("GET", "/mcp-rest/tools/list", key=key)).body]
        for server in servers:
            body = {"name": "x", "server_id": server}
            told.append((await served.send("POST", "/mcp-rest/tools/call", body, key=key)).body)
            told.append((await served.send("POST", "/mcp-rest/tools/call", {"name": f"{server}-x"}, key=key)).body)
        told.append((await served.send("GET", "/v1/mcp/server/health?tools=true", key=key)).body)
        assert b"cannot be reached: the server refused the connection" in told[0]
        assert b"cannot be started: No such file" in told[0]
        for body in told:
            assert b"127.0.0.1:9" not in body
            assert b"secret-place" not in body
        health = (await served.send("GET", "/v1/mcp/server/health?tools=true")).body
        assert b"127.0.0.1:9 refused" in health
        assert b"secret-place" in health
    assert "127.0.0.1:9 refused the connection" in caplog.text
    assert "/srv/secret-place/program: No such file" in caplog.text
