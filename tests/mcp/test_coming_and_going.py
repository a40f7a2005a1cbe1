"""Clients of both eras come and go, at random, while servers are added, changed, taken away and killed: when all have
left, nothing of them is left."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import pytest

from tests.mcp.gateway import Gateway, gateway
from tests.mcp.raw import raw
from tests.mcp.serving import LEGACY_STDIO, Serving, legacy_http, modern_only
from tests.mcp.test_listening import Refused, add, listening
from tollbridge.mcp import ears, resting

SECONDS = float(os.environ.get("TOLLBRIDGE_COMING_AND_GOING_S", "5"))
SERVERS = ["new", "old", "api"]
URIS = ["mcp://new/there://a", "mcp://new/gone://b", "mcp://old/note://today", "mcp://api/note://today"]
READY = {"jsonrpc": "2.0", "method": "notifications/initialized"}


class Coming:
    """`over`: nobody comes any more."""

    def __init__(self, served: Gateway, keys: list[str], urls: list[str], random: Random) -> None:
        self._served = served
        self._keys = keys
        self._urls = urls
        self._random = random
        self._until = asyncio.get_running_loop().time() + SECONDS

    @property
    def over(self) -> bool:
        return asyncio.get_running_loop().time() > self._until

    async def _rest(self, *seconds: float) -> None:
        await asyncio.sleep(self._random.choice(seconds))

    async def listens(self) -> None:
        random = self._random
        wanted: dict[str, Any] = {"toolsListChanged": random.random() < 0.7}
        wanted["resourceSubscriptions"] = random.sample(URIS, random.randint(0, 3))
        async with raw(self._served.url, key=random.choice(self._keys)) as one:
            with contextlib.suppress(Refused):
                async with listening(one, "", wanted):
                    await self._rest(0, 0.05, 0.5, 2)

    async def begins_a_session(self) -> None:
        random = self._random
        key = random.choice(self._keys)
        async with raw(self._served.url, modern=False, key=key) as one, aiohttp.ClientSession() as http:
            await one.shake_hands("", "", random.choice([{}, {"elicitation": {}}]))
            headers = one.headers("", "", "", {})
            if random.random() < 0.8:
                await http.post(one.path(""), json=READY, headers=headers)
            for _ in range(random.randint(0, 4)):
                method = random.choice(["resources/subscribe", "resources/subscribe", "resources/unsubscribe"])
                asked = one.ask("", method, {"uri": random.choice(URIS)})
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(asked, random.choice([0.02, 5]))
            await self._rest(0, 0.1, 1)
            await http.delete(one.path(""), headers=headers)

    async def calls(self) -> None:
        tool = self._random.choice(["new-announce", "old-change_note", "old-exit_process", "api-grow"])
        async with raw(self._served.url) as one:
            await one.ask("", "tools/call", {"name": tool, "arguments": {}})
        await self._rest(0.1, 0.5)

    async def may_use_others(self) -> None:
        may = self._random.sample(SERVERS, self._random.randint(1, 3))
        told = {"key": self._random.choice(self._keys), "object_permission": {"mcp_servers": may}}
        await self._served.post("/key/update", told)
        await self._rest(0.3, 1)

    async def changes_a_server(self) -> None:
        made = await add(self._served, "api", self._random.choice(self._urls))
        while self._random.random() < 0.7 and not self.over:
            await self._rest(0, 0.05, 0.5)
            url = self._random.choice([*self._urls, "http://127.0.0.1:9/mcp"])
            await self._served.send("PUT", "/v1/mcp/server", {**made, "url": url})
        await self._served.send("DELETE", f"/v1/mcp/server/{made['server_id']}")

    async def ever(self, does: Callable[[], Any]) -> None:
        while not self.over:
            await does()


async def killed_and_begun_again(coming: Coming, server: Serving) -> None:
    running = server
    while not coming.over:
        await asyncio.sleep(1.5)
        await asyncio.to_thread(running.kill if running is server else running.end)
        running = await legacy_http(server.port).__aenter__()
    if running is not server:
        await asyncio.to_thread(running.end)


@pytest.mark.parametrize("seed", [1, 2])
async def test_when_all_have_left_nothing_of_them_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(resting, "BACKOFF_S", 0.05)
    monkeypatch.setattr(ears, "AGAIN_S", 0.05)
    with modern_only() as new, modern_only() as other, legacy_http() as http:
        config = {
            "general_settings": {"mcp_api_hosts": ["127.0.0.1"]},
            "mcp_servers": {"new": {"url": new.url, "transport": "http"}, "old": LEGACY_STDIO.configured()},
        }
        async with gateway(config, tmp_path) as served, raw(served.url) as admin:
            await admin.ask("", "tools/list")
            keys = [await served.key(permission={"mcp_servers": SERVERS}) for _ in range(2)]
            coming = Coming(served, keys, [http.url, other.url], Random(seed))
            doing = [*[coming.listens] * 5, *[coming.begins_a_session] * 4]
            doing += [coming.calls, coming.may_use_others, coming.changes_a_server]
            await asyncio.gather(*(coming.ever(does) for does in doing), killed_and_begun_again(coming, http))
            left = left_of(served)
            for _ in range(200):
                if not left:
                    break
                await asyncio.sleep(0.1)
                left = left_of(served)
            assert left == {}
            told = await admin.ask("", "tools/call", {"name": "new-announce", "arguments": {}})
            assert told["result"]["content"][0]["text"].startswith("0 ")


def left_of(served: Gateway) -> dict[str, int]:
    """What is there on behalf of somebody."""
    found = {
        word: sum(word in str(task.get_coro()) for task in asyncio.all_tasks())
        for word in ("_joined", "_stay", "Stream._listen", "Http._listen", "removed")
    }
    for name, upstream in served.hub.upstreams.items():
        watching, links = upstream.watching, upstream.links
        found[f"watches at {name}"] = len(watching.watches) + len(watching._ears)
        found[f"links of sessions at {name}"] = links._sessions.taken
    return {what: count for what, count in found.items() if count}
