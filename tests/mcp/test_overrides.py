"""What the operator says of a server's tools: which there are, what they are called, what they may be told."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.mcp.gateway import Gateway, gateway
from tests.mcp.raw import raw

NAMED = str(Path(__file__).with_name("fixtures") / "named.py")


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Gateway]:
    tools = ["find", "make", "drop", "look_up", "spaced"]
    desk = {
        "command": sys.executable,
        "args": [NAMED, *tools],
        "disallowed_tools": ["drop"],
        "tool_name_to_display_name": {"find": "look_up", "make": "desk_make", "spaced": "Two words"},
        "tool_name_to_description": {"find": "Finds what you ask for"},
        "allowed_params": {"make": ["other"]},
        "mcp_info": {"mcp_server_cost_info": {"tool_name_to_cost_per_query": {"make": 0.5}}},
    }
    servers = {"desk": desk, "other": {"command": sys.executable, "args": [NAMED, "find"]}}
    async with gateway({"mcp_servers": servers}, tmp_path) as running:
        yield running


@pytest.mark.parametrize(("server", "before"), [("", "desk-"), ("desk", "")])
async def test_tools_are_listed_and_called_as_the_operator_calls_them(
    served: Gateway, server: str, before: str
) -> None:
    async with raw(served.url) as one:

        async def call(name: str, **arguments: Any) -> Any:
            answer = await one.ask(server, "tools/call", {"name": before + name, "arguments": arguments})
            return answer["error"]["message"] if "error" in answer else answer["result"]["content"][0]["text"]

        listed = (await one.ask(server, "tools/list"))["result"]["tools"]
        own = [tool for tool in listed if tool["name"].startswith(before) and not tool["name"].startswith("other-")]
        assert [(tool["name"], tool.get("title"), tool["description"]) for tool in own] == [
            (f"{before}look_up", None, "Finds what you ask for"),
            (f"{before}desk_make", None, "Does make"),
            (f"{before}spaced", "Two words", "Does spaced"),
        ]
        assert await call("look_up", query="x") == 'find was told {"query": "x"}'
        assert await call("find") == "find was told {}"  # the server's own name
        assert await call("desk_make", other=1) == 'make was told {"other": 1}'
        assert await call("desk_make", query="x") == "The argument 'query' of 'desk_make' may not be given here."
        assert "was told" in await call("desk_make", other="fail")  # it is there, by whatever name
        assert await call("drop") == f"Unknown tool: {before}drop"
    entries = await served.entries(4)
    assert {(entry["model"], entry["spend"]) for entry in entries} == {("find", 0.0), ("make", 0.5)}


async def test_rights_go_by_the_servers_own_names(served: Gateway) -> None:
    key = await served.key(permission={"mcp_tool_permissions": {"desk": ["make"]}})
    async with raw(served.url, key=key) as one:
        assert [tool["name"] for tool in (await one.ask("", "tools/list"))["result"]["tools"]] == ["desk-desk_make"]
        assert "result" in await one.ask("", "tools/call", {"name": "desk_make", "arguments": {}})
        for name in ("desk-look_up", "desk-find"):  # as it was called: that they are one tool is not told
            refused = await one.ask("", "tools/call", {"name": name, "arguments": {}})
            assert refused["error"]["message"] == f"Unknown tool: {name}"
        near = await one.ask("", "tools/call", {"name": "desk_mak", "arguments": {}})
        assert near["error"]["message"] == "Unknown tool: desk_mak. Did you mean 'desk-desk_make'?"
        far = await one.ask("", "tools/call", {"name": "look_upp", "arguments": {}})  # it may not know of that
        assert far["error"]["message"] == "Unknown tool: look_upp"
    listed = (await served.get("/mcp-rest/tools/list?server_id=desk"))["tools"]
    assert [tool["name"] for tool in listed] == ["look_up", "desk_make", "spaced"]


async def test_a_name_before_which_several_servers_stand_may_be_any_of_theirs(tmp_path: Path) -> None:
    tools = {"lab": ["x-ray", "desk-lamp"], "lab-x": ["zoom"], "desk": ["drawer"]}
    servers = {
        name: {"command": sys.executable, "args": [NAMED, *theirs], "allowed_tools": theirs}
        for name, theirs in tools.items()
    }
    wrong = {"lab-x-rya": "lab-x-ray", "lab-x-zom": "lab-x-zoom", "desk-lmap": "lab-desk-lamp", "lab-xray": "lab-x-ray"}
    async with gateway({"mcp_servers": servers}, tmp_path) as running, raw(running.url) as one:
        for said, meant in wrong.items():
            told = await one.ask("", "tools/call", {"name": said, "arguments": {}})
            assert told["error"]["message"] == f"Unknown tool: {said}. Did you mean {meant!r}?"
        far = await one.ask("", "tools/call", {"name": "desk-nothing", "arguments": {}})
        assert far["error"]["message"] == "Unknown tool: desk-nothing"
