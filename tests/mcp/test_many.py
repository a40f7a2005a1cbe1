"""Very many tools: three in their place, with the same rights, pins, costs and entries."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.mcp.clients import client
from tests.mcp.gateway import Gateway, gateway
from tests.mcp.raw import Raw, raw
from tests.mcp.serving import LEGACY_STDIO, Serving, broken
from tollbridge.mcp.many import ranked

META = ["search", "describe", "call"]


@pytest.fixture(scope="module")
def faults() -> Iterator[Serving]:
    with broken() as running:
        yield running


@pytest.fixture
async def served(faults: Serving, tmp_path: Path) -> AsyncIterator[Gateway]:
    cost = {"mcp_server_cost_info": {"default_cost_per_query": 0.5}}
    servers = {
        "old": {**LEGACY_STDIO.configured(), "mcp_info": cost},
        "plain": {"url": faults.at("/mcp/good")},
        "hidden": {"url": faults.at("/mcp/hidden"), "pin": "strict"},
    }
    config = {"mcp_servers": servers, "general_settings": {"mcp_search_above": 5}}
    async with gateway(config, tmp_path) as running:
        yield running


async def used(one: Raw, tool: str, server: str = "", **arguments: Any) -> Any:
    answer = await one.ask(server, "tools/call", {"name": tool, "arguments": arguments})
    return answer["error"] if "error" in answer else answer["result"].get("structuredContent", answer["result"])


@pytest.mark.parametrize("modern", [True, False])
async def test_many_tools_are_searched_described_and_called(served: Gateway, modern: bool) -> None:
    async with raw(served.url, modern=modern) as one:
        listed = (await one.ask("", "tools/list"))["result"]["tools"]
        assert [tool["name"] for tool in listed] == META
        assert "Find among 16 tools" in listed[0]["description"]
        found = await used(one, "search", query="say what was told")
        assert found["total"] == 16
        assert {tool["name"] for tool in found["tools"]} >= {"old-echo", "plain-echo", "hidden-echo"}
        (described,) = (await used(one, "describe", names=["old-echo"]))["tools"]
        assert described["inputSchema"]["properties"] == {"text": {"type": "string"}}
        called = await used(one, "call", name="old-echo", arguments={"text": "here"})
        assert called["content"] == [{"type": "text", "text": "here"}]
        assert (await used(one, "plain-echo", text="x"))["content"][0]["text"] == "x"  # known by name, it is called
    (entry,) = [entry for entry in await served.entries(2) if entry["spend"]]
    assert (entry["model"], entry["spend"]) == ("echo", 0.5)


async def test_where_few_are_shown_they_are_shown_and_the_names_are_theirs(served: Gateway) -> None:
    async with raw(served.url) as one:
        listed = (await one.ask("plain", "tools/list"))["result"]["tools"]
        assert [tool["name"] for tool in listed] == ["echo", "add"]
        answer = await one.ask("plain", "tools/call", {"name": "search", "arguments": {"query": "x"}})
        assert answer["result"]["content"][0]["text"] == "search"  # the server's own answer
        listed = (await one.ask("old", "tools/list"))["result"]["tools"]
        assert [tool["name"] for tool in listed] == META
        assert (await used(one, "call", "old", name="echo", arguments={"text": "a"}))["content"][0]["text"] == "a"


async def test_rights_and_pins_hold_behind_them(served: Gateway) -> None:
    tools = {"old": ["echo", "grow", "report"], "plain": ["add"], "hidden": ["echo", "tagged"]}
    key = await served.key(permission={"mcp_tool_permissions": tools})
    async with raw(served.url, key=key) as one:
        listed = (await one.ask("", "tools/list"))["result"]["tools"]
        names = [tool["name"] for tool in listed]
        assert names == ["hidden-echo", "old-echo", "old-report", "old-grow", "plain-add"]
    async with raw(served.url, key=await served.key(permission={"mcp_servers": ["old", "hidden"]}, rpm_limit=5)) as one:
        assert [tool["name"] for tool in (await one.ask("", "tools/list"))["result"]["tools"]] == META
        found = await used(one, "search", query="adds numbers told", limit=50)
        assert {tool["name"].partition("-")[0] for tool in found["tools"]} == {"old", "hidden"}
        assert "tagged" not in str(found)
        assert "Unknown tool" in (await used(one, "describe", names=["plain-echo"]))["message"]
        assert "Unknown tool" in (await used(one, "describe", names=["hidden-tagged"]))["message"]
        assert "Unknown tool" in (await used(one, "call", name="plain-echo"))["message"]
        refused = await used(one, "call", name="hidden-tagged")
        assert (refused["code"], "approval" in refused["message"]) == (-31004, True)
        for tool, said in (("call", {}), ("search", {}), ("describe", {"names": []}), ("call", {"name": "call"})):
            assert (await used(one, tool, **said))["code"] in (-32602, -31029)
        assert (await used(one, "search", query="x"))["code"] == -31029  # they count too


async def test_the_official_sdk_uses_them(served: Gateway) -> None:
    for mode in ("legacy", "auto"):
        async with client(served.url, mode=mode) as one:  # type: ignore[arg-type]
            assert [tool.name for tool in (await one.list_tools()).tools] == META
            found = await one.call_tool("search", {"query": "echo", "limit": 1})
            assert found.structured_content is not None
            assert found.structured_content["tools"][0]["name"] in ("old-echo", "plain-echo", "hidden-echo")


def tool(name: str, description: str = "", **properties: Any) -> dict[str, Any]:
    return {"name": name, "description": description, "inputSchema": {"type": "object", "properties": properties}}


TOOLS = [
    tool("github-create_issue", "Opens an issue in a repository", title={}, repository={}),
    tool("github-listIssues", "Lists the issues of a repository", repository={}),
    tool("mail-send_mail", "Sends a mail", to={}, subject={}),
    tool("weather-forecast", "Das Wetter von morgen: Föhn und Schnee"),
]


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("create issue", "github-create_issue"),
        ("list issues", "github-listIssues"),
        ("Send an email to someone with a subject", "mail-send_mail"),
        ("weather", "weather-forecast"),
        ("schnee", "weather-forecast"),
        ("föhn", "weather-forecast"),
    ],
)
def test_a_search_finds_what_is_meant(query: str, first: str) -> None:
    assert ranked(TOOLS, query)[0]["name"] == first


def test_a_search_for_what_is_not_there_finds_nothing() -> None:
    assert ranked(TOOLS, "quantum") == ranked(TOOLS, "") == ranked([], "x") == []
