"""The links to one MCP server: in which era, over which kind of HTTP, and whose each of them is.

1. A server that speaks both eras is spoken to in its caller's, so that everything passes as it is; a process on stdio
   has one, the newer. What a server does not speak is found out once.
2. Callers that answer nothing share a link for each credential. To a legacy server whoever answers requests (sampling,
   elicitation, roots) has a link that is greeted with what they declared: a legacy session for as long as it lasts, a
   modern caller for one call (`leases.py`).
3. Of each kind there are so many (`places.py`). One more that stays takes the place of one without a call, of one by
   which resources are watched last; where all have calls it is refused, over HTTP at `BUSY_MAX`. Whose link gave way
   has another when it asks again, not before: what is closed for room would else take the next one's.
4. Where callers sign in, or their tokens are exchanged (`oauth/`), a link belongs to whose token goes along: the token
   itself is renewed beneath it.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Protocol

from tollbridge.mcp.call import NO_CREDENTIALS, Caller
from tollbridge.mcp.channels import channel_to
from tollbridge.mcp.definition import Definition
from tollbridge.mcp.http import NOT_THIS_KIND, Mirrors, Pairs, Refused, SessionLost, other_era
from tollbridge.mcp.jsonrpc import INVALID_REQUEST, UPSTREAM_FAILED, RpcError
from tollbridge.mcp.leases import Leases
from tollbridge.mcp.link import Link, UnknownRevision
from tollbridge.mcp.oauth.exchange import OnBehalf
from tollbridge.mcp.oauth.tokens import OWNER, Tokens
from tollbridge.mcp.once import Once
from tollbridge.mcp.outbound import headers_for, overruled
from tollbridge.mcp.places import Held, Places, Scope
from tollbridge.mcp.resting import Resting
from tollbridge.mcp.revisions import MODERN
from tollbridge.model.json import JsonObject
from tollbridge.transport.base import Transport

log = logging.getLogger("tollbridge.mcp")

PROBE_S = 5.0

GREETED_AS = ":as"
"""Beside headers that a server was asked with: as whom. It is no header."""


def changed(name: str) -> RpcError:
    """What who waits for a server is told where another takes its place, or none."""
    return RpcError(UPSTREAM_FAILED, f"The MCP server {name!r} was changed just now: ask again.")


class Told(Protocol):
    """Of what concerns no single call: lists and resources that changed."""

    def __call__(self, method: str, params: JsonObject, *, scope: Scope) -> None: ...


class Links:
    """`told`: hears what changes. `mirrors`: what a tool wants mirrored in headers. `resting`: when it is tried
    again."""

    def __init__(
        self,
        definition: Definition,
        transport: Transport,
        environ: Mapping[str, str],
        tokens: Tokens | OnBehalf | None,
        *,
        told: Told,
        mirrors: Mirrors,
    ) -> None:
        self.resting = Resting(definition.name)
        self._definition = definition
        self._name = definition.name
        self._transport = transport
        self._environ = environ
        self._tokens = tokens
        self._told = told
        self._mirrors = mirrors
        process = definition.command is not None
        self._shared = Held(definition.name, self._close, process=process)
        self._sessions = Held(definition.name, self._close, process=process)
        self._leases = Leases(definition.name, self._open_for_call, self.drop, process=process)
        self._placed: dict[Link, Places] = {}
        self.arrived = asyncio.Event()  # it greeted us, since somebody last missed it
        self._opening: Once[tuple[Scope, bool], Link] = Once()
        self._closing: set[asyncio.Task[None]] = set()
        self._missed: dict[asyncio.Future[None], Scope] = {}  # who waits until a link is opened again, and whose
        self._over = False
        self._speaks: dict[bool, bool] = {}  # by era, where it is known
        self._fixed = headers_for(definition, NO_CREDENTIALS)  # what goes to it with who brings nothing
        self._overruled: set[str] = set()  # headers of clients of which it was told
        self._sse = definition.transport == "sse"
        if definition.version is not None or definition.api is not None:
            modern = definition.version in MODERN or definition.api is not None
            self._speaks = {modern: True, not modern: False}

    @property
    def reached(self) -> bool:
        """It answered before."""
        return (any(self._speaks.values()) and self._definition.version is None) or bool(self._shared.links)

    @property
    def opening(self) -> bool:
        """Somebody waits to be greeted."""
        return self._opening.busy

    @asynccontextmanager
    async def lent(self, caller: Caller) -> AsyncIterator[Link]:
        """A link for one call of this caller. Raises RpcError."""
        caller = caller.without(self._definition.barred)
        if not caller.answers or self._era(caller):
            own = None
        elif caller.session:
            own = caller
        else:
            async with self._leases.lent(caller, self._headers(caller)) as link:
                yield link
            return
        link = await self._kept(caller, own)
        if own is None and caller.answers and not link.modern:  # it was not known, and is one that asks
            async with self.lent(caller) as link:
                yield link
            return
        try:
            yield link
        except SessionLost:
            await self.drop(link)
            raise

    def at_hand(self, caller: Caller) -> Link | None:
        """The link that `lent` would give, where nothing has to be done for it."""
        era, answers = self._era(caller), bool(caller.capabilities and caller.answers)
        own = answers and not era
        if own and not caller.session:
            return None
        scope = (caller.session if own else "", self._headers(caller))
        link = (self._sessions if own else self._shared).links.get((scope, era))
        if link is None or not link.open_ or (answers and not own and not link.modern):
            return None
        return link

    def has_room(self, caller: Caller) -> bool:
        """For the link that `lent` would give: nobody's gives way for it."""
        if not caller.answers or self._era(caller):
            return True
        if not caller.session:
            return self._leases.lets_in(caller.principal.id)
        return self._sessions.taken < self._sessions.most or self.at_hand(caller) is not None

    def scope(self, caller: Caller) -> Scope:
        """Who is told what the link that this caller has is told."""
        own = caller.session if caller.answers and not self._era(caller) else ""
        return own, self._headers(caller)

    def _headers(self, caller: Caller) -> Pairs:
        brought = caller.credentials
        plain = not (self._definition.brings or brought.common or brought.own)
        headers = self._fixed if plain else headers_for(self._definition, brought)
        for name in () if plain else overruled(self._definition, brought):
            if name not in self._overruled:
                self._overruled.add(name)
                log.warning(
                    "The MCP server %r: a client brought %r, which does not go along: `static_headers` fix it",
                    self._name,
                    name,
                )
        return headers if self._tokens is None else self._tokens.bound(headers, caller)

    def _era(self, caller: Caller) -> bool:
        """True: modern. What is not known yet is taken to be the caller's own; `_open` finds out."""
        if self._definition.command is not None:
            return self._speaks.get(True, True)
        return self._speaks.get(caller.modern, True) == caller.modern

    async def _kept(self, caller: Caller, own: Caller | None) -> Link:
        """`own`: who has a link of its own; None shares one. It is opened once, for all who want it meanwhile, whoever
        of them gives up."""
        headers = self._headers(caller)
        scope = ("" if own is None else own.session, headers)
        held = self._shared if own is None else self._sessions
        link = held.links.get((scope, self._era(caller)))
        if link is not None and link.open_:
            return link
        slot = (scope, self._definition.command is None and self._era(caller))  # a process has one era
        with held.awaited(scope):
            try:
                return await self._opening.run(slot, lambda: self._opened(held, headers, caller, own, scope))
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if not self._over or (task is not None and task.cancelling()):
                    raise
                raise changed(self._name) from None

    async def _opened(self, held: Held, headers: Pairs, caller: Caller, own: Caller | None, scope: Scope) -> Link:
        await held.place()
        link = await self._open_in(held, headers, self._era(caller), own, scope)
        former = held.links.get((scope, link.modern))
        if former is not None and former.open_:  # who asked in the other era was led to the same
            self._close(link)
            return former
        held.put((scope, link.modern), link)
        for missed, whose in self._missed.items():
            if whose == scope and not missed.done():
                missed.set_result(None)
        return link

    async def _open_for_call(self, places: Places, headers: Pairs, caller: Caller, scope: Scope) -> Link:
        return await self._open_in(places, headers, False, caller, scope)

    async def _open_in(self, places: Places, headers: Pairs, modern: bool, caller: Caller | None, scope: Scope) -> Link:
        """In a place that was taken for it."""
        try:
            link = await self._open(headers, modern, caller, scope)
        except BaseException:
            places.give_back()
            raise
        self._placed[link] = places
        return link

    async def opened_again(self, caller: Caller) -> None:
        """Returns when this caller, whose link gave way, has one again: when somebody asks something as it."""
        if self.at_hand(caller) is not None:
            return
        missed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._missed[missed] = self.scope(caller)
        try:
            await missed
        finally:
            del self._missed[missed]

    async def _open(self, headers: Pairs, modern: bool, caller: Caller | None, scope: Scope) -> Link:
        self._check()
        brought = None if headers == self._fixed else headers
        if caller is not None:
            brought = (*headers, (GREETED_AS, hashlib.sha256(caller.alike.encode()).hexdigest()))
        self.resting.check(brought)
        try:
            link = await self._found(headers, modern, caller, scope)
        except RpcError as error:
            self.resting.failed(error, brought)
            raise
        if self._over:  # meanwhile
            await self.drop(link)
            self._check()
        self.resting.reached(brought, falls=link.falls)
        self.arrived.set()
        return link

    def _check(self) -> None:
        """Raises RpcError where it is closed."""
        if self._over:
            raise changed(self._name)

    async def _found(self, headers: Pairs, modern: bool, caller: Caller | None, scope: Scope) -> Link:
        """In the era that is wanted, or in the other one."""
        first: RpcError | None = None
        for era in (modern, not modern):
            if self._speaks.get(era) is False:
                continue
            try:
                link = await self._try(headers, era, caller, scope)
            except RpcError as error:
                if self._speaks.get(era) or not other_era(error, era):
                    raise
                if caller is not None and not era and await self._greets_us(headers, scope):
                    raise
                if first is None or isinstance(error, UnknownRevision):  # that one was understood
                    first = error
                self._speaks[era] = False
                continue
            self._speaks[link.modern] = True
            if self._definition.command is not None:
                self._speaks[not link.modern] = False
            return link
        self._speaks.clear()
        raise first or RpcError(UPSTREAM_FAILED, f"The MCP server {self._name!r} speaks no revision that is known.")

    async def _greets_us(self, headers: Pairs, scope: Scope) -> bool:
        """In the older era, of which nothing is known yet: its handshake has the caller's own words, and it may be
        these that were refused."""
        try:
            link = await self._try(headers, False, None, scope)
        except RpcError:
            return False
        self._speaks[False] = True
        await self.drop(link)
        return True

    async def _try(self, headers: Pairs, modern: bool, caller: Caller | None, scope: Scope) -> Link:
        if modern and self._sse:
            raise RpcError(INVALID_REQUEST, "HTTP+SSE is legacy.")
        try:
            return await self._greeted(headers, modern, caller, scope, sse=self._sse)
        except Refused as error:
            if modern or error.http_status not in NOT_THIS_KIND or self._definition.transport is not None:
                raise
            try:  # nothing was said of HTTP+SSE, and it is all that is left
                link = await self._greeted(headers, modern, caller, scope, sse=True)
            except RpcError:
                raise error from None
            self._sse = True
            return link

    async def _greeted(self, headers: Pairs, modern: bool, caller: Caller | None, scope: Scope, *, sse: bool) -> Link:
        definition, command, transport = self._definition, self._definition.command, self._transport
        owner = dict(headers).get(OWNER)
        if owner is not None:
            headers = tuple(pair for pair in headers if pair[0] != OWNER)
            if self._tokens is not None:
                transport = self._tokens.transport(owner, transport)
        channel = channel_to(definition, transport, self._environ, headers, sse=sse, mirrors=self._mirrors)
        link = Link(
            self._name,
            channel,
            modern=modern,
            timeout_s=definition.timeout_s,
            version=definition.version,
            event=partial(self._told, scope=scope),
            lost_by=self._fell,
        )
        try:
            async with asyncio.timeout(definition.timeout_s):
                await link.open(caller, probe_s=PROBE_S if command is not None and definition.version is None else None)
        except TimeoutError:
            await link.close()
            raise RpcError(UPSTREAM_FAILED, f"The MCP server {self._name!r} did not greet us in time.") from None
        except BaseException:
            await link.close()
            raise
        return link

    def _fell(self, link: Link) -> None:
        """It ended by itself. The next call opens another; where that happens again and again, it has to wait."""
        self._forget(link)
        self._gone(link)
        if link.opened_at and link.why is not None:
            self.resting.fell(asyncio.get_running_loop().time() - link.opened_at, link.why)

    def _forget(self, link: Link) -> None:
        self._shared.forget(link)
        self._sessions.forget(link)
        self._leases.forget(link)

    def _gone(self, link: Link) -> None:
        """Nothing is left of it."""
        places = self._placed.pop(link, None)
        if places is not None:
            places.give_back()

    async def drop(self, link: Link) -> None:
        self._forget(link)
        with contextlib.suppress(RpcError):
            await asyncio.shield(self._close(link))

    def _close(self, link: Link) -> asyncio.Task[None]:
        """To the end, whoever gives up waiting for it: a process that was not waited for is left behind."""
        closing = asyncio.ensure_future(link.close())
        self._closing.add(closing)
        closing.add_done_callback(partial(self._closed, link))
        return closing

    def _closed(self, link: Link, closing: asyncio.Task[None]) -> None:
        self._closing.discard(closing)
        self._gone(link)
        if not closing.cancelled():
            closing.exception()  # who waited for it was told

    async def end_session(self, session: str) -> None:
        """Also what is just being opened for it."""
        await self._opening.settled(lambda slot: slot[0][0] == session)
        for link in self._of_session(session):
            await self.drop(link)

    async def note(self, session: str, method: str, params: JsonObject) -> None:
        """What a session's client tells its servers, where it has links of its own."""
        for link in self._of_session(session):
            with contextlib.suppress(RpcError):
                await link.notify(method, params)

    def _of_session(self, session: str) -> list[Link]:
        return [link for ((own, _), _), link in self._sessions.links.items() if own == session]

    @property
    def carrier(self) -> str:
        """What it is spoken to over, as far as that is known."""
        if self._definition.api is not None:
            return "openapi"
        return "stdio" if self._definition.command is not None else "sse" if self._sse else "http"

    async def close(self) -> None:
        """Those too that a call has for itself: whoever gives one back finds it closed. None is opened any more."""
        self._over = True
        await self._opening.cancel()
        links = [*self._shared.clear(), *self._sessions.clear(), *self._leases.clear()]
        for link in links:
            self._close(link)
        while self._closing:
            await asyncio.wait(self._closing)
