"""A stream in the Responses format whose response is kept: its last event holds the whole of it, and is handed on when
that is written down."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from tollbridge.calls.heard import Heard
from tollbridge.calls.streams import Stream
from tollbridge.errors import APIError
from tollbridge.model.response import Caveat
from tollbridge.wires.tap import Along, pieces

_ENDS = (b'"response.completed"', b'"response.incomplete"')


class _Event(msgspec.Struct):
    type: str
    response: msgspec.Raw = msgspec.Raw()


_event = msgspec.json.Decoder(_Event).decode


class KeptStream:
    """`keep`: is given the response as JSON, once."""

    def __init__(self, stream: Stream, keep: Callable[[bytes], Awaitable[None]]) -> None:
        self._stream = stream
        self._keep = keep

    @property
    def broken(self) -> APIError | None:
        return self._stream.broken

    @property
    def closing(self) -> bool:
        return self._stream.closing

    @property
    def ended(self) -> bool:
        return self._stream.ended

    @property
    def said(self) -> Along:
        return self._stream.said

    @property
    def exact(self) -> bool:
        return self._stream.exact

    def heard(self) -> Heard:
        return self._stream.heard()

    @property
    def caveats(self) -> tuple[Caveat, ...]:
        return self._stream.caveats

    async def begin(self, first: bytes) -> None:
        await self._stream.begin(first)

    async def next(self) -> bytes:
        block = await self._stream.next()
        if any(block.find(end) >= 0 for end in _ENDS):
            response = _ended(block)
            if response is not None:
                await self._keep(response)
        return block

    def fail(self, error: APIError) -> bytes:
        return self._stream.fail(error)

    def abort(self) -> None:
        self._stream.abort()


def _ended(block: bytes) -> bytes | None:
    """The response of the event that ends the stream; None where a text only looks like one."""
    for event, data in pieces(block):
        if data and any(end in event for end in _ENDS):
            told = _event(data)
            if told.type in ("response.completed", "response.incomplete"):
                return bytes(told.response)
    return None
