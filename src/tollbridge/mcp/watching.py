"""What changes at an MCP server, told to those who want to hear of it, in either era.

A legacy server tells of its lists by itself and of resources by subscription; a modern one tells on a stream that says
what it is for (`subscriptions/listen`). Here it is one thing: a `Watch`.

1. Who watches with the same credential, in the same era, is served by one `_Ear`: one subscription, one stream. What a
   server says to one credential is told to nobody who has another.
2. A link that is lost is opened again as long as somebody watches, ever more seldom, and subscribed on anew.
3. That a list changed is told once a second at most, the last time always.
4. When what is wanted of a stream changes, the old one ends only when the new one is heard: nothing falls between.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

import msgspec

from tollbridge.mcp.call import Call, Caller, Tell
from tollbridge.mcp.jsonrpc import INVALID_PARAMS, METHOD_NOT_FOUND, MISSING_CAPABILITY, RpcError, encode
from tollbridge.model.json import JsonObject

if TYPE_CHECKING:
    from tollbridge.mcp.links import Scope
    from tollbridge.mcp.upstream import Upstream

log = logging.getLogger("tollbridge.mcp")

LISTS = {
    "notifications/tools/list_changed": "tools",
    "notifications/prompts/list_changed": "prompts",
    "notifications/resources/list_changed": "resources",
}
UPDATED = "notifications/resources/updated"
TASK = "notifications/tasks"
ACKNOWLEDGED = "notifications/subscriptions/acknowledged"
CALM_S = 1.0
AGAIN_S, AGAIN_MAX_S = 1.0, 60.0
ACKNOWLEDGED_S = 2.0
"""How long who begins to watch waits to be heard; what is not acknowledged by then comes when it comes."""
NEVER = frozenset({METHOD_NOT_FOUND, INVALID_PARAMS, MISSING_CAPABILITY})
"""To ask for the same again would be refused again."""


class Watch:
    """`lists`: of `LISTS`. `uris`: resources, as the server calls them. `tasks`: ids, of the server too."""

    __slots__ = ("_calming", "_tell", "caller", "lists", "tasks", "uris")

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
        self._ears: dict[object, _Ear] = {}
        self._at: dict[Watch, object] = {}
        self._coming: dict[Watch, asyncio.Task[None]] = {}

    def told(self, method: str, params: JsonObject, scope: Scope | None = None) -> None:
        """`scope`: of the link that it came by; None is told to all."""
        for ear in tuple(self._ears.values()):
            if scope is None or ear.scope == scope:
                ear.told(method, params)

    async def add(self, watch: Watch) -> None:
        """Raises RpcError where the server is not there or refuses a subscription; nothing is watched then."""
        caller = _silent(watch)
        async with self._upstream.links.lent(caller) as link:
            modern = link.modern
        scope = self._upstream.links.scope(caller)
        key = (scope, modern, encode(caller.capabilities) if watch.tasks else b"")
        ear = self._ears.get(key)
        if ear is None:
            ear = self._ears[key] = (_Stream if modern else _Subscriptions)(self._upstream, caller, scope)
        self._at[watch] = key
        ear.watches.add(watch)
        try:
            await ear.added(watch)
        except BaseException:
            await self._leave(watch)
            raise

    def join(self, watch: Watch) -> None:
        """Of a server that is not there: watches when it comes, and tells then that its lists are new. Where it was
        there before it is looked for, ever and again; where it never was, only when somebody else has reached it."""
        self._coming[watch] = asyncio.ensure_future(self._joined(watch))

    async def _joined(self, watch: Watch) -> None:
        arrived = self._upstream.links.arrived
        if not self._upstream.reached:
            await arrived.wait()
        while True:
            try:
                await self.add(watch)
                async with self._upstream.links.lent(_silent(watch)) as link:
                    has = link.capabilities
                break
            except RpcError as error:
                log.info("changes at the MCP server %r are not heard of: %s", self._upstream.name, error.message)
                if error.code in NEVER:
                    return
                arrived.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(arrived.wait(), AGAIN_MAX_S)
        for method, kind in LISTS.items():
            if kind in has:
                watch.told(method, {})

    async def remove(self, watch: Watch) -> None:
        coming = self._coming.pop(watch, None)
        if coming is not None:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)
        await self._leave(watch)

    async def _leave(self, watch: Watch) -> None:
        watch.close()
        key = self._at.pop(watch, None)
        ear = self._ears.get(key)
        if ear is None:
            return
        ear.watches.discard(watch)
        if not ear.watches:
            del self._ears[key]
            ear.close()
        await ear.removed(watch)

    async def close(self) -> None:
        coming, self._coming = list(self._coming.values()), {}
        for one in coming:
            one.cancel()
        await asyncio.gather(*coming, return_exceptions=True)
        ears, self._ears = list(self._ears.values()), {}
        self._at.clear()
        await asyncio.gather(*(task for ear in ears for task in ear.close()), return_exceptions=True)


class _Ear:
    """`caller`: as whom it listens, one of those who watch."""

    def __init__(self, upstream: Upstream, caller: Caller, scope: Scope) -> None:
        self.upstream = upstream
        self.caller = caller
        self.scope = scope
        self.watches: set[Watch] = set()
        self.hearing: asyncio.Task[None] | None = None

    def told(self, method: str, params: JsonObject) -> None:
        for watch in tuple(self.watches):
            watch.told(method, params)

    async def added(self, watch: Watch) -> None:
        raise NotImplementedError

    async def removed(self, watch: Watch) -> None:
        raise NotImplementedError

    def close(self) -> list[asyncio.Task[None]]:
        """What still ends."""
        hearing, self.hearing = self.hearing, None
        if hearing is None:
            return []
        hearing.cancel()
        return [hearing]

    def failed(self, error: RpcError) -> None:
        log.info("changes at the MCP server %r are not heard of: %s", self.upstream.name, error.message)


class _Subscriptions(_Ear):
    """At a legacy server."""

    async def added(self, watch: Watch) -> None:
        """Each time anew: a server counts a subscription once, and may have forgotten it."""
        for uri in watch.uris:
            await self.upstream.call(Call("resources/subscribe", {"uri": uri}, self.caller))
        if self.hearing is None and self.watches:
            self.hearing = asyncio.ensure_future(self._stay())

    async def removed(self, watch: Watch) -> None:
        for uri in watch.uris - self._uris():
            try:
                await self.upstream.call(Call("resources/unsubscribe", {"uri": uri}, self.caller))
            except RpcError as error:
                log.info("the MCP server %r: %s", self.upstream.name, error.message)

    def _uris(self) -> set[str]:
        return {uri for watch in self.watches for uri in watch.uris}

    async def _stay(self) -> None:
        """Keeps the link, as nobody else may call meanwhile."""
        wait_s, lost = AGAIN_S, False
        while True:
            try:
                async with self.upstream.links.lent(self.caller) as link:
                    for uri in sorted(self._uris()) if lost else ():
                        await link.call(Call("resources/subscribe", {"uri": uri}, self.caller))
                    wait_s = AGAIN_S
                    await link.ended.wait()
            except RpcError as error:
                self.failed(error)
                wait_s = min(wait_s * 2, AGAIN_MAX_S)
            lost = True
            await asyncio.sleep(wait_s)


class _Stream(_Ear):
    """At a modern server: one stream for all that is wanted."""

    def __init__(self, upstream: Upstream, caller: Caller, scope: Scope) -> None:
        super().__init__(upstream, caller, scope)
        self._wanted: JsonObject = {}

    async def added(self, watch: Watch) -> None:
        heard = self._anew()
        if heard is not None:
            await asyncio.wait((heard,), timeout=ACKNOWLEDGED_S)

    async def removed(self, watch: Watch) -> None:
        if self.watches:
            self._anew()

    def _anew(self) -> asyncio.Future[None] | None:
        """Done when it is acknowledged, or will not be. None where the stream that there is will do."""
        wanted = self._now_wanted()
        if wanted == self._wanted and self.hearing is not None and not self.hearing.done():
            return None
        self._wanted = wanted
        heard: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        former, self.hearing = self.hearing, asyncio.ensure_future(self._listen(wanted, heard))
        if former is not None:
            heard.add_done_callback(lambda _: former.cancel())
        return heard

    def _now_wanted(self) -> JsonObject:
        watches = self.watches
        wanted: JsonObject = {
            f"{kind}ListChanged": True for kind in LISTS.values() if any(kind in watch.lists for watch in watches)
        }
        if uris := sorted({uri for watch in watches for uri in watch.uris}):
            wanted["resourceSubscriptions"] = uris
        if tasks := sorted({task for watch in watches for task in watch.tasks}):
            wanted["taskIds"] = tasks
        return wanted

    async def _listen(self, wanted: JsonObject, heard: asyncio.Future[None]) -> None:
        def tell(method: str, params: JsonObject) -> None:
            if method != ACKNOWLEDGED:
                self.told(method, params)
            elif not heard.done():
                heard.set_result(None)

        wait_s = AGAIN_S
        try:
            while True:
                call = Call("subscriptions/listen", {"notifications": wanted}, self.caller, tell=tell)
                try:
                    async with self.upstream.links.lent(self.caller) as link:
                        await link.call(call)
                    wait_s = AGAIN_S
                except RpcError as error:
                    self.failed(error)
                    if error.code in NEVER:
                        return
                    wait_s = min(wait_s * 2, AGAIN_MAX_S)
                await asyncio.sleep(wait_s)
        finally:
            if not heard.done():
                heard.set_result(None)


def _silent(watch: Watch) -> Caller:
    """Its caller, as one that answers nothing: who only listens needs no link of its own, unless its session has one.
    The Tasks extension is declared with each request, that for a stream among them."""
    caller = watch.caller
    if caller.session or watch.tasks:
        return caller
    return msgspec.structs.replace(caller, capabilities={})
