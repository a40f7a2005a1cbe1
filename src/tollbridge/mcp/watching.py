"""What changes at an MCP server, told to those who want to hear of it, in either era.

A legacy server tells of its lists by itself and of resources by subscription; a modern one tells on a stream that says
what it is for (`subscriptions/listen`). Here it is one thing: a `Watch`. Of several that watch one server, one upstream
subscription serves all.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from tollbridge.mcp.call import Call, Caller, Tell
from tollbridge.mcp.jsonrpc import METHOD_NOT_FOUND, RpcError
from tollbridge.model.json import JsonObject

if TYPE_CHECKING:
    from tollbridge.mcp.upstream import Upstream

log = logging.getLogger("tollbridge.mcp")

LISTS = {
    "notifications/tools/list_changed": "tools",
    "notifications/prompts/list_changed": "prompts",
    "notifications/resources/list_changed": "resources",
}
UPDATED = "notifications/resources/updated"
TASK = "notifications/tasks"
AGAIN_S, AGAIN_MAX_S = 1.0, 60.0


class Watch:
    """`lists`: of `LISTS`. `uris`: resources, as the server calls them. `tasks`: ids."""

    __slots__ = ("caller", "lists", "tasks", "tell", "uris")

    def __init__(
        self,
        caller: Caller,
        tell: Tell,
        *,
        lists: frozenset[str] = frozenset(),
        uris: frozenset[str] = frozenset(),
        tasks: frozenset[str] = frozenset(),
    ) -> None:
        self.caller = caller
        self.tell = tell
        self.lists = lists
        self.uris = uris
        self.tasks = tasks

    def wants(self, method: str, params: JsonObject) -> bool:
        if method in LISTS:
            return LISTS[method] in self.lists
        if method == UPDATED:
            uri = params.get("uri")
            return any(uri == one or str(uri).startswith(one.rstrip("/") + "/") for one in self.uris)
        return method == TASK and params.get("taskId") in self.tasks


class Watching:
    """Of one server."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._watches: set[Watch] = set()
        self._subscribed: dict[str, int] = {}
        self._listening: asyncio.Task[None] | None = None

    def told(self, method: str, params: JsonObject) -> None:
        for watch in tuple(self._watches):
            if watch.wants(method, params):
                watch.tell(method, params)

    async def add(self, watch: Watch) -> None:
        """Raises RpcError where the server refuses a subscription; nothing is watched then."""
        async with self._upstream.link(watch.caller) as link:
            modern = link.modern
        self._watches.add(watch)
        if modern:
            self._listen_anew()
            return
        try:
            for uri in watch.uris:
                await self._subscribe(watch.caller, uri)
        except RpcError:
            await self.remove(watch)
            raise

    async def remove(self, watch: Watch) -> None:
        if watch not in self._watches:
            return
        self._watches.discard(watch)
        if self._listening is not None:
            self._listen_anew()
            return
        for uri in watch.uris:
            if uri in self._subscribed:
                self._subscribed[uri] -= 1
                if not self._subscribed[uri]:
                    del self._subscribed[uri]
                    try:
                        await self._upstream.call(Call("resources/unsubscribe", {"uri": uri}, watch.caller))
                    except RpcError as error:
                        log.info("the MCP server %r: %s", self._upstream.name, error.message)

    async def _subscribe(self, caller: Caller, uri: str) -> None:
        """Each time anew: a server counts a subscription once, and may have forgotten it."""
        await self._upstream.call(Call("resources/subscribe", {"uri": uri}, caller))
        self._subscribed[uri] = self._subscribed.get(uri, 0) + 1

    def _listen_anew(self) -> None:
        listening, self._listening = self._listening, None
        if listening is not None:
            listening.cancel()
        if self._watches:
            self._listening = asyncio.ensure_future(self._listen())

    async def _listen(self) -> None:
        wait_s = AGAIN_S
        while True:
            watches = tuple(self._watches)
            wanted: JsonObject = {
                f"{kind}ListChanged": True for kind in LISTS.values() if any(kind in watch.lists for watch in watches)
            }
            uris = sorted({uri for watch in watches for uri in watch.uris})
            tasks = sorted({task for watch in watches for task in watch.tasks})
            if uris:
                wanted["resourceSubscriptions"] = uris
            if tasks:
                wanted["taskIds"] = tasks
            caller = watches[0].caller
            try:
                await self._upstream.call(Call("subscriptions/listen", {"notifications": wanted}, caller))
                wait_s = AGAIN_S
            except RpcError as error:
                log.info("changes at the MCP server %r are not heard of: %s", self._upstream.name, error.message)
                if error.code == METHOD_NOT_FOUND:
                    return
                wait_s = min(wait_s * 2, AGAIN_MAX_S)
            await asyncio.sleep(wait_s)

    async def close(self) -> None:
        self._watches.clear()
        listening, self._listening = self._listening, None
        if listening is not None:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
