"""One answer: status line, headers and framing as bytes, through the transport of its connection.

An `Answer` belongs to one request for ever. When it is over it lets go of its connection, so that a handler that lives
on cannot write into the answer of the next request.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from email.utils import formatdate
from http import HTTPStatus
from typing import Protocol

import msgspec

from tollbridge.calls.headers import Header, Pair, pairs
from tollbridge.server.inbound import ClientGone, Headers
from tollbridge.transport.channel import Channel

log = logging.getLogger(__name__)

FRAMING = frozenset(
    (b"connection", b"content-length", b"date", b"keep-alive", b"trailer", b"transfer-encoding", b"upgrade")
)
BODILESS = frozenset((204, 304))

_REASONS = {status.value: status.phrase.encode() for status in HTTPStatus} | {529: b"Overloaded"}
_NUL, _LF, _CR = b"\0\n\r"


class Preludes:
    """Status line and Date, ready made per status; renewed when the second changes."""

    __slots__ = ("_made", "_second")

    def __init__(self) -> None:
        self._made: dict[int, bytes] = {}
        self._second = 0

    def set_time(self, now: float) -> None:
        if int(now) != self._second:
            self._second = int(now)
            self._made.clear()

    def get(self, status: int) -> bytes:
        made = self._made.get(status)
        if made is None:
            reason = _REASONS.get(status, b"Unknown")
            date = formatdate(self._second, usegmt=True).encode("ascii")
            made = self._made[status] = b"HTTP/1.1 %d %b\r\ndate: %b\r\n" % (status, reason, date)
        return made


def write_head(prelude: bytes, headers: Headers, *framing: bytes) -> bytes:
    """`framing`: the last header lines, each with its CRLF. A header that would split the answer is left out and logged
    by name: a wrong value costs a header, never an answer."""
    if len(headers) == 1 and isinstance(headers[0], bytes):
        return b"".join((prelude, headers[0], *framing, b"\r\n"))
    head, told = [prelude], []
    for header in headers:
        if isinstance(header, bytes):
            head.append(header)
        elif header[0] not in FRAMING:
            told.append(b"%b: %b\r\n" % header)
    if told:
        text = b"".join(told)
        if not text.count(_LF) == text.count(_CR) == len(told) or _NUL in text:
            return write_head(prelude, list(whole(headers)), *framing)
        head.append(text)
    return b"".join((*head, *framing, b"\r\n"))


def whole(headers: Iterable[Header]) -> Iterable[Pair]:
    """Each as a pair, without those that would split an answer."""
    for name, value in pairs(headers):
        if any(byte in name or byte in value for byte in (_NUL, _LF, _CR)):
            log.error("a response header would split the answer and is left out: %r", name)
        else:
            yield name, value


class Line(Protocol):
    """What an answer needs of its connection."""

    preludes: Preludes
    transport: asyncio.Transport

    def begins(self, wants_keep_alive: bool) -> bool:
        """The head is about to be written: may the connection be kept?"""

    def ended(self, keep: bool) -> None:
        """The answer is complete."""

    def broke(self, chunked: bool) -> None:
        """The answer cannot be completed, and the client must see that: a chunked one by the missing last chunk."""

    def room(self) -> asyncio.Future[None] | None:
        """None, or what is done when the client has taken enough."""

    def switched(self, limit: int) -> Channel:
        """The head of the switch is written: what comes now is another protocol."""


class Answer(msgspec.Struct, eq=False):
    """A `Responder` over HTTP/1. `_client_keeps`: the client wants to keep the connection."""

    _line: Line | None
    _head_only: bool
    _http11: bool
    _client_keeps: bool
    _keep: bool = False
    _chunked: bool = False
    _probed: bool = False
    _on_gone: Callable[[], None] | None = None
    started: bool = False
    gone: bool = False

    __repr__ = object.__repr__

    @property
    def over(self) -> bool:
        return self._line is None

    def probe(self) -> bool:
        """Sends bytes that change nothing, so that a peer that closed must answer with a reset: `100 Continue` before
        the answer, a leading zero of the next chunk's size within it. False where HTTP has no such bytes."""
        line = self._line
        if line is None or not self._http11 or (self.started and not self._chunked):
            return False
        self._probed = True
        line.transport.write(b"0" if self.started else b"HTTP/1.1 100 Continue\r\n\r\n")
        return True

    def reply(self, status: int, headers: Headers, body: bytes) -> None:
        line = self._begin(status)
        if line is None:
            return
        self._keep = keep = line.begins(self._client_keeps)
        connection = () if keep and self._http11 else self._connection()
        prelude = line.preludes.get(status)
        if status in BODILESS:
            line.transport.write(write_head(prelude, headers, *connection))
        else:
            head = write_head(prelude, headers, *connection, b"content-length: %d\r\n" % len(body))
            line.transport.write(head if self._head_only else head + body)
        self._line = self._on_gone = None
        line.ended(keep)

    def start(self, status: int, headers: Headers) -> None:
        line = self._begin(status)
        if line is None:
            return
        if status in BODILESS:
            self._head_only = True
        self._keep = line.begins(self._client_keeps and (self._http11 or self._head_only))
        self._chunked = self._http11 and not self._head_only
        framing = self._connection()
        if self._chunked:
            framing += (b"transfer-encoding: chunked\r\n",)
        line.transport.write(write_head(line.preludes.get(status), headers, *framing))

    def switch(self, headers: Headers, limit: int) -> Channel:
        line = self._line
        if line is None:
            raise ClientGone
        if self.started:
            raise RuntimeError("this answer has begun already")
        self.started = True
        prelude = line.preludes.get(101)
        line.transport.write(write_head(prelude, headers, b"connection: Upgrade\r\nupgrade: websocket\r\n"))
        self._line = self._on_gone = None
        return line.switched(limit)

    def write(self, data: bytes) -> None:
        line = self._line
        if line is None or self._head_only or not data:
            return
        if not self.started:
            raise RuntimeError("write() before start()")
        line.transport.write(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data)

    async def drain(self) -> None:
        line = self._line
        if line is None:
            if self.gone:
                raise ClientGone
            return
        room = line.room()
        if room is not None:
            await room
            if self.gone:
                raise ClientGone

    def finish(self) -> None:
        line = self._line
        if line is None:
            return
        if not self.started:
            raise RuntimeError("finish() before start()")
        if self._chunked:
            line.transport.write(b"0\r\n\r\n")
        self._end(line)

    def abort(self) -> None:
        line = self._line
        if line is not None:
            self._line = None
            self._on_gone = None
            # A probe's lone zero before the end would look to some clients like the last chunk.
            line.broke(self._chunked and not self._probed)

    def on_gone(self, callback: Callable[[], None] | None) -> None:
        if self.gone and callback is not None:
            callback()
        elif self._line is not None:
            self._on_gone = callback

    def lose(self) -> None:
        """The connection is lost. Called by it."""
        self._line = None
        self.gone = True
        callback, self._on_gone = self._on_gone, None
        if callback is not None:
            callback()

    def _begin(self, status: int) -> Line | None:
        if self._line is None:
            return None
        if self.started:
            raise RuntimeError("this answer has begun already")
        if not 200 <= status <= 599:
            raise ValueError(f"{status} is no final HTTP status")
        self.started = True
        return self._line

    def _connection(self) -> tuple[bytes, ...]:
        if not self._keep:
            return (b"connection: close\r\n",)
        return () if self._http11 else (b"connection: keep-alive\r\n",)

    def _end(self, line: Line) -> None:
        self._line = None
        self._on_gone = None
        line.ended(self._keep)
