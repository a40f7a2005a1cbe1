"""The head that a connection remembers: whatever was said before on it, a head is read as a stranger would read it.
Between two requests of a connection there may be two people (a proxy's pool): neither gets the other's credentials,
path or length."""

from __future__ import annotations

import random

import pytest

from tollbridge.errors import APIError
from tollbridge.server.http.head import Head, HeadMemory, read_head
from tollbridge.server.http.limits import Limits

LIMITS = Limits()


def head(*lines: str, first: str = "POST /v1/chat/completions HTTP/1.1") -> bytes:
    return "\r\n".join((first, "host: a", *lines, "", "")).encode("latin-1")


def read(raw: bytes, memory: HeadMemory | None = None) -> Head | str:
    try:
        return read_head(raw, LIMITS) if memory is None else memory.read(raw, LIMITS)
    except APIError as error:
        return str(error)


BASE = head("authorization: Bearer alice", "content-length: 2", "x-a: 1")
NEXT = {
    "the same": BASE,
    "another length": head("authorization: Bearer alice", "content-length: 31", "x-a: 1"),
    "a longer length": head("authorization: Bearer alice", "content-length: 123456789012345678", "x-a: 1"),
    "too long a length": head("authorization: Bearer alice", "content-length: 1234567890123456789", "x-a: 1"),
    "leading zeros": head("authorization: Bearer alice", "content-length: 0002", "x-a: 1"),
    "no number": head("authorization: Bearer alice", "content-length: ", "x-a: 1"),
    "a sign": head("authorization: Bearer alice", "content-length: +2", "x-a: 1"),
    "a list": head("authorization: Bearer alice", "content-length: 2, 2", "x-a: 1"),
    "other digits": head("authorization: Bearer alice", "content-length: \xb2", "x-a: 1"),
    "twice": head("authorization: Bearer alice", "content-length: 2", "content-length: 3", "x-a: 1"),
    "somebody else": head("authorization: Bearer mallo", "content-length: 2", "x-a: 1"),
    "nobody": head("content-length: 2", "x-a: 1"),
    "a key within the number": head("authorization: Bearer alice", "content-length: 2\r\nx-api-key: b", "x-a: 1"),
    "a line before the number": head("authorization: Bearer alice", "x-b: 2", "content-length: 2", "x-a: 1"),
    "a line at the end": head("authorization: Bearer alice", "content-length: 2", "x-a: 1", "x-api-key: b"),
    "without the last line": head("authorization: Bearer alice", "content-length: 2"),
    "another value after it": head("authorization: Bearer alice", "content-length: 2", "x-a: 2"),
    "chunked": head("authorization: Bearer alice", "transfer-encoding: chunked", "x-a: 1"),
    "chunked and a length": head("authorization: Bearer alice", "content-length: 2", "transfer-encoding: chunked"),
    "upper case": head("Authorization: Bearer alice", "Content-Length: 2", "x-a: 1"),
    "another path": head(
        "authorization: Bearer alice", "content-length: 2", "x-a: 1", first="POST /key/generate HTTP/1.1"
    ),
    "another version": head("authorization: Bearer alice", "content-length: 2", "x-a: 1", first="POST / HTTP/1.0"),
    "expecting": head("authorization: Bearer alice", "content-length: 2", "x-a: 1", "expect: 100-continue"),
    "a length in a value": head("authorization: Bearer alice", "x-a: content-length: 9", "content-length: 2"),
    "without a length": head("authorization: Bearer alice", "x-a: 1"),
    "compressed": head("authorization: Bearer alice", "content-length: 2", "content-encoding: gzip"),
    "no space": head("authorization: Bearer alice", "content-length:2", "x-a: 1"),
    "spaces behind": head("authorization: Bearer alice", "content-length: 2  ", "x-a: 1"),
}


@pytest.mark.parametrize("second", NEXT)
@pytest.mark.parametrize("first", NEXT)
def test_no_head_is_read_otherwise_because_of_the_one_before(first: str, second: str) -> None:
    memory = HeadMemory()
    for name in (first, second, second):
        assert read(NEXT[name], memory) == read(NEXT[name]), name


def test_what_one_request_does_with_its_headers_is_no_other_requests() -> None:
    memory = HeadMemory()
    for _ in range(3):
        found = memory.read(BASE, LIMITS)
        assert found.headers[b"authorization"] == b"Bearer alice"
        found.headers[b"authorization"] = b"Bearer mallory"
        found.headers.pop(b"x-a")


def test_whatever_bytes_change_a_remembered_head_is_read_anew() -> None:
    """Random programs over one connection: one to three bytes of a head replaced, put in, taken out."""
    dice = random.Random(1)
    alphabet = b"0123456789 :\r\n\0abcxX-," + bytes([0x80, 0xFF])
    for _ in range(150):
        memory = HeadMemory()
        for _ in range(12):
            raw = bytearray(NEXT[dice.choice(("the same", "another length", "without the last line"))])
            for _ in range(dice.randrange(3)):
                at = dice.randrange(len(raw) - 4)
                raw[at : at + dice.randrange(2)] = bytes(dice.choices(alphabet, k=dice.randrange(3)))
            assert read(bytes(raw), memory) == read(bytes(raw)), bytes(raw)
