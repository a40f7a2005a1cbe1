"""Subscriptions at a server of the older era, which many listeners share: who comes, leaves or is refused."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.mcp.gateway import Gateway, gateway
from tests.mcp.raw import Raw, raw
from tests.mcp.serving import HERE, LEGACY_STDIO, Command, Serving, broken, legacy_http
from tests.mcp.test_listening import ACKNOWLEDGED, Listener, add, listening
from tollbridge.mcp import ears, resting
from tollbridge.mcp import http as mcp_http

UPDATED = "notifications/resources/updated"


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Gateway]:
    sub = Command(sys.executable, (str(HERE / "fixtures" / "subscribing.py"), str(tmp_path / "flag")))
    servers = {"sub": sub.configured(), "old": LEGACY_STDIO.configured()}
    config = {"general_settings": {"mcp_api_hosts": ["127.0.0.1"]}, "mcp_servers": servers}
    async with gateway(config, tmp_path) as running, raw(running.url) as one:
        assert "sub-change" in str(await one.ask("", "tools/list"))
        yield running


async def subscribed(one: Raw, tool: str = "subscribed", uri: str = "") -> list[str]:
    answer = await one.ask("sub", "tools/call", {"name": tool, "arguments": {"uri": uri}})
    found: list[str] = json.loads(answer["result"]["content"][0]["text"])
    return found


async def test_who_leaves_takes_nothing_from_who_came_meanwhile(served: Gateway) -> None:
    uris = ["slow://a", "slow://b"]
    async with raw(served.url) as one:
        async with listening(one, "sub", {"resourceSubscriptions": uris}) as first:
            await first.until(ACKNOWLEDGED)
            assert await subscribed(one) == uris
        while served.hub.upstreams["sub"].watching.watches:
            await asyncio.sleep(0.01)
        async with listening(one, "sub", {"resourceSubscriptions": uris}) as second:
            await second.until(ACKNOWLEDGED)
            await asyncio.sleep(1.5)
            assert await subscribed(one) == uris
            for uri in uris:
                await subscribed(one, "change", uri)
                assert (await second.until(UPDATED))["params"]["uri"] == uri
        async with asyncio.timeout(5):
            while await subscribed(one):
                await asyncio.sleep(0.05)


async def test_a_server_that_does_not_answer_who_subscribes_keeps_nobody_from_the_others(served: Gateway) -> None:
    wanted = {"resourceSubscriptions": ["mcp://sub/mute://a", "mcp://old/note://today"]}
    async with raw(served.url) as one:
        began = time.monotonic()
        async with listening(one, "", wanted) as listener:
            told = await listener.until(ACKNOWLEDGED)
            assert told["params"]["notifications"]["resourceSubscriptions"] == ["mcp://old/note://today"]
            assert time.monotonic() - began < 8
            await one.ask("", "tools/call", {"name": "old-change_note", "arguments": {}})
            assert (await listener.until(UPDATED))["params"]["uri"] == "mcp://old/note://today"


async def test_what_is_refused_after_a_server_came_back_takes_nothing_from_the_others(
    served: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ears, "AGAIN_S", 0.05)
    monkeypatch.setattr(resting, "BACKOFF_S", 0.05)
    async with raw(served.url) as one:
        gone = listening(one, "sub", {"resourceSubscriptions": ["gone://a"]})
        async with gone as first, listening(one, "sub", {"resourceSubscriptions": ["there://b"]}) as second:
            await first.until(ACKNOWLEDGED)
            await second.until(ACKNOWLEDGED)
            (tmp_path / "flag").touch()
            await one.ask("sub", "tools/call", {"name": "exit", "arguments": {}})
            async with asyncio.timeout(5):
                while "error" in (told := await one.ask("sub", "tools/call", {"name": "subscribed"})):
                    await asyncio.sleep(0.05)
                while "there://b" not in str(told):
                    await asyncio.sleep(0.05)
                    told = await one.ask("sub", "tools/call", {"name": "subscribed"})
            await subscribed(one, "change", "there://b")
            await second.until(UPDATED)


async def test_a_resource_of_a_server_that_is_taken_away_and_added_again_is_heard_of(
    served: Gateway,
) -> None:
    """In either era, and a session has not more to follow each time."""
    uri = "mcp://two/note://today"
    with legacy_http() as there:
        made = await add(served, "two", there.url)
        async with raw(served.url) as one, raw(served.url, modern=False) as old, aiohttp.ClientSession() as http:
            await one.ask("", "tools/list")
            assert "result" in await old.ask("", "resources/subscribe", {"uri": uri})
            headers = old.headers("", "", "", {})
            ready = {"jsonrpc": "2.0", "method": "notifications/initialized"}
            async with http.post(old.path(""), json=ready, headers=headers) as posted:
                assert posted.status == 202
            async with (
                listening(one, "", {"resourceSubscriptions": [uri]}) as first,
                http.get(old.path(""), headers=headers) as stream,
            ):
                second = Listener(stream)
                await first.until(ACKNOWLEDGED)
                for _ in range(2):
                    await served.send("DELETE", f"/v1/mcp/server/{made['server_id']}")
                    made = await add(served, "two", there.url)
                assert "two-change_note" in str(await one.ask("", "tools/list"))
                async with asyncio.timeout(10):
                    watching = served.hub.upstreams["two"].watching
                    while len(watching._at) < 3:
                        await asyncio.sleep(0.02)
                assert len(watching.watches) == 3
                await one.ask("", "tools/call", {"name": "two-change_note", "arguments": {}})
                for listener in (first, second):
                    assert (await listener.until(UPDATED))["params"]["uri"] == uri
                await second.close()


async def test_a_subscription_that_failed_because_its_server_was_changed_is_none(served: Gateway) -> None:
    with broken("silent") as silent, legacy_http() as there:
        made = await add(served, "two", silent.url)
        async with raw(served.url, modern=False) as old:
            await old.shake_hands("", "", {})
            asking = asyncio.ensure_future(old.ask("", "resources/subscribe", {"uri": "mcp://two/note://today"}))
            async with asyncio.timeout(5):
                while not served.hub.upstreams["two"].watching.watches:
                    await asyncio.sleep(0.01)
            changed = await served.send("PUT", "/v1/mcp/server", {**made, "url": there.url})
            assert changed.status == 202, changed.body
            assert "was changed just now" in str(await asking)
            assert served.hub.upstreams["two"].watching.watches == []


@asynccontextmanager
async def following(there: Serving, tmp_path: Path) -> AsyncIterator[Listener]:
    config = {"general_settings": {"mcp_api_hosts": ["127.0.0.1"]}, "mcp_servers": {"two": {"url": there.url}}}
    async with gateway(config, tmp_path) as served, raw(served.url) as one:
        await one.ask("two", "tools/list")
        wanted = {"toolsListChanged": True, "resourceSubscriptions": ["note://today"]}
        async with listening(one, "two", wanted) as listener:
            await listener.until(ACKNOWLEDGED)
            await listener.quiet(0.3)
            yield listener


async def told_of_a_change(there: Serving, listener: Listener) -> None:
    """Somebody else changes the note, at the server itself, until who follows it hears of it."""
    headers = {"Accept": "application/json, text/event-stream"}
    said = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}}
    async with aiohttp.ClientSession() as http:

        async def post(method: str, params: dict[str, Any]) -> aiohttp.ClientResponse:
            body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
            async with http.post(there.url, json=body, headers=headers) as answer:
                await answer.read()
                return answer

        headers["Mcp-Session-Id"] = (await post("initialize", said)).headers["Mcp-Session-Id"]

        async def changing() -> None:
            while True:
                await post("tools/call", {"name": "change_note", "arguments": {}})
                await asyncio.sleep(0.1)

        work = asyncio.create_task(changing())
        await listener.until(UPDATED)
        work.cancel()


async def test_a_server_over_http_that_began_anew_is_listened_to_though_nobody_calls_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mcp_http, "RETRY_S", 0.05)
    monkeypatch.setattr(ears, "AGAIN_S", 0.05)
    with legacy_http() as there:
        async with following(there, tmp_path) as listener:
            there.kill()
            with legacy_http(there.port) as again:
                await told_of_a_change(again, listener)


async def test_a_stream_of_an_older_server_that_is_away_for_a_moment_is_opened_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mcp_http, "RETRY_S", 0.05)
    with legacy_http() as there:
        async with following(there, tmp_path) as listener, aiohttp.ClientSession() as http:
            async with http.post(there.at("/away")) as gone:
                assert gone.status == 204
            await told_of_a_change(there, listener)
