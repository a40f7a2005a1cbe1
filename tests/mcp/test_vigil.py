"""What a key has open ends with it, within a second: streams of either era, sessions, calls that wait for input."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.mcp.gateway import Gateway, gateway
from tests.mcp.raw import MODERN, Raw, raw
from tests.mcp.serving import LEGACY_STDIO, broken
from tests.mcp.test_listening import Listener
from tests.mcp.test_listening import listening as heard_by
from tollbridge.mcp import upstream

LISTEN = "subscriptions/listen"


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with gateway({"mcp_servers": {"old": LEGACY_STDIO.configured()}}, tmp_path) as running:
        yield running


async def made(served: Gateway, **said: Any) -> tuple[str, str]:
    """(the key, its id)."""
    key = await served.key(permission={"mcp_servers": ["old"]}, **said)
    return key, (await served.get(f"/key/info?key={key}"))["info"]["token"]


async def blocked(served: Gateway, id: str) -> None:
    await served.post("/key/block", {"key": id})


async def deleted(served: Gateway, id: str) -> None:
    await served.post("/key/delete", {"keys": [id]})


async def expired(served: Gateway, id: str) -> None:
    await served.post("/key/update", {"key": id, "duration": "1s"})
    await asyncio.sleep(1)


@asynccontextmanager
async def get_stream(served: Gateway, one: Raw, http: aiohttp.ClientSession) -> AsyncIterator[aiohttp.ClientResponse]:
    await one.shake_hands("old", "", {})
    async with http.get(one.path("old"), headers=one.headers("old", "", "", {})) as answer:
        yield answer


@asynccontextmanager
async def sse(served: Gateway, one: Raw, http: aiohttp.ClientSession) -> AsyncIterator[aiohttp.ClientResponse]:
    async with http.get(f"{served.url}/sse", headers=one.headers("none", "", "", {})) as answer:
        assert b"endpoint" in await answer.content.readline()
        yield answer


@asynccontextmanager
async def listening(served: Gateway, one: Raw, http: aiohttp.ClientSession) -> AsyncIterator[aiohttp.ClientResponse]:
    one.modern = True
    meta = {"io.modelcontextprotocol/protocolVersion": MODERN, "io.modelcontextprotocol/clientCapabilities": {}}
    params = {"notifications": {"toolsListChanged": True}, "_meta": meta}
    body = {"jsonrpc": "2.0", "id": 5, "method": LISTEN, "params": params}
    async with http.post(one.path("old"), json=body, headers=one.headers("old", "", LISTEN, {})) as answer:
        assert b"acknowledged" in await answer.content.readline()
        yield answer


@pytest.mark.parametrize(
    ("opened", "revoked"), [(get_stream, blocked), (sse, blocked), (listening, deleted), (get_stream, expired)]
)
async def test_an_open_stream_ends_with_its_key(
    served: Gateway, opened: Callable[..., Any], revoked: Callable[..., Any]
) -> None:
    key, id = await made(served)
    other, _ = await made(served)
    async with asyncio.timeout(20), aiohttp.ClientSession() as http:
        async with raw(served.url, modern=False, key=key) as one, raw(served.url, modern=False, key=other) as two:
            async with opened(served, one, http) as answer, opened(served, two, http) as stays:
                await revoked(served, id)
                began = time.monotonic()
                await answer.content.read()  # to its end
                assert time.monotonic() - began < 5
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.3):
                        await stays.content.read()


async def test_a_call_that_waits_for_input_and_a_session_end_with_their_key(served: Gateway) -> None:
    key, id = await made(served)
    async with asyncio.timeout(20), raw(served.url, key=key) as new, raw(served.url, modern=False, key=key) as old:
        asked = await new.ask(
            "old", "tools/call", {"name": "ask_name", "arguments": {}}, capabilities={"elicitation": {}}
        )
        assert asked["result"]["resultType"] == "input_required"
        await old.ask("old", "tools/list")
        upstream = served.hub.upstreams["old"]
        assert upstream.flying == 1
        await blocked(served, id)
        while upstream.flying:
            await asyncio.sleep(0.02)
        await served.post("/key/unblock", {"key": id})
        answered = await served.send(
            "POST",
            "/mcp/old",
            {"jsonrpc": "2.0", "id": 1, "method": "tools/list"},
            key=key,
            headers={"mcp-session-id": old.sessions["old", ""]},
        )
        assert answered.status == 404  # what came before is over, and the client begins anew
        retried = {"name": "ask_name", "arguments": {}, "requestState": asked["result"]["requestState"]}
        answer = await new.ask("old", "tools/call", retried, capabilities={"elicitation": {}})
        assert "names no call" in answer["error"]["message"]


async def test_a_call_under_way_ends_with_its_key_and_says_so(tmp_path: Path) -> None:
    with broken() as faults:
        async with gateway({"mcp_servers": {"old": {"url": faults.at("/mcp/never")}}}, tmp_path) as served:
            key, id = await made(served)
            message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "echo", "arguments": {}}}
            async with asyncio.timeout(20):
                call = asyncio.ensure_future(served.send("POST", "/mcp/old", message, key=key))
                while not served.hub.upstreams["old"].flying:
                    await asyncio.sleep(0.02)
                await blocked(served, id)
                answered = await call
                assert answered.status == 401
                assert "blocked" in json.loads(answered.body)["error"]["message"]
                while served.hub.upstreams["old"].flying:
                    await asyncio.sleep(0.02)


NOTE = "mcp://two/note://today"
WHOLE = {"mcp_servers": ["one", "two"]}
TOOLS = {"mcp_servers": ["one"], "mcp_tool_permissions": {"two": ["echo"]}}
NEITHER = {"mcp_servers": ["one"]}


@asynccontextmanager
async def two_servers(tmp_path: Path, permission: dict[str, Any]) -> AsyncIterator[tuple[Gateway, str]]:
    """(the gateway, a key): both servers were asked by the admin."""
    servers = {"one": LEGACY_STDIO.configured(), "two": LEGACY_STDIO.configured()}
    async with gateway({"mcp_servers": servers}, tmp_path) as served, raw(served.url) as admin:
        assert "two-grow" in str(await admin.ask("", "tools/list"))
        yield served, await served.key(permission=permission)


async def used(served: Gateway, tool: str) -> None:
    async with raw(served.url) as admin:
        assert "result" in await admin.ask("", "tools/call", {"name": tool, "arguments": {}})


@pytest.mark.parametrize("left", [NEITHER, TOOLS])
async def test_who_may_use_a_server_no_more_hears_nothing_of_it(tmp_path: Path, left: dict[str, Any]) -> None:
    wanted = {"toolsListChanged": True, "resourceSubscriptions": [NOTE]}
    async with (
        two_servers(tmp_path, WHOLE) as (served, key),
        raw(served.url, key=key) as one,
        raw(served.url, key=key, modern=False) as old,
        aiohttp.ClientSession() as http,
    ):
        assert "result" in await old.ask("", "resources/subscribe", {"uri": NOTE})
        headers = old.headers("", "", "", {})
        ready = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        async with http.post(old.path(""), json=ready, headers=headers) as posted:
            assert posted.status == 202
        async with heard_by(one, "", wanted) as modern, http.get(old.path(""), headers=headers) as answer:
            legacy = Listener(answer)
            await modern.until("notifications/subscriptions/acknowledged")
            await modern.quiet(1.2)
            await legacy.quiet(0.1)
            await used(served, "two-change_note")
            for listener in (modern, legacy):
                assert (await listener.until("notifications/resources/updated"))["params"]["uri"] == NOTE
            await served.post("/key/update", {"key": key, "object_permission": left})
            ended = await modern.next()  # it begins anew, with what it may listen to by now
            assert (ended["id"], ended["result"]["resultType"]) == (1, "complete")
            await legacy.until("notifications/tools/list_changed")
            await legacy.quiet(1.2)
            await used(served, "two-change_note")
            if left is NEITHER:
                await used(served, "two-grow")
            await used(served, "one-change_note")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(1.0):
                    raise AssertionError(await legacy.next())
            await used(served, "one-grow")
            await legacy.until("notifications/tools/list_changed")
            await legacy.close()


async def test_who_may_use_one_more_server_hears_of_it(tmp_path: Path) -> None:
    async with (
        two_servers(tmp_path, NEITHER) as (served, key),
        raw(served.url, key=key) as one,
        heard_by(one, "", {"toolsListChanged": True}) as modern,
    ):
        await modern.until("notifications/subscriptions/acknowledged")
        await served.post("/key/update", {"key": key, "object_permission": WHOLE})
        await modern.until("notifications/tools/list_changed")
        await modern.quiet(1.2)
        await used(served, "two-grow")
        await modern.until("notifications/tools/list_changed")


WAITS = 'while [ ! -e "$0" ]; do sleep 0.05; done; exec "$@"'


async def test_who_may_use_a_server_no_more_while_it_is_begun_for_them_does_not_hear_of_it_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upstream, "LATE_S", 2.0)
    flag, old = tmp_path / "flag", LEGACY_STDIO.configured()
    slow = {**old, "command": "/bin/sh", "args": ["-c", WAITS, str(flag), old["command"], *old["args"]]}
    flag.touch()
    async with gateway({"mcp_servers": {"one": old, "two": slow}}, tmp_path) as served, raw(served.url) as admin:
        assert "two-grow" in str(await admin.ask("", "tools/list"))
        key = await served.key(permission=WHOLE)
        async with raw(served.url, key=key, modern=False) as one, aiohttp.ClientSession() as http:
            flag.unlink()
            await one.shake_hands("", "", {"elicitation": {}})
            headers = one.headers("", "", "", {})
            ready = {"jsonrpc": "2.0", "method": "notifications/initialized"}
            posting = asyncio.ensure_future(http.post(one.path(""), json=ready, headers=headers))
            watching = served.hub.upstreams["two"].watching
            async with asyncio.timeout(10):
                while not watching._adding:
                    await asyncio.sleep(0.01)
            await served.post("/key/update", {"key": key, "object_permission": NEITHER})
            assert (await posting).status == 202
            flag.touch()
            await asyncio.sleep(1)
            assert watching.watches == []
