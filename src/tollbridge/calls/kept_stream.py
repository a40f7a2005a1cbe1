"""A stream in the Responses format whose response is kept: its last event holds the whole of it, and is handed on when
that is written down."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from tollbridge.calls.streams import Stream
from tollbridge.calls.wrapped_stream import WrappedStream
from tollbridge.wires.tap import pieces

_ENDS = (b'"response.completed"', b'"response.incomplete"')


class _Event(msgspec.Struct):
    type: str
    response: msgspec.Raw = msgspec.Raw()


_event = msgspec.json.Decoder(_Event).decode


class KeptStream(WrappedStream):
    """`keep`: is given the response as JSON, once."""

    def __init__(self, stream: Stream, keep: Callable[[bytes], Awaitable[None]]) -> None:
        super().__init__(stream)
        self._keep = keep

    async def next(self) -> bytes:
        block = await self._stream.next()
        if any(block.find(end) >= 0 for end in _ENDS):
            response = _ended(block)
            if response is not None:
                await self._keep(response)
        return block


def _ended(block: bytes) -> bytes | None:
    """The response of the event that ends the stream; None where a text only looks like one."""
    for event, data in pieces(block):
        if data and any(end in event for end in _ENDS):
            told = _event(data)
            if told.type in ("response.completed", "response.incomplete"):
                return bytes(told.response)
    return None
