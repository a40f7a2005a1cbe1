"""A request's body on its way to a provider, at the provider's pace: one that is here, in slices; one that is still
coming (`Outgoing.flow`), piece by piece. It stops where an answer or a failure comes first.
"""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

from tollbridge.transport.base import Flow, Outgoing
from tollbridge.transport.exchange import Exchange

SLICE = 256 * 1024  # a body is written in slices of this size, each when the one before is on its way


class Line(Protocol):
    """What is asked of the connection."""

    @property
    def stalled(self) -> bool: ...
    def push(self, data: bytes | memoryview) -> None: ...
    def all_sent(self) -> None: ...


def framing(request: Outgoing) -> bytes:
    """The last lines of a head, for a body that follows by and by."""
    if request.flow is None:
        return b"content-length: %d\r\n\r\n" % len(request.body)
    if request.length is None:
        return b"transfer-encoding: chunked\r\n\r\n"
    return b"content-length: %d\r\n\r\n" % request.length


async def upload(line: Line, exchange: Exchange, body: bytes) -> None:
    view = memoryview(body)
    at = 0
    while at < len(view) and exchange.asks():
        if line.stalled:
            await exchange.wait()
            continue
        line.push(view[at : at + SLICE])
        at += SLICE
    if at >= len(view):
        line.all_sent()


async def upload_flow(line: Line, exchange: Exchange, request: Outgoing) -> None:
    """Raises what the flow raises, and ValueError where it gives more or less than was promised; the exchange is given
    up then."""
    flow = request.flow
    assert flow is not None
    left = request.length
    try:
        while exchange.asks():
            piece = await _next(flow, exchange)
            if piece is None:
                return
            if left is not None:
                left -= len(piece)
                if left < 0 or (not piece and left):
                    raise ValueError("the body has another length than was said")
            while line.stalled and exchange.asks():
                await exchange.wait()
            if not exchange.asks():
                return
            if left is None:
                line.push(b"%x\r\n%b\r\n" % (len(piece), piece))
            elif piece:
                line.push(piece)
            if not piece or left == 0:
                line.all_sent()
                return
    except BaseException:
        exchange.abort()
        raise


async def _next(flow: Flow, exchange: Exchange) -> bytes | None:
    """The next piece; None where the exchange had news that end the upload before there was one."""
    pending = asyncio.ensure_future(flow())
    try:
        while not pending.done() and exchange.asks():
            either: set[asyncio.Future[Any]] = {pending, exchange.news()}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        return pending.result() if pending.done() else None
    finally:
        pending.cancel()
