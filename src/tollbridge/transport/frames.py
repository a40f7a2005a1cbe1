"""The frames of WebSocket (RFC 6455), read and written. Sans-IO, without extensions; either end.

Rules
- Strict: reserved bits, unknown opcodes, control frames that are long or cut, a continuation of nothing, text that is
  no UTF-8, and a mask where none belongs (or none where one does) end the connection with the code that the RFC has.
- Bounded: a message may have `limit` bytes, all its frames together; it is refused at the head that passes it.
- Control frames may stand between the frames of a message, and are given out at once.
"""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha1

import msgspec

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
_CONTINUATION = 0
_CONTROL_BYTES_MAX = 125
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

NORMAL, GOING_AWAY, PROTOCOL, UNSUPPORTED, NO_CODE, INVALID = 1000, 1001, 1002, 1003, 1005, 1007
POLICY, TOO_BIG, INTERNAL = 1008, 1009, 1011


class Frame(msgspec.Struct, frozen=True):
    """A whole message, or a control frame. `code`: of a CLOSE; NO_CODE where it has none."""

    kind: int
    data: bytes = b""
    code: int = 0


class Malformed(Exception):
    """The other end breaks the protocol. `code`: with which the connection is closed."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code


class Frames:
    """`feed` bytes in order. Raises Malformed; nothing is to be fed after that, or after a CLOSE."""

    __slots__ = ("_held", "_kind", "_limit", "_masked", "_parts", "_size")

    def __init__(self, limit: int, *, masked: bool) -> None:
        """`masked`: the other end is a client."""
        self._limit = limit
        self._masked = masked
        self._held = bytearray()
        self._kind = 0
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> Iterator[Frame]:
        self._held += data
        while (found := self._next()) is not None:
            kind, final, payload = found
            if kind >= CLOSE:
                yield _control(kind, payload)
                continue
            self._parts.append(payload)
            if final:
                message, message_kind = b"".join(self._parts), self._kind
                self._parts, self._size, self._kind = [], 0, 0
                if message_kind == TEXT:
                    _check_text(message)
                yield Frame(message_kind, message)

    def _next(self) -> tuple[int, bool, bytes] | None:
        held = self._held
        if len(held) < 2:
            return None
        first, second = held[0], held[1]
        kind, final, length, at = first & 15, bool(first & 128), second & 127, 2
        if first & 0x70:
            raise Malformed(PROTOCOL, "an extension was not agreed on")
        if bool(second & 128) != self._masked:
            raise Malformed(PROTOCOL, "a client masks its frames, a server does not")
        if kind >= CLOSE and (length > _CONTROL_BYTES_MAX or not final):
            raise Malformed(PROTOCOL, "a control frame is short and whole")
        if kind not in (_CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG):
            raise Malformed(PROTOCOL, "an unknown kind of frame")
        if kind < CLOSE and (kind == _CONTINUATION) != bool(self._kind):
            raise Malformed(PROTOCOL, "a message begins once, and goes on until it ends")
        if length >= 126:
            wide = 2 if length == 126 else 8
            if len(held) < 2 + wide:
                return None
            length, at = int.from_bytes(held[2 : 2 + wide], "big"), 2 + wide
        if kind < CLOSE and self._size + length > self._limit:
            raise Malformed(TOO_BIG, f"a message has more than {self._limit} bytes")
        end = at + 4 * self._masked + length
        if len(held) < end:
            return None
        payload = bytes(held[end - length : end])
        if self._masked:
            payload = _mask(payload, bytes(held[at : at + 4]))
        del held[:end]
        if kind < CLOSE:
            self._size += length
            self._kind = kind or self._kind
        return kind, final, payload


def write_frame(kind: int, data: bytes, *, masked: bool) -> bytes:
    """`masked`: we are the client."""
    length, mark = len(data), 128 if masked else 0
    if length < 126:
        head = bytes((128 | kind, mark | length))
    elif length < 1 << 16:
        head = bytes((128 | kind, mark | 126)) + length.to_bytes(2, "big")
    else:
        head = bytes((128 | kind, mark | 127)) + length.to_bytes(8, "big")
    if not masked:
        return head + data
    key = os.urandom(4)
    return head + key + _mask(data, key)


def write_close(code: int, reason: str, *, masked: bool) -> bytes:
    told = reason.encode()[: _CONTROL_BYTES_MAX - 2].decode("utf-8", "ignore").encode()  # cut at a whole character
    return write_frame(CLOSE, b"" if code == NO_CODE else code.to_bytes(2, "big") + told, masked=masked)


def accept_for(key: bytes) -> bytes:
    """What a server answers to a client's `Sec-WebSocket-Key`."""
    return b64encode(sha1(key + _GUID, usedforsecurity=False).digest())


def _control(kind: int, payload: bytes) -> Frame:
    if kind != CLOSE:
        return Frame(kind, payload)
    if not payload:
        return Frame(CLOSE, b"", NO_CODE)
    code = int.from_bytes(payload[:2], "big")
    if len(payload) == 1 or not (1000 <= code <= 1014 or 3000 <= code <= 4999) or code in (1004, 1005, 1006):
        raise Malformed(PROTOCOL, "the code of a close is none")
    _check_text(payload[2:])
    return Frame(CLOSE, payload[2:], code)


def _check_text(data: bytes) -> None:
    try:
        data.decode()
    except UnicodeDecodeError:
        raise Malformed(INVALID, "text is UTF-8") from None


def _mask(data: bytes, key: bytes) -> bytes:
    """XOR with the key, over and over: as one number, which is some hundred times faster than byte by byte."""
    if not data:
        return data
    repeated = (key * (len(data) // 4 + 1))[: len(data)]
    return (int.from_bytes(data, "big") ^ int.from_bytes(repeated, "big")).to_bytes(len(data), "big")
