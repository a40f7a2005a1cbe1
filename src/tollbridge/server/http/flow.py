"""The body of a request that is handed on as it arrives, with what arrived and was not taken yet.

    connection  --take-->  Flow  --next-->  handler

It is a `body.Sink` on one side and `inbound.Flow` on the other. Where more than `HIGH_WATER` bytes wait, the connection
stops reading until they are taken: a client is never faster than who reads it. It ends once: `end`, or `fail` with the
reason, which is raised after what came before it, each time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tollbridge.server.http.body import too_large

HIGH_WATER = 256 * 1024


class Flow:
    def __init__(
        self, loop: asyncio.AbstractEventLoop, limit: int, length: int | None, resume: Callable[[], None]
    ) -> None:
        """`resume`: called where reading had stopped and may go on."""
        self.length = length
        self._loop = loop
        self._limit = limit
        self._resume = resume
        self._pieces: list[bytes] = []
        self._held = self._size = 0
        self._over = False
        self._error: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None

    # the connection's side

    @property
    def full(self) -> bool:
        return self._held > HIGH_WATER

    def take(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > self._limit:
            raise too_large(self._limit)
        if data:
            self._pieces.append(data)
            self._held += len(data)
            self._wake()

    def content(self) -> bytes:
        return b""

    def end(self) -> None:
        self._over = True
        self._wake()

    def fail(self, error: Exception) -> None:
        if not self._over and self._error is None:
            self._error = error
            self._wake()

    # the handler's side

    async def next(self) -> bytes:
        while not self._pieces:
            if self._error is not None:
                raise self._error
            if self._over:
                return b""
            self._waiter = self._loop.create_future()
            await self._waiter
        data = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces.clear()
        was_full, self._held = self.full, 0
        if was_full and not self._over:
            self._resume()
        return data

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)
