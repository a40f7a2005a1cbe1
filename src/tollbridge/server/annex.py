"""Routes of a room that few gateways need: it is loaded by the first request that asks there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from tollbridge.server.routes import Route


class Annex:
    """`holds`: whether a path may be one of its; where it says so of another, the room is loaded for nothing. `load`:
    gives the routes; raises APIError where they cannot be had now, and is asked again by the next request."""

    def __init__(self, holds: Callable[[str], bool], load: Callable[[], Awaitable[Sequence[Route]]]) -> None:
        self.holds = holds
        self.routes: Sequence[Route] = ()
        self.opened = False
        self._load = load
        self._opening = asyncio.Lock()

    async def open(self) -> None:
        """Raises APIError. Whoever comes meanwhile waits."""
        async with self._opening:
            if not self.opened:
                self.routes = await self._load()
                self.opened = True


def known(routes: Sequence[Route | Annex]) -> list[Route]:
    """Those that can be asked now, in their order."""
    return [route for one in routes for route in (one.routes if isinstance(one, Annex) else (one,))]
