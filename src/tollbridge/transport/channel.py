"""A WebSocket connection, whichever end it is: messages in and out over an asyncio transport that is there already.

    await channel.receive()    the next message; raises Closed when there is none any more
    await channel.send(text)   returns when the other end keeps up
    channel.close(code)

Rules
1. What was received and not taken is bounded: above `HIGH_WATER` bytes the socket is not read. What is sent waits where
   the socket is full.
2. A ping is answered by itself. In a silence of `ping_s` one is sent; where nothing comes for as long again, the other
   end is gone.
3. After a close frame from either end nothing is sent; the socket is closed at once where the other end is a server's,
   else when it closed, or after a moment.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import cast

from tollbridge.transport.frames import (
    BINARY,
    CLOSE,
    GOING_AWAY,
    NO_CODE,
    PING,
    PONG,
    PROTOCOL,
    TEXT,
    Frame,
    Frames,
    Malformed,
    write_close,
    write_frame,
)

HIGH_WATER = 1024 * 1024
FRAME_BYTES = 128
"""What a message takes besides its bytes: empty ones are held too."""
CLOSE_S = 2.0
ABNORMAL = 1006
_UNTELLABLE = frozenset({NO_CODE, ABNORMAL, 1015})


class Closed(Exception):
    """`code`, `reason`: of the close frame that came, or ABNORMAL where there was none."""

    def __init__(self, code: int, reason: str = "") -> None:
        super().__init__(f"the WebSocket is closed: {code} {reason}".rstrip())
        self.code = code
        self.reason = reason

    @property
    def tellable(self) -> int:
        """The code as the end of another connection may be told it."""
        return GOING_AWAY if self.code in _UNTELLABLE else self.code


class Channel(asyncio.Protocol):
    def __init__(self, loop: asyncio.AbstractEventLoop, *, client: bool, limit: int, ping_s: float = 20.0) -> None:
        """`client`: we are. `limit`: bytes of a message. `said`: with what we closed, where we were the first."""
        self._loop = loop
        self._client = client
        self._frames = Frames(limit, masked=not client)
        self._ping_s = ping_s
        self._messages: deque[Frame] = deque()
        self._held = 0
        self._paused = self._full = self._said_close = False
        self._closed: Closed | None = None
        self.said: Closed | None = None
        self._wakes: set[asyncio.Future[None]] = set()
        self._heard = loop.time()
        self._timer: asyncio.TimerHandle | None = None
        self.transport: asyncio.Transport | None = None

    # the owner's side

    @property
    def closed(self) -> Closed | None:
        """Why nothing more comes."""
        return self._closed

    async def receive(self) -> Frame:
        """A message, TEXT or BINARY."""
        while not self._messages:
            if self._closed is not None:
                raise self._closed
            await self._wait()
        message = self._messages.popleft()
        self._held -= len(message.data) + FRAME_BYTES
        if self._paused and self._held <= HIGH_WATER // 2 and self.transport is not None:
            self._paused = False
            self.transport.resume_reading()
        return message

    async def send(self, data: bytes, kind: int = TEXT) -> None:
        """Raises Closed."""
        while self._full and self._closed is None and not self._said_close:
            await self._wait()
        if self._closed is not None:
            raise self._closed
        if self._said_close or self.transport is None:
            raise Closed(ABNORMAL)
        self.transport.write(write_frame(kind, data, masked=self._client))

    def close(self, code: int, reason: str = "") -> None:
        transport = self.transport
        if transport is None or transport.is_closing():
            return
        if not self._said_close:
            self._said_close = True
            if self._closed is None:
                self.said = Closed(code, reason)
            transport.write(write_close(NO_CODE if code in _UNTELLABLE else code, reason, masked=self._client))
        if self._closed is None:
            self._loop.call_later(CLOSE_S, transport.abort)
        elif not self._client:
            transport.close()
        self._wake()

    async def gone(self) -> None:
        """Until the other end has closed."""
        while self._closed is None:
            await self._wait()

    # the transport's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._timer = self._loop.call_later(self._ping_s, self._tick)

    def data_received(self, data: bytes) -> None:
        self._heard = self._loop.time()
        if self._closed is not None:
            return
        try:
            for frame in self._frames.feed(data):
                self._take(frame)
                if frame.kind == CLOSE:
                    return
        except Malformed as error:
            self._end(Closed(error.code if error.code else PROTOCOL, str(error)))
            self.close(error.code, str(error))
            return
        if self._held > HIGH_WATER and not self._paused and self.transport is not None:
            self._paused = True
            self.transport.pause_reading()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._end(Closed(ABNORMAL))

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        self._wake()

    def _take(self, frame: Frame) -> None:
        if frame.kind in (TEXT, BINARY):
            self._messages.append(frame)
            self._held += len(frame.data) + FRAME_BYTES
            self._wake()
        elif frame.kind == PING and not self._said_close and self.transport is not None and not self._full:
            self.transport.write(write_frame(PONG, frame.data, masked=self._client))
        elif frame.kind == CLOSE:
            self._end(Closed(frame.code, frame.data.decode()))
            self.close(frame.code, "")

    def _tick(self) -> None:
        silent = self._loop.time() - self._heard
        if self.transport is None or self.transport.is_closing():
            return
        if silent > 2 * self._ping_s and not self._paused:
            self.transport.abort()
            return
        if silent >= self._ping_s and not self._said_close and not self._full:
            self.transport.write(write_frame(PING, b"", masked=self._client))
        self._timer = self._loop.call_later(self._ping_s, self._tick)

    def _end(self, closed: Closed) -> None:
        if self._closed is None:
            self._closed = closed
            self._wake()

    async def _wait(self) -> None:
        waiter = self._loop.create_future()
        self._wakes.add(waiter)
        try:
            await waiter
        finally:
            self._wakes.discard(waiter)

    def _wake(self) -> None:
        for waiter in self._wakes:
            if not waiter.done():
                waiter.set_result(None)
