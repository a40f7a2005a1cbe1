"""Content-encodings of a body, undone piece by piece, with bounded output.

Rules
1. Only what can be decoded here with bounded memory is offered: gzip and deflate always, br and zstd where a module
   for them is installed.
2. One call gives at most PIECE bytes, however small the input: a bomb never stands in memory.
3. A body may not grow beyond RATIO times its size once it is over FREE bytes (gzip's own limit is 1032; JSON that
   repeats itself reaches about 100).
4. A body that does not begin like its encoding is taken as it is: servers and middleboxes that set the header and
   forget the compression exist. A body that begins right and ends early is Truncated.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import zlib
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any, Protocol

from tollbridge.transport.base import Origin
from tollbridge.transport.failures import failure

PIECE = 256 * 1024
FREE = 8 * 1024 * 1024
RATIO = 250

_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


class Codec(Protocol):
    """One encoding under way. `decode` takes all of `data`, keeps what does not fit, and gives at most about `room`
    bytes; `more` says that it could give more without new input; `done` that its end marker came; `error` is what it
    raises for corrupt input."""

    error: type[Exception]
    more: bool
    done: bool

    def decode(self, data: bytes, room: int) -> bytes: ...


class _Zlib:
    """gzip (`wbits` 31, members may follow each other), zlib (15) and raw deflate (-15)."""

    error: type[Exception] = zlib.error

    def __init__(self, wbits: int) -> None:
        self._wbits = wbits
        self._inner = zlib.decompressobj(wbits)
        self._after = b""  # what follows the end marker, until it is clear whether it is another member
        self.more = self.done = False

    def decode(self, data: bytes, room: int) -> bytes:
        if self._inner.eof:
            data = self._next_member(data)
            if not data:
                self.more = False
                return b""
        inner = self._inner
        out = inner.decompress(inner.unconsumed_tail + data, room)
        self.done = inner.eof
        self.more = len(out) >= room or bool(inner.unconsumed_tail or inner.unused_data)
        if inner.eof:
            self._after = inner.unused_data
        return out

    def _next_member(self, data: bytes) -> bytes:
        """What another gzip member begins with; b"" where there is none (yet). Other bytes are padding."""
        data = self._after + data
        if self._wbits == 31 and data.startswith(_GZIP):
            self._inner = zlib.decompressobj(self._wbits)
            return data
        self._after = data if _GZIP.startswith(data) else b"padding"
        return b""


class _Brotli:
    def __init__(self, inner: Any, error: type[Exception]) -> None:
        self._inner = inner
        self.error = error
        self._waiting = b""
        self.more = self.done = False

    def decode(self, data: bytes, room: int) -> bytes:
        self._waiting += data
        if self._inner.can_accept_more_data():
            data, self._waiting = self._waiting, b""
        else:
            data = b""
        out: bytes = self._inner.process(data, output_buffer_limit=room)
        self.done = self._inner.is_finished()
        pending = len(out) >= room or not self._inner.can_accept_more_data()  # it also accepts with output pending
        self.more = not self.done and (pending or bool(self._waiting))
        return out


class _ZstdSliced:
    """`zstandard` has no limit on output; 256 bytes of input give 8 MiB at most (a block of 4 bytes says 128 KiB)."""

    SLICE = 256

    def __init__(self, inner: Any, error: type[Exception]) -> None:
        self._inner = inner
        self.error = error
        self._waiting = memoryview(b"")
        self.more = self.done = False

    def decode(self, data: bytes, room: int) -> bytes:
        if data:
            self._waiting = memoryview(bytes(self._waiting) + data)
        pieces: list[bytes] = []
        size = 0
        while self._waiting and size < room and not self.done:
            piece = self._inner.decompress(self._waiting[: self.SLICE])
            self._waiting = self._waiting[self.SLICE :]
            pieces.append(piece)
            size += len(piece)
            self.done = self._inner.eof
        self.more = bool(self._waiting) and not self.done
        return b"".join(pieces)


class _ZstdBounded:
    """The standard library's (Python 3.14), which bounds its output itself."""

    def __init__(self, inner: Any, error: type[Exception]) -> None:
        self._inner = inner
        self.error = error
        self.more = self.done = False

    def decode(self, data: bytes, room: int) -> bytes:
        if self._inner.eof:
            return b""
        out: bytes = self._inner.decompress(data, room)
        self.done = self._inner.eof
        self.more = not self.done and not self._inner.needs_input
        return out


_PRINTABLE = bytes(range(0x20, 0x7F)) + b"\t\r\n"


def _gzip(start: bytes) -> Codec | None:
    return _Zlib(31) if start.startswith(_GZIP) else None


def _is_text(start: bytes) -> bool:
    """What has no magic number is told from plain text by its first bytes, all of them printable."""
    return not start.translate(None, _PRINTABLE)


