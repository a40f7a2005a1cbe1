"""Work that several want at the same moment is done once, for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class Once(Generic[K, T]):
    """By key. Used from one event loop."""

    def __init__(self) -> None:
        self._under_way: dict[K, asyncio.Future[T]] = {}

    @property
    def busy(self) -> bool:
        """Something is under way."""
        return bool(self._under_way)

    async def run(self, key: K, work: Callable[[], Awaitable[T]]) -> T:
        """Whoever comes meanwhile waits for the same, and giving up ends it for nobody else. Raises what it raises."""
        under_way = self._under_way.get(key)
        if under_way is None:
            under_way = self._under_way[key] = asyncio.ensure_future(work())
            under_way.add_done_callback(lambda done: self._ended(key, done))
        return await asyncio.shield(under_way)

    def _ended(self, key: K, under_way: asyncio.Future[T]) -> None:
        self._under_way.pop(key, None)
        if not under_way.cancelled():
            under_way.exception()  # whoever waited was told

    async def settled(self, chosen: Callable[[K], bool]) -> None:
        """Returns when what is under way of these has ended, however it does."""
        ending = [under_way for key, under_way in self._under_way.items() if chosen(key)]
        if ending:
            await asyncio.wait(ending)

    async def cancel(self) -> None:
        """Returns when all that was under way has ended."""
        ending = list(self._under_way.values())
        for under_way in ending:
            under_way.cancel()
        await asyncio.gather(*ending, return_exceptions=True)
