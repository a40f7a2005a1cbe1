"""What a client follows: streams that break off, servers that end meanwhile, changes in a storm."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp
import mcp_types as types
import pytest
import pytest_asyncio
from mcp.client.subscriptions import ResourceUpdated, ToolsListChanged

from tests.mcp import serving
from tests.mcp.clients import client, text
from tests.mcp.gateway import Gateway, gateway
from tests.mcp.raw import Raw, raw
from tests.mcp.serving import LEGACY_STDIO
from tollbridge.mcp import ears, resting, watching

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    async with AsyncExitStack() as stack:
        sdk = await stack.enter_async_context(serving.everything())
        silent = await stack.enter_async_context(serving.broken("silent"))
        servers = {"old": LEGACY_STDIO.configured(), "sdk": {"url": sdk.url}, "silent": {"url": silent.url}}
        directory = tmp_path_factory.mktemp("following")
        yield await stack.enter_async_context(gateway({"mcp_servers": servers}, directory))


async def events(answer: aiohttp.ClientResponse) -> AsyncIterator[tuple[str, Any]]:
    """(id, message) of a stream; None for an event that only has an id."""
    id = ""
    async for line in answer.content:
        name, _, value = line.decode().strip().partition(": ")
        if name == "id":
            id = value
        elif name.rstrip(":") == "data":
            yield id, json.loads(value) if value else None


@asynccontextmanager
async def calling(one: Raw, tool: str) -> AsyncIterator[aiohttp.ClientResponse]:
    body = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": tool, "arguments": {}}}
    async with aiohttp.ClientSession() as http:
        async with http.post(one.path("old"), json=body, headers=one.headers("old", "", "", {})) as answer:
            yield answer


async def test_a_stream_that_broke_off_is_resumed_while_its_request_runs(served: Gateway) -> None:
    async with raw(served.url, modern=False) as one, aiohttp.ClientSession() as http, asyncio.timeout(20):
        await one.shake_hands("old", "", {"elicitation": {}})
        async with calling(one, "ask_name") as answer:
            stream = events(answer)
            first, primed = await anext(stream)
            assert primed is None
            _, asked = await anext(stream)
            assert asked["method"] == "elicitation/create"
        # the connection is gone; the request goes on
        headers = one.headers("old", "", "", {})
        async with http.get(one.path("old"), headers={**headers, "Last-Event-ID": first}) as answer:
            stream = events(answer)
            assert (await anext(stream))[1] == asked
            filled = {"action": "accept", "content": {"name": "Ada"}}
            said = {"jsonrpc": "2.0", "id": asked["id"], "result": filled}
            async with http.post(one.path("old"), json=said, headers=headers) as posted:
                assert posted.status == 202
            _, told = await anext(stream)
            assert (told["id"], told["result"]["content"][0]["text"]) == (7, "Hello, Ada!")
            assert [event async for event in stream] == []


async def test_clients_of_both_eras_watch_one_server_that_speaks_both(served: Gateway) -> None:
    told = asyncio.Event()

    async def hear(message: Any) -> None:
        if isinstance(message, types.ToolListChangedNotification):
            told.set()

    async with asyncio.timeout(20), client(served.url, "sdk", mode="legacy") as first:
        await first.list_tools()
        # the one who watches first is of the older era, and must not decide how the others are heard
        async with client(served.url, "sdk", mode="legacy", message_handler=hear) as old:
            await old.list_tools()
            async with client(served.url, "sdk") as new, new.listen(tools_list_changed=True) as changes:
                await new.call_tool("test_trigger_tool_change")
                assert isinstance(await anext(aiter(changes)), ToolsListChanged)
                await told.wait()


async def test_a_server_that_is_silent_keeps_nobody_from_listening_to_the_others(served: Gateway) -> None:
    async with asyncio.timeout(20), client(served.url) as new:
        async with new.listen(resource_subscriptions=["mcp://old/note://today"]) as changes:
            await new.call_tool("old-change_note")
            assert isinstance(event := await anext(aiter(changes)), ResourceUpdated)
            assert event.uri == "mcp://old/note://today"


async def test_a_subscription_outlives_the_process_that_it_was_made_at(
    served: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ears, "AGAIN_S", 0.05)
    monkeypatch.setattr(resting, "BACKOFF_S", 0.05)
    async with asyncio.timeout(20), client(served.url, "old") as new:
        async with new.listen(resource_subscriptions=["note://today"]) as changes:
            answer = await raw_call(served, "exit_process")
            assert "ended with status 3" in answer["error"]["message"]

            async def changing() -> None:
                while True:  # until the subscription stands again, nobody hears of it
                    await raw_call(served, "change_note")
                    await asyncio.sleep(0.05)

            work = asyncio.create_task(changing())
            assert isinstance(await anext(aiter(changes)), ResourceUpdated)
            work.cancel()


async def raw_call(served: Gateway, tool: str) -> dict[str, Any]:
    async with raw(served.url) as one:
        return await one.ask("old", "tools/call", {"name": tool, "arguments": {}})


async def test_a_list_that_changes_in_a_storm_is_told_once_a_second_and_in_the_end(served: Gateway) -> None:
    """R55."""
    heard = 0

    async def hear(message: Any) -> None:
        nonlocal heard
        heard += isinstance(message, types.ToolListChangedNotification)

    async with asyncio.timeout(20), client(served.url, "old", mode="legacy", message_handler=hear) as old:
        await old.list_tools()
        began = time.monotonic()
        for _ in range(50):
            await old.call_tool("grow")
        while heard < 2:
            await asyncio.sleep(0.02)
        assert heard <= 2 + (time.monotonic() - began) / watching.CALM_S
        assert text(await old.call_tool("echo", {"text": "here"})) == "here"
