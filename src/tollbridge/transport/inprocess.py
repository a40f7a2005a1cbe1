"""A transport without a network: a function stands where a provider would. The offline provider and mocked answers use
it, so that everything above the seam is the same as with a real one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any

import msgspec

from tollbridge.errors import APIConnectionError, BadGatewayError
from tollbridge.transport.base import ByChunks, Incoming, Outgoing, Timeouts, Transport


class Reply(msgspec.Struct, frozen=True):
    """What the function answers. `pause_s`: between two pieces, so that a stream can be watched."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    pieces: Iterable[bytes]
    pause_s: float = 0.0


Answerer = Callable[[Outgoing], Reply]


class InProcessIncoming(ByChunks):
    """`transport.base.Incoming` over a Reply."""

    def __init__(self, reply: Reply) -> None:
        self.status = reply.status
        self.headers = list(reply.headers)
        self._pieces = iter(reply.pieces)
        self._pause_s = reply.pause_s
        self._began = False
        self._aborted = False

    def header(self, name: bytes) -> bytes | None:
        return next((value for key, value in self.headers if key == name), None)

    async def read(self, limit: int) -> bytes:
        body = b"".join(self._pieces)
        if len(body) > limit:
            raise BadGatewayError(f"The answer has more than {limit} bytes.", code="upstream_too_large")
        return body

    async def chunk(self) -> bytes:
        if self._aborted:
            raise APIConnectionError("The exchange was given up.", code="aborted")
        if self._began and self._pause_s:
            await asyncio.sleep(self._pause_s)
        self._began = True
        return next(self._pieces, b"")

    def abort(self) -> None:
        self._aborted = True


class InProcess:
    """`transport.base.Transport` over a function."""

    def __init__(self, answer: Answerer) -> None:
        self._answer = answer

    async def send(self, request: Outgoing, timeouts: Timeouts) -> Incoming:
        while request.flow is not None and await request.flow():
            pass
        return InProcessIncoming(self._answer(request))

    async def close(self) -> None:
        """Holds nothing."""


class ByHost:
    """Sends to the transport of the request's host, else to `otherwise`."""

    def __init__(self, hosts: Mapping[str, Transport], otherwise: Transport) -> None:
        self._hosts = dict(hosts)
        self._otherwise = otherwise

    def add(self, host: str, transport: Transport) -> None:
        self._hosts[host] = transport

    def send(self, request: Outgoing, timeouts: Timeouts) -> Coroutine[Any, Any, Incoming]:
        return self._hosts.get(request.origin.host, self._otherwise).send(request, timeouts)

    async def close(self) -> None:
        for transport in (*self._hosts.values(), self._otherwise):
            await transport.close()
