"""What calls share, per event loop: connections, deployments already made, which of them rest.

A desk lives as long as its loop. Nobody tells us when a foreign loop ends, but every proper end (`asyncio.run`, a
`Runner`) closes the loop's async generators: each desk keeps one suspended, whose end closes its connections. Of a loop
that was closed without, the connections are dropped when the next desk opens.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

from tollbridge.assemble.offline import offline
from tollbridge.providers.table import DEMO_HOST
from tollbridge.routing.health import Health, Rules
from tollbridge.sdk.deployments import Deployments, Kept
from tollbridge.transport.inprocess import ByHost, InProcess

if TYPE_CHECKING:
    from tollbridge.calls.place import Place as Keeper
    from tollbridge.transport.base import Incoming, Outgoing, Timeouts, Transport


class Desk:
    """`health`: for calls that can go elsewhere. `forgiving`: for those that cannot: who names one model wants it to
    be asked, whatever happened a second ago."""

    def __init__(self) -> None:
        self.transport = ByHost({DEMO_HOST: InProcess(offline())}, Network())
        self.deployments = Deployments(os.environ)
        self.keepers: Kept[Keeper] | None = None  # made by the first call for a file: `keeping.py`
        self.health = Health(Rules())
        self.forgiving = Health(Rules(enabled=False))


class Network:
    """`transport.base.Transport` that is made with the first request that leaves the process, under the proxies that
    the environment names then."""

    def __init__(self) -> None:
        self._made: Transport | None = None

    async def send(self, request: Outgoing, timeouts: Timeouts) -> Incoming:
        if self._made is None:
            # imported here: a third of the start-up time, and mocks and the demo never come by
            from tollbridge.transport.select import transport_for

            self._made = transport_for(os.environ)
        return await self._made.send(request, timeouts)

    async def close(self) -> None:
        if self._made is not None:
            await self._made.close()


class Desks:
    def __init__(self) -> None:
        self._open: dict[asyncio.AbstractEventLoop, tuple[Desk, AsyncGenerator[None, None]]] = {}

    async def here(self) -> Desk:
        """The desk of the running loop."""
        loop = asyncio.get_running_loop()
        found = self._open.get(loop)
        if found is not None:
            return found[0]
        for other in list(self._open):  # a copy: other threads open and close theirs meanwhile
            if other.is_closed():
                self._open.pop(other, None)
        desk = Desk()
        life = self._live(loop, desk)
        self._open[loop] = desk, life
        await anext(life)
        return desk

    async def _live(self, loop: asyncio.AbstractEventLoop, desk: Desk) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            self._open.pop(loop, None)
            await desk.transport.close()


DESKS = Desks()  # one a process, as the loops are
