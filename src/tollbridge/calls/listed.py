"""Streams that are told as one JSON array (`wires.json_array`), to a client that did not ask for events."""

from __future__ import annotations

from tollbridge.calls.streams import Stream
from tollbridge.calls.wrapped_stream import WrappedStream
from tollbridge.errors import APIError
from tollbridge.wires.json_array import Listing
from tollbridge.wires.tap import pieces


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
