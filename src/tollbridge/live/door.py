"""The handshake of a client's WebSocket, and the watch over it while it is open.

1. A page of another origin is turned away (S67): it must be of the host that it asks, or of an origin that the operator
   allows. Programs send no `Origin`.
2. The key stands in a header, or among the protocols as OpenAI's clients have it; in the query it is not read.
3. A key that is revoked closes what it opened within `WATCH_S`; a session that says nothing, or has lasted too long, is
   closed as well.
"""

from __future__ import annotations

import asyncio
import binascii
from base64 import b64decode
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

import msgspec

from tollbridge.calls.headers import Pair
from tollbridge.errors import APIError, BadRequestError, PermissionDeniedError, ServiceUnavailableError
from tollbridge.model.json import JsonObject
from tollbridge.observe import Record
from tollbridge.server.answers import own_headers
from tollbridge.server.gateway import Gateway
from tollbridge.server.identify import confirm
from tollbridge.server.inbound import Inbound, Responder
from tollbridge.server.turns import Turns
from tollbridge.transport.channel import Channel
from tollbridge.transport.frames import GOING_AWAY, POLICY, accept_for
from tollbridge.wires.base import Wire

MESSAGE_BYTES_MAX = 32 * 1024 * 1024
"""A piece of sound may have 15 MiB at OpenAI, an image 20."""
SESSION_S = 3600.0
IDLE_S = 900.0
WATCH_S = 0.5
SESSIONS_PER_KEY = 200
PROTOCOLS = (b"realtime",)
"""Names of protocols that are agreed to where a client offers them."""

_encode = msgspec.json.Encoder().encode


class Door:
    """`origins`: that may come besides a host's own."""

    def __init__(self, gateway: Gateway, origins: Collection[str] = ()) -> None:
        self._gateway = gateway
        self._origins = frozenset(origin.lower() for origin in origins)
        self._open = Turns(SESSIONS_PER_KEY, "sessions", "too_many_sessions")

    def check(self, inbound: Inbound) -> None:
        """Raises APIError where this is no handshake, or one that is turned away."""
        headers = inbound.headers
        if not inbound.websocket:
            raise BadRequestError(
                "This is an address for WebSockets: ask for it with a client that opens one (`Upgrade: websocket`).",
                code="websocket_required",
                status_code=426,
            )
        if headers.get(b"sec-websocket-version") != b"13" or not _is_key(headers.get(b"sec-websocket-key", b"")):
            raise BadRequestError("This is no handshake of WebSocket, version 13.", code="bad_handshake")
        origin = headers.get(b"origin", b"").decode("latin-1").lower()
        if not origin or origin in self._origins or "*" in self._origins:
            return
        if origin.partition("://")[2] != inbound.host.lower():
            raise PermissionDeniedError("A page of this Origin may not open a WebSocket here.", code="foreign_origin")

    def open(self, inbound: Inbound, responder: Responder, record: Record, dialect: Wire) -> Channel:
        """Raises ClientGone."""
        headers: list[Pair | bytes] = [
            own_headers(record, dialect),
            (b"sec-websocket-accept", accept_for(inbound.headers[b"sec-websocket-key"])),
        ]
        offered = {one.strip() for one in inbound.headers.get(b"sec-websocket-protocol", b"").split(b",")}
        agreed = next((one for one in PROTOCOLS if one in offered), None)
        if agreed is not None:
            headers.append((b"sec-websocket-protocol", agreed))
        record.status = 101
        switch = getattr(responder, "switch", None)
        if switch is None:
            raise TypeError("this server does not switch protocols")
        channel: Channel = switch(headers, MESSAGE_BYTES_MAX)
        return channel

    @asynccontextmanager
    async def place(self, inbound: Inbound) -> AsyncIterator[None]:
        """One session's among those of its key, and of all. Raises RateLimitError and ServiceUnavailableError."""
        load, rules = self._gateway.load, self._gateway.rules
        with self._open.one_of(inbound.principal):
            if load.streams >= rules.streams_max:
                load.shed += 1
                raise ServiceUnavailableError("Too many sessions are open; retry soon.", retry_after_s=1.0)
            load.streams += 1
            try:
                yield
            finally:
                load.streams -= 1

    async def watch(self, inbound: Inbound, channel: Channel, heard: asyncio.Event) -> None:
        """Closes the channel when its time has come; ends when it is closed. `heard`: set with each message."""
        loop = asyncio.get_running_loop()
        opened = last = loop.time()
        while channel.closed is None:
            await asyncio.sleep(WATCH_S)
            now = loop.time()
            if heard.is_set():
                heard.clear()
                last = now
            try:
                await confirm(self._gateway.authenticator, inbound)
            except APIError as error:
                await tell(channel, error)
                channel.close(POLICY, "the key does not hold any more")
                return
            if now - opened > SESSION_S:
                await tell(
                    channel,
                    BadRequestError("The session has lasted an hour.", code="websocket_connection_limit_reached"),
                )
                channel.close(GOING_AWAY, "the session has lasted too long")
                return
            if now - last > IDLE_S:
                channel.close(GOING_AWAY, "nothing was said for long")
                return


def error_event(error: APIError) -> JsonObject:
    detail = {"type": error.type, "code": error.code, "message": error.message, "param": error.param}
    return {"type": "error", "status": error.status_code, "error": detail}


async def tell(channel: Channel, error: APIError) -> None:
    """As an event; to nobody, where the client has left."""
    if channel.closed is None:
        await channel.send(_encode(error_event(error)))


def _is_key(value: bytes) -> bool:
    try:
        return len(b64decode(value, validate=True)) == 16
    except binascii.Error:
        return False
