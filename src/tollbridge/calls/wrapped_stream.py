"""A stream around another, which answers for it: what a wrapper changes it overrides."""

from __future__ import annotations

from tollbridge.calls.heard import Heard
from tollbridge.calls.streams import ByNext, Stream
from tollbridge.errors import APIError
from tollbridge.model.response import Caveat
from tollbridge.wires.tap import Along


class WrappedStream(ByNext):
    def __init__(self, stream: Stream) -> None:
        self._stream = stream

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
        return await self._stream.next()

    def fail(self, error: APIError) -> bytes:
        return self._stream.fail(error)

    def abort(self) -> None:
        self._stream.abort()
