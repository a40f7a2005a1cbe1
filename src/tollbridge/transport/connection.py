"""One HTTP/1.1 connection to a provider: a protocol that carries one exchange at a time.

    (idle) --begin--> head sent --> head of the answer --> body --> complete --> idle again, or closed

Rules
1. A connection goes back to the shelf only when the answer is complete by its own framing, the request was sent whole,
   the server keeps it alive, and not one byte followed. A byte while idle closes it.
2. Whatever else ends an exchange (error, timeout, abort, cancellation) closes the connection at once.
3. A kept connection that dies before the first byte of an answer, soon after the request was written, was stale: the
   server had closed it while it was idle. That is no error yet (`Exchange.stale`); the transport tries a fresh one,
   once. "Soon", because a server that worked for a minute and died then may have billed.
4. llhttp is strict by default and stays so: two lengths, length and chunked, folded headers, bare LF, controls in
   values are errors. The end of a body without framing is the end of the connection, if that is orderly.
5. Time costs one comparison: `_deadline` moves with each phase, and one timer per connection, set for an earlier
   deadline, looks at it when it rings and sets itself anew.

Hot path: no allocation that is not needed, no indirection for its own sake. Measure before and after a change
(`python -m tests.transport.compare`).
"""

from __future__ import annotations

import asyncio
import socket
from math import inf
from typing import Protocol, cast

import httptools

from tollbridge.errors import APIError, BadGatewayError
from tollbridge.transport.base import Origin, Outgoing, Timeouts
from tollbridge.transport.decode import Decoder, encoding_of
from tollbridge.transport.dial import Endpoint
from tollbridge.transport.exchange import HIGH_WATER, Exchange
from tollbridge.transport.failures import Code, failure
from tollbridge.transport.upload import SLICE, framing

HEAD_LIMIT = 64 * 1024  # bytes of a head; also of framing between two pieces of a body (chunk extensions, trailers)
HEADER_LIMIT = 200
INTERIM_LIMIT = 16  # 1xx answers before the final one
MANY_PIECES = 64
STALE_WITHIN_S = 5.0

_LENGTH, _CHUNKED, _ENCODED = b"content-length", b"transfer-encoding", b"content-encoding"
_FRAMING = frozenset((_LENGTH, _CHUNKED, _ENCODED))
_ALWAYS_LENGTH = ("POST", "PUT", "PATCH")

_KEEPALIVE = (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3), ("TCP_USER_TIMEOUT", 60_000))
"""A peer that vanished without a word (a NAT's table, a pulled cable) is noticed in a minute, idle or not."""


class Keeper(Protocol):
    """Where a connection belongs."""

    def released(self, connection: Connection) -> None: ...
    def lost(self, connection: Connection) -> None: ...


class _Surplus(Exception):
    """Bytes after the end of an answer: stops the parser."""


