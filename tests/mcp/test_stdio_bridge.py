"""`tollbridge mcp stdio` as a client sees it: a process on pipes, a gateway and real servers behind it."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients.running import running
from tests.databases import furnish
from tests.mcp.serving import LEGACY_STDIO, Command, Serving, Talk, legacy_http, modern_only

PROGRAM = str(Path(sys.executable).with_name("tollbridge"))
KEY = "sk-tb-bridge-0123456789-abcdef"
META = "io.modelcontextprotocol/"
MODERN: dict[str, Any] = {
    "_meta": {META + "protocolVersion": "2026-07-28", META + "clientCapabilities": {"elicitation": {}}}
}


@pytest.fixture(scope="module")
def modern() -> Iterator[Serving]:
    with modern_only() as server:
        yield server


@pytest.fixture(scope="module")
def url(modern: Serving, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory = tmp_path_factory.mktemp("gateway")
    file = directory / "config.yaml"
    servers = {"old": LEGACY_STDIO.configured(), "new": {"url": modern.url}}
    file.write_text(json.dumps({"mcp_servers": servers}))
    environ = {
        "PATH": "/usr/bin:/bin",
        "TOLLBRIDGE_HOME": str(furnish(directory / "home")),
        "TOLLBRIDGE_MASTER_KEY": KEY,
    }
    with running(PROGRAM, "serve", "-c", str(file), "--port", "0", "--log", "none", environ=environ) as address:
        yield address


def bridge(url: str, *arguments: str, key: str = KEY) -> Talk:
    return Talk(Command(PROGRAM, ("mcp", "stdio", *arguments), {"TOLLBRIDGE_URL": url, "TOLLBRIDGE_KEY": key}))


async def test_an_older_client_lists_and_calls_the_tools_of_all_servers(url: str) -> None:
    async with bridge(url) as talk:
        greeting = await talk.shake_hands()
        assert greeting["result"]["protocolVersion"] == "2025-06-18"
        tools = (await talk.ask("tools/list"))["result"]["tools"]
        assert {"old-echo", "new-echo"} <= {tool["name"] for tool in tools}
        for name in ("old-echo", "new-echo"):
            told = await talk.call(name, text="hello")
            assert told["result"]["content"][0]["text"] == "hello"
        assert talk.junk == []


async def test_one_server_stands_alone_under_its_own_names(url: str) -> None:
    async with bridge(url, "old") as talk:
        await talk.shake_hands()
        assert "echo" in {tool["name"] for tool in (await talk.ask("tools/list"))["result"]["tools"]}


async def test_what_a_server_asks_meanwhile_reaches_the_client_and_comes_back(url: str) -> None:
    async with bridge(url, "old") as talk:
        await talk.shake_hands(elicitation={})
        number = talk.request("tools/call", {"name": "ask_name", "arguments": {}})
        asked = await talk.hear()
        assert asked["method"] == "elicitation/create"
        talk.say({"id": asked["id"], "result": {"action": "accept", "content": {"name": "Ada"}}})
        assert "Ada" in str((await talk.answer(number))["result"])


async def test_a_slow_call_holds_up_no_other_and_can_be_cancelled(url: str) -> None:
    async with bridge(url, "old") as talk:
        await talk.shake_hands()
        slow = talk.request("tools/call", {"name": "sleep", "arguments": {}})
        assert (await talk.call("echo", text="x"))["result"]
        talk.say({"method": "notifications/cancelled", "params": {"requestId": slow}})
        async with asyncio.timeout(10):
            while (await talk.call("count_cancelled"))["result"]["content"][0]["text"] == "0":
                pass
        assert all(message.get("id") != slow for message in talk.heard)


async def test_changes_are_heard_on_the_stream_of_the_session(url: str) -> None:
    async with bridge(url, "old") as talk:
        await talk.shake_hands()
        await talk.call("grow")
        async with asyncio.timeout(10):
            while not any(one.get("method") == "notifications/tools/list_changed" for one in talk.heard):
                await talk.hear()


async def test_a_modern_client_needs_no_handshake(url: str) -> None:
    async with bridge(url, "new") as talk:
        tools = (await talk.ask("tools/list", MODERN))["result"]["tools"]
        assert {"greet", "echo"} <= {tool["name"] for tool in tools}
        told = await talk.ask("tools/call", {**MODERN, "name": "echo", "arguments": {"text": "mirrored"}})
        assert "mirrored" in str(told["result"])
        told = await talk.ask("tools/call", {**MODERN, "name": "greet", "arguments": {}})
        assert told["result"]["resultType"] == "input_required"


async def test_what_goes_wrong_is_an_error_with_the_requests_id(url: str) -> None:
    async with bridge(url, key="sk-nobodys-key-0123456789") as talk:
        told = await talk.ask("initialize", {"protocolVersion": "2025-06-18", "capabilities": {}})
        assert "Is the key right?" in told["error"]["message"]
    async with bridge("http://127.0.0.1:9") as talk:
        told = await talk.ask("initialize", {"protocolVersion": "2025-06-18", "capabilities": {}})
        assert "cannot be reached" in told["error"]["message"]
    async with bridge(url) as talk:
        assert talk.process.stdin is not None
        talk.process.stdin.write(b"this is no JSON\n")
        assert (await talk.hear())["error"]["code"] == -32700
        await talk.shake_hands()
        assert (await talk.ask("nothing/known"))["error"]["code"] == -32601


async def test_it_answers_everything_before_it_ends_and_ends_with_its_client(url: str) -> None:
    async with bridge(url, "old") as talk:
        await talk.shake_hands()
        number = talk.request("tools/call", {"name": "report", "arguments": {"steps": 3}})
        assert talk.process.stdin is not None
        talk.process.stdin.close()
        assert (await talk.answer(number))["result"]
        async with asyncio.timeout(10):
            assert await talk.process.wait() == 0


async def test_a_session_that_the_server_forgot_is_begun_anew() -> None:
    with legacy_http() as server:
        port = server.port
        async with bridge(server.url) as talk:
            await talk.shake_hands()
            assert (await talk.call("echo", text="x"))["result"]
            server.kill()
            with Serving(sys.executable, "-m", "tests.mcp.fixtures.legacy_http", str(port)):
                assert (await talk.call("echo", text="again"))["result"]["content"][0]["text"] == "again"


async def test_it_serves_a_configuration_by_itself(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(json.dumps({"mcp_servers": {"old": LEGACY_STDIO.configured()}}))
    command = Command(PROGRAM, ("mcp", "stdio", "-c", str(file)), {"TOLLBRIDGE_HOME": str(tmp_path / "home")})
    async with Talk(command) as talk:
        await talk.shake_hands()
        assert (await talk.call("echo", text="alone"))["result"]["content"][0]["text"] == "alone"
        assert talk.process.stdin is not None
        talk.process.stdin.close()
        async with asyncio.timeout(20):
            assert await talk.process.wait() == 0


@pytest.mark.parametrize("said", [b"", b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n'], ids=["nothing", "a file"])
def test_standard_input_need_not_be_a_pipe(tmp_path: Path, url: str, said: bytes) -> None:
    file = tmp_path / "in"
    file.write_bytes(said)
    environ = {"PATH": "/usr/bin:/bin", "TOLLBRIDGE_URL": url, "TOLLBRIDGE_KEY": KEY, "TOLLBRIDGE_HOME": str(tmp_path)}
    with file.open("rb") if said else open(os.devnull, "rb") as stream:
        ran = subprocess.run([PROGRAM, "mcp", "stdio"], stdin=stream, env=environ, capture_output=True, timeout=30)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count(b"\n") == (1 if said else 0)
