"""Streams that are one JSON array (`wires.json_array`): a provider's that ignored what was asked for, and a client's
that did not ask for events. In between, everything is events."""

from __future__ import annotations

from tollbridge.calls.streams import Stream
from tollbridge.calls.wrapped_stream import WrappedStream
from tollbridge.errors import APIError
from tollbridge.transport.base import ByChunks, Incoming
from tollbridge.wires import sse
from tollbridge.wires.json_array import ItemParser, Listing
from tollbridge.wires.tap import pieces

_ONE_LINE = bytes.maketrans(b"\r\n", b"  ")  # between tokens alone, in JSON


class Unlisted(ByChunks):
    """A provider's answer whose body is an array, as one whose body is events."""

    def __init__(self, incoming: Incoming) -> None:
        self._incoming = incoming
        self._items = ItemParser()
        self._over = False
        self.status = incoming.status
        self.headers = incoming.headers

    def header(self, name: bytes) -> bytes | None:
        return self._incoming.header(name)

    async def read(self, limit: int) -> bytes:
        return await self._incoming.read(limit)

    async def chunk(self) -> bytes:
        """At least one whole event; b"" at the end of the array. Raises Truncated where that never came."""
        while not self._over:
            data = await self._incoming.chunk()
            if not data:
                self._over = True
                self._items.close()
            elif events := self.events(data):
                return events
        return b""

    def events(self, data: bytes) -> bytes:
        return b"".join([sse.write(item.translate(_ONE_LINE)) for item in self._items.feed(data)])

    def abort(self) -> None:
        self._incoming.abort()


async def unlisted(incoming: Incoming, first: bytes) -> tuple[Incoming, bytes]:
    """The same answer as events, and the first of them. `first`: what was read of it already."""
    wrapped = Unlisted(incoming)
    return wrapped, wrapped.events(first) or await wrapped.chunk()


def as_list(block: bytes) -> bytes:
    """Events as one array."""
    listing = Listing()
    return b"".join([listing.item(data) for _, data in pieces(block) if data]) + listing.end()


class ListedStream(WrappedStream):
    """A stream of events in the client's dialect, told as one array."""

    def __init__(self, stream: Stream) -> None:
        super().__init__(stream)
        self._listing = Listing()
        self._over = False

    @property
    def closing(self) -> bool:
        return self._over

    @property
    def ended(self) -> bool:
        return self._over and self._stream.ended

    async def next(self) -> bytes:
        while not self._over:
            block = await self._stream.next()
            listed = self._listed(block)
            if not block:
                self._over = True
                return listed + self._listing.end()
            if listed:
                return listed
        return b""

    def fail(self, error: APIError) -> bytes:
        self._over = True
        return self._listed(self._stream.fail(error)) + self._listing.end()

    def _listed(self, block: bytes) -> bytes:
        return b"".join([self._listing.item(data) for _, data in pieces(block) if data])
