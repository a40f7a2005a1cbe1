"""An answer of which somebody has looked at the beginning."""

from __future__ import annotations

from tollbridge.transport.base import ByChunks, Incoming


class Begun(ByChunks):
    """`transport.base.Incoming`, with the first piece that was taken of it."""

    def __init__(self, incoming: Incoming, first: bytes) -> None:
        self._incoming = incoming
        self._first = first
        self.status = incoming.status
        self.headers = incoming.headers

    def header(self, name: bytes) -> bytes | None:
        return self._incoming.header(name)

    async def read(self, limit: int) -> bytes:
        first, self._first = self._first, b""
        return first + await self._incoming.read(limit)

    async def chunk(self) -> bytes:
        first, self._first = self._first, b""
        return first or await self._incoming.chunk()

    def abort(self) -> None:
        self._incoming.abort()
