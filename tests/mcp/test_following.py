"""What a client follows: streams that break off, servers that end meanwhile, changes in a storm."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Coroutine
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
from tollbridge.mcp import ears, resting, sessions, watching

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
async def calling(one: Raw, tool: str, accept: str = "", **arguments: Any) -> AsyncIterator[aiohttp.ClientResponse]:
    body = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}
    headers = one.headers("old", "", "", {})
    async with aiohttp.ClientSession() as http:
        async with http.post(
            one.path("old"), json=body, headers={**headers, "Accept": accept or headers["Accept"]}
        ) as answer:
            yield answer


async def answer_to(one: Raw, asked: dict[str, Any]) -> None:
    said = {"jsonrpc": "2.0", "id": asked["id"], "result": {"action": "accept", "content": {"name": "Ada"}}}
    async with aiohttp.ClientSession() as http:
        async with http.post(one.path("old"), json=said, headers=one.headers("old", "", "", {})) as posted:
            assert posted.status == 202


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
            await answer_to(one, asked)
            _, told = await anext(stream)
            assert (told["id"], told["result"]["content"][0]["text"]) == (7, "Hello, Ada!")
            assert [event async for event in stream] == []


NOWHERE = "The client has no stream open on which it could be asked for elicitation/create."


async def test_a_client_that_has_no_stream_to_be_asked_on_is_not_waited_for(
    served: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "REACH_S", 0.2)
    async with raw(served.url, modern=False) as one, asyncio.timeout(20):
        await one.shake_hands("old", "", {"elicitation": {}})
        async with calling(one, "ask_name", "application/json") as answer:
            told = await answer.json()
        assert NOWHERE in json.dumps(told), told


async def test_a_client_that_takes_no_stream_for_a_request_is_asked_on_the_one_that_it_opens(served: Gateway) -> None:
    async with raw(served.url, modern=False) as one, aiohttp.ClientSession() as http, asyncio.timeout(20):
        await one.shake_hands("old", "", {"elicitation": {}})
        headers = one.headers("old", "", "", {})

        async def named() -> str:
            async with calling(one, "ask_name", "application/json") as answer:
                return str((await answer.json())["result"]["content"][0]["text"])

        for _ in range(2):  # between two of its streams it is asked on the next
            call = asyncio.ensure_future(named())
            await asyncio.sleep(0.2)
            async with http.get(one.path("old"), headers=headers) as answer:
                _, asked = await anext(events(answer))
                assert asked["method"] == "elicitation/create"
                await answer_to(one, asked)
                assert await call == "Hello, Ada!"
                assert await named_on(answer, one, named()) == "Hello, Ada!"  # the stream is open now


async def named_on(answer: aiohttp.ClientResponse, one: Raw, named: Coroutine[Any, Any, str]) -> str:
    """The result of a call whose question comes on this stream."""
    call = asyncio.ensure_future(named)
    _, asked = await anext(events(answer))
    await answer_to(one, asked)
    return await call


@pytest.mark.parametrize("comes_back", [True, False])
async def test_a_client_that_lost_its_stream_before_it_is_asked_has_a_while_to_come_back(
    served: Gateway, monkeypatch: pytest.MonkeyPatch, comes_back: bool
) -> None:
    monkeypatch.setattr(sessions, "REACH_S", 15.0 if comes_back else 0.2)
    async with raw(served.url, modern=False) as one, aiohttp.ClientSession() as http, asyncio.timeout(30):
        await one.shake_hands("old", "", {"elicitation": {}})
        async with calling(one, "ask_name", after_s=0.5) as answer:
            stream = events(answer)
            first, _ = await anext(stream)
        await asyncio.sleep(1.0)
        headers = {**one.headers("old", "", "", {}), "Last-Event-ID": first}
        async with http.get(one.path("old"), headers=headers) as answer:
            told = [message async for message in answering(answer, one, comes_back)]
        if comes_back:
            assert told[-1]["result"]["content"][0]["text"] == "Hello, Ada!"
        else:  # the call is over, and its stream is told from the start
            assert NOWHERE in json.dumps(told[-1])


async def answering(answer: aiohttp.ClientResponse, one: Raw, answers: bool) -> AsyncIterator[dict[str, Any]]:
    """What a stream tells, up to the answer of the call."""
    async for _, message in events(answer):
        yield message
        if answers and message["method" if "method" in message else "id"] == "elicitation/create":
            await answer_to(one, message)
        if message.get("id") == 7:
            return


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
