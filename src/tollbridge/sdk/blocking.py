"""An async iterator of the background loop, read from another thread.

A pump on the loop reads the source and is at most `AHEAD` items before the reader: it spends a credit per item, and the
reader gives credits back in batches, so that neither side wakes the other for each item. The end, an error and a
cancellation all arrive as the pump itself, last in the queue. Closing, interrupting or dropping the iterator cancels
the pump and closes the source.
"""

from __future__ import annotations

import asyncio
import queue
import weakref
from typing import Generic, Protocol, Self, TypeVar

from tollbridge.errors import APIConnectionError
from tollbridge.sdk.loop import BackgroundLoop

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

AHEAD = 64


class Source(Protocol[T_co]):
    """An async generator, or what behaves like one. `aclose` may come at any time, and twice."""

    def __aiter__(self) -> Source[T_co]: ...
    async def __anext__(self) -> T_co: ...
    async def aclose(self) -> None: ...


class BlockingIterator(Generic[T]):
    def __init__(self, source: Source[T], background: BackgroundLoop) -> None:
        self._background = background
        self._loop = background.loop
        self._items: queue.SimpleQueue[T | asyncio.Task[None]] = queue.SimpleQueue()
        self._credit = asyncio.Semaphore(AHEAD)
        self._owed = 0
        self._source = source
        self._pump = background.run(_start(source, self._items, self._credit))
        self._dropped = weakref.finalize(self, _drop, background, self._loop, self._pump, source)
        self._dropped.atexit = False  # the loop cancels what is left when it ends

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        item = self._wait()
        if isinstance(item, asyncio.Task):
            self._items.put(item)  # asked again, it has ended again
            self._dropped.detach()
            if not item.cancelled():
                item.result()
            raise StopIteration
        self._owed += 1
        if self._owed == AHEAD // 2 and not self._pump.done():
            self._loop.call_soon_threadsafe(_give_back, self._credit, self._owed)
            self._owed = 0
        return item

    def close(self) -> None:
        """Cancel the source, and return when it is closed. What was read ahead is gone."""
        if self._dropped.detach() is not None and self._background.is_running(self._loop):
            self._background.run(_close(self._pump, self._source))
        self._items = queue.SimpleQueue()
        self._items.put(self._pump)

    def _wait(self) -> T | asyncio.Task[None]:
        if not self._pump.done() and not self._background.is_running(self._loop):
            raise APIConnectionError(
                "This stream was opened before a fork and its connection belongs to the parent; open it in the child."
            )
        try:
            return self._items.get()
        except BaseException:  # KeyboardInterrupt, or whatever else a signal's handler raised into the waiting thread
            self.close()
            raise


async def _start(
    source: Source[T], items: queue.SimpleQueue[T | asyncio.Task[None]], credit: asyncio.Semaphore
) -> asyncio.Task[None]:
    async def pump() -> None:
        async for item in source:
            items.put(item)
            await credit.acquire()

    def ended(task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            task.exception()  # seen: nobody may come for it
        items.put(task)

    task = asyncio.create_task(pump())
    task.add_done_callback(ended)
    return task


def _give_back(credit: asyncio.Semaphore, owed: int) -> None:
    for _ in range(owed):
        credit.release()


async def _close(pump: asyncio.Task[None], source: Source[object]) -> None:
    pump.cancel()
    await asyncio.wait([pump])
    await source.aclose()


def _drop(
    background: BackgroundLoop, loop: asyncio.AbstractEventLoop, pump: asyncio.Task[None], source: Source[object]
) -> None:
    if background.is_running(loop):
        asyncio.run_coroutine_threadsafe(_close(pump, source), loop)