def _deflate(start: bytes) -> Codec | None:
    """Servers send zlib (RFC 9110) or raw deflate."""
    if _is_text(start):
        return None
    if start[0] & 0x0F == 8 and int.from_bytes(start[:2], "big") % 31 == 0:
        return _Zlib(15)
    try:
        zlib.decompressobj(-15).decompress(start, 64)
    except zlib.error:
        return None
    return _Zlib(-15)


def _br(start: bytes) -> Codec | None:
    if _is_text(start) and start != b";":  # a semicolon is brotli's empty body
        return None
    module = importlib.import_module("brotli")
    try:
        module.Decompressor().process(start, output_buffer_limit=64)
    except module.error:
        return None
    return _Brotli(module.Decompressor(), module.error)


def _zstd(start: bytes) -> Codec | None:
    if not start.startswith(_ZSTD):
        return None
    if sys.version_info >= (3, 14):
        module = importlib.import_module("compression.zstd")
        return _ZstdBounded(module.ZstdDecompressor(), module.ZstdError)
    module = importlib.import_module("zstandard")
    inner = module.ZstdDecompressor(max_window_size=8 * 1024 * 1024)
    return _ZstdSliced(inner.decompressobj(), module.ZstdError)


_OPENERS: dict[str, Callable[[bytes], Codec | None]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "br": _br,
    "zstd": _zstd,
}
_ENOUGH = 16  # bytes that tell an encoding from plain text


@cache
def offered() -> str:
    """The value of our `accept-encoding`. Modules are looked for once, and imported only when a body needs them."""
    names = ["gzip", "deflate"]
    if importlib.util.find_spec("brotli") and _brotli_is_bounded():
        names.append("br")
    if sys.version_info >= (3, 14) or importlib.util.find_spec("zstandard"):
        names.append("zstd")
    return ", ".join(names)


def _brotli_is_bounded() -> bool:
    """`output_buffer_limit` came with brotli 1.2 (2025-11-05); earlier versions cannot stop a bomb."""
    return hasattr(importlib.import_module("brotli").Decompressor, "can_accept_more_data")


class Decoder:
    """Undoes one encoding: `feed` what came, `take` until it gives b"", `finish` at the end of the body."""

    __slots__ = ("_codec", "_encoding", "_origin", "_plain", "_received", "_returned", "_start")

    def __init__(self, encoding: str, origin: Origin) -> None:
        """Raises BadGatewayError for an encoding that was never offered."""
        if encoding not in _OPENERS or (encoding in ("br", "zstd") and encoding not in offered()):
            raise failure("upstream_bad_encoding", origin, detail="an encoding that was not asked for")
        self._origin = origin
        self._encoding = encoding
        self._codec: Codec | None = None
        self._plain = False
        self._start = b""  # input that no codec has seen
        self._received = 0
        self._returned = 0

    def feed(self, data: bytes) -> None:
        self._received += len(data)
        self._start += data

    def take(self) -> bytes:
        """The next decoded bytes, at most about PIECE; b"" when more input is needed."""
        if self._codec is None and not self._plain:
            if len(self._start) < _ENOUGH:
                return b""
            self._open()
        return self._decode()

    def finish(self) -> bytes:
        """The body ended: the last bytes, as `take` gives them, b"" when there are no more. Raises Truncated where
        the encoding's own end did not come."""
        if self._codec is None and not self._plain:
            if not self._start:
                return b""
            self._open()
        out = self._decode()
        if not out and self._codec is not None and not self._codec.done:
            raise failure("upstream_truncated", self._origin, detail=f"in the middle of its {self._encoding} body")
        return out

    def _open(self) -> None:
        self._codec = _OPENERS[self._encoding](self._start)
        self._plain = self._codec is None

    def _decode(self) -> bytes:
        data, self._start = self._start, b""
        codec = self._codec
        if codec is None or not (data or codec.more):
            return data
        try:
            out = codec.decode(data, PIECE)
            while not out and codec.more:
                out = codec.decode(b"", PIECE)
        except codec.error as error:
            raise failure("upstream_bad_encoding", self._origin, detail=f"its {self._encoding} is corrupt") from error
        self._returned += len(out)
        if self._returned > FREE and self._returned > RATIO * self._received:
            raise failure("upstream_bomb", self._origin, detail=f"{self._encoding}, over {RATIO} times its size")
        return out


async def decoded_chunk(decoder: Decoder, chunk: Callable[[], Awaitable[bytes]]) -> bytes:
    """The next decoded piece of a body whose encoded pieces `chunk` gives; b"" at the honest end."""
    while True:
        out = decoder.take()
        if out:
            return out
        data = await chunk()
        if not data:
            return decoder.finish()
        decoder.feed(data)


def encoding_of(value: bytes | None) -> str:
    """The encoding that a `content-encoding` header names; "" for none."""
    name = (value or b"").decode("latin-1").strip().lower()
    return "" if name == "identity" else name