class Connection(Endpoint):
    __slots__ = (
        "_alarm",
        "_alarm_at",
        "_answered",
        "_begun_at",
        "_complete",
        "_deadline",
        "_encoding",
        "_exchange",
        "_framed",
        "_headers",
        "_interim",
        "_keep",
        "_keeper",
        "_loop",
        "_method",
        "_origin",
        "_overhead",
        "_parser",
        "_pieces",
        "_refused",
        "_sent",
        "_timeouts",
        "_total_at",
        "_unwritable",
        "closed",
        "idle_since",
        "paused",
        "transport",
        "used",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, origin: Origin, keeper: Keeper) -> None:
        self._loop = loop
        self._origin = origin
        self._keeper = keeper
        self._parser = httptools.HttpResponseParser(self)
        self._exchange: Exchange | None = None
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = self._deadline = self._total_at = inf
        self._unwritable = False
        self.closed = False  # closed, or about to be: never to be used again
        self.paused = False  # reading is paused
        self.used = False  # carried an exchange before
        self.idle_since = 0.0

    # --- one exchange

    def begin(self, head: bytes, request: Outgoing, timeouts: Timeouts, total_at: float) -> Exchange:
        """Starts an exchange on an idle connection. `head` is `request`'s. A body over SLICE, or one
        that is not here yet, is left for `upload`."""
        self._exchange = exchange = Exchange(self._loop, self._origin, self)
        self._headers = exchange.headers
        self._pieces = exchange.pieces
        self._method = request.method
        self._timeouts = timeouts
        self._total_at = total_at
        self._answered = self._complete = self._framed = self._keep = False
        self._interim = self._overhead = 0
        self._encoding = b""
        self._refused: APIError | None = None
        self._begun_at = now = self._loop.time()
        at = total_at  # `_expect` in place
        if timeouts.first_byte_s is not None and now + timeouts.first_byte_s < at:
            at = now + timeouts.first_byte_s
        self._deadline = at
        if at < self._alarm_at:
            self._set_alarm(at)
        body = request.body
        self._sent = len(body) <= SLICE and request.flow is None
        if not self._sent:
            self.transport.write(head + framing(request))
        elif body or request.method in _ALWAYS_LENGTH:
            self.transport.write(b"%bcontent-length: %d\r\n\r\n%b" % (head, len(body), body))
        else:
            self.transport.write(head + b"\r\n")
        return exchange

    def push(self, data: bytes | memoryview) -> None:
        """The next bytes of a body. The time in which an answer is expected begins anew."""
        self.transport.write(data)
        self._begun_at = self._loop.time()
        self._expect(self._timeouts.first_byte_s)

    @property
    def stalled(self) -> bool:
        """The server takes nothing now, or never again."""
        return self._unwritable or self.transport.is_closing()

    def all_sent(self) -> None:
        self._sent = True

    @property
    def usable(self) -> bool:
        """May carry another exchange, for all that is known. (A transport knows of a reset one turn of the loop before
        it says so.)"""
        return not (self.closed or self.transport.is_closing())

    def give_up(self) -> None:
        """The exchange's owner wants no more."""
        self._exchange = None
        self.close()

    def shut(self, error: APIError) -> None:
        """Closes whatever is under way."""
        if self._exchange is not None:
            self._fail(error)
        else:
            self.close()

    def close(self) -> None:
        self.closed = True
        self.transport.abort()

    def resume(self) -> None:
        self.paused = False
        self.transport.resume_reading()
        self._expect(self._timeouts.gap_s)

    # --- the socket's side (asyncio.Protocol)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _KEEPALIVE:
            option = getattr(socket, name, None)  # not on every platform
            if option is not None:
                sock.setsockopt(socket.IPPROTO_TCP, option, value)

    def data_received(self, data: bytes) -> None:
        exchange = self._exchange
        if exchange is None:
            self.close()
            return
        self._answered = True
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if not self._complete:
                detail = str(error) if isinstance(error, httptools.HttpParserError) else "it switched protocols"
                self._fail(self._refused or failure("upstream_invalid_http", self._origin, detail=detail))
                return
            self._keep = False
        if self._refused is not None:
            self._fail(self._refused)
        elif self._complete:
            self._finish(exchange)
        elif exchange.status:
            self._progress(exchange, len(data))
        else:
            self._count_overhead(len(data))

    def eof_received(self) -> None:
        self.closed = True

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            if exchange.status and not self._framed and exc is None:
                exchange.complete = True
                exchange.source = None
                exchange.wake()
            else:
                self._broke_off(exchange)
        self._keeper.lost(self)

    def pause_writing(self) -> None:
        self._unwritable = True

    def resume_writing(self) -> None:
        self._unwritable = False
        if self._exchange is not None:
            self._exchange.wake()

    # --- the parser's side (httptools)

    def on_message_begin(self) -> None:
        if self._complete:
            raise _Surplus

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name in _FRAMING:
            if name == _LENGTH and not self._framed and self._exchange is not None:
                self._framed = not self._exchange.status
            else:
                self._on_framing(name, value)
        self._headers.append((name, value))

    def _on_framing(self, name: bytes, value: bytes) -> None:
        exchange = self._exchange
        if exchange is None or exchange.status:
            return  # in a trailer it means nothing
        if name == _ENCODED:
            self._encoding = self._encoding + b", " + value if self._encoding else value
            return
        self._framed = True
        if name == _CHUNKED and value.strip().lower() != b"chunked":
            self._refuse("upstream_invalid_http", "a transfer-encoding that was not asked for")

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        exchange = self._exchange
        assert exchange is not None  # the parser is fed for an exchange alone
        if status < 200:
            self._interim += 1
            if status == 101 or self._interim > INTERIM_LIMIT:
                self._refuse("upstream_invalid_http", "it switched protocols" if status == 101 else "endless 1xx")
            return
        exchange.status = status
        if len(self._headers) > HEADER_LIMIT:
            self._refuse("upstream_head_too_large", f"over {HEADER_LIMIT}")
        if 300 <= status < 400 and status != 304:
            self._refuse("upstream_redirect", str(status))
        self._headers = []  # trailers go nowhere
        if self._encoding:
            self._decode(exchange)
        if self._method == "HEAD":
            self._complete = True

    def _decode(self, exchange: Exchange) -> None:
        exchange.headers[:] = [(name, value) for name, value in exchange.headers if name != _ENCODED]
        encoding = encoding_of(self._encoding)
        if encoding:
            try:
                exchange.decoder = Decoder(encoding, self._origin)
            except BadGatewayError as error:
                self._refused = self._refused or error

    def on_body(self, body: bytes) -> None:
        self._pieces.append(body)

    def on_message_complete(self) -> None:
        exchange = self._exchange
        if exchange is not None and exchange.status:
            self._complete = True
            self._keep = self._parser.should_keep_alive()
        else:  # a 1xx: the final answer follows
            self._headers.clear()
            self._framed = False
            self._encoding = b""

    # --- ends

    def _finish(self, exchange: Exchange) -> None:
        self._exchange = None
        exchange.complete = True
        exchange.source = None
        if self._keep and self._sent and not self.closed:
            self.used = True
            if self.paused:
                self.paused = False
                self.transport.resume_reading()
            self._keeper.released(self)
        else:
            self.close()
        exchange.wake()

    def _fail(self, error: APIError) -> None:
        exchange = cast(Exchange, self._exchange)
        self._exchange = None
        self.close()
        exchange.fail(error)

    def _refuse(self, code: Code, detail: str) -> None:
        """From within the parser: takes effect when it returns."""
        if self._refused is None:
            self._refused = failure(code, self._origin, detail=detail)

    def _broke_off(self, exchange: Exchange) -> None:
        if exchange.status:
            exchange.fail(failure("upstream_truncated", self._origin, detail="in the middle of its body"))
        elif self._answered:
            exchange.fail(failure("upstream_truncated", self._origin, detail="in the middle of its head"))
        else:
            exchange.stale = self.used and self._loop.time() - self._begun_at < STALE_WITHIN_S
            exchange.fail(failure("connection_reset", self._origin))

    # --- back-pressure, limits, time

    def _progress(self, exchange: Exchange, size: int) -> None:
        """Some of the body came, not its end."""
        pieces = exchange.pieces
        if pieces:
            self._overhead = 0
            exchange.buffered += size
            if len(pieces) > MANY_PIECES:
                pieces[:] = [b"".join(pieces)]
            if exchange.buffered >= HIGH_WATER and not self.paused:
                self.paused = True
                self.transport.pause_reading()
        else:
            self._count_overhead(size)
        self._expect(self._timeouts.gap_s)
        exchange.wake()

    def _count_overhead(self, size: int) -> None:
        self._overhead += size
        if self._overhead > HEAD_LIMIT and self._exchange is not None:
            self._fail(failure("upstream_head_too_large", self._origin, detail=f"over {HEAD_LIMIT} bytes"))

    def _expect(self, seconds: float | None) -> None:
        """The next sign of life must come within `seconds`."""
        at = self._total_at
        if seconds is not None:
            phase_at = self._loop.time() + seconds
            if phase_at < at:
                at = phase_at
        self._deadline = at
        if at < self._alarm_at:
            self._set_alarm(at)

    def _set_alarm(self, at: float) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm_at = at
        self._alarm = self._loop.call_at(at, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        self._alarm_at = inf
        if self._exchange is None:
            return
        now = self._loop.time()
        if self.paused and now < self._total_at:
            self._expect(self._timeouts.gap_s)  # the consumer is the slow one
        elif now < self._deadline:
            self._set_alarm(self._deadline)
        else:
            self._fail(self._timed_out(now))

    def _timed_out(self, now: float) -> APIError:
        timeouts = self._timeouts
        if now >= self._total_at:
            return failure("total_timeout", self._origin, seconds=timeouts.total_s or 0.0)
        if cast(Exchange, self._exchange).status:
            return failure("gap_timeout", self._origin, seconds=timeouts.gap_s or 0.0)
        return failure("first_byte_timeout", self._origin, seconds=timeouts.first_byte_s or 0.0)
