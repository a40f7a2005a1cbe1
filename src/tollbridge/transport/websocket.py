"""A WebSocket to a provider: over the dialer of the data plane, with its egress rule and its TLS.

Not through a proxy: where the environment names one for an origin, there is no way (`proxy_failure`).
"""

from __future__ import annotations

import asyncio
import os
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import cast

import httptools

from tollbridge.errors import APIError
from tollbridge.transport.base import Origin, Outgoing, Timeouts
from tollbridge.transport.channel import Channel
from tollbridge.transport.dial import Dialer, Endpoint
from tollbridge.transport.failures import failure
from tollbridge.transport.frames import accept_for
from tollbridge.transport.head import encode_head
from tollbridge.transport.proxy import proxy_for

ANSWER_S = 30.0
"""For the answer to the handshake, where no timeout says otherwise."""
HEAD_BYTES_MAX = 64 * 1024
ERROR_BYTES_MAX = 64 * 1024


class Declined(Exception):
    """The provider answered, and did not switch. `status`, `headers`, `body`: its answer, the body cut where it is
    long."""

    def __init__(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        super().__init__(f"the provider answered {status} to a WebSocket's handshake")
        self.status = status
        self.headers = headers
        self.body = body


class _Handshake(Endpoint):
    """Until the answer's head, or the answer where it is no switch."""

    def __init__(self, loop: asyncio.AbstractEventLoop, origin: Origin) -> None:
        self._origin = origin
        self._parser = httptools.HttpResponseParser(self)
        self._read = 0
        self._body: list[bytes] = []
        self.transport: asyncio.Transport | None = None
        self.headers: list[tuple[bytes, bytes]] = []
        self.done: asyncio.Future[None] = loop.create_future()
        self.switched = False
        self.rest = b""

    def close(self) -> None:
        if self.transport is not None:
            self.transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self.switched:
            self.rest += data
            return
        self._read += len(data)
        if self._read > HEAD_BYTES_MAX + ERROR_BYTES_MAX:
            self._fail(failure("upstream_head_too_large", self._origin, detail=f"over {HEAD_BYTES_MAX} bytes"))
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self.switched = True
            self.rest += data[upgrade.args[0] :]
            self._end()
        except httptools.HttpParserError as error:
            self._fail(failure("upstream_invalid_http", self._origin, detail=str(error)))

    def connection_lost(self, exc: Exception | None) -> None:
        if self.headers and not self.switched:
            self._end()
        self._fail(failure("connection_reset", self._origin))

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        self._end()

    @property
    def status(self) -> int:
        return self._parser.get_status_code()

    @property
    def body(self) -> bytes:
        return b"".join(self._body)[:ERROR_BYTES_MAX]

    def header(self, name: bytes) -> bytes:
        return next((value for key, value in self.headers if key == name), b"")

    def _end(self) -> None:
        if not self.done.done():
            self.done.set_result(None)

    def _fail(self, error: APIError) -> None:
        if not self.done.done():
            self.done.set_exception(error)


class WebSockets:
    """Opens them. Belongs to one event loop. `environ`: what may name a proxy."""

    def __init__(self, dialer: Dialer, environ: Mapping[str, str]) -> None:
        self._dialer = dialer
        self._environ = environ

    async def open(self, request: Outgoing, timeouts: Timeouts, *, limit: int) -> Channel:
        """`request`: a GET, without the headers of the handshake. Raises the errors of `base`, and Declined."""
        loop = asyncio.get_running_loop()
        if proxy_for(request.origin, self._environ):
            raise failure(
                "proxy_failure", request.origin, detail="is not used for WebSockets; name the host in NO_PROXY"
            )
        key = b64encode(os.urandom(16))
        head = encode_head(request.origin, "GET", request.target, request.headers)
        handshake = await self._connected(lambda: _Handshake(loop, request.origin), request.origin, timeouts.connect_s)
        answer_s = timeouts.first_byte_s or ANSWER_S
        try:
            assert handshake.transport is not None
            handshake.transport.write(
                b"%bconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n"
                b"sec-websocket-key: %b\r\n\r\n" % (head, key)
            )
            async with asyncio.timeout(answer_s):
                await handshake.done
        except TimeoutError as error:
            _give_up(handshake)
            raise failure("first_byte_timeout", request.origin, seconds=answer_s) from error
        except BaseException:
            _give_up(handshake)
            raise
        if not handshake.switched or handshake.status != 101:
            handshake.close()
            raise Declined(handshake.status, handshake.headers, handshake.body)
        if handshake.header(b"sec-websocket-accept") != accept_for(key) or handshake.header(
            b"sec-websocket-extensions"
        ):
            handshake.close()
            raise failure("upstream_invalid_http", request.origin, detail="its handshake is wrong")
        channel = Channel(loop, client=True, limit=limit)
        transport = handshake.transport
        assert transport is not None
        transport.set_protocol(channel)
        channel.connection_made(transport)
        if transport.is_closing():
            channel.connection_lost(None)
        elif handshake.rest:
            channel.data_received(handshake.rest)
        return channel

    async def _connected(self, protocol: Callable[[], _Handshake], origin: Origin, connect_s: float) -> _Handshake:
        try:
            async with asyncio.timeout(connect_s):
                return await self._dialer.connect(protocol, origin)
        except TimeoutError as error:
            raise failure("connect_timeout", origin, seconds=connect_s) from error


def _give_up(handshake: _Handshake) -> None:
    handshake.close()
    if handshake.done.done() and not handshake.done.cancelled():
        handshake.done.exception()  # it was told of already
