"""Links to an older server that a modern caller has for one call, as it may be asked something meanwhile.

1. The next caller of the same principal that is alike takes what is left idle; of that some is kept, the rest closed.
2. Of all together there are so many at each instant (`places.py`), and of three quarters of them one principal has the
   calls.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from tollbridge.mcp.call import Caller
from tollbridge.mcp.http import Pairs
from tollbridge.mcp.link import Link
from tollbridge.mcp.pace import PARALLEL_RETRY_S, too_many
from tollbridge.mcp.places import Places, Scope

IDLE_MAX = 16

Open = Callable[[Places, Pairs, Caller, Scope], Awaitable[Link]]
"""In a place that was taken for it, which it gives back where that fails."""


class Leases(Places):
    def __init__(self, name: str, open_: Open, drop: Callable[[Link], Awaitable[None]], *, process: bool) -> None:
        super().__init__(process=process)
        self._name = name
        self._open = open_
        self._drop = drop
        self._idle: list[tuple[str, Link]] = []  # for whom, the oldest first
        self._lent: set[Link] = set()
        self._calls: Counter[str] = Counter()  # by principal, those who wait for one too

    def lets_in(self, principal: str) -> bool:
        """To one more call."""
        return self._calls.total() < self.most and self._calls[principal] < self.most * 3 // 4

    @asynccontextmanager
    async def lent(self, caller: Caller, headers: Pairs) -> AsyncIterator[Link]:
        """Raises RpcError."""
        principal, calls = caller.principal.id, self._calls
        if not self.lets_in(principal):
            raise too_many(
                f"The MCP server {self._name!r} has {calls.total()} calls under way that may ask for input, and no "
                "room for more",
                PARALLEL_RETRY_S,
            )
        calls[principal] += 1
        try:
            async with self._lease(caller, headers) as link:
                yield link
        finally:
            calls[principal] -= 1
            if not calls[principal]:
                del calls[principal]

    @asynccontextmanager
    async def _lease(self, caller: Caller, headers: Pairs) -> AsyncIterator[Link]:
        alike = f"{caller.alike} {headers!r}"
        idle = [link for whose, link in self._idle if whose == alike]
        if idle:
            link = idle[-1]
            self._idle.remove((alike, link))
        else:
            await self._place()
            link = await self._open(self, headers, caller, (alike, headers))
        self._lent.add(link)
        good = False
        try:
            yield link
            good = link.open_
        finally:
            self._lent.discard(link)
            if good and len(self._idle) < IDLE_MAX:
                self._idle.append((alike, link))
            else:
                await self._drop(link)

    async def _place(self) -> None:
        """Of the calls that were let in each has one in the end: what has none idles, or is being closed."""
        while self.taken >= self.most:
            if self._idle:
                await self._drop(self._idle[0][1])
            else:
                await self.stirred()
        self.take()

    def forget(self, link: Link) -> None:
        self._idle = [(whose, one) for whose, one in self._idle if one is not link]

    def clear(self) -> list[Link]:
        """All, those too that a call has: whoever gives one back finds it closed."""
        links = [*(link for _, link in self._idle), *self._lent]
        self._idle.clear()
        return links
