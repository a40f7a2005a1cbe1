from __future__ import annotations

import gzip
import random
import sys
import zlib
from collections.abc import Callable

import brotli
import pytest
import zstandard

from tollbridge.errors import BadGatewayError, Truncated
from tollbridge.transport import decode
from tollbridge.transport.base import Origin
from tollbridge.transport.decode import PIECE, Decoder, encoding_of, offered

HERE = Origin("https", "api.example.com", 443)
TEXT = b'{"id": "a", "text": "' + bytes(random.Random(5).choices(b"abcdefgh ", k=4000)) + b'"}'

ENCODE: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.ZstdCompressor().compress,
}


def undo(encoding: str, *pieces: bytes) -> bytes:
    decoder = Decoder(encoding, HERE)
    out = b""
    for piece in pieces:
        decoder.feed(piece)
        while taken := decoder.take():
            out += taken
    while taken := decoder.finish():
        out += taken
    return out


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize("encoding", ENCODE)
@pytest.mark.parametrize("text", [TEXT, b"{}", b"", bytes(3 * PIECE)], ids=["json", "short", "empty", "zeros"])
def test_what_was_encoded_is_decoded_wherever_it_is_cut(encoding: str, text: bytes) -> None:
    data = ENCODE[encoding](text)
    assert undo(encoding, data) == text
    assert undo(encoding, *(data[at : at + 1] for at in range(len(data)))) == text
    for at in range(0, len(data), 97):
        assert undo(encoding, data[:at], data[at:]) == text


@pytest.mark.parametrize("text", [TEXT, b"{}", bytes(3 * PIECE)], ids=["json", "short", "zeros"])
def test_deflate_without_its_zlib_header_is_read_too(text: bytes) -> None:
    assert undo("deflate", raw_deflate(text)) == text


def test_members_of_a_gzip_may_follow_each_other_and_padding_after_them() -> None:
    data = gzip.compress(b"one, ") + gzip.compress(b"two")
    for tail in (b"", b"\x00" * 9, b"\x1f\x00\x1f\x8b"):
        assert undo("gzip", data + tail) == b"one, two"
        assert undo("gzip", *(bytes([byte]) for byte in data + tail)) == b"one, two"


@pytest.mark.parametrize("encoding", ENCODE)
@pytest.mark.parametrize("text", [TEXT, b"{}", b"ok", b'data: {"a": 1}\n\n', b"<html></html>", b"[]"])
def test_a_body_that_is_not_encoded_although_it_says_so_is_taken_as_it_is(encoding: str, text: bytes) -> None:
    assert undo(encoding, text) == text
    assert undo(encoding, *(text[at : at + 1] for at in range(len(text)))) == text


@pytest.mark.parametrize("encoding", ENCODE)
def test_a_body_that_ends_early_is_truncated(encoding: str) -> None:
    data = ENCODE[encoding](TEXT)
    for cut in (len(data) // 2, len(data) - 1):
        with pytest.raises(Truncated):
            undo(encoding, data[:cut])


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd"])
def test_corrupt_bytes_are_a_bad_gateway(encoding: str) -> None:
    data = bytearray(ENCODE[encoding](TEXT))
    for at in range(len(data) // 3, len(data) // 2):
        data[at] ^= 0x5A
    with pytest.raises(BadGatewayError) as caught:
        undo(encoding, bytes(data))
    assert caught.value.code in ("upstream_bad_encoding", "upstream_truncated")


@pytest.mark.parametrize("encoding", ENCODE)
def test_s55_a_bomb_gives_small_pieces_and_then_an_error(encoding: str) -> None:
    decoder = Decoder(encoding, HERE)
    bomb = ENCODE[encoding](bytes(40 * 1024 * 1024))
    decoder.feed(bomb)
    largest = total = 0
    with pytest.raises(BadGatewayError) as caught:
        while taken := decoder.take():
            largest = max(largest, len(taken))
            total += len(taken)
    assert caught.value.code == "upstream_bomb"
    assert total <= max(decode.FREE, decode.RATIO * len(bomb))
    assert largest <= decode.FREE


@pytest.mark.parametrize("encoding", ["lzma", "gzip, gzip", "gzip, br", "identity;q=1", "*"])
def test_an_encoding_that_was_not_offered_is_a_bad_gateway(encoding: str) -> None:
    with pytest.raises(BadGatewayError) as caught:
        Decoder(encoding, HERE)
    assert caught.value.code == "upstream_bad_encoding"
    assert "api.example.com:443" in str(caught.value)


def test_only_what_is_installed_is_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    assert offered() == "gzip, deflate, br, zstd"
    offered.cache_clear()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    without = offered()
    refused = ["br"] if sys.version_info >= (3, 14) else ["br", "zstd"]
    for encoding in refused:
        assert encoding not in without
        with pytest.raises(BadGatewayError):
            Decoder(encoding, HERE)
    offered.cache_clear()


def test_a_brotli_that_cannot_bound_its_output_is_not_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    class Old:
        """brotli before 1.2"""

    offered.cache_clear()
    monkeypatch.setattr(brotli, "Decompressor", Old)
    assert "br" not in offered()
    offered.cache_clear()


@pytest.mark.parametrize(
    ("value", "encoding"), [(None, ""), (b"", ""), (b"identity", ""), (b" GZip ", "gzip"), (b"gzip, br", "gzip, br")]
)
def test_the_header_names_the_encoding(value: bytes | None, encoding: str) -> None:
    assert encoding_of(value) == encoding
