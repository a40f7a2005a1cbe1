"""One answer under way: what the connection has read and the consumer has not taken yet.

    connection  --pieces-->  Exchange  --chunk / read / pour-->  consumer

The connection fills (`pieces`, `status`, `headers`), then ends the exchange once: `complete` or `fail`. What came
before a failure is still handed out; then the failure is raised, each time. After `abort` nothing is handed out.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

import msgspec

from tollbridge.errors import APIError
from tollbridge.transport.base import Origin, Take
from tollbridge.transport.decode import Decoder, decoded_chunk
from tollbridge.transport.failures import failure

HIGH_WATER = 256 * 1024  # bytes from the socket that wait here before reading is paused; one read gives 256 KiB at most


class Source(Protocol):
    """What an exchange asks of its connection."""

    paused: bool

    def resume(self) -> None: ...
    def give_up(self) -> None: ...


class Exchange(msgspec.Struct, eq=False):
    """`Incoming` over one of our own connections.

    `source`: None once the connection is done with us. `status`: 0 until the head of the final answer is here.
    `buffered`: bytes read for `pieces`, framing included. `stale`: a kept connection died before it answered; nothing
    was done, try a fresh one."""

    _loop: asyncio.AbstractEventLoop
    origin: Origin
    source: Source | None
    status: int = 0
    headers: list[tuple[bytes, bytes]] = []
    pieces: list[bytes] = []
    buffered: int = 0
    complete: bool = False
    error: APIError | None = None
    stale: bool = False
    decoder: Decoder | None = None
    _waiter: asyncio.Future[bool] | None = None  # its result: the taker wants no more
    _taker: Take | None = None

    __repr__ = object.__repr__

    # --- the consumer's side

    def header(self, name: bytes) -> bytes | None:
        for key, value in self.headers:
            if key == name:
                return value
        return None

    async def read(self, limit: int) -> bytes:
        if self.complete and self.decoder is None:
            pieces = self.pieces
            body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
            pieces.clear()
        else:
            body = await self._collect(limit)
        if len(body) > limit:
            raise failure("upstream_too_large", self.origin, detail=str(limit))
        return body

    async def _collect(self, limit: int) -> bytes:
        promised = self.header(b"content-length")
        if promised is not None and int(promised) > limit:
            self.abort()
            raise failure("upstream_too_large", self.origin, detail=str(limit))
        pieces: list[bytes] = []
        size = 0
        while size <= limit and (piece := await self.chunk()):
            pieces.append(piece)
            size += len(piece)
        if size > limit:
            self.abort()
        return b"".join(pieces)

    async def chunk(self) -> bytes:
        if self.decoder is None:
            # `_next` and `wait` in place: two coroutines less for each event of a stream
            while not self.pieces:
                if self.error is not None:
                    raise self.error
                if self.complete:
                    return b""
                self._waiter = waiter = self._loop.create_future()
                try:
                    await waiter
                except asyncio.CancelledError:
                    self.abort()
                    raise
            return self._take()
        try:
            return await decoded_chunk(self.decoder, self._next)
        except APIError:
            self.abort()
            raise

    async def pour(self, take: Take) -> None:
        if self.decoder is not None:
            while (data := await self.chunk()) and take(data):
                pass
            return
        while not self.pieces or take(self._take()):
            if self.error is not None:
                raise self.error
            if self.complete:
                return
            self._waiter = waiter = self._loop.create_future()
            self._taker = take
            try:
                if await waiter:
                    return
            except asyncio.CancelledError:
                self.abort()
                raise
            finally:
                self._taker = None

    def abort(self) -> None:
        source = self.source
        if source is not None:
            source.give_up()
            self.pieces.clear()
            self.fail(failure("aborted", self.origin))

    # --- the connection's side

    def wake(self) -> None:
        waiter = self._waiter
        if waiter is None:
            return
        enough = False
        pieces = self.pieces
        if self._taker is not None and pieces and not waiter.done():
            try:
                if len(pieces) == 1 and self.source is not None and not self.source.paused:  # `_take`, in place
                    self.buffered = 0
                    enough = not self._taker(pieces.pop())
                else:
                    enough = not self._taker(self._take())
            except Exception as error:  # noqa: BLE001  # it is raised where it is waited for
                self._waiter = None
                waiter.set_exception(error)
                return
            if not enough and not self.complete and self.error is None:
                return
        self._waiter = None
        if not waiter.done():
            waiter.set_result(enough)

    def fail(self, error: APIError) -> None:
        self.source = None
        self.error = error
        self.wake()

    # --- between the two

    def asks(self) -> bool:
        """No answer has begun, and none is out of the question: what is left of the request may be sent."""
        return self.source is not None and not self.status

    def news(self) -> asyncio.Future[bool]:
        """Done when the connection has news. One waits at a time."""
        waiter = self._waiter
        if waiter is None or waiter.done():
            waiter = self._waiter = self._loop.create_future()
        return waiter

    async def wait(self) -> None:
        """Until the connection has news. Cancelling it aborts the exchange."""
        self._waiter = waiter = self._loop.create_future()
        try:
            await waiter
        except asyncio.CancelledError:
            self.abort()
            raise

    async def _next(self) -> bytes:
        while not self.pieces:
            if self.error is not None:
                raise self.error
            if self.complete:
                return b""
            await self.wait()
        return self._take()

    def _take(self) -> bytes:
        pieces = self.pieces
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        self.buffered = 0
        source = self.source
        if source is not None and source.paused:
            source.resume()
        return data
