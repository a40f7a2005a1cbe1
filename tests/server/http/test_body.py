"""Bodies as they arrive: framing, inflation, limits."""

from __future__ import annotations

import gzip
import zlib

import pytest

from tollbridge.errors import APIStatusError, BadRequestError, RequestTooLargeError
from tollbridge.server.http.body import Chunked, Collected, Discarded, Sized, sink_for

MIB = 1024 * 1024


def test_a_sized_body_gives_back_what_lies_behind_it() -> None:
    body = Sized(5, Collected(100))
    assert body.feed(b"ab") is None
    assert body.feed(b"cdeNEXT") == b"NEXT"
    assert body.sink.content() == b"abcde"


def test_a_chunked_body_is_the_same_however_it_is_cut() -> None:
    raw = b"3\r\nabc\r\n5;name=value\r\ndefgh\r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n"
    for first in range(len(raw)):
        for second in range(first, len(raw), 3):
            body = Chunked(1000, Collected(100))
            pieces = (raw[:first], raw[first:second], raw[second:] + b"NEXT")
            rests = [body.feed(piece) for piece in pieces]
            assert rests == [None, None, b"NEXT"], pieces
            assert body.sink.content() == b"abcdefgh0123456789"


def test_one_byte_chunks_are_within_the_allowance() -> None:
    body = Chunked(100, Collected(10_000))
    assert body.feed(b"1\r\nx\r\n" * 5000 + b"0\r\n\r\n") == b""
    assert body.sink.content() == b"x" * 5000


@pytest.mark.parametrize("sink", [Collected(10), Discarded(10)])
def test_a_limit_is_met_as_soon_as_it_is_passed(sink: Collected | Discarded) -> None:
    body = Chunked(1000, sink)
    assert body.feed(b"A\r\n0123456789\r\n") is None
    with pytest.raises(RequestTooLargeError):
        body.feed(b"FFFFFF\r\nx")


@pytest.mark.parametrize("coding", [b"gzip", b"x-gzip", b"GZIP"])
def test_gzip_is_inflated(coding: bytes) -> None:
    sink = sink_for(coding, MIB, 100)
    for byte in gzip.compress(b"hello", mtime=0):
        sink.take(bytes((byte,)))
    assert sink.content() == b"hello"


def test_gzip_of_several_members_is_one_body() -> None:
    sink = sink_for(b"gzip", MIB, 100)
    sink.take(gzip.compress(b"one ") + gzip.compress(b"two"))
    assert sink.content() == b"one two"


def test_deflate_is_zlib() -> None:
    sink = sink_for(b"deflate", MIB, 100)
    sink.take(zlib.compress(b"hello"))
    assert sink.content() == b"hello"


@pytest.mark.parametrize("coding", [b"br", b"zstd", b"gzip, gzip", b"compress", b""])
def test_another_coding_is_refused(coding: bytes) -> None:
    with pytest.raises(APIStatusError) as caught:
        sink_for(coding, MIB, 100)
    assert caught.value.status_code == 415


def test_a_bomb_is_refused_by_its_ratio() -> None:
    bomb = gzip.compress(b"\0" * (20 * MIB), 9)
    sink = sink_for(b"gzip", 100 * MIB, 100)
    with pytest.raises(RequestTooLargeError, match="100 times"):
        sink.take(bomb)


def test_an_inflated_body_has_the_same_limit() -> None:
    sink = sink_for(b"gzip", 1000, 100)
    with pytest.raises(RequestTooLargeError, match="1000 bytes"):
        sink.take(gzip.compress(b"x" * 2000))


def test_small_bodies_may_inflate_much() -> None:
    sink = sink_for(b"gzip", 2 * MIB, 100)
    sink.take(gzip.compress(b" " * (MIB - 1), 9))
    assert len(sink.content()) == MIB - 1


@pytest.mark.parametrize(
    ("coding", "data"),
    [
        (b"gzip", b"not gzip"),
        (b"gzip", gzip.compress(b"hello", mtime=0)[:-3]),
        (b"gzip", gzip.compress(b"hello", mtime=0) + b"junk"),
        (b"deflate", zlib.compress(b"hello") + b"junk"),
        (b"deflate", zlib.compress(b"hello")[2:-4]),
        (b"gzip", b""),
    ],
)
def test_broken_compression_is_a_bad_request(coding: bytes, data: bytes) -> None:
    sink = sink_for(coding, MIB, 100)
    with pytest.raises(BadRequestError):
        sink.take(data)
        sink.content()
