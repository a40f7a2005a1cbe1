"""How many links to one server there are at each instant, of each kind.

A link has its place before anything is begun for it, and until nothing is left of it: a process counts from before it
is started until it was waited for. Who finds no place waits while some link opens or closes; where all have calls it is
refused.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tollbridge.mcp.http import Pairs
from tollbridge.mcp.link import Link
from tollbridge.mcp.pace import PARALLEL_RETRY_S, too_many

log = logging.getLogger("tollbridge.mcp")

LINKS_MAX, PROCESSES_MAX = 256, 32
BUSY_MAX = 4096
"""Links over HTTP, where all have calls: as cheap as they are, they may be more than `LINKS_MAX` then."""

Scope = tuple[str, Pairs]
"""Whose a link is: a session's, or "" for everybody's who has this credential."""


class Places:
    """Of one kind. `process`: each link is one. `taken`: places. Used from one event loop."""

    def __init__(self, *, process: bool) -> None:
        self._process = process
        self._stirring = asyncio.Event()
        self.taken = 0

    @property
    def most(self) -> int:
        return PROCESSES_MAX if self._process else LINKS_MAX

    def take(self) -> None:
        self.taken += 1

    def give_back(self) -> None:
        self.taken -= 1
        self.stir()

    def stir(self) -> None:
        """Whoever waits for a place looks again."""
        self._stirring.set()
        self._stirring.clear()

    async def stirred(self) -> None:
        await self._stirring.wait()


class Held(Places):
    """Links that stay, by whose they are and in which era. `close`: begins to close one that gives way, whose place is
    given back when that is done."""

    def __init__(self, name: str, close: Callable[[Link], asyncio.Task[None]], *, process: bool) -> None:
        super().__init__(process=process)
        self._name = name
        self._close = close
        self._awaited: Counter[Scope] = Counter()
        self._warned = False
        self.links: dict[tuple[Scope, bool], Link] = {}

    @property
    def busy_most(self) -> int:
        return self.most if self._process else BUSY_MAX

    @contextmanager
    def awaited(self, scope: Scope) -> Iterator[None]:
        """What is opened for this one meanwhile does not give way before it is used."""
        self._awaited[scope] += 1
        try:
            yield
        finally:
            self._awaited[scope] -= 1
            if not self._awaited[scope]:
                del self._awaited[scope]
                self.stir()

    def put(self, key: tuple[Scope, bool], link: Link) -> None:
        """In a place that was taken for it."""
        self.links[key] = link
        self.stir()  # nobody may wait for it any more

    async def place(self) -> None:
        """Takes one: the oldest without a call gives way where there are too many. Raises RpcError where all have
        one."""
        while self.taken >= self.most:
            idle = [key for key, link in self.links.items() if not link.flying and key[0] not in self._awaited]
            if idle:
                await self._give_way(self.links.pop(next((key for key in idle if not self.links[key].uris), idle[0])))
            elif self.taken < self.busy_most:
                break
            elif len(self.links) == self.taken and all(link.flying for link in self.links.values()):
                told = f"The MCP server {self._name!r} has calls under way on all of its {self.busy_most} links"
                raise too_many(f"{told}, and no room for more", PARALLEL_RETRY_S)
            else:
                await self.stirred()
        self.take()

    async def _give_way(self, link: Link) -> None:
        link.gave_way = True
        if link.uris and not self._warned:
            self._warned = True
            log.warning(
                "The MCP server %r has more sessions than the %d links that it may have: what is subscribed to by "
                "one that gives way is not heard of until its session asks again",
                self._name,
                self.most,
            )
        await asyncio.wait((self._close(link),))

    def forget(self, link: Link) -> None:
        self.links = {key: one for key, one in self.links.items() if one is not link}

    def clear(self) -> list[Link]:
        """All."""
        links = list(self.links.values())
        self.links.clear()
        return links
