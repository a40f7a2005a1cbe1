"""The links to one MCP server: in which era, over which kind of HTTP, and whose each of them is.

1. A server that speaks both eras is spoken to in its caller's, so that everything passes as it is; a process on stdio
   has one, the newer. What a server does not speak is found out once.
2. Callers that answer nothing share a link for each credential. To a legacy server whoever answers requests (sampling,
   elicitation, roots) has a link that is greeted with what they declared: a legacy session for as long as it lasts, a
   modern caller for one call, after which the next caller of the same principal that is alike takes it. Of those calls
   there are at most `PROCESSES_MAX` at once, or `LINKS_MAX` over HTTP, three quarters of them by one principal.
3. Of shared links, and of those of sessions, there are so many too. One more takes the place of one without a call, of
   one by which resources are watched last; where all have calls it is refused, over HTTP at `BUSY_MAX`. Whose link gave
   way has another when it asks again, not before: what is closed for room would else take the next one's.
4. Where callers sign in, or their tokens are exchanged (`oauth/`), a link belongs to whose token goes along: the token
   itself is renewed beneath it.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Protocol

from tollbridge.mcp.call import NO_CREDENTIALS, Caller
from tollbridge.mcp.channels import channel_to
from tollbridge.mcp.definition import Definition
from tollbridge.mcp.http import NOT_THIS_KIND, Mirrors, Pairs, Refused, SessionLost, other_era
from tollbridge.mcp.jsonrpc import INVALID_REQUEST, UPSTREAM_FAILED, RpcError
from tollbridge.mcp.link import Link, UnknownRevision
from tollbridge.mcp.oauth.exchange import OnBehalf
from tollbridge.mcp.oauth.tokens import OWNER, Tokens
from tollbridge.mcp.once import Once
from tollbridge.mcp.outbound import headers_for
from tollbridge.mcp.pace import PARALLEL_RETRY_S, too_many
from tollbridge.mcp.resting import Resting
from tollbridge.mcp.revisions import MODERN
from tollbridge.model.json import JsonObject
from tollbridge.transport.base import Transport

log = logging.getLogger("tollbridge.mcp")

PROBE_S = 5.0
IDLE_MAX = 16
LINKS_MAX, PROCESSES_MAX = 256, 32
BUSY_MAX = 4096
"""Links over HTTP, where all have calls: as cheap as they are, they may be more than `LINKS_MAX` then."""

GREETED_AS = ":as"
"""Beside headers that a server was asked with: as whom. It is no header."""

Scope = tuple[str, Pairs]
"""Whose a link is: a session's, or "" for everybody's who has this credential."""


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
        self._shared: dict[tuple[Scope, bool], Link] = {}  # by credential and era
        self._sessions: dict[tuple[Scope, bool], Link] = {}
        self._idle: dict[str, list[Link]] = {}
        self._leases: set[Link] = set()
        self._leasing: Counter[str] = Counter()  # by principal, those who wait for one too
        self.arrived = asyncio.Event()  # it greeted us, since somebody last missed it
        self._opening: Once[tuple[Scope, bool], Link] = Once()
        self._closing: set[asyncio.Task[None]] = set()
        self._new: set[Link] = set()  # they do not give way before they are used
        self._missed: dict[asyncio.Future[None], Scope] = {}  # who waits until a link is opened again, and whose
        self._warned = False
        self._over = False
        self._speaks: dict[bool, bool] = {}  # by era, where it is known
        self._fixed = headers_for(definition, NO_CREDENTIALS)  # what goes to it with who brings nothing
        self._sse = definition.transport == "sse"
        if definition.version is not None or definition.api is not None:
            modern = definition.version in MODERN or definition.api is not None
            self._speaks = {modern: True, not modern: False}

    @property
    def reached(self) -> bool:
        """It answered before."""
        return (any(self._speaks.values()) and self._definition.version is None) or bool(self._shared)

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
            async with self._leased(caller) as link:
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
        link = (self._sessions if own else self._shared).get((scope, era))
        if link is None or not link.open_ or (answers and not own and not link.modern):
            return None
        return link

    def scope(self, caller: Caller) -> Scope:
        """Who is told what the link that this caller has is told."""
        own = caller.session if caller.answers and not self._era(caller) else ""
        return own, self._headers(caller)

    def _headers(self, caller: Caller) -> Pairs:
        brought = caller.credentials
        plain = not (self._definition.brings or brought.common or brought.own)
        headers = self._fixed if plain else headers_for(self._definition, brought)
        return headers if self._tokens is None else self._tokens.bound(headers, caller)

    @asynccontextmanager
    async def _leased(self, caller: Caller) -> AsyncIterator[Link]:
        principal, leasing = caller.principal.id, self._leasing
        if leasing.total() >= self._most or leasing[principal] >= self._most * 3 // 4:
            raise too_many(
                f"The MCP server {self._name!r} has {leasing.total()} calls under way that may ask for input, and no "
                "room for more",
                PARALLEL_RETRY_S,
            )
        leasing[principal] += 1
        try:
            async with self._lease(caller) as link:
                yield link
        finally:
            leasing[principal] -= 1
            if not leasing[principal]:
                del leasing[principal]

    @property
    def _most(self) -> int:
        return LINKS_MAX if self._definition.command is None else PROCESSES_MAX

    @asynccontextmanager
    async def _lease(self, caller: Caller) -> AsyncIterator[Link]:
        headers = self._headers(caller)
        alike = f"{caller.alike} {headers!r}"
        idle = self._idle.get(alike)
        link = idle.pop() if idle else await self._open(headers, False, caller, (alike, headers))
        self._leases.add(link)
        good = False
        try:
            yield link
            good = link.open_
        finally:
            self._leases.discard(link)
            if good and sum(map(len, self._idle.values())) < IDLE_MAX:
                self._idle.setdefault(alike, []).append(link)
            else:
                await self.drop(link)
            if not self._idle.get(alike):
                self._idle.pop(alike, None)

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
        link = self._links_of(own).get((scope, self._era(caller)))
        if link is not None and link.open_:
            return link
        slot = (scope, self._definition.command is None and self._era(caller))  # a process has one era
        try:
            link = await self._opening.run(slot, lambda: self._opened(headers, caller, own, scope))
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not self._over or (task is not None and task.cancelling()):
                raise
            raise changed(self._name) from None
        if link.gave_way:  # before it was used
            raise self._full()
        return link

    async def _opened(self, headers: Pairs, caller: Caller, own: Caller | None, scope: Scope) -> Link:
        others = self._links_of(own).values()
        if len(others) >= self._busy_most and all(link.flying for link in others):
            raise self._full()
        link = await self._open(headers, self._era(caller), own, scope)
        links = self._links_of(own)  # meanwhile others may have been lost
        there = links.get((scope, link.modern))
        if there is not None and there.open_:  # somebody of the other era was first
            await self.drop(link)
            return there
        links[scope, link.modern] = link
        self._new.add(link)
        try:
            await self._bound(own, link)
        finally:
            self._new.discard(link)
        for missed, whose in self._missed.items():
            if whose == scope and not missed.done():
                missed.set_result(None)
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

    def _links_of(self, caller: Caller | None) -> dict[tuple[Scope, bool], Link]:
        """`caller`: who has a link of its own."""
        return self._shared if caller is None else self._sessions

    async def _bound(self, own: Caller | None, newest: Link) -> None:
        """The oldest without a call gives way where there are too many. Raises RpcError where all have one by now."""
        while len(links := self._links_of(own)) > self._most:
            idle = [key for key, link in links.items() if not link.flying and link not in self._new]
            if not idle:
                if len(links) <= self._busy_most:
                    return
                await self.drop(newest)
                raise self._full()
            link = links.pop(next((key for key in idle if not links[key].uris), idle[0]))
            link.gave_way = True
            if link.uris and not self._warned:
                self._warned = True
                log.warning(
                    "The MCP server %r has more sessions than the %d links that it may have: what is subscribed to by "
                    "one that gives way is not heard of until its session asks again",
                    self._name,
                    self._most,
                )
            await asyncio.shield(self._close(link))

    @property
    def _busy_most(self) -> int:
        return BUSY_MAX if self._definition.command is None else self._most

    def _full(self) -> RpcError:
        taken = f"has calls under way on all of its {self._busy_most} links"
        return too_many(f"The MCP server {self._name!r} {taken}, and no room for more", PARALLEL_RETRY_S)

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
        if link.opened_at and link.why is not None:
            self.resting.fell(asyncio.get_running_loop().time() - link.opened_at, link.why)

    def _forget(self, link: Link) -> None:
        self._shared = {key: one for key, one in self._shared.items() if one is not link}
        self._sessions = {key: one for key, one in self._sessions.items() if one is not link}
        for idle in self._idle.values():
            if link in idle:
                idle.remove(link)

    async def drop(self, link: Link) -> None:
        self._forget(link)
        with contextlib.suppress(RpcError):
            await asyncio.shield(self._close(link))

    def _close(self, link: Link) -> asyncio.Task[None]:
        """To the end, whoever gives up waiting for it: a process that was not waited for is left behind."""
        closing = asyncio.ensure_future(link.close())
        self._closing.add(closing)
        closing.add_done_callback(self._closed)
        return closing

    def _closed(self, closing: asyncio.Task[None]) -> None:
        self._closing.discard(closing)
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
        return [link for ((own, _), _), link in self._sessions.items() if own == session]

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
        links = [
            *self._shared.values(),
            *self._sessions.values(),
            *(one for idle in self._idle.values() for one in idle),
            *self._leases,
        ]
        self._shared.clear()
        self._sessions.clear()
        self._idle.clear()
        for link in links:
            self._close(link)
        while self._closing:
            await asyncio.wait(self._closing)
