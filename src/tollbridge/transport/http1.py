"""The transport of the data plane: our own HTTP/1.1 client over a pool of kept connections."""

from __future__ import annotations

import asyncio
from math import inf

from tollbridge.transport.base import Origin, Outgoing, Timeouts
from tollbridge.transport.connection import Connection
from tollbridge.transport.dial import Dialer
from tollbridge.transport.egress import TRUSTED, Egress
from tollbridge.transport.exchange import Exchange
from tollbridge.transport.head import encode_head
from tollbridge.transport.pool import Limits, Pool
from tollbridge.transport.tls import TlsSettings
from tollbridge.transport.upload import SLICE, upload, upload_flow


class HttpTransport:
    """`Transport` without proxies. Belongs to the event loop of its first `send`; opens nothing before it.

    URLs that are not the operator's get a transport of their own, with `egress=UNTRUSTED`: the two share no connection.
    """

    def __init__(
        self, *, tls: TlsSettings | None = None, limits: Limits | None = None, egress: Egress = TRUSTED
    ) -> None:
        self._dialer = Dialer(tls or TlsSettings(), egress)
        self._limits = limits or Limits()
        self._pool: Pool | None = None

    async def send(self, request: Outgoing, timeouts: Timeouts) -> Exchange:
        """Raises the errors of `base`, and ValueError for a request that must not be sent (`head.encode_head`)."""
        head = request.head or encode_head(request.origin, request.method, request.target, request.headers)
        pool = self._pool or self._started()
        total_at = inf if timeouts.total_s is None else pool.now() + timeouts.total_s
        if request.flow is not None:
            return await self._send_flow(pool, head, request, timeouts, total_at)
        connection = pool.take(request.origin) or await pool.open(request.origin, timeouts, total_at)
        exchange = connection.begin(head, request, timeouts, total_at)
        if len(request.body) > SLICE:
            await upload(connection, exchange, request.body)
        # `_answer` and `wait` in place: two coroutines less for each request
        while not exchange.status and exchange.error is None:
            try:
                await exchange.news()
            except asyncio.CancelledError:
                exchange.abort()
                raise
        if exchange.stale:
            connection = await pool.open(request.origin, timeouts, total_at, fresh=True)
            exchange = await _answer(connection, head, request, timeouts, total_at)
        if exchange.error is not None and not exchange.status:
            raise exchange.error
        return exchange

    async def _send_flow(
        self, pool: Pool, head: bytes, request: Outgoing, timeouts: Timeouts, total_at: float
    ) -> Exchange:
        """On a fresh connection: a kept one may be stale, and what was taken of the body is gone."""
        connection = await pool.open(request.origin, timeouts, total_at, fresh=True)
        exchange = connection.begin(head, request, timeouts, total_at)
        await upload_flow(connection, exchange, request)
        while not exchange.status and exchange.error is None:
            await exchange.wait()
        if exchange.error is not None and not exchange.status:
            raise exchange.error
        return exchange

    def _started(self) -> Pool:
        self._pool = Pool(asyncio.get_running_loop(), self._dialer, self._limits)
        return self._pool

    async def close(self) -> None:
        pool = self._pool or self._started()
        pool.close()
        self._dialer.close()
        await asyncio.sleep(0)  # sockets are closed in the next turn of the loop

    def open_connections(self, origin: Origin | None = None) -> int:
        """Open now, to one origin or to all: for metrics."""
        return 0 if self._pool is None else self._pool.open_connections(origin)


async def _answer(
    connection: Connection, head: bytes, request: Outgoing, timeouts: Timeouts, total_at: float
) -> Exchange:
    """A second try: until the head is here, or the exchange failed."""
    exchange = connection.begin(head, request, timeouts, total_at)
    if len(request.body) > SLICE:
        await upload(connection, exchange, request.body)
    while not exchange.status and exchange.error is None:
        await exchange.wait()
    return exchange
