"""A server that takes long to start, or never does: others are not held up by it, and when it comes that is told."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import mcp_types as types
import pytest
import pytest_asyncio
from mcp.client.subscriptions import ToolsListChanged

from tests.mcp.clients import client, text
from tests.mcp.gateway import Gateway, gateway
from tests.mcp.raw import raw
from tests.mcp.serving import LEGACY_STDIO
from tollbridge.mcp import resting, upstream
from tollbridge.mcp.jsonrpc import UPSTREAM_FAILED, RpcError

pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning"),
]
WAITS = 'echo $$ > "$0.pid"; while [ ! -e "$0" ]; do sleep 0.05; done; exec "$@"'


@pytest_asyncio.fixture
async def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Gateway]:
    """`late` starts when the file `now` is there."""
    monkeypatch.setattr(upstream, "FIRST_S", 1.2)
    monkeypatch.setattr(upstream, "GREETING_S", 0.5)
    good = LEGACY_STDIO.configured()
    late = {**good, "command": "/bin/sh", "args": ["-c", WAITS, str(tmp_path / "now"), good["command"], *good["args"]]}
    async with gateway({"mcp_servers": {"good": good, "late": late}}, tmp_path) as running:
        async with raw(running.url) as one:
            await one.ask("good", "tools/list")  # the short times are for the other
        yield running


async def nobody_watches() -> None:
    """Nor waits for a server to watch it."""
    while any(word in str(task.get_coro()) for task in asyncio.all_tasks() for word in ("_joined", "_stay")):
        await asyncio.sleep(0.02)


async def servers_of(one: Any) -> set[str]:
    return {tool.name.partition("-")[0] for tool in (await one.list_tools()).tools}


async def test_a_handshake_waits_less_for_a_process_than_a_list_does(
    served: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upstream, "FIRST_S", 4.0)
    async with raw(served.url, modern=False) as one:
        began = time.monotonic()
        await one.shake_hands("", "", {})
        assert 0.5 <= time.monotonic() - began < 3.5
        told = (await one.ask("", "tools/list"))["result"]
        listed = time.monotonic()
        assert listed - began >= 4.0  # in all
        assert set(told["_meta"]["tollbridge/absent"]) == {"late"}
        await one.ask("", "tools/list")
        assert time.monotonic() - listed < 3.5  # nobody waits so long for it again


async def test_a_process_has_the_whole_time_at_each_start(served: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upstream, "FIRST_S", 1.0)
    late = served.hub.upstreams["late"]

    async def refused() -> str:
        raise RpcError(UPSTREAM_FAILED, "It ended with status 3.")

    async def slow() -> str:
        await asyncio.sleep(0.4)
        return "here"

    assert isinstance(await late.soon(refused()), RpcError)
    await asyncio.sleep(1.0)
    assert await late.soon(slow()) == "here"  # counted from when it was first started, nothing would be left


async def test_a_bare_name_is_found_beside_a_server_that_never_answers(served: Gateway) -> None:
    async with asyncio.timeout(15), raw(served.url) as one:
        answer = await one.ask("", "tools/call", {"name": "echo", "arguments": {"text": "here"}})
        assert answer["result"]["content"][0]["text"] == "here"
        assert "Unknown" in (await one.ask("", "tools/call", {"name": "nobody", "arguments": {}}))["error"]["message"]


async def test_a_session_is_told_when_a_server_comes(served: Gateway, tmp_path: Path) -> None:
    told = asyncio.Event()

    async def hear(message: Any) -> None:
        if isinstance(message, types.ToolListChangedNotification):
            told.set()

    async with asyncio.timeout(20), client(served.url, mode="legacy", message_handler=hear) as old:
        assert await servers_of(old) == {"good"}
        (tmp_path / "now").touch()
        await told.wait()
        assert await servers_of(old) == {"good", "late"}
        assert text(await old.call_tool("late-echo", {"text": "here"})) == "here"
        told.clear()
        await old.call_tool("late-grow")  # and it is heard from then on
        await told.wait()


@pytest.mark.parametrize("era", ["legacy", "modern"])
async def test_a_server_that_comes_back_is_told_to_who_began_while_it_was_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, era: str
) -> None:
    monkeypatch.setattr(resting, "BACKOFF_S", 0.05)
    good = LEGACY_STDIO.configured()
    script = ["-c", 'if [ -e "$0" ]; then exit 3; fi; exec "$@"', str(tmp_path / "away"), good["command"]]
    flappy = {**good, "command": "/bin/sh", "args": [*script, *good["args"]]}
    told = asyncio.Event()

    async def hear(message: Any) -> None:
        if isinstance(message, types.ToolListChangedNotification):
            told.set()

    async with gateway({"mcp_servers": {"good": good, "flappy": flappy}}, tmp_path) as served, asyncio.timeout(30):
        async with raw(served.url) as other:
            assert (await other.ask("flappy", "tools/list"))["result"]["tools"]
            (tmp_path / "away").touch()
            await other.ask("flappy", "tools/call", {"name": "exit_process", "arguments": {}})
            async with AsyncExitStack() as stack:
                if era == "legacy":
                    one = await stack.enter_async_context(client(served.url, mode="legacy", message_handler=hear))
                else:
                    one = await stack.enter_async_context(client(served.url))
                    changes = aiter(await stack.enter_async_context(one.listen(tools_list_changed=True)))
                assert await servers_of(one) == {"good"}

                async def change() -> None:
                    if era == "modern":
                        assert isinstance(await anext(changes), ToolsListChanged)
                        return
                    await told.wait()
                    told.clear()

                (tmp_path / "away").unlink()
                while "error" in await other.ask("flappy", "tools/list"):
                    await asyncio.sleep(0.05)
                await change()
                assert await servers_of(one) == {"good", "flappy"}
                await other.ask("flappy", "tools/call", {"name": "grow", "arguments": {}})
                await change()  # and it is heard from then on


async def test_who_listens_is_told_when_a_server_comes(served: Gateway, tmp_path: Path) -> None:
    async with asyncio.timeout(20), client(served.url) as new:
        async with new.listen(tools_list_changed=True) as changes:
            (tmp_path / "now").touch()
            assert isinstance(await anext(aiter(changes)), ToolsListChanged)
        assert await servers_of(new) == {"good", "late"}


async def test_a_session_that_ends_during_its_handshake_leaves_nothing_behind(
    served: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = served.hub.upstreams["good"]
    adding, going_on = asyncio.Event(), asyncio.Event()
    add = good.watching.add

    async def slowly(watch: Any) -> None:
        adding.set()
        await going_on.wait()
        await add(watch)

    async with asyncio.timeout(20), raw(served.url, modern=False) as one, aiohttp.ClientSession() as http:
        await one.ask("", "tools/list")
        monkeypatch.setattr(good.watching, "add", slowly)
        headers = one.headers("", "", "", {})
        note = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        noted = asyncio.ensure_future(http.post(one.path(""), json=note, headers=headers))
        await adding.wait()
        async with http.delete(one.path(""), headers=headers) as answer:
            assert answer.status == 204
        going_on.set()
        async with await noted as answer:
            assert answer.status == 202
        await nobody_watches()


async def test_a_session_that_ends_while_its_server_starts_leaves_no_process_behind(
    served: Gateway, tmp_path: Path
) -> None:
    late = served.hub.upstreams["late"]
    async with asyncio.timeout(20), raw(served.url, modern=False) as one, aiohttp.ClientSession() as http:
        (tmp_path / "now").touch()
        await one.ask("late", "tools/list")  # so it is known to be one that has a process for each session
        (tmp_path / "now").unlink()
        await one.shake_hands("", "", {"sampling": {}})
        assert late.links.opening
        async with http.delete(one.path(""), headers=one.headers("", "", "", {})) as answer:
            assert answer.status == 204
        process = int((tmp_path / "now.pid").read_text())
        (tmp_path / "now").touch()
        with pytest.raises(ProcessLookupError):
            while True:
                os.kill(process, 0)
                await asyncio.sleep(0.02)


async def test_sessions_that_end_while_they_wait_leave_nothing_behind(served: Gateway) -> None:
    async with asyncio.timeout(20):
        for _ in range(3):
            async with client(served.url, mode="legacy") as old:
                await servers_of(old)
        await nobody_watches()
