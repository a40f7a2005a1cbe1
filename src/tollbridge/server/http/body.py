"""The body of a request, taken as it arrives: framed by length or by chunks, collected, inflated or thrown away.

Two halves that meet in `Sink.take`: the framing (`Sized`, `Chunked`) knows where the body ends and gives back what
lies behind it, which is the next request; the sink (`Collected`, `Inflated`, `Discarded`) knows what to keep.
All are pure and raise BadRequestError (400, 415) or RequestTooLargeError as soon as a limit is passed, not at the end.
"""

from __future__ import annotations

import re
import zlib
from io import BytesIO
from typing import Protocol

from tollbridge.errors import APIStatusError, BadRequestError, RequestTooLargeError
from tollbridge.server.http.head import CHUNKED
from tollbridge.server.http.limits import Limits

_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,16})(?:;[\t\x20-\x7e\x80-\xff]*)?")
_TRAILER = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*")
_INFLATE_STEP = 256 * 1024
_INFLATION_FREE = 1024 * 1024
_WINDOW_BITS = {b"gzip": 31, b"x-gzip": 31, b"deflate": 15}


def too_large(limit: int) -> RequestTooLargeError:
    return RequestTooLargeError(f"The request body is larger than {limit} bytes.")


class Sink(Protocol):
    def take(self, data: bytes) -> None: ...
    def content(self) -> bytes: ...


class Framing(Protocol):
    sink: Sink

    def feed(self, data: bytes) -> bytes | None:
        """Takes what belongs to the body. Returns what lies behind its end, or None while more is to come."""


def sink_for(coding: bytes | None, limit: int, inflation: int) -> Sink:
    """What keeps a body with this Content-Encoding. `limit` counts decoded bytes."""
    if coding is None or coding.lower() == b"identity":
        return Collected(limit)
    window = _WINDOW_BITS.get(coding.lower())
    if window is None:
        raise APIStatusError(
            "Content-Encoding must be gzip, deflate or identity.", status_code=415, type="invalid_request_error"
        )
    return Inflated(limit, inflation, window)


def framing_for(length: int, sink: Sink, limits: Limits) -> Framing:
    return Chunked(limits.chunk_overhead_bytes, sink) if length == CHUNKED else Sized(length, sink)


class Collected:
    __slots__ = ("_kept", "_room", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._room = limit
        self._kept = BytesIO()

    def take(self, data: bytes) -> None:
        self._room -= len(data)
        if self._room < 0:
            raise too_large(self.limit)
        self._kept.write(data)

    def content(self) -> bytes:
        return self._kept.getvalue()


class Discarded:
    """Throws away, up to a limit."""

    __slots__ = ("_room", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._room = limit

    def take(self, data: bytes) -> None:
        self._room -= len(data)
        if self._room < 0:
            raise too_large(self.limit)

    def content(self) -> bytes:
        return b""


class Inflated:
    """gzip (also of several members) or zlib, inflated in small steps, so that a bomb is met before it went off."""

    __slots__ = ("_decoder", "_inflation", "_kept", "_size", "_taken", "_window", "limit")

    def __init__(self, limit: int, inflation: int, window: int) -> None:
        self.limit = limit
        self._inflation = inflation
        self._window = window
        self._decoder = zlib.decompressobj(window)
        self._kept = BytesIO()
        self._taken = 0
        self._size = 0

    def take(self, data: bytes) -> None:
        self._taken += len(data)
        while data:
            if self._decoder.eof:
                self._next_member()
            try:
                piece = self._decoder.decompress(data, _INFLATE_STEP)
            except zlib.error as error:
                raise BadRequestError(f"The request body is not what Content-Encoding says: {error}.") from None
            self._size += len(piece)
            if self._size > self.limit:
                raise too_large(self.limit)
            if self._size > _INFLATION_FREE and self._size > self._inflation * self._taken:
                raise RequestTooLargeError(f"The request body inflates more than {self._inflation} times.")
            self._kept.write(piece)
            data = self._decoder.unused_data if self._decoder.eof else self._decoder.unconsumed_tail

    def _next_member(self) -> None:
        if self._window < 16:
            raise BadRequestError("The compressed request body has bytes behind its end.")
        self._decoder = zlib.decompressobj(self._window)

    def content(self) -> bytes:
        if not self._decoder.eof:
            raise BadRequestError("The compressed request body ends early.")
        return self._kept.getvalue()


class Sized:
    """A body of `left` bytes."""

    __slots__ = ("left", "sink")

    def __init__(self, length: int, sink: Sink) -> None:
        self.left = length
        self.sink = sink

    def feed(self, data: bytes) -> bytes | None:
        if len(data) < self.left:
            self.left -= len(data)
            self.sink.take(data)
            return None
        self.sink.take(data[: self.left])
        rest, self.left = data[self.left :], 0
        return rest


class Chunked:
    """The chunked coding of RFC 9112 section 7.1, with CRLF only. Extensions and trailers are read and dropped; a
    trailer never becomes a header.

    States: `_left` > 0: inside the data of a chunk; `_closing`: its CRLF is due; `_trailing`: after the last chunk;
    else a chunk's first line is due.
    """

    __slots__ = ("_allowance", "_closing", "_left", "_pending", "_trailing", "sink")

    def __init__(self, overhead: int, sink: Sink) -> None:
        self.sink = sink
        self._allowance = overhead
        self._left = 0
        self._closing = False
        self._trailing = False
        self._pending = b""

    def feed(self, data: bytes) -> bytes | None:
        if self._pending:
            data, self._pending = self._pending + data, b""
        at = 0
        while True:
            if self._left:
                piece = data[at : at + self._left]
                self.sink.take(piece)
                at += len(piece)
                self._left -= len(piece)
                self._allowance += 8 * len(piece)
                if self._left:
                    return None
                self._closing = True
            end = data.find(b"\r\n", at)
            if self._closing:
                if end != at:
                    if len(data) - at >= 2 or data[at : at + 1] not in (b"", b"\r"):
                        raise BadRequestError("A chunk of the body is longer than its size says.")
                    self._pending = data[at:]
                    return None
                self._closing = False
                at += 2
                continue
            if end < 0:
                self._spend(len(data) - at, keep=True)
                self._pending = data[at:]
                return None
            line = data[at:end]
            self._spend(len(line) + 4)
            at = end + 2
            if not self._trailing:
                self._left = _chunk_size(line)
                self._trailing = self._left == 0
            elif not line:
                return data[at:]
            elif not _TRAILER.fullmatch(line):
                raise BadRequestError("A trailer of the body is malformed.")

    def _spend(self, framing: int, keep: bool = False) -> None:
        """Counts framing against what the body allows; `keep`: an unfinished line, counted again when it is whole."""
        if framing > self._allowance:
            raise BadRequestError("The chunks of the body are mostly framing.")
        if not keep:
            self._allowance -= framing


def _chunk_size(line: bytes) -> int:
    match = _CHUNK_LINE.fullmatch(line)
    if match is None:
        raise BadRequestError("A chunk of the body has a malformed size.")
    return int(match[1], 16)
