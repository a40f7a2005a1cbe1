"""How a server is listened to on behalf of all who watch it with one credential.

1. A link that is lost is opened again as long as somebody watches, ever more seldom, and subscribed on anew.
2. A modern server has one stream for all that is wanted. When that changes, the old stream ends only when the new one
   is acknowledged: nothing falls between. Who asks for what the server refuses is told so, or is dropped where the
   server said so late, and the others stay heard. Who is neither acknowledged nor refused, at a server that has
   acknowledged others, is asked for again later.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

from tollbridge.mcp.call import Call, Caller
from tollbridge.mcp.http import Refused
from tollbridge.mcp.jsonrpc import (
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    MISSING_CAPABILITY,
    RESOURCE_NOT_FOUND,
    UPSTREAM_FAILED,
    RpcError,
)
from tollbridge.model.json import JsonObject

if TYPE_CHECKING:
    from tollbridge.mcp.link import Link
    from tollbridge.mcp.places import Scope
    from tollbridge.mcp.upstream import Upstream
    from tollbridge.mcp.watching import Watch

log = logging.getLogger("tollbridge.mcp")

ACKNOWLEDGED = "notifications/subscriptions/acknowledged"
AGAIN_S, AGAIN_MAX_S = 1.0, 60.0
ACKNOWLEDGED_S = 1.5
"""How long who begins to watch waits to be heard; what is not acknowledged by then comes when it comes."""
LATE_S = 20.0
"""From then on a stream that is neither acknowledged nor refused is taken to be heard, at a server that acknowledges
none."""
PASSING = frozenset({401, 408, 425, 429, 502, 503, 504})
"""Statuses that are no answer to what was asked for."""
NEVER = frozenset({METHOD_NOT_FOUND, INVALID_PARAMS, MISSING_CAPABILITY})
"""To ask for the same again would be refused again."""

LATE = RpcError(UPSTREAM_FAILED, "The MCP server does not say whether it tells of this.")

Heard = asyncio.Future[RpcError | None]
"""Done when somebody is heard, or with the reason why not."""


class Ear:
    """`caller`: as whom it listens, one of those who watch."""

    def __init__(self, upstream: Upstream, caller: Caller, scope: Scope) -> None:
        self.upstream = upstream
        self.caller = caller
        self.scope = scope
        self.watches: set[Watch] = set()

    def told(self, method: str, params: JsonObject) -> None:
        for watch in tuple(self.watches):
            watch.told(method, params)

    async def added(self, watch: Watch) -> None:
        """It is one of `watches`. Raises RpcError where the server refuses what it wants."""
        raise NotImplementedError

    async def removed(self, watch: Watch) -> None:
        """Nobody waits for it."""
        raise NotImplementedError

    def wants(self, uri: str) -> bool:
        """Somebody watches this resource."""
        return any(uri in watch.uris for watch in self.watches)

    def close(self) -> list[asyncio.Task[None]]:
        """What still ends."""
        raise NotImplementedError

    def failed(self, error: RpcError) -> None:
        log.info("changes at the MCP server %r are not heard of: %s", self.upstream.name, error.message)


class Subscriptions(Ear):
    """At a legacy server."""

    def __init__(self, upstream: Upstream, caller: Caller, scope: Scope) -> None:
        super().__init__(upstream, caller, scope)
        self._staying: asyncio.Task[None] | None = None

    async def added(self, watch: Watch) -> None:
        """Each time anew: a server counts a subscription once, and may have forgotten it."""
        for uri in watch.uris:
            _, link = await self.upstream.call(Call("resources/subscribe", {"uri": uri}, self.caller))
            link.uris.add(uri)
        if self._staying is None and self.watches:
            self._staying = asyncio.ensure_future(self._stay())

    async def removed(self, watch: Watch) -> None:
        """Who comes meanwhile for the same is looked at each time: the server may have heard them before."""
        wanted = self.upstream.watching.wants
        for uri in watch.uris:
            link = self.upstream.links.at_hand(self.caller)
            if link is None:
                return  # what was subscribed to went with the link
            if wanted(self.scope, uri):
                continue
            try:
                await link.call(Call("resources/unsubscribe", {"uri": uri}, self.caller))
                link.uris.discard(uri)
                if wanted(self.scope, uri):
                    await self._subscribe(link, uri)
            except RpcError as error:
                log.info("the MCP server %r: %s", self.upstream.name, error.message)
                if not _spoken(error):
                    return

    def close(self) -> list[asyncio.Task[None]]:
        staying, self._staying = self._staying, None
        if staying is None:
            return []
        staying.cancel()
        return [staying]

    def _uris(self) -> set[str]:
        return {uri for watch in self.watches for uri in watch.uris}

    async def _subscribe(self, link: Link, uri: str) -> None:
        await link.call(Call("resources/subscribe", {"uri": uri}, self.caller))
        link.uris.add(uri)

    async def _subscribed_anew(self, link: Link, uri: str) -> None:
        """What the server refuses by now takes nothing from the others."""
        try:
            await self._subscribe(link, uri)
        except RpcError as error:
            if not _spoken(error):
                raise
            self.failed(error)

    async def _anew(self, link: Link) -> None:
        """After one that was lost: meanwhile nobody heard of what changed."""
        for uri in sorted(self._uris()):
            await self._subscribed_anew(link, uri)
        for watch in tuple(self.watches):
            watch.new_of(link.capabilities)

    async def _stay(self) -> None:
        """Keeps the link, as nobody else may call meanwhile. One that gave way is done without until its callers ask
        again."""
        links = self.upstream.links
        wait_s, lost = AGAIN_S, False
        while True:
            kept: Link | None = None
            try:
                async with links.lent(self.caller) as link:
                    kept = link
                    if lost:
                        await self._anew(link)
                    wait_s = AGAIN_S
                    await link.ended.wait()
            except RpcError as error:
                self.failed(error)
                wait_s = min(wait_s * 2, AGAIN_MAX_S)
            lost = True
            if kept is not None and kept.gave_way:
                await links.opened_again(self.caller)
            else:
                await asyncio.sleep(wait_s)


class Stream(Ear):
    """At a modern server. `_served`: those for whom the present stream is; `_coming`: those who are to be taken in.
    `_streams`: the newest last, the others until it is acknowledged. `_acknowledges`: the server is one that does."""

    def __init__(self, upstream: Upstream, caller: Caller, scope: Scope) -> None:
        super().__init__(upstream, caller, scope)
        self._served: set[Watch] = set()
        self._coming: dict[Watch, Heard] = {}
        self._asked: JsonObject = {}
        self._acknowledges = False
        self._streams: list[asyncio.Task[None]] = []
        self._arranging: asyncio.Task[None] | None = None

    async def added(self, watch: Watch) -> None:
        heard = self._await(watch)
        self._arrange_soon()
        await asyncio.wait((heard,), timeout=ACKNOWLEDGED_S)
        refusal = heard.result() if heard.done() else None
        if refusal is not None and (watch.uris or watch.tasks or refusal.code not in NEVER):
            raise refusal

    async def removed(self, watch: Watch) -> None:
        self._served.discard(watch)
        self._coming.pop(watch, None)
        if self.watches:
            self._arrange_soon()

    def close(self) -> list[asyncio.Task[None]]:
        ending = [*self._streams, *(() if self._arranging is None else (self._arranging,))]
        self._streams, self._arranging = [], None
        for task in ending:
            task.cancel()
        return ending

    def _await(self, watch: Watch) -> Heard:
        heard = self._coming[watch] = asyncio.get_running_loop().create_future()
        return heard

    def _arrange_soon(self) -> None:
        if self._arranging is None or self._arranging.done():
            self._arranging = asyncio.ensure_future(self._arrange())

    async def _arrange(self) -> None:
        """Until there is a stream for all who watch but those whom the server refused."""
        while self._coming or _wanted(self._served) != self._asked:
            new = tuple(self._coming)
            refusal = await self._stream_for(new)
            if refusal is None or len(new) < 2:
                self._settle(new, refusal)
                continue
            for one in new:  # somebody among them asks for what is refused: who came with them is not to suffer
                if one in self._coming:
                    self._settle((one,), await self._stream_for((one,)))

    def _settle(self, new: Iterable[Watch], refusal: RpcError | None) -> None:
        if refusal is not None:
            self.failed(refusal)
        for watch in new:
            heard = self._coming.pop(watch, None)  # None: it has left meanwhile
            if heard is None:
                continue
            if refusal is None:
                self._served.add(watch)
            elif refusal is LATE:
                asyncio.get_running_loop().call_later(AGAIN_MAX_S, self._again, watch)
            if not heard.done():
                heard.set_result(refusal)

    def _again(self, watch: Watch) -> None:
        if watch in self.watches and watch not in self._served and watch not in self._coming:
            self._await(watch)
            self._arrange_soon()

    async def _stream_for(self, new: tuple[Watch, ...]) -> RpcError | None:
        """As well as for those who are served. The refusal, where that is one; the former stream goes on then."""
        asked = _wanted({*self._served, *new})
        if asked == self._asked and self._streams:
            return None
        if not asked:
            self._asked = asked
            while self._streams:
                self._streams.pop().cancel()
            return None
        heard: Heard = asyncio.get_running_loop().create_future()
        self._streams.append(asyncio.ensure_future(self._listen(asked, heard)))
        await asyncio.wait((heard,), timeout=LATE_S)
        if not heard.done():
            if self._acknowledges and len(self._streams) > 1:
                heard.set_result(LATE)
                self._streams.pop().cancel()
            else:
                self._only(self._streams[-1])
                heard.set_result(None)
        refusal = heard.result()
        if refusal is None or not new:
            self._asked = asked
        return refusal

    def _only(self, stream: asyncio.Task[None]) -> None:
        """The former ones end."""
        while stream in self._streams and self._streams[0] is not stream:
            self._streams.pop(0).cancel()

    async def _listen(self, asked: JsonObject, heard: Heard) -> None:
        own = asyncio.current_task()
        assert own is not None
        acknowledged = False

        def tell(method: str, params: JsonObject) -> None:
            nonlocal acknowledged
            if method != ACKNOWLEDGED:
                self.told(method, params)
                return
            acknowledged = self._acknowledges = True
            self._only(own)
            if not heard.done():
                heard.set_result(None)

        wait_s = AGAIN_S
        try:
            while True:
                begun = acknowledged = False
                call = Call("subscriptions/listen", {"notifications": asked}, self.caller, tell=tell)
                try:
                    async with self.upstream.links.lent(self.caller) as link:
                        begun = True
                        await link.call(call)
                    wait_s = AGAIN_S
                except RpcError as error:
                    refused = begun and not acknowledged and _spoken(error)
                    if refused and not heard.done():
                        heard.set_result(error)
                        return
                    self.failed(error)
                    wait_s = min(wait_s * 2, AGAIN_MAX_S)
                    if refused and error.code in (*NEVER, RESOURCE_NOT_FOUND):
                        await asyncio.sleep(wait_s)
                        self._anew(own)
                        return
                await asyncio.sleep(wait_s)
        finally:
            if own in self._streams:
                self._streams.remove(own)
            if not heard.done():
                heard.set_result(None)

    def _anew(self, refused: asyncio.Task[None]) -> None:
        """What was taken for granted is refused by now: each of those whom that stream was for is asked for again."""
        if self._streams and self._streams[-1] is refused:
            served, self._served = self._served, set()
            for watch in served:
                self._await(watch)
            self._asked = {}
            self._arrange_soon()


def _spoken(error: RpcError) -> bool:
    """The server said so, and nothing between: it refuses what it was asked."""
    if error.code != UPSTREAM_FAILED:
        return True
    return isinstance(error, Refused) and error.http_status not in PASSING


def _wanted(watches: set[Watch]) -> JsonObject:
    """Of one stream, as the protocol has it (2026-07-28, `subscriptions/listen`)."""
    kinds = {kind for watch in watches for kind in watch.lists}
    wanted: JsonObject = {f"{kind}ListChanged": True for kind in sorted(kinds)}
    if uris := sorted({uri for watch in watches for uri in watch.uris}):
        wanted["resourceSubscriptions"] = uris
    if tasks := sorted({task for watch in watches for task in watch.tasks}):
        wanted["taskIds"] = tasks
    return wanted
