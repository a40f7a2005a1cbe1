"""Streams in another framing than server-sent events, as such: behind this, all are alike. AWS's frames
(`wires.aws_events`), and one JSON array (`wires.json_array`) of a provider that ignored what was asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from tollbridge.transport.base import ByChunks, Incoming
from tollbridge.wires import sse
from tollbridge.wires.aws_events import FrameParser, as_events
from tollbridge.wires.json_array import ItemParser

T = TypeVar("T")
_ONE_LINE = bytes.maketrans(b"\r\n", b"  ")  # between tokens alone, in JSON


class Parser(Protocol[T]):
    """`close` raises Truncated where the stream ended inside of something."""

    def feed(self, data: bytes) -> list[T]: ...
    def close(self) -> None: ...


class AsEvents(ByChunks, Generic[T]):
    """A provider's answer in some framing, as one whose body is events."""

    def __init__(self, incoming: Incoming, parser: Parser[T], as_event: Callable[[T], bytes]) -> None:
        self._incoming = incoming
        self._parser = parser
        self._as_event = as_event
        self._over = False
        self.status = incoming.status
        self.headers = incoming.headers

    def header(self, name: bytes) -> bytes | None:
        return self._incoming.header(name)

    async def read(self, limit: int) -> bytes:
        return await self._incoming.read(limit)

    async def chunk(self) -> bytes:
        """At least one whole event; b"" at the end. Raises Truncated where that is inside of something."""
        while not self._over:
            data = await self._incoming.chunk()
            if not data:
                self._over = True
                self._parser.close()
            elif events := self.events(data):
                return events
        return b""

    def events(self, data: bytes) -> bytes:
        return b"".join([self._as_event(one) for one in self._parser.feed(data)])

    def abort(self) -> None:
        self._incoming.abort()


async def unframed(incoming: Incoming, first: bytes) -> tuple[Incoming, bytes]:
    """Of frames: the same answer as events, and the first of them. `first`: what was read of it already."""
    return await _begun(AsEvents(incoming, FrameParser(), as_events), first)


async def unlisted(incoming: Incoming, first: bytes) -> tuple[Incoming, bytes]:
    """As `unframed`, of an array."""
    return await _begun(AsEvents(incoming, ItemParser(), _event), first)


async def _begun(answer: AsEvents[T], first: bytes) -> tuple[Incoming, bytes]:
    return answer, answer.events(first) or await answer.chunk()


def _event(item: bytes) -> bytes:
    return sse.write(item.translate(_ONE_LINE))
