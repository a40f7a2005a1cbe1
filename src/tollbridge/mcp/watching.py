"""What changes at an MCP server, told to those who want to hear of it, in either era.

A legacy server tells of its lists by itself and of resources by subscription; a modern one tells on a stream that says
what it is for (`subscriptions/listen`). Here it is one thing: a `Watch`.

1. Who watches with the same credential, in the same era, is served by one ear (`ears.py`): one subscription, one
   stream. What a server says to one credential is told to nobody who has another.
2. That a list changed is told once a second at most, the last time always.
3. Who watches a server that is changed watches the one that takes its place.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

import msgspec

from tollbridge.mcp.call import Caller, Tell
from tollbridge.mcp.ears import AGAIN_MAX_S, NEVER, Ear, Stream, Subscriptions
from tollbridge.mcp.jsonrpc import RpcError, encode
from tollbridge.mcp.links import changed
from tollbridge.model.json import JsonObject

if TYPE_CHECKING:
    from tollbridge.mcp.places import Scope
    from tollbridge.mcp.upstream import Upstream

log = logging.getLogger("tollbridge.mcp")

LISTS = {
    "notifications/tools/list_changed": "tools",
    "notifications/prompts/list_changed": "prompts",
    "notifications/resources/list_changed": "resources",
}
UPDATED = "notifications/resources/updated"
TASK = "notifications/tasks"
CALM_S = 1.0


class Watch:
    """`lists`: of `LISTS`. `uris`: resources, as the server calls them. `tasks`: ids, of the server too. `at`: where it
    watches; None before and after. `sought`: its server was there before, and is looked for where it is not. `over`: it
    ended, and watches nothing any more, whoever was about to begin it."""

    __slots__ = ("_calming", "_tell", "at", "caller", "lists", "over", "sought", "tasks", "uris")

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
        self._tell = tell
        self._calming: dict[str, _Calming] = {}
        self.at: Watching | None = None
        self.sought = False
        self.over = False
        self.lists = lists
        self.uris = uris
        self.tasks = tasks

    def told(self, method: str, params: JsonObject) -> None:
        if not self._wants(method, params):
            return
        calming = self._calming.get(method)
        if calming is not None:
            calming.again = params
            return
        self._tell(method, params)
        if method in LISTS:
            timer = asyncio.get_running_loop().call_later(CALM_S, self._calm, method)
            self._calming[method] = _Calming(timer)

    def _calm(self, method: str) -> None:
        calming = self._calming.pop(method)
        if calming.again is not None:
            self.told(method, calming.again)

    def all_new(self) -> None:
        """Tells that each list changed."""
        for method in LISTS:
            self.told(method, {})

    def new_of(self, capabilities: JsonObject) -> None:
        """Tells that each list that a server has may be another by now."""
        for method, kind in LISTS.items():
            if kind in capabilities:
                self.told(method, {})

    def end(self) -> None:
        self.over = True
        if self.at is not None:
            self.at.remove(self)
        self.close()

    def close(self) -> None:
        for calming in self._calming.values():
            calming.timer.cancel()
        self._calming.clear()

    def _wants(self, method: str, params: JsonObject) -> bool:
        if method in LISTS:
            return LISTS[method] in self.lists
        if method == UPDATED:
            uri = params.get("uri")
            return any(uri == one or str(uri).startswith(one.rstrip("/") + "/") for one in self.uris)
        return method == TASK and params.get("taskId") in self.tasks


class _Calming:
    """After a list changed. `again`: what is to be told when it is over."""

    __slots__ = ("again", "timer")

    def __init__(self, timer: asyncio.TimerHandle) -> None:
        self.timer = timer
        self.again: JsonObject | None = None


class Watching:
    """Of one server."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._ears: dict[object, Ear] = {}
        self._at: dict[Watch, object] = {}
        self._coming: dict[Watch, asyncio.Task[None]] = {}
        self._adding: set[Watch] = set()
        self._ending: set[asyncio.Task[None]] = set()
        self._closed = False

    def told(self, method: str, params: JsonObject, scope: Scope | None = None) -> None:
        """`scope`: of the link that it came by; None is told to all."""
        for ear in tuple(self._ears.values()):
            if scope is None or ear.scope == scope:
                ear.told(method, params)

    def all_new(self) -> None:
        """Tells everybody that each list changed."""
        for method in LISTS:
            self.told(method, {})

    async def add(self, watch: Watch) -> None:
        """Raises RpcError where the server is not there or refuses a subscription; nothing is watched then."""
        if watch.over:
            raise changed(self._upstream.name)
        watch.at = watch.at or self
        self._adding.add(watch)
        try:
            await self._added(watch)
        except BaseException:
            self._leave(watch)
            raise
        finally:
            self._adding.discard(watch)

    async def _added(self, watch: Watch) -> None:
        caller = _silent(watch).without(self._upstream.definition.barred)
        async with self._upstream.links.lent(caller) as link:
            modern = link.modern
        watch.sought = True
        if watch.at is not self:
            raise changed(self._upstream.name)
        scope = self._upstream.links.scope(caller)
        key = (scope, modern, encode(caller.capabilities) if watch.tasks else b"")
        ear = self._ears.get(key)
        if ear is None:
            ear = self._ears[key] = (Stream if modern else Subscriptions)(self._upstream, caller, scope)
        self._at[watch] = key
        ear.watches.add(watch)
        await ear.added(watch)

    def join(self, watch: Watch) -> None:
        """Of a server that is not there: watches when it comes, and tells then that its lists are new. Where it was
        there before it is looked for, ever and again; where it never was, only when somebody else has reached it."""
        if self._closed or watch.over or watch in self._coming:
            return
        watch.at = self
        self._coming[watch] = asyncio.ensure_future(self._joined(watch))

    def hand_over(self, watch: Watch, heir: Watching) -> None:
        """To the server in this one's place. Until this one is closed, both are heard."""
        watch.sought = watch.sought or watch not in self._coming or self._upstream.reached
        heir.join(watch)

    def wants(self, scope: Scope, uri: str) -> bool:
        """Somebody watches this resource by the links of that scope."""
        return any(ear.scope == scope and ear.wants(uri) for ear in self._ears.values())

    @property
    def watches(self) -> list[Watch]:
        return list({*self._at, *self._coming, *self._adding})

    async def _joined(self, watch: Watch) -> None:
        try:
            await self._heard_in_the_end(watch)
        finally:
            if self._coming.get(watch) is asyncio.current_task():
                del self._coming[watch]
                if watch not in self._at and watch.at is self:
                    watch.at = None

    async def _heard_in_the_end(self, watch: Watch) -> None:
        arrived = self._upstream.links.arrived
        if not (watch.sought or self._upstream.reached):
            await arrived.wait()
        while True:
            try:
                await self.add(watch)
                async with self._upstream.links.lent(_silent(watch)) as link:
                    capabilities = link.capabilities
                break
            except RpcError as error:
                log.info("changes at the MCP server %r are not heard of: %s", self._upstream.name, error.message)
                if error.code in NEVER:
                    return
                arrived.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(AGAIN_MAX_S):
                        await arrived.wait()
        watch.new_of(capabilities)

    def remove(self, watch: Watch) -> None:
        """At once: nobody who leaves waits for a server, or can be kept from it."""
        coming = self._coming.pop(watch, None)
        if coming is not None:
            coming.cancel()
            self._let_end(coming)
        self._leave(watch)

    def _leave(self, watch: Watch) -> None:
        if watch.at is self and watch not in self._coming:
            watch.at = None
        key = self._at.pop(watch, None)
        ear = self._ears.get(key)
        if ear is None:
            return
        ear.watches.discard(watch)
        if not ear.watches:
            del self._ears[key]
            for task in ear.close():
                self._let_end(task)
        self._let_end(asyncio.ensure_future(ear.removed(watch)))

    def _let_end(self, task: asyncio.Task[None]) -> None:
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def close(self) -> None:
        self._closed = True
        for watch in self.watches:
            if watch.at is self:
                watch.at = None
        coming, self._coming = list(self._coming.values()), {}
        for one in coming:
            one.cancel()
        await asyncio.gather(*coming, return_exceptions=True)
        ears, self._ears = list(self._ears.values()), {}
        self._at.clear()
        ending = list(self._ending)
        for one in ending:
            one.cancel()
        for ear in ears:
            ear.watches.clear()  # who is just being added finds nobody there, and begins nothing
            ending += ear.close()
        await asyncio.gather(*ending, return_exceptions=True)


def _silent(watch: Watch) -> Caller:
    """Its caller, as one that answers nothing: who only listens needs no link of its own, unless its session has one.
    The Tasks extension is declared with each request, that for a stream among them."""
    caller = watch.caller
    if caller.session or watch.tasks:
        return caller
    return msgspec.structs.replace(caller, capabilities={})
