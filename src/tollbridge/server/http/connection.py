"""One connection of a client: bytes in, requests to the application, answers out in order.

    READING_HEAD -> [ADMITTING] -> READING_BODY -> HANDLING -> READING_HEAD ...        -> CLOSING

Rules
- Only the head goes through llhttp. Where a body ends is decided here alone (`body.py`), so what lies behind it is the
  next request and nothing else: it stays unparsed in `_pending` until the answer before it is complete. Answers cannot
  be out of order, and a second request cannot hide in a body.
- Where anything about framing is wrong, the connection ends with the answer: there is no next request to be found.
- After a refusal the rest of the request is thrown away for a moment before the socket is closed: closing with unread
  bytes makes the kernel send a reset, and the client would lose the answer.
- A body that is taken as it arrives (`flow.py`) is read while its handler runs. Whatever it does, an answer that begins
  before the body's end is the connection's last.
- No timer per request: `sweep` compares deadlines, called by the service for all connections every `Limits.tick_s`.

The end of the client's bytes (FIN) may be a half-close, and the answer is still wanted; or the client left, and the
provider costs money. TCP does not tell them apart, so we ask: `Answer.probe` sends bytes without meaning, and a socket
that nobody holds any more answers with a reset, which the next `sweep` sees. Where such bytes do not exist (HTTP/1.0,
TLS) the end of the bytes is the end: proxies that speak 1.0 upstream close in this way when their client left.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import cast

from tollbridge.errors import RequestTimeoutError, ServiceUnavailableError
from tollbridge.server.http.intake import ADMITTING, CLOSING, HANDLING, READING_BODY, READING_HEAD, Intake
from tollbridge.server.http.switched import Switched
from tollbridge.server.inbound import ClientGone
from tollbridge.transport.channel import Channel

_TURNED_AWAY = 1000
"""So many connections over the limit are told so (503); the rest is dropped."""


class Connection(Intake):
    """`server.http.answer.Line`, and what the transport tells."""

    __slots__ = ()

    # what the transport tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        service = self._service
        # Not checked: uvloop's transports have the methods without the ancestry.
        self.transport = cast(asyncio.Transport, transport)
        self._scheme = "https" if transport.get_extra_info("sslcontext") else "http"
        address = transport.get_extra_info("peername")
        self._peer = str(address[0]) if isinstance(address, tuple) else ""
        self._trusted = service.forwarding.trusts(self._peer)
        self._deadline = service.loop.time() + service.limits.header_s
        service.connections.add(self)
        over = len(service.connections) - service.limits.connections
        if over > _TURNED_AWAY:
            self.transport.abort()
        elif over > 0:
            self._reject(ServiceUnavailableError("Too many connections; try again.", retry_after_s=1.0))

    def connection_lost(self, exc: Exception | None) -> None:
        self._state = CLOSING
        self._service.connections.discard(self)
        self._pending = b""
        self._paused_reading = False
        self._body = self._inbound = None
        answer, self._answer = self._answer, None
        if self._flow is not None:
            self._flow.fail(ClientGone())
            self._flow = None
        if answer is not None:
            answer.lose()
        self.resume_writing()

    def data_received(self, data: bytes) -> None:
        if self._state == CLOSING:
            return
        self._pending = self._pending + data if self._pending else data
        if self._state < ADMITTING:
            self._advance()
        if self._pending and len(self._pending) > self._service.limits.pipelined_bytes and self._blocked:
            self._paused_reading = True
            self.transport.pause_reading()

    def eof_received(self) -> bool:
        """True keeps the connection open for the answer."""
        self._half_closed = True
        if self._scheme == "https":
            return False
        if self._state in (ADMITTING, HANDLING):
            if self._answer is not None and self._answer.probe():
                return True
            self.transport.abort()
            return False
        return self._state == READING_HEAD and bool(self._pending)

    def pause_writing(self) -> None:
        service = self._service
        self._outflow.pause(service.loop.time() + service.limits.write_s)

    def resume_writing(self) -> None:
        self._outflow.resume()
        if self._state == READING_HEAD:
            self._service.loop.call_soon(self._advance)

    # what an answer asks of its line

    def begins(self, wants_keep_alive: bool) -> bool:
        service = self._service
        self._served += 1
        return (
            wants_keep_alive
            and not self._unread
            and self._flow is None
            and not service.draining
            and (not service.limits.requests or self._served < service.limits.requests)
        )

    def ended(self, keep: bool) -> None:
        self._answer = self._flow = None
        if not keep or (self._service.draining and not self._pending):
            self._unread = self._unread or self._state == READING_BODY
            self._close()
        elif self._state != READING_BODY:
            self._state = READING_HEAD  # `_await_request` in place
            self._head_began = False
            self._deadline = self._service.loop.time() + self._service.limits.idle_s
            if self._pending or self._half_closed or self._paused_reading:
                # Not at once: the handler of this answer is still on the stack.
                self._service.loop.call_soon(self._advance)

    def broke(self, chunked: bool) -> None:
        self._answer = None
        if chunked:
            self._unread = False
            self._close()
            return
        # The end of the connection would be a normal end: a reset is none.
        self._state = CLOSING
        if self._scheme == "http" and (raw := self.transport.get_extra_info("socket")) is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def switched(self, limit: int) -> Channel:
        service, transport, rest = self._service, self.transport, self._pending
        self._state = CLOSING
        self._answer = self._inbound = None
        self._pending = b""
        service.connections.discard(self)
        channel = Switched(service, limit)
        service.connections.add(channel)
        transport.set_protocol(channel)
        channel.connection_made(transport)
        if self._paused_reading:
            transport.resume_reading()
        if rest:
            channel.data_received(rest)
        return channel

    def room(self) -> asyncio.Future[None] | None:
        return self._outflow.room(self._service.loop)

    # time

    def sweep(self, now: float) -> None:
        outflow = self._outflow
        if outflow.full and outflow.stuck(self.transport.get_write_buffer_size(), now, self._service.limits.write_s):
            self.transport.abort()
            return
        state, late = self._state, now > self._deadline
        if state in (ADMITTING, HANDLING):
            if self._half_closed and self._reset():
                self.transport.abort()
        elif state == READING_BODY:
            if late or (self._too_slow(now) and not (self._flow is not None and self._paused_reading)):
                self._reject(RequestTimeoutError("The request body did not arrive in time."))
        elif late and state == CLOSING:
            self.transport.abort()
        elif late and outflow.full:
            # The client is slow to read, not to write.
            pass
        elif late and self._pending:
            self._reject(RequestTimeoutError("The request head did not arrive in time."))
        elif late:
            self._close()

    def _too_slow(self, now: float) -> bool:
        limits = self._service.limits
        elapsed = now - self._body_began
        return elapsed > limits.body_grace_s and self._body_bytes < limits.body_rate * elapsed

    def _reset(self) -> bool:
        raw = self.transport.get_extra_info("socket")
        return raw is not None and raw.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0

    # the end

    @property
    def idle(self) -> bool:
        """Between two requests."""
        return self._state == READING_HEAD and not self._pending and self._served > 0

    @property
    def fresh(self) -> bool:
        """Open, and no byte came yet."""
        return self._state == READING_HEAD and not self._pending and self._served == 0

    def close_idle(self) -> None:
        self._close()

    def _close(self) -> None:
        """Closes when what was written is sent; after a refusal also when the client had a moment to read it."""
        service = self._service
        self._state = CLOSING
        self._pending = b""
        self._body = self._inbound = None
        if self._unread and not self._half_closed:
            self._deadline = service.loop.time() + service.limits.linger_s
            if self._paused_reading:
                self._paused_reading = False
                self.transport.resume_reading()
            if self.transport.can_write_eof():
                self.transport.write_eof()
        else:
            self._deadline = service.loop.time() + service.limits.write_s
            self.transport.close()
