"""What a call of a tool costs, and what its entry says, by how it ended."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.mcp.clients import MODES, client, text
from tests.mcp.gateway import gateway
from tests.mcp.raw import KEY, raw
from tests.mcp.serving import CUSTOMER_SERVICE, everything, modern_only

NAMED = str(Path(__file__).with_name("fixtures") / "named.py")
COST = {"mcp_info": {"mcp_server_cost_info": {"default_cost_per_query": 0.5}}}


async def test_what_ran_is_paid_for_and_what_the_server_does_not_have_is_not(tmp_path: Path) -> None:
    with everything() as running:
        servers = {"all": {"url": running.url, **COST}, "desk": {**CUSTOMER_SERVICE.configured(), **COST}}
        async with gateway({"mcp_servers": servers}, tmp_path) as served, raw(served.url) as one:

            async def ended(server: str, tool: str, **arguments: Any) -> str:
                answered = await one.ask(server, "tools/call", {"name": tool, "arguments": arguments})
                return "refused" if "error" in answered else str(answered["result"].get("isError", False))

            assert await ended("all", "test_simple_text") == "False"
            assert await ended("all", "test_error_handling") == "True"
            assert await ended("all", "nothing") == "refused"
            assert await ended("desk", "nothing") == "True"  # its SDK's way to say so
            near = await one.ask("all", "tools/call", {"name": "test_simple_tex", "arguments": {}})
            assert near["error"]["message"].endswith(" Did you mean 'test_simple_text'?")
            written = await served.entries(5)
    unknown = [entry for entry in written if entry["model"] in ("nothing", "test_simple_tex")]
    entries = {entry["model"]: entry for entry in written if entry not in unknown}
    assert {name: (entry["status"], entry["spend"]) for name, entry in entries.items()} == {
        "test_simple_text": ("success", 0.5),
        "test_error_handling": ("failure", 0.5),
    }
    assert [(entry["status"], entry["spend"]) for entry in unknown] == [("failure", 0.0)] * 3


async def test_who_mistypes_a_name_is_told_those_it_may_have_meant_and_call(tmp_path: Path) -> None:
    servers = {"desk": CUSTOMER_SERVICE.configured(), "other": {"command": sys.executable, "args": [NAMED, "find"]}}
    async with gateway({"mcp_servers": servers}, tmp_path) as served:
        key = await served.key(permission={"mcp_tool_permissions": {"desk": ["create_support_ticket"]}})

        async def told(server: str, tool: str, key: str = KEY) -> str:
            async with raw(served.url, key=key) as one:
                answered = await one.ask(server, "tools/call", {"name": tool, "arguments": {}})
                texts = [part["text"] for part in answered.get("result", {}).get("content", ())]
                return str(answered.get("error", {}).get("message") or "\n".join(texts))

        assert "Did you mean 'create_support_ticket'?" in await told("desk", "create_suport_ticket")
        assert "Did you mean 'desk-create_support_ticket'?" in await told("", "desk-create_suport_ticket")
        assert "Did you mean 'desk-create_support_ticket'?" in await told("", "create_suport_ticket", key)
        assert "Did you mean" not in await told("", "desk-get_recent_customer", key)  # there, and not for this key
        assert "Did you mean" not in await told("", "nothing")


async def test_a_call_is_one_line_of_the_log_whoever_makes_it(tmp_path: Path) -> None:
    with everything() as running:
        async with gateway({"mcp_servers": {"all": {"url": running.url, **COST}}}, tmp_path) as served:
            for mode in MODES:
                async with client(served.url, "all", mode=mode) as one:
                    await one.call_tool("test_simple_text", {})
            call = {"server_id": "all", "name": "test_error_handling", "arguments": {}}
            await served.send("POST", "/mcp-rest/tools/call", call)
            await served.entries(4)
    lines = [json.loads(line) for line in (tmp_path / "requests.log").read_text().splitlines()]
    calls = [line for line in lines if line.get("provider") == "mcp"]
    assert [line.get("outcome", "ok") for line in calls] == ["ok", "ok", "ok", "upstream_error"]
    times = Counter(line["request_id"] for line in lines)
    assert [times[line["request_id"]] for line in calls] == [1, 1, 1, 1]


@pytest.mark.parametrize("mode", MODES)
async def test_a_call_that_asks_for_input_is_paid_for_once_whoever_makes_it(tmp_path: Path, mode: str) -> None:
    with modern_only() as running:
        async with gateway({"mcp_servers": {"two": {"url": running.url, **COST}}}, tmp_path) as served:
            key = await served.key(permission={"mcp_servers": ["two"]}, max_budget=0.75)
            async with client(served.url, "two", mode=mode, key=key, answers=True) as one:
                assert "ada" in text(await one.call_tool("greet", {})).lower()
            rounds = 1 if mode == "legacy" else 2
            written = await served.entries(rounds)
            assert (await served.get("/key/info", key=key))["info"]["spend"] == 0.5
    assert sorted(entry["spend"] for entry in written) == [0.0] * (rounds - 1) + [0.5]
    assert {(entry["model"], entry["status"]) for entry in written} == {("greet", "success")}
