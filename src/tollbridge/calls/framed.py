"""Streams in AWS's frames (`wires.aws_events`), as streams of server-sent events: behind this, all are alike."""

from __future__ import annotations

from tollbridge.transport.base import ByChunks, Incoming
from tollbridge.wires.aws_events import FrameParser, as_events


class Unframed(ByChunks):
    """A provider's answer whose body is frames, as one whose body is events."""

    def __init__(self, incoming: Incoming) -> None:
        self._incoming = incoming
        self._frames = FrameParser()
        self._over = False
        self.status = incoming.status
        self.headers = incoming.headers

    def header(self, name: bytes) -> bytes | None:
        return self._incoming.header(name)

    async def read(self, limit: int) -> bytes:
        return await self._incoming.read(limit)

    async def chunk(self) -> bytes:
        """At least one frame's events; b"" at the end. Raises Truncated where that is inside a frame."""
        while not self._over:
            data = await self._incoming.chunk()
            if not data:
                self._over = True
                self._frames.close()
            elif events := self.events(data):
                return events
        return b""

    def events(self, data: bytes) -> bytes:
        return b"".join([as_events(frame) for frame in self._frames.feed(data)])

    def abort(self) -> None:
        self._incoming.abort()


async def unframed(incoming: Incoming, first: bytes) -> tuple[Incoming, bytes]:
    """The same answer as events, and the first of them. `first`: what was read of it already."""
    wrapped = Unframed(incoming)
    return wrapped, wrapped.events(first) or await wrapped.chunk()
