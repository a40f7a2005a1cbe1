"""One MCP server and the links to it: which era it speaks, whose link is whose, what is tried again.

1. A server that speaks both eras is spoken to in its caller's, so that everything passes as it is; a process on stdio
   has one, the newer. What a server does not speak is found out once.
2. Callers that answer nothing share a link for each credential. To a legacy server whoever answers requests (sampling,
   elicitation, roots) has a link that is greeted with what they declared: a legacy session for as long as it lasts, a
   modern caller for one call, after which the next caller of the same principal that is alike takes it.
3. A modern server that needs input says so in its result: for a legacy caller it is asked here, and the call is made
   again with the answers. (For a modern caller of a legacy server: `parked.py`.)
4. Where callers sign in (`oauth/tokens.py`), a link belongs to whose token goes along: the token itself is renewed
   beneath it.
5. Where a server cannot be reached it rests (`resting.py`). A session that it has forgotten is begun anew, once for
   each call: nothing was done for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import TypeVar

from tollbridge.mcp.call import Call, Caller
from tollbridge.mcp.channels import channel_to
from tollbridge.mcp.definition import Definition
from tollbridge.mcp.eras import INPUT_REQUIRED
from tollbridge.mcp.http import NOT_THIS_KIND, Pairs, Refused, SessionLost, other_era
from tollbridge.mcp.input import check_asked, with_input
from tollbridge.mcp.jsonrpc import INVALID_REQUEST, UPSTREAM_FAILED, RpcError
from tollbridge.mcp.link import Link
from tollbridge.mcp.mirrors import Mirrored, annotated
from tollbridge.mcp.oauth.exchange import OnBehalf
from tollbridge.mcp.oauth.invitations import SignInNeeded
from tollbridge.mcp.oauth.tokens import OWNER, Tokens
from tollbridge.mcp.outbound import headers_for
from tollbridge.mcp.pace import Pace
from tollbridge.mcp.resting import Resting
from tollbridge.mcp.revisions import MODERN
from tollbridge.mcp.watching import Watching
from tollbridge.model.json import Json, JsonObject
from tollbridge.transport.base import Transport

log = logging.getLogger("tollbridge.mcp")

PROBE_S = 5.0
IDLE_MAX = 16
LINKS_MAX, PROCESSES_MAX = 256, 32
RETIRE_S = 300.0
ROUNDS_MAX = 16
"""How often one call may ask its caller for input."""

SOON_S = 2.0
FIRST_S = 15.0
LATE_S = 0.2
"""For one that others waited for in vain, and that still does not greet us."""

T = TypeVar("T")
Scope = tuple[str, Pairs]
"""Whose a link is: a session's, or "" for everybody's who has this credential."""


class Upstream:
    """Used from one event loop."""

    def __init__(
        self,
        definition: Definition,
        transport: Transport,
        environ: Mapping[str, str],
        tokens: Tokens | OnBehalf | None = None,
    ) -> None:
        """`tokens`: where callers sign in at it, the gateway does, or their own tokens are exchanged."""
        self.definition = definition
        self.tokens = tokens
        self.name = definition.name
        self.flying = 0
        self._landed: asyncio.Event | None = None
        self._transport = transport
        self._environ = environ
        self._shared: dict[tuple[Scope, bool], Link] = {}  # by credential and era
        self._sessions: dict[tuple[Scope, bool], Link] = {}
        self._idle: dict[str, list[Link]] = {}
        self._opening: dict[tuple[Scope, bool], asyncio.Task[Link]] = {}
        self._speaks: dict[bool, bool] = {}  # by era, where it is known
        self._sse = definition.transport == "sse"
        self._late = False
        limited = definition.rpm is not None or definition.parallel is not None
        self._pace = Pace(definition) if limited else None
        self._resting = Resting(definition.name)
        self._mirrors: dict[str, Mirrored] = {}
        self.watching = Watching(self)
        if definition.version is not None or definition.api is not None:
            modern = definition.version in MODERN or definition.api is not None
            self._speaks = {modern: True, not modern: False}

    async def call(self, call: Call) -> tuple[JsonObject, Link]:
        """The result, and the link that it came by. Raises RpcError."""
        place = self._pace.reserve(call.method) if self._pace is not None else False
        self.flying += 1
        call.caller = call.caller.without(self.definition.barred)
        try:
            for again in (True, False):
                try:
                    kept = self._at_hand(call.caller)
                    if kept is not None:
                        return await self._on(kept, call), kept
                    async with self.link(call.caller) as link:
                        return await self._call(link, call), link
                except SessionLost:
                    if not again:
                        raise
            raise AssertionError("the second time returns or raises")
        except SignInNeeded as needed:
            assert self.tokens is not None
            raise self.tokens.invitations.told(needed, call.caller) from needed
        finally:
            self.flying -= 1
            if place and self._pace is not None:
                self._pace.release()
            if not self.flying and self._landed is not None:
                self._landed.set()

    async def _on(self, link: Link, call: Call) -> JsonObject:
        """A link that is kept, unless its session turns out to be lost."""
        try:
            return await self._call(link, call)
        except SessionLost:
            await self._drop(link)
            raise

    async def _call(self, link: Link, call: Call) -> JsonObject:
        if not link.modern:
            return await link.call(call)
        if call.caller.modern:
            result = await link.call(call)
            if result.get("resultType") == INPUT_REQUIRED:
                check_asked(self.name, call.caller, result)
            return result
        for _ in range(ROUNDS_MAX):
            result = await link.call(call)
            if result.get("resultType") != INPUT_REQUIRED:
                return result
            call = call.with_params(await with_input(self.name, call, result))
        raise RpcError(UPSTREAM_FAILED, f"The MCP server {self.name!r} asked for input {ROUNDS_MAX} times.")

    @property
    def reached(self) -> bool:
        """It answered before."""
        return (any(self._speaks.values()) and self.definition.version is None) or bool(self._shared)

    async def soon(self, work: Awaitable[T]) -> T | RpcError:
        """The result, or why there is none yet: nobody waits long for this server. A process that has to be started
        first has more time, until it took longer once; it goes on starting when nobody waits for it any more."""
        starting = self.definition.command is not None and not self.reached and not self._late
        try:
            patience_s = FIRST_S if starting else LATE_S if self._late and self._opening else SOON_S
            return await asyncio.wait_for(work, patience_s)
        except TimeoutError:
            self._late = True
            return RpcError(UPSTREAM_FAILED, f"The MCP server {self.name!r} did not answer in time.")
        except RpcError as error:
            return error

    # links

    @asynccontextmanager
    async def link(self, caller: Caller) -> AsyncIterator[Link]:
        """A link for one call of this caller. Raises RpcError."""
        caller = caller.without(self.definition.barred)
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
            async with self.link(caller) as link:
                yield link
            return
        try:
            yield link
        except SessionLost:
            await self._drop(link)
            raise

    def _at_hand(self, caller: Caller) -> Link | None:
        """The link that `link` would give, where nothing has to be done for it."""
        era = self._era(caller)
        own = bool(caller.answers) and not era
        if own and not caller.session:
            return None
        link = (self._sessions if own else self._shared).get((self.scope(caller), era))
        if link is None or not link.open_ or (caller.answers and not own and not link.modern):
            return None
        return link

    def scope(self, caller: Caller) -> Scope:
        """Who is told what the link that this caller has is told."""
        own = caller.session if caller.answers and not self._era(caller) else ""
        return own, self._headers(caller)

    def _headers(self, caller: Caller) -> Pairs:
        headers = headers_for(self.definition, caller.credentials)
        return headers if self.tokens is None else self.tokens.bound(headers, caller)

    @asynccontextmanager
    async def _leased(self, caller: Caller) -> AsyncIterator[Link]:
        headers = self._headers(caller)
        alike = f"{caller.alike} {headers!r}"
        idle = self._idle.setdefault(alike, [])
        link = idle.pop() if idle else await self._open(headers, False, caller, (alike, headers))
        good = False
        try:
            yield link
            good = link.open_
        finally:
            if good and sum(map(len, self._idle.values())) < IDLE_MAX:
                self._idle.setdefault(alike, []).append(link)
            else:
                await self._drop(link)
            if not self._idle.get(alike):
                self._idle.pop(alike, None)

    def _era(self, caller: Caller) -> bool:
        """True: modern. What is not known yet is taken to be the caller's own; `_open` finds out."""
        if self.definition.command is not None:
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
        slot = (scope, self.definition.command is None and self._era(caller))  # a process has one era
        opening = self._opening.get(slot)
        if opening is None:
            opening = self._opening[slot] = asyncio.ensure_future(self._opened(headers, caller, own, scope))
            opening.add_done_callback(lambda done: self._ended_opening(slot, done))
        return await asyncio.shield(opening)

    async def _opened(self, headers: Pairs, caller: Caller, own: Caller | None, scope: Scope) -> Link:
        link = await self._open(headers, self._era(caller), own, scope)
        links = self._links_of(own)  # meanwhile others may have been lost
        links[scope, link.modern] = link
        await self._bound(links)
        return link

    def _ended_opening(self, slot: tuple[Scope, bool], opening: asyncio.Task[Link]) -> None:
        self._opening.pop(slot, None)
        if not opening.cancelled():
            opening.exception()  # whoever waited was told

    def _links_of(self, caller: Caller | None) -> dict[tuple[Scope, bool], Link]:
        """`caller`: who has a link of its own."""
        return self._shared if caller is None else self._sessions

    async def _bound(self, links: dict[tuple[Scope, bool], Link]) -> None:
        """The oldest goes where there are too many."""
        while len(links) > (LINKS_MAX if self.definition.command is None else PROCESSES_MAX):
            key = next((key for key, link in links.items() if not link.flying), None)
            if key is None:
                return
            await links.pop(key).close()

    async def _open(self, headers: Pairs, modern: bool, caller: Caller | None, scope: Scope) -> Link:
        self._resting.check()
        try:
            link = await self._found(headers, modern, caller, scope)
        except RpcError as error:
            self._resting.failed(error)
            raise
        self._resting.reached(falls=link.falls)
        return link

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
                first = first or error
                self._speaks[era] = False
                continue
            self._speaks[link.modern] = True
            if self.definition.command is not None:
                self._speaks[not link.modern] = False
            return link
        self._speaks.clear()
        raise first or RpcError(UPSTREAM_FAILED, f"The MCP server {self.name!r} speaks no revision that is known.")

    async def _try(self, headers: Pairs, modern: bool, caller: Caller | None, scope: Scope) -> Link:
        if modern and self._sse:
            raise RpcError(INVALID_REQUEST, "HTTP+SSE is legacy.")
        try:
            return await self._greeted(headers, modern, caller, scope)
        except Refused as error:
            if modern or error.http_status not in NOT_THIS_KIND or self.definition.transport is not None:
                raise
            self._sse = True  # nothing was said of HTTP+SSE, and it is all that is left
            try:
                return await self._greeted(headers, modern, caller, scope)
            except RpcError:
                self._sse = False
                raise error from None

    async def _greeted(self, headers: Pairs, modern: bool, caller: Caller | None, scope: Scope) -> Link:
        definition, command, transport = self.definition, self.definition.command, self._transport
        owner = dict(headers).get(OWNER)
        if owner is not None:
            headers = tuple(pair for pair in headers if pair[0] != OWNER)
            if self.tokens is not None:
                transport = self.tokens.transport(owner, transport)
        channel = channel_to(definition, transport, self._environ, headers, sse=self._sse, mirrors=self.mirrors)
        link = Link(
            self.name,
            channel,
            modern=modern,
            timeout_s=definition.timeout_s,
            version=definition.version,
            event=partial(self.watching.told, scope=scope),
            lost_by=self._fell,
        )
        try:
            async with asyncio.timeout(definition.timeout_s):
                await link.open(caller, probe_s=PROBE_S if command is not None and definition.version is None else None)
        except TimeoutError:
            await link.close()
            raise RpcError(UPSTREAM_FAILED, f"The MCP server {self.name!r} did not greet us in time.") from None
        except BaseException:
            await link.close()
            raise
        return link

    def _fell(self, link: Link) -> None:
        """It ended by itself. The next call opens another; where that happens again and again, it has to wait."""
        self._forget(link)
        if link.opened_at:
            self._resting.fell(asyncio.get_running_loop().time() - link.opened_at)

    def _forget(self, link: Link) -> None:
        self._shared = {key: one for key, one in self._shared.items() if one is not link}
        self._sessions = {key: one for key, one in self._sessions.items() if one is not link}
        for idle in self._idle.values():
            if link in idle:
                idle.remove(link)

    async def _drop(self, link: Link) -> None:
        self._forget(link)
        with contextlib.suppress(RpcError):
            await link.close()

    # what is known of its tools

    def mirrors(self, tool: str) -> Mirrored | None:
        """What a tool that was listed wants mirrored in headers; None of another."""
        return self._mirrors.get(tool)

    @property
    def listed(self) -> bool:
        return bool(self._mirrors)

    def knows(self, tools: Mapping[str, Json]) -> None:
        """Input schemas of tools that were listed."""
        self._mirrors.update({name: annotated(schema) for name, schema in tools.items()})

    async def end_session(self, session: str) -> None:
        for link in self._of_session(session):
            await self._drop(link)

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
        if self.definition.api is not None:
            return "openapi"
        return "stdio" if self.definition.command is not None else "sse" if self._sse else "http"

    @property
    def state(self) -> tuple[str, str | None]:
        """healthy, unhealthy (and why), or unknown where nobody has asked for it yet."""
        if self._resting.why is not None:
            return "unhealthy", self._resting.why.message
        return "healthy" if self.reached else "unknown", None

    async def retire(self) -> None:
        """Closes it when the calls that are under way have ended, for which they have `RETIRE_S`."""
        await self.watching.close()
        self._landed = asyncio.Event()
        try:
            if self.flying:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._landed.wait(), RETIRE_S)
        finally:
            await self.close()

    async def close(self) -> None:
        links = [
            *self._shared.values(),
            *self._sessions.values(),
            *(one for idle in self._idle.values() for one in idle),
        ]
        await self.watching.close()
        opening = list(self._opening.values())
        for task in opening:
            task.cancel()
        await asyncio.gather(*opening, return_exceptions=True)
        self._shared.clear()
        self._sessions.clear()
        self._idle.clear()
        await asyncio.gather(*(link.close() for link in links), return_exceptions=True)
