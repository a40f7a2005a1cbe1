"""The answer to one request of an MCP client: one JSON object, or a stream where something is to be said before it.

    out = Outflow(responder, beats)
    out.say(message)            a notification, or a request of the server: begins the stream
    out.finish(message, 200)    the answer, in whichever form has begun

`store(message)` gives the event an id, where the stream may be resumed by it. A stream that is silent for `BEATS` of
`BEAT_S` has a comment in it; an answer that takes that long begins as a stream, where the client takes one. A client
that lost the stream may come back for the rest of it (`resume`).

Where a server has a stream for each call, nothing more of it is read while its client is behind (`room`). Of what
comes by a stream that others share, a client that does not read has at most `BEHIND_MAX` waiting: progress and log
lines beyond that are left out, and for anything else the stream is broken off. An answer is always written.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable

from tollbridge.mcp.jsonrpc import encode
from tollbridge.mcp.rounds import Rounds
from tollbridge.mcp.sse import COMMENT, write_event
from tollbridge.model.json import Json, JsonObject
from tollbridge.server.inbound import ClientGone, Responder

log = logging.getLogger("tollbridge.mcp")

BEAT_S = 5.0
BEATS = 3
JSON_TYPE = (b"content-type", b"application/json")
STREAM = ((b"content-type", b"text/event-stream"), (b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no"))

Store = Callable[[bytes], str]

BEHIND, BEHIND_MAX = 64 * 1024, 1024 * 1024
"""Bytes from which on it is looked at whether the client reads, and that may wait for it."""
SPARED = frozenset({"notifications/progress", "notifications/message"})
"""What a slow client can do without."""


class Outflow:
    """`beats`: goes round all answers under way, every `BEAT_S`. `streams`: the client takes a stream. `store`: None
    gives events no ids. `retry_ms`: begins a stream with an event that only has an id, by which it can be resumed.
    `lost`: called where the stream is broken off from here."""

    def __init__(
        self,
        responder: Responder,
        beats: Rounds,
        *,
        streams: bool = True,
        store: Store | None = None,
        retry_ms: int | None = None,
        lost: Callable[[], None] | None = None,
    ) -> None:
        self._responder = responder
        self._beats = beats
        self._quiet = 0
        self.streams = streams
        self._store = store
        self._retry_ms = retry_ms
        self._lost = lost
        self.broken = False
        self._ended = False
        self._over: asyncio.Future[None] | None = None
        self._behind = 0
        self._draining: asyncio.Task[None] | None = None
        self._spared = 0
        if streams:
            beats.join(self)

    @property
    def streaming(self) -> bool:
        return self._responder.started

    @property
    def gone(self) -> bool:
        return self._responder.gone

    def begin(self) -> None:
        """As a stream."""
        if self._responder.started:
            return
        self._responder.start(200, STREAM)
        if self._retry_ms is not None and self._store is not None:
            self._responder.write(write_event(b"", id=self._store(b""), retry_ms=self._retry_ms))

    def resume(self, responder: Responder, missed: Iterable[tuple[str, bytes]]) -> None:
        """The client came back, on another connection. `missed`: (id, data) of events that it did not get."""
        former, self._responder = self._responder, responder
        if not former.gone:
            former.finish()
        self._behind = 0
        responder.start(200, STREAM)
        for id, data in missed:
            responder.write(write_event(data, id=id))
        self._restart()

    def say(self, message: JsonObject) -> None:
        """Nothing where the client takes no stream."""
        if not self.streams or self._ended:
            return
        if self._behind > BEHIND_MAX:
            self._spare(message)
            return
        self.begin()
        self._write(message)

    def room(self) -> asyncio.Future[None] | None:
        """None; or, of a client that is behind, what is done when it has read, or left."""
        return self._draining

    def finish(self, message: Json, status: int = 200) -> None:
        """`status`: where the answer is one JSON object."""
        if self._ended:
            return
        self._ended = True
        self._beats.leave(self)
        if self._responder.started:
            self._write(message)
            self._responder.finish()
            self._leave()
        else:
            self._responder.reply(status, (JSON_TYPE,), encode(message))

    def end(self, *, broken: bool = False) -> None:
        """Of a stream without an answer. `broken`: the client sees that more was to come."""
        if not self._ended:
            self._ended = True
            self._beats.leave(self)
            self.broken = broken
            if broken:
                self._responder.abort()
                if self._lost is not None:
                    self._lost()
            elif self._responder.started:
                self._responder.finish()
        self._leave()

    async def until_over(self) -> None:
        """Until the client leaves, or `end`."""
        if self._ended:
            return
        self._over = asyncio.get_running_loop().create_future()
        self._responder.on_gone(self._leave)
        try:
            await self._over
        finally:
            self._responder.on_gone(None)
            self._beats.leave(self)

    def _leave(self) -> None:
        if self._over is not None and not self._over.done():
            self._over.set_result(None)

    def write(self, event: bytes) -> None:
        """An event as it was written before."""
        self.begin()
        self._responder.write(event)

    def _write(self, message: Json) -> None:
        data = encode(message)
        event = write_event(data, id=None if self._store is None else self._store(data))
        self._responder.write(event)
        self._behind += len(event)
        if self._behind > BEHIND and self._draining is None and not self._ended:
            self._draining = asyncio.ensure_future(self._drained())
        self._restart()

    async def _drained(self) -> None:
        """A client that reads is never behind."""
        responder = self._responder
        try:
            await responder.drain()
        except ClientGone:
            return
        finally:
            self._draining = None
        if responder is self._responder:
            self._behind = 0

    def _spare(self, message: JsonObject) -> None:
        if message.get("method") in SPARED:
            self._spared += 1
            if self._spared == 1:
                log.warning(
                    "a client of MCP servers does not read what it is told: progress and log lines are left out"
                )
            return
        log.warning("a client of MCP servers does not read what it is told: its stream is broken off")
        self.end(broken=True)

    def tick(self) -> None:
        self._quiet += 1
        if self._responder.gone:
            self._beats.leave(self)
        elif self._quiet >= BEATS:
            self._quiet = 0
            self.begin()
            self._responder.write(COMMENT)

    def _restart(self) -> None:
        self._quiet = 0
        if self.streams and not self._ended and not self._responder.gone:
            self._beats.join(self)
