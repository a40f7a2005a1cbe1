"""A body on its way through: what a client sends, as somebody else is sent it."""

from __future__ import annotations

import asyncio

from tollbridge.errors import RequestTooLargeError
from tollbridge.server.identify import Authenticator, confirm
from tollbridge.server.inbound import Inbound
from tollbridge.transport.base import Flow

CONFIRMED_EVERY_S = 0.5
"""While a body is on its way, who sends it is asked for that often: a key may be revoked meanwhile."""


def confirmed(authenticator: Authenticator, inbound: Inbound) -> Flow:
    """The body of a request piece by piece, as long as its key holds."""
    flow, loop = inbound.flow, asyncio.get_running_loop()
    confirmed_at, whole = loop.time(), inbound.body

    async def next() -> bytes:
        nonlocal confirmed_at, whole
        piece, whole = (whole, b"") if flow is None else (await flow.next(), b"")
        if loop.time() - confirmed_at > CONFIRMED_EVERY_S:
            await confirm(authenticator, inbound)
            confirmed_at = loop.time()
        return piece

    return next


async def collected(authenticator: Authenticator, inbound: Inbound) -> bytes:
    """All of it, within the limit of bodies that are kept. Raises RequestTooLargeError."""
    body, flow = await kept_or_flowing(authenticator, inbound)
    if flow is not None:
        raise RequestTooLargeError(f"The request body is larger than {inbound.body_limit} bytes.")
    return body


async def kept_or_flowing(authenticator: Authenticator, inbound: Inbound) -> tuple[bytes, Flow | None]:
    """All of it, or piece by piece where it is larger than bodies that are kept."""
    if inbound.flow is None:
        return inbound.body, None
    next, pieces, size = confirmed(authenticator, inbound), list[bytes](), 0
    if inbound.flow.length is not None and inbound.flow.length > inbound.body_limit:
        return b"", next
    while piece := await next():
        pieces.append(piece)
        size += len(piece)
        if size > inbound.body_limit:
            return b"", _after(pieces, next)
    return b"".join(pieces), None


def _after(pieces: list[bytes], rest: Flow) -> Flow:
    pieces.reverse()

    async def next() -> bytes:
        return pieces.pop() if pieces else await rest()

    return next
