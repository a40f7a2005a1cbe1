"""What a call of a tool costs, and what its entry says, by how it ended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.mcp.gateway import gateway
from tests.mcp.raw import raw
from tests.mcp.serving import CUSTOMER_SERVICE, everything

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
            entries = {entry["model"]: entry for entry in await served.entries(4) if entry["model"] != "nothing"}
            unknown = [entry for entry in await served.entries(4) if entry["model"] == "nothing"]
    assert {name: (entry["status"], entry["spend"]) for name, entry in entries.items()} == {
        "test_simple_text": ("success", 0.5),
        "test_error_handling": ("failure", 0.5),
    }
    assert [(entry["status"], entry["spend"]) for entry in unknown] == [("failure", 0.0)] * 2
