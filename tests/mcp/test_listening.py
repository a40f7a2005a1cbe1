"""Who listens at the gateway while others come and go, and servers are added, changed and taken away."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.mcp.gateway import Gateway, gateway
from tests.mcp.raw import META, MODERN, Raw, raw
from tests.mcp.serving import LEGACY_STDIO, Serving, broken, modern_only
from tests.mcp.test_following import events
from tollbridge.mcp import ears, resting
from tollbridge.mcp.call import Call, Caller
from tollbridge.mcp.ears import Stream
from tollbridge.mcp.jsonrpc import RpcError
from tollbridge.policy.principal import Principal

LISTS = {"toolsListChanged": True}
CHANGED = "notifications/tools/list_changed"
ACKNOWLEDGED = "notifications/subscriptions/acknowledged"


@pytest.fixture(scope="module")
def server() -> Iterator[Serving]:
    with modern_only() as running:
        yield running


@pytest.fixture(scope="module")
def other() -> Iterator[Serving]:
    with modern_only() as running:
        yield running


@pytest.fixture
async def served(server: Serving, tmp_path: Path) -> AsyncIterator[Gateway]:
    config = {
        "general_settings": {"mcp_api_hosts": ["127.0.0.1"]},
        "mcp_servers": {"one": {"url": server.url, "transport": "http"}},
    }
    async with gateway(config, tmp_path) as running:
        yield running


class Listener:
    """A modern client's stream: what it was told, message by message."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._reading = asyncio.ensure_future(self._read(answer))

    async def _read(self, answer: aiohttp.ClientResponse) -> None:
        async for _, message in events(answer):
            if message is not None:
                self._told.put_nowait(message)

    async def next(self) -> dict[str, Any]:
        async with asyncio.timeout(10):
            return await self._told.get()

    async def until(self, method: str) -> dict[str, Any]:
        while (message := await self.next()).get("method") != method:
            assert "method" in message, message
        return message

    async def quiet(self, seconds: float) -> None:
        """Until nothing was told for so long."""
        with contextlib.suppress(TimeoutError):
            while True:
                await asyncio.wait_for(self._told.get(), seconds)

    async def close(self) -> None:
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)


@asynccontextmanager
async def listening(one: Raw, server: str, notifications: dict[str, Any]) -> AsyncIterator[Listener]:
    told = {f"{META}protocolVersion": MODERN, f"{META}clientCapabilities": {}}
    params = {"notifications": notifications, "_meta": told}
    body = {"jsonrpc": "2.0", "id": 1, "method": "subscriptions/listen", "params": params}
    headers = one.headers(server, "", "subscriptions/listen", {})
    async with aiohttp.ClientSession() as http, http.post(one.path(server), json=body, headers=headers) as answer:
        if answer.content_type == "application/json":
            raise Refused(await answer.json())
        listener = Listener(answer)
        try:
            yield listener
        finally:
            await listener.close()


class Refused(Exception):
    pass


async def call(one: Raw, server: str, tool: str) -> str:
    answer = await one.ask(server, "tools/call", {"name": tool, "arguments": {}})
    return str(answer["result"]["content"][0]["text"])


@pytest.mark.parametrize("how", ["code=-32602", "code=-32002", "code=-32003&status=403", "code=-32603&status=500"])
async def test_what_one_listener_is_refused_ends_the_stream_of_no_other(served: Gateway, how: str) -> None:
    async with raw(served.url) as one, listening(one, "one", LISTS) as first:
        assert (await first.next())["method"] == ACKNOWLEDGED
        wrong = {**LISTS, "resourceSubscriptions": [f"gone://away?{how}"]}
        with pytest.raises(Refused, match="no such resource"):
            async with listening(one, "one", wrong):
                pass
        assert await call(one, "one", "announce") == "1 listeners were told."
        await first.until(CHANGED)
        async with listening(one, "one", {**LISTS, "resourceSubscriptions": ["there://a"]}) as third:
            await third.until(ACKNOWLEDGED)
            await heard(one, third, "announce", "one")


