"""Seals: a signature of provider A, carried home through a client of dialect B.

    tb1.<wire>.<account>.<payload>.<mac>      payload: base64url without padding; mac: keyed BLAKE2b, 16 bytes

A seal is authenticated, not encrypted: the payload is what the provider gave to the client's side anyway. `account` is
a hash of the credentials that asked, so that a signature does not travel to another organisation. A seal that is
tampered with or made under another key opens to None, and the reader leaves a Caveat.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable

import msgspec

PREFIX = "tb1."
SEAL_MARK = PREFIX.encode()


class Sealed(msgspec.Struct, frozen=True):
    wire: str
    account: str
    payload: str


class Seals:
    """Closes and opens seals under one key (32 bytes, kept in the state directory), or one that is asked for when it is
    first needed."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes | Callable[[], bytes]) -> None:
        self._key = key

    def close(self, wire: str, account: str, payload: str) -> str:
        body = f"{PREFIX}{wire}.{account or '-'}.{_encode(payload.encode())}"
        return f"{body}.{self._mac(body)}"

    def open(self, text: str) -> Sealed | None:
        """The content of a seal; None where it is no seal of ours. Ask `is_seal` first to tell the two apart."""
        body, _, mac = text.rpartition(".")
        if not hmac.compare_digest(mac.encode(), self._mac(body).encode()):
            return None
        try:
            _, wire, account, payload = body.split(".")
            return Sealed(wire, "" if account == "-" else account, _decode(payload).decode())
        except ValueError:
            return None

    def _mac(self, body: str) -> str:
        if not isinstance(self._key, bytes):
            self._key = self._key()
        return _encode(hashlib.blake2b(body.encode(), key=self._key, digest_size=16).digest())


def is_seal(text: object) -> bool:
    return isinstance(text, str) and text.startswith(PREFIX)


def _encode(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


UNKEYED = Seals(b"\x00" * 32)  # a public key: tells a seal from other text, and proves nothing. For tests and pure use
