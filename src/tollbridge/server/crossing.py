"""A responder that adds the CORS headers to every answer."""

from __future__ import annotations

from collections.abc import Callable

from tollbridge.server.inbound import Headers, Responder


class CrossingResponder:
    """Everything is the inner responder's but the head of the answer."""

    def __init__(self, inner: Responder, extra: Headers) -> None:
        self._inner = inner
        self._extra = tuple(extra)

    @property
    def started(self) -> bool:
        return self._inner.started

    @property
    def gone(self) -> bool:
        return self._inner.gone

    def reply(self, status: int, headers: Headers, body: bytes) -> None:
        self._inner.reply(status, (*headers, *self._extra), body)

    def start(self, status: int, headers: Headers) -> None:
        self._inner.start(status, (*headers, *self._extra))

    def write(self, data: bytes) -> None:
        self._inner.write(data)

    async def drain(self) -> None:
        await self._inner.drain()

    def finish(self) -> None:
        self._inner.finish()

    def abort(self) -> None:
        self._inner.abort()

    def on_gone(self, callback: Callable[[], None] | None) -> None:
        self._inner.on_gone(callback)