async def test_who_is_refused_late_makes_nobody_else_deaf(served: Gateway) -> None:
    """It was acknowledged by then; who comes meanwhile is heard as soon as the server has refused it."""
    async with raw(served.url) as one, listening(one, "one", LISTS) as first:
        wrong = {"resourceSubscriptions": ["gone://away?after=3"]}
        async with listening(one, "one", wrong) as second:
            await second.until(ACKNOWLEDGED)
            async with listening(one, "one", {**LISTS, "resourceSubscriptions": ["there://a"]}) as third:
                await third.until(ACKNOWLEDGED)
                await heard(one, third, "announce", "one")
                await heard(one, first, "announce", "one")
                (ear,) = served.hub.upstreams["one"].watching._ears.values()
                assert isinstance(ear, Stream)
                assert len(ear._streams) == 1
                assert ear._asked["resourceSubscriptions"] == ["there://a"]


async def test_who_may_not_be_asked_by_a_server_hears_of_its_changes(tmp_path: Path) -> None:
    servers = {"old": {**LEGACY_STDIO.configured(), "allow_elicitation": False}}
    async with gateway({"mcp_servers": servers}, tmp_path) as served, raw(served.url, modern=False) as one:
        await one.shake_hands("old", "", {"elicitation": {}})
        headers = one.headers("old", "", "", {})
        assert "grow" in str(await one.ask("old", "tools/list"))
        async with aiohttp.ClientSession() as http:
            ready = {"jsonrpc": "2.0", "method": "notifications/initialized"}
            async with http.post(one.path("old"), json=ready, headers=headers) as posted:
                assert posted.status == 202
            async with http.get(one.path("old"), headers=headers) as answer:
                listener = Listener(answer)
                await listener.quiet(1.2)
                await one.ask("old", "tools/call", {"name": "grow", "arguments": {}})
                await listener.until(CHANGED)
                await listener.close()


ONCE = 'test -e "$0" || exit 3; echo $$ > "$0.pid"; exec "$@"'
"""A server that starts as long as a file is there, and tells its process."""


async def test_who_left_while_a_server_was_away_is_forgotten(
    server: Serving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resting, "BACKOFF_S", 0.05)
    old, flag = LEGACY_STDIO.configured(), tmp_path / "flag"
    flag.touch()
    once = {**old, "command": "/bin/sh", "args": ["-c", ONCE, str(flag), old["command"], *old["args"]]}
    servers = {"one": {"url": server.url, "transport": "http"}, "once": once}
    async with gateway({"mcp_servers": servers}, tmp_path) as served, raw(served.url) as one:
        assert "once-" in str(await one.ask("", "tools/list"))
        flag.unlink()
        os.kill(int((tmp_path / "flag.pid").read_text()), signal.SIGKILL)
        watching = served.hub.upstreams["once"].watching
        for _ in range(3):
            async with listening(one, "", LISTS) as listener:
                await listener.until(ACKNOWLEDGED)
                await asyncio.sleep(0.3)
                assert len(watching.watches) == 1
            async with asyncio.timeout(5):
                while watching.watches:
                    await asyncio.sleep(0.02)
        async with raw(served.url, modern=False) as session, aiohttp.ClientSession() as http:
            await session.shake_hands("", "", {})
            headers = session.headers("", "", "", {})
            ready = {"jsonrpc": "2.0", "method": "notifications/initialized"}
            for _ in range(3):
                async with http.post(session.path(""), json=ready, headers=headers) as posted:
                    assert posted.status == 202
                await asyncio.sleep(0.3)
            assert len(watching.watches) == 1
            async with http.delete(session.path(""), headers=headers) as gone:
                assert gone.status == 204
            async with asyncio.timeout(5):
                while watching.watches:
                    await asyncio.sleep(0.02)


async def test_a_server_that_is_added_while_another_keeps_a_listener_waiting_is_heard(
    server: Serving, other: Serving, tmp_path: Path
) -> None:
    with broken("silent") as silent:
        config = {
            "general_settings": {"mcp_api_hosts": ["127.0.0.1"]},
            "mcp_servers": {"one": {"url": server.url, "transport": "http"}, "silent": {"url": silent.url}},
        }
        async with gateway(config, tmp_path) as served, raw(served.url) as one:
            listening_soon = listening(one, "", LISTS)
            beginning = asyncio.create_task(listening_soon.__aenter__())
            await asyncio.sleep(0.7)
            assert not beginning.done()
            await add(served, "two", other.url)
            listener = await beginning
            try:
                await listener.until(ACKNOWLEDGED)
                assert "two-announce" in str(await one.ask("", "tools/list"))
                await heard(one, listener, "two-announce")
            finally:
                await listening_soon.__aexit__(None, None, None)


