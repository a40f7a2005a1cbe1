"""One MCP server: what is asked of it, how often and how patiently, and what is known of it.

1. A modern server that needs input says so in its result: for a legacy caller it is asked here, and the call is made
   again with the answers. (For a modern caller of a legacy server: `parked.py`.)
2. Where a server cannot be reached it rests (`resting.py`). A session that it has forgotten is begun anew, once for
   each call: nothing was done for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Mapping
from typing import TypeVar

from tollbridge.mcp.call import Call
from tollbridge.mcp.definition import Definition
from tollbridge.mcp.eras import INPUT_REQUIRED
from tollbridge.mcp.http import Mirrors, SessionLost
from tollbridge.mcp.input import check_asked, with_input
from tollbridge.mcp.jsonrpc import UPSTREAM_FAILED, RpcError
from tollbridge.mcp.link import Link
from tollbridge.mcp.links import Links
from tollbridge.mcp.mirrors import Mirrored, annotated
from tollbridge.mcp.oauth.exchange import OnBehalf
from tollbridge.mcp.oauth.invitations import SignInNeeded
from tollbridge.mcp.oauth.tokens import Tokens
from tollbridge.mcp.pace import Pace
from tollbridge.mcp.watching import Watching
from tollbridge.model.json import Json, JsonObject
from tollbridge.transport.base import Transport

log = logging.getLogger("tollbridge.mcp")

RETIRE_S = 300.0
ROUNDS_MAX = 16
"""How often one call may ask its caller for input."""

SOON_S = 2.0
FIRST_S, GREETING_S = 15.0, 5.0
"""For a process that has to be started: in all, and of that in a handshake, which clients wait less for."""
LATE_S = 0.2
"""For one that others waited for in vain, and that still does not greet us."""

T = TypeVar("T")


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
        self._late = False
        self._begun_at = 0.0  # its present start, where it is starting
        limited = definition.rpm is not None or definition.parallel is not None
        self._pace = Pace(definition) if limited else None
        self._mirrors: dict[str, Mirrored] = {}
        self.mirrors: Mirrors = self._mirrors.get
        """What a tool that was listed wants mirrored in headers; None of another."""
        self.watching = Watching(self)
        self.links = Links(definition, transport, environ, tokens, told=self.watching.told, mirrors=self.mirrors)

    async def call(self, call: Call) -> tuple[JsonObject, Link]:
        """The result, and the link that it came by. Raises RpcError."""
        place = self._pace.reserve(call.method) if self._pace is not None else False
        self.flying += 1
        barred = self.definition.barred
        if barred:
            call.caller = call.caller.without(barred)
        try:
            for again in (True, False):
                kept = self.links.at_hand(call.caller)
                try:
                    if kept is not None:
                        link, result = kept, await self._asked(kept, call)
                    else:
                        async with self.links.lent(call.caller) as link:
                            result = await self._asked(link, call)
                    if link.modern and result.get("resultType") == INPUT_REQUIRED:
                        check_asked(self.name, call.caller, result)
                    return result, link
                except SessionLost:
                    if kept is not None:
                        await self.links.drop(kept)
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

    def _asked(self, link: Link, call: Call) -> Awaitable[JsonObject]:
        return self._with_input(link, call) if link.modern and not call.caller.modern else link.call(call)

    async def _with_input(self, link: Link, call: Call) -> JsonObject:
        """Of a modern server, for a legacy caller."""
        for _ in range(ROUNDS_MAX):
            result = await link.call(call)
            if result.get("resultType") != INPUT_REQUIRED:
                return result
            call = call.with_params(await with_input(self.name, call, result))
        raise RpcError(UPSTREAM_FAILED, f"The MCP server {self.name!r} asked for input {ROUNDS_MAX} times.")

    @property
    def reached(self) -> bool:
        """It answered before."""
        return self.links.reached

    async def soon(self, work: Awaitable[T], *, greeting: bool = False) -> T | RpcError:
        """The result, or why there is none yet: nobody waits long for this server. A process that has to be started
        first has more time, until it took longer once; it goes on starting when nobody waits for it any more."""
        starting = self.definition.command is not None and not self.reached and not self._late
        patience_s = LATE_S if self._late and self.links.opening else SOON_S
        if starting:
            now = asyncio.get_running_loop().time()
            if not self.links.opening:
                self._begun_at = now
            patience_s = max(self._begun_at + FIRST_S - now, LATE_S)
            if greeting:
                patience_s = min(patience_s, GREETING_S)
        try:
            return await asyncio.wait_for(work, patience_s)
        except TimeoutError:
            self._late = not (starting and greeting)
            return RpcError(UPSTREAM_FAILED, f"The MCP server {self.name!r} did not answer in time.")
        except RpcError as error:
            return error

    # what is known of its tools

    @property
    def listed(self) -> bool:
        return bool(self._mirrors)

    def knows(self, tools: Mapping[str, Json]) -> None:
        """Input schemas of tools that were listed."""
        self._mirrors.update({name: annotated(schema) for name, schema in tools.items()})

    @property
    def state(self) -> tuple[str, str | None]:
        """healthy, unhealthy (and why, for the operator), or unknown where nobody has asked for it yet."""
        if (why := self.links.resting.why) is not None:
            return "unhealthy", why.where or why.message
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
            closing = asyncio.ensure_future(self.close())
            try:
                await asyncio.shield(closing)
            except asyncio.CancelledError:
                await closing
                raise

    async def close(self) -> None:
        await self.watching.close()
        await self.links.close()
