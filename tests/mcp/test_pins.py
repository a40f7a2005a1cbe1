"""What tools were trusted as: a change is told, shown and, where the server is strict, held back (S44 to S46)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.mcp.gateway import Gateway, gateway
from tests.mcp.raw import raw
from tests.mcp.serving import Serving, broken, everything
from tollbridge.mcp import pins
from tollbridge.mcp.definition import Definition
from tollbridge.mcp.pins import Pins, difference

PINS = "/v1/mcp/pins"
RAN_AWAY = "Says what it was told, and sends it to a stranger"


@pytest.fixture
def faults() -> Iterator[Serving]:
    """Its own for each test: it remembers what was called."""
    with broken() as running:
        yield running


@pytest.fixture(autouse=True)
def always_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """A strict server is asked before each call."""
    monkeypatch.setattr(pins, "FRESH_S", 0.0)


def config(faults: Serving, **servers: str) -> dict[str, Any]:
    """`servers`: the fault of each; with `strict_` before its name it is one."""
    return {
        "mcp_servers": {
            name: {"url": faults.at(f"/mcp/{fault}"), "pin": "strict" if name.startswith("strict") else "alert"}
            for name, fault in servers.items()
        }
    }


async def tools(served: Gateway, server: str) -> dict[str, Any]:
    found = (await served.get(f"/mcp-rest/tools/list?server_id={server}"))["tools"]
    return {tool["name"]: tool for tool in found}


async def call(served: Gateway, server: str, tool: str, status: int = 200) -> Any:
    return await served.post("/mcp-rest/tools/call", {"server_id": server, "name": tool}, status=status)


async def test_a_change_is_told_once_and_shown_as_a_diff(
    faults: Serving, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "tollbridge.audit")
    async with gateway(config(faults, one="changing"), tmp_path) as served:
        await tools(served, "one")
        assert await served.get(f"{PINS}?server=one") == []
        await call(served, "one", "echo")
        for _ in range(2):
            assert (await tools(served, "one"))["echo"]["description"] == RAN_AWAY  # it alerts, and no more
        await call(served, "one", "echo")
        (shown,) = await served.get(PINS)
        assert (shown["server"], shown["tool"], shown["state"]) == ("one", "echo", "changed")
        assert not shown["quarantined"]
        assert shown["fingerprint"] != shown["pinned_fingerprint"]
        removed, added = (line for line in shown["diff"] if line.startswith(("+ ", "- ")))
        assert '"description": "Says what it was told",' in removed
        assert f'"description": "{RAN_AWAY}",' in added
        metrics = (await served.send("GET", "/metrics")).body
        assert b"tollbridge_mcp_tools_changed_total 1.0" in metrics
        (problem,) = (await served.get("/v1/mcp/server/health?tools=true"))[0]["problems"]
        assert "tollbridge mcp approve one" in problem
    told = [record.getMessage() for record in caplog.records]
    assert sum("is not what it was when it was first seen" in line for line in told) == 1
    assert sum('"action":"mcp_tool.changed"' in line for line in told) == 1


@pytest.mark.parametrize("modern", [True, False])
async def test_what_changed_at_a_strict_server_waits_for_an_approval(
    faults: Serving, tmp_path: Path, modern: bool
) -> None:
    """S45."""
    async with gateway(config(faults, strict="changing"), tmp_path) as served, raw(served.url, modern=modern) as one:
        assert set(await tools(served, "strict")) == {"add", "echo"}
        assert "result" in await one.ask("strict", "tools/call", {"name": "echo", "arguments": {}})
        refused = await one.ask("strict", "tools/call", {"name": "echo", "arguments": {}})
        assert refused["error"]["code"] == -31004
        assert "changed since it was first seen" in refused["error"]["message"]
        assert "result" in await one.ask("strict", "tools/call", {"name": "add", "arguments": {}})  # alone it changed
        listed = await one.ask("strict", "tools/list")
        assert [tool["name"] for tool in listed["result"]["tools"]] == ["add"]
        assert set(await tools(served, "strict")) == {"add"}
        assert "changed since" in (await call(served, "strict", "echo", status=403))["error"]["message"]
        entries = await served.get("/spend/logs")
        assert "stranger" not in str(entries)

        (shown,) = await served.get(PINS)
        assert shown["quarantined"]
        wrong = {"server": "strict", "tools": {"echo": shown["pinned_fingerprint"]}}
        assert (await served.post(PINS, wrong, status=409))["error"]["code"] == "changed_meanwhile"
        looked_at = {"server": "strict", "tools": {"echo": shown["fingerprint"]}}
        assert await served.post(PINS, looked_at) == {"approved": ["echo"]}
        assert set(await tools(served, "strict")) == {"add", "echo"}
        assert "result" in await one.ask("strict", "tools/call", {"name": "echo", "arguments": {}})
        assert await served.get(PINS) == []


async def test_a_tool_that_is_held_back_is_told_as_that_by_its_name_alone_too(faults: Serving, tmp_path: Path) -> None:
    """Among several servers it was told as one that is not there."""
    async with gateway(config(faults, strict_one="hidden", other="changing"), tmp_path) as served:
        for name in ("tagged", "strict_one-tagged"):
            held = await served.post("/mcp-rest/tools/call", {"name": name}, status=403)
            assert "`tollbridge mcp approve strict_one tagged`" in held["error"]["message"]
        for name in ("nobody", "strict_one-nobody"):
            lost = await served.send("POST", "/mcp-rest/tools/call", {"name": name})
            assert b"approve" not in lost.body


async def test_a_strict_server_is_looked_at_before_its_first_call(faults: Serving, tmp_path: Path) -> None:
    async with gateway(config(faults, strict="hidden"), tmp_path) as served:
        refused = await call(served, "strict", "tagged", status=403)
        assert "hidden characters: U+E0020 TAG SPACE" in refused["error"]["message"]
        await call(served, "strict", "echo")
        refused = await call(served, "strict", "nobody", status=403)
        assert "does not list it" in refused["error"]["message"]


async def test_what_is_suspicious_is_flagged_everywhere_and_held_back_by_a_strict_server(
    faults: Serving, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """S44."""
    with everything() as another:
        said = config(faults, lax="hidden", strict="hidden")
        said["mcp_servers"]["everything"] = {"url": another.url}
        async with gateway(said, tmp_path) as served:
            await tools(served, "everything")
            listed = await tools(served, "lax")
            flags = {name: tool["mcp_info"].get("flags", []) for name, tool in listed.items()}
            assert [name for name, found in flags.items() if found] == ["tagged", "joined", "reversed", "shadowing"]
            assert flags["shadowing"] == [
                "it names tools of other servers: 'everything-test_simple_text' of 'everything'"
            ]
            assert "U+202E RIGHT-TO-LEFT OVERRIDE in description" in flags["reversed"][0]
            assert list(await tools(served, "strict")) == ["echo"]
            told = {one["server_name"]: one for one in await served.get("/v1/mcp/server/health?tools=true")}
            assert len(told["strict"]["left_out"]) == 4
            assert len(told["lax"]["problems"]) == 4
            assert told["everything"]["problems"] == []
            waiting = [one["tool"] for one in await served.get(f"{PINS}?server=strict")]
            assert waiting == ["joined", "reversed", "shadowing", "tagged"]
            (diffed,) = [one for one in await served.get(f"{PINS}?server=strict") if one["tool"] == "joined"]
            assert diffed["state"] == "flagged"
            assert await served.post(PINS, {"server": "strict", "tool": "joined"}) == {"approved": ["joined"]}
            assert list(await tools(served, "strict")) == ["joined", "echo"]
            assert (await served.post(PINS, {"server": "strict"}))["approved"] == ["reversed", "shadowing", "tagged"]
            assert len(await tools(served, "strict")) == 5
    assert "it names tools of other servers" in caplog.text


async def test_what_was_trusted_outlives_the_process_and_is_heard_by_others(
    faults: Serving, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    said = config(faults, strict="changing")
    async with gateway(said, tmp_path) as served:
        await tools(served, "strict")
        await served.hub.pins.hear()
        await call(served, "strict", "echo")
        await tools(served, "strict")
        await served.hub.pins.hear()
    async with gateway(said, tmp_path) as served, gateway(said, tmp_path) as other:
        assert set(await tools(served, "strict")) == {"add"}
        assert set(await tools(other, "strict")) == {"add"}
        assert caplog.text.count("is not what it was when it was first seen") == 1
        await served.post(PINS, {"server": "strict"})
        async with asyncio.timeout(10):
            while set(await tools(other, "strict")) != {"add", "echo"}:
                await asyncio.sleep(0.02)
        key = await served.key(permission={"mcp_servers": ["strict"]})
        assert (await served.send("GET", PINS, key=key)).status == 403
        assert (await served.send("POST", PINS, {"server": "strict"}, key=key)).status == 403
        await served.get(f"{PINS}?server=nobody", status=404)
        await served.post(PINS, {"server": "strict", "tool": "nobody"}, status=404)
        await served.post(PINS, {}, status=422)
        await served.post(PINS, {"server": "strict", "tools": {"echo": 1}}, status=422)


def tool(name: str, text: str = "Adds") -> dict[str, Any]:
    return {"name": name, "description": text, "inputSchema": {"type": "object"}}


def test_a_definition_that_is_again_what_it_was_is_good_again() -> None:
    kept, strict = Pins(), Definition(name="one", pin="strict")
    assert kept.look(strict, [], "-") == []
    assert kept.look(strict, [tool("add")], "-")
    assert not kept.look(strict, [tool("add", "Subtracts")], "-")
    assert kept.look(strict, [tool("add")], "-")
    assert not kept.look(strict, [tool("add", "Subtracts")], "-")
    assert kept.changes == 1
    assert kept.look(strict, [tool("new")], "-")  # trusted as it is first seen


def test_instructions_are_pinned_like_a_tool() -> None:
    kept, strict, lax = Pins(), Definition(name="one", pin="strict"), Definition(name="two")
    for definition in (strict, lax):
        assert kept.instructions(definition, "Be kind") == "Be kind"
    assert kept.instructions(strict, "Be bold") is None
    assert kept.instructions(lax, "Be bold") == "Be bold"
    assert kept.instructions(strict, "Be kind") == "Be kind"
    assert kept.instructions(Definition(name="three", pin="strict"), "Be\u200b kind") is None


def test_a_server_that_never_lists_the_same_is_told_of_without_end_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pins, "PINS_MAX", 10)
    kept, strict = Pins(), Definition(name="one", pin="strict")
    listed = [kept.look(strict, [tool(f"t{number}")], "-") for number in range(20)]
    assert [bool(one) for one in listed] == [True] * 10 + [False] * 10
    assert kept.look(Definition(name="none", pin="none"), [tool("\u200b")], "-")
    assert not list(kept.standings(Definition(name="none", pin="none")))


def test_a_difference_shows_what_nobody_sees() -> None:
    lines = difference(tool("add"), tool("add", "Adds\u200b all"))
    assert any("Adds\\u{200b} all" in line for line in lines)
    assert all(line.isprintable() for line in lines)