@pytest.mark.parametrize("status", [413, 500])
async def test_what_a_server_answers_without_words_concerns_who_asked_for_it(
    served: Gateway, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    """A body that is too long, say, or a URI at which the server fails."""
    monkeypatch.setattr(ears, "LATE_S", 1.5)
    async with raw(served.url) as one, listening(one, "one", LISTS) as first:
        await first.until(ACKNOWLEDGED)
        wrong = {**LISTS, "resourceSubscriptions": [f"gone://away?plain=1&status={status}"]}
        with pytest.raises(Refused, match=f"HTTP status {status}"):
            async with listening(one, "one", wrong):
                pass
        await heard(one, first, "announce", "one")


async def test_who_is_not_acknowledged_keeps_nobody_from_hearing_and_is_asked_for_again(
    served: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ears, "LATE_S", 2.5)
    monkeypatch.setattr(ears, "AGAIN_MAX_S", 0.5)
    async with raw(served.url) as one, listening(one, "one", LISTS) as first:
        await first.until(ACKNOWLEDGED)
        slow = {"resourceSubscriptions": ["gone://away?after=1000"]}
        async with listening(one, "one", slow) as second:
            await second.until(ACKNOWLEDGED)
            await asyncio.sleep(3)
            await heard(one, first, "announce", "one")
            (ear,) = served.hub.upstreams["one"].watching._ears.values()
            assert isinstance(ear, Stream)
            async with asyncio.timeout(5):
                while not ear._coming:  # again
                    await asyncio.sleep(0.02)
            assert len(ear._streams) <= 2
        async with listening(one, "one", {**LISTS, "resourceSubscriptions": ["there://a"]}) as third:
            await third.until(ACKNOWLEDGED)
            await heard(one, third, "announce", "one")


async def test_of_several_who_begin_at_once_only_that_one_is_refused(served: Gateway) -> None:
    async def outcome(one: Raw, uri: str) -> str:
        try:
            async with listening(one, "one", {**LISTS, "resourceSubscriptions": [uri]}) as listener:
                await listener.until(ACKNOWLEDGED)
                await listener.until(CHANGED)
                return "told"
        except Refused:
            return "refused"

    async with raw(served.url) as one:
        uris = ["there://a", "gone://b", "there://c"]
        outcomes = [asyncio.create_task(outcome(one, uri)) for uri in uris]
        await outcomes[1]
        await asyncio.sleep(0.3)
        await call(one, "one", "announce")
        assert await asyncio.gather(*outcomes) == ["told", "refused", "told"]


async def add(served: Gateway, name: str, url: str, **said: Any) -> dict[str, Any]:
    body = {"server_name": name, "url": url, "transport": "http", **said}
    made: dict[str, Any] = await served.post("/v1/mcp/server", body, status=201)
    return made


async def test_who_listens_hears_of_a_server_that_is_added_changed_and_taken_away(
    served: Gateway, other: Serving
) -> None:
    async with raw(served.url) as one, listening(one, "", LISTS) as listener:
        assert (await listener.next())["method"] == ACKNOWLEDGED
        made = await add(served, "two", other.url)
        await listener.until(CHANGED)
        names = [tool["name"] for tool in (await one.ask("", "tools/list"))["result"]["tools"]]
        assert "two-announce" in names
        await heard(one, listener, "two-announce")

        changed = await served.send("PUT", "/v1/mcp/server", {**made, "description": "another"})
        assert changed.status == 202, changed.body
        await heard(one, listener, "two-announce")

        await served.send("DELETE", f"/v1/mcp/server/{made['server_id']}")
        await listener.until(CHANGED)
        await add(served, "two", other.url)
        assert "two-announce" in str(await one.ask("", "tools/list"))
        await heard(one, listener, "two-announce")
        await heard(one, listener, "one-announce")
    async with asyncio.timeout(5):
        while len(served.hub.arrivals) > 1:  # the sessions of legacy clients go on waiting for servers
            await asyncio.sleep(0.02)


async def heard(one: Raw, listener: Listener, tool: str, server: str = "") -> None:
    """What that server tells of itself comes, once it is listened to and nothing else is being told."""
    async with asyncio.timeout(15):
        while True:
            await listener.quiet(1.2)
            told = await call(one, server, tool)
            if not told.startswith("0 "):
                await listener.until(CHANGED)
                return


async def test_a_session_hears_of_a_server_that_is_added_and_changed(served: Gateway, other: Serving) -> None:
    async with raw(served.url, modern=False) as one, aiohttp.ClientSession() as http:
        await one.shake_hands("", "", {})
        headers = one.headers("", "", "", {})
        ready = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        async with http.post(one.path(""), json=ready, headers=headers) as posted:
            assert posted.status == 202
        async with http.get(one.path(""), headers=headers) as answer:
            listener = Listener(answer)
            made = await add(served, "two", other.url)
            await listener.until(CHANGED)
            assert "two-announce" in str(await one.ask("", "tools/list"))
            await heard(one, listener, "two-announce")
            changed = await served.send("PUT", "/v1/mcp/server", {**made, "description": "another"})
            assert changed.status == 202, changed.body
            await heard(one, listener, "two-announce")
            await listener.close()


async def test_who_may_not_use_a_server_hears_nothing_of_it(served: Gateway, other: Serving) -> None:
    key = await served.key(permission={"mcp_servers": ["one"]})
    async with raw(served.url, key=key) as one, listening(one, "", LISTS) as listener, raw(served.url) as admin:
        assert (await listener.next())["method"] == ACKNOWLEDGED
        await add(served, "two", other.url)
        assert "two-announce" in str(await admin.ask("", "tools/list"))
        await asyncio.sleep(1.5)  # that servers changed is told to all
        told = await call(admin, "", "two-announce")
        assert told.startswith("0 ")


async def test_what_is_listened_to_is_dropped_by_the_last_who_leaves(served: Gateway) -> None:
    """No stream is left at the server."""
    async with raw(served.url) as one:
        async with listening(one, "one", LISTS) as first, listening(one, "one", {**LISTS, "x": 1}) as second:
            await first.until(ACKNOWLEDGED)
            await second.until(ACKNOWLEDGED)
            assert await call(one, "one", "announce") == "1 listeners were told."
        async with asyncio.timeout(10):
            while await call(one, "one", "announce") != "0 listeners were told.":
                await asyncio.sleep(0.05)
        closed = json.loads(await call(one, "one", "closed"))
        assert closed["listeners"] >= 1


@pytest.mark.parametrize("path", ["two", ""])
async def test_who_is_greeted_by_a_server_while_it_is_changed_is_answered(
    served: Gateway, other: Serving, path: str
) -> None:
    with broken("silent") as silent:
        made = await add(served, "two", silent.url)
        async with raw(served.url, modern=False) as one:
            beginning = asyncio.ensure_future(one.ask(path, "tools/list"))
            async with asyncio.timeout(5):
                while not served.hub.upstreams["two"].links.opening:
                    await asyncio.sleep(0.01)
            changed = await served.send("PUT", "/v1/mcp/server", {**made, "url": other.url})
            assert changed.status == 202, changed.body
            assert "announce" in str(await beginning)


async def test_whoever_still_has_a_server_that_was_taken_away_opens_nothing_there(
    served: Gateway, other: Serving
) -> None:
    made = await add(served, "two", other.url)
    former = served.hub.upstreams["two"]
    caller = Caller(principal=Principal("master", admin=True), modern=True)
    await former.call(Call("tools/list", {}, caller))
    await served.send("DELETE", f"/v1/mcp/server/{made['server_id']}")
    async with asyncio.timeout(5):
        while former.links._shared.links:
            await asyncio.sleep(0.01)
    with pytest.raises(RpcError, match="was changed just now"):
        await former.call(Call("tools/list", {}, caller))
    assert not former.links._shared.links


async def test_who_listens_is_not_lost_where_a_server_is_changed_wrongly_and_at_once_again(
    served: Gateway, other: Serving
) -> None:
    """Nobody calls it."""
    with broken("silent") as silent:
        made = await add(served, "two", other.url)
        async with raw(served.url) as one, listening(one, "", LISTS) as listener:
            assert "two-announce" in str(await one.ask("", "tools/list"))
            await heard(one, listener, "two-announce")
            for url in (silent.url, other.url):
                changed = await served.send("PUT", "/v1/mcp/server", {**made, "url": url})
                assert changed.status == 202, changed.body
            async with asyncio.timeout(5):
                while not served.hub.upstreams["two"].watching._at:
                    await asyncio.sleep(0.02)
