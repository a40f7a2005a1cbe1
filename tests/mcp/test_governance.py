"""What servers and those who add them may not do: take others' names, promise what rights rest on, ask without end,
start what nobody allowed. Rows S43, S46 to S49 and S51 of security.md that no other file of these tests has."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from pathlib import Path
from typing import Any

import mcp_types as types
import pytest

from tests.mcp.clients import client
from tests.mcp.gateway import gateway
from tests.mcp.raw import raw
from tests.mcp.serving import LEGACY_STDIO, broken
from tests.mcp.test_in_models import CHAT, Model, tool
from tests.server.accounted import accounted
from tests.server.faults import ask, configuration, entry
from tests.transport.upstream import Upstream
from tollbridge.config.load import load
from tollbridge.mcp.definition import Definition
from tollbridge.mcp.pins import Pins
from tollbridge.mcp.upstream import ROUNDS_MAX
from tollbridge.store.mcp_servers import McpServerStore

NAMED = str(Path(__file__).with_name("fixtures") / "named.py")


def named(*tools: str) -> dict[str, Any]:
    return {"command": sys.executable, "args": [NAMED, *tools]}


async def test_two_servers_with_a_tool_of_one_name_are_told_apart(tmp_path: Path) -> None:
    """S46."""
    servers = {"mail": named("send_mail"), "evil": named("send_mail", "mail-send_mail")}
    async with gateway({"mcp_servers": servers}, tmp_path) as served, raw(served.url) as one:
        listed = (await one.ask("", "tools/list"))["result"]["tools"]
        assert [item["name"] for item in listed] == ["evil-send_mail", "evil-mail-send_mail", "mail-send_mail"]
        error = (await one.ask("", "tools/call", {"name": "send_mail", "arguments": {}}))["error"]
        assert all(name in error["message"] for name in ("Several servers", "evil-send_mail", "mail-send_mail"))
        answer = await one.ask("", "tools/call", {"name": "mail-send_mail", "arguments": {"query": "x"}})
        assert answer["result"]["content"][0]["text"].startswith("send_mail was told")


async def test_a_server_takes_no_name_of_another_whose_name_begins_with_its_own(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    servers = {"a": named("b-echo", "echo"), "a-b": named("echo")}
    async with gateway({"mcp_servers": servers}, tmp_path) as served, raw(served.url) as one:
        listed = (await one.ask("", "tools/list"))["result"]["tools"]
        assert [(item["name"], item["description"]) for item in listed] == [
            ("a-echo", "Does echo"),
            ("a-b-echo", "Does echo"),
        ]
        answer = await one.ask("", "tools/call", {"name": "a-b-echo", "arguments": {}})
        assert answer["result"]["content"][0]["text"].startswith("echo was told")
        alone = (await one.ask("a", "tools/list"))["result"]["tools"]
        assert [item["name"] for item in alone] == ["b-echo", "echo"]
    assert "it has another's name" in caplog.text


@pytest.mark.parametrize(
    "servers",
    [
        {"one": {"alias": "two"}, "two": {}},
        {"my server": {}, "my_server": {}},
        {"one": {"alias": "x"}, "two": {"alias": "x"}},
    ],
)
def test_two_servers_of_one_name_keep_the_gateway_from_starting(tmp_path: Path, servers: dict[str, Any]) -> None:
    """S46."""
    said = {name: {"url": "https://x.example/mcp", **more} for name, more in servers.items()}
    (tmp_path / "config.yaml").write_text(json.dumps({"mcp_servers": said}))
    loaded = load(tmp_path / "config.yaml", {})
    assert loaded.config is None
    assert any("is already the name" in finding.message for finding in loaded.findings)


async def test_what_a_server_says_of_its_tools_gives_nobody_a_right(tmp_path: Path) -> None:
    """S47: it says that `echo` only reads."""
    model = Model([("echo", {"text": "x"})])
    with broken("unknown-fields") as faults:
        async with Upstream(model) as upstream:
            said = json.loads(configuration(entry("m", upstream.port, info={"mode": "chat"})))
            said["mcp_servers"] = {"desk": {"url": faults.url, "allow_all_keys": True}}
            async with accounted(json.dumps(said), tmp_path) as served:
                offered = tool(require_approval=None, allowed_tools=["echo"])
                answered = await served.send("POST", CHAT, ask(tools=[offered]))
                message = answered.json()["choices"][0]["message"]
                assert message["tool_calls"][0]["function"]["name"] == "echo"  # handed back, and not called
                assert len(model.asked) == 1
        async with gateway({"mcp_servers": {"desk": {"url": faults.url}}}, tmp_path / "rights") as gated:
            key = await gated.key(permission={"mcp_tool_permissions": {"desk": ["other"]}})
            async with raw(gated.url, key=key) as one:
                error = (await one.ask("desk", "tools/call", {"name": "echo", "arguments": {}}))["error"]
                assert "Unknown tool" in error["message"]


async def test_a_command_that_somebody_wrote_into_the_database_is_not_started(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """S48."""
    trace = tmp_path / "trace"
    async with gateway({}, tmp_path) as served:
        store = McpServerStore(served.accounts.database, served.accounts.pepper)
        said = {"server_name": "planted", "command": "/bin/sh", "args": ["-c", f"touch {trace}"]}
        await store.insert("planted", "planted", said, "nobody")
        with caplog.at_level(logging.ERROR, logger="tollbridge.mcp"):
            async with asyncio.timeout(10):
                while "the MCP server 'planted' is not served" not in caplog.text:
                    await asyncio.sleep(0.02)
        (told,) = await served.get("/v1/mcp/server")
        assert "mcp_api_commands" in told["health_check_error"]
        answered = await served.send("POST", "/mcp-rest/tools/call", {"server_id": "planted", "name": "x"})
        assert answered.status == 404
    assert not trace.exists()


async def test_a_variable_makes_an_allowed_command_no_other(tmp_path: Path) -> None:
    """S49."""
    names = ("LD_PRELOAD", "ld_library_path", "DYLD_INSERT_LIBRARIES", "PYTHONSTARTUP", "NODE_OPTIONS", "PATH", "ENV")
    config = {"general_settings": {"mcp_api_commands": [LEGACY_STDIO.command]}}
    async with gateway(config, tmp_path) as served:
        body = {"server_name": "a", "command": LEGACY_STDIO.command, "args": list(LEGACY_STDIO.args)}
        for name in names:
            told = await served.post("/v1/mcp/server", {**body, "env": {name: "/tmp/x"}}, status=422)
            assert "makes a program run something else" in told["error"]["message"], name
        await served.post("/v1/mcp/server", {**body, "env": {"API_TOKEN": "x"}}, status=201)


async def test_a_server_that_asks_without_end_is_answered_so_often_and_no_more(tmp_path: Path) -> None:
    """S51."""
    asked = 0

    async def fill_in(context: Any, params: Any) -> Any:
        nonlocal asked
        asked += 1
        return types.ElicitResult(action="accept", content={"name": "Ada"})

    with broken("asking-forever") as faults:
        async with gateway({"mcp_servers": {"one": {"url": faults.url}}}, tmp_path) as served:
            async with client(served.url, "one", mode="legacy", elicitation_callback=fill_in) as old:
                with pytest.raises(Exception, match=f"asked for input {ROUNDS_MAX} times"):
                    await old.call_tool("echo", {})
                assert asked == ROUNDS_MAX
                with pytest.raises(Exception, match="asked for input"):  # the session works on
                    await old.call_tool("echo", {})


async def test_a_description_without_end_is_flagged() -> None:
    """S44."""
    kept, strict = Pins(), Definition(name="one", pin="strict")
    long = {"name": "x", "description": "a" * 8193, "inputSchema": {"type": "object"}}
    assert kept.look(strict, [long], "-") == []
    assert kept.flags("one", "x") == ("its description has more than 8192 characters",)
