"""Secrets that are followed: made from randomness, so that no part of one stands anywhere by chance, and found in any
spelling, whole or in part."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

PIECE = 12
"""Bytes. Any 23 bytes of a secret in a row hold a whole piece."""


def spellings(text: str) -> Iterator[bytes]:
    """As it is, in a URL, in JSON (also with escaped slashes), in hexadecimal, in base64 at each alignment."""
    raw = text.encode()
    yield raw
    yield quote(text, safe="").encode()
    yield quote_plus(text).encode()
    yield json.dumps(text)[1:-1].encode()
    yield json.dumps(text)[1:-1].replace("/", "\\/").encode()
    yield raw.hex().encode()
    yield raw.hex().upper().encode()
    for before in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield encode(b"\0" * before + raw)[4 if before else 0 :].rstrip(b"=")[:-2]
    yield raw[::-1]


class Canaries:
    """`add` gives the text back, so that it may stand where a secret stands."""

    def __init__(self) -> None:
        self._pieces: dict[bytes, str] = {}
        self.count = 0

    def add(self, text: str, secret: str | None = None) -> str:
        """`secret`: the part of it that nobody may see."""
        secret = text if secret is None else secret
        assert len(secret) >= 2 * PIECE
        self.count += 1
        for spelling in spellings(secret):
            for at in range(0, len(spelling) - PIECE + 1, PIECE):
                self._pieces[spelling[at : at + PIECE]] = text
        return text

    def fresh(self, before: str = "", after: str = "") -> str:
        """Something new. It has letters of each kind that a spelling changes."""
        secret = secrets.token_urlsafe(24) + "/+" + secrets.token_urlsafe(12)
        return self.add(before + secret + after, secret)

    def found(self, sinks: Iterable[tuple[str, bytes]]) -> set[tuple[str, str]]:
        """(where, which) of those that stand in one."""
        pieces = self._pieces
        seen = set()
        for name, sink in sinks:
            for at in range(len(sink) - PIECE + 1):
                which = pieces.get(sink[at : at + PIECE])
                if which is not None:
                    seen.add((name, which))
        return seen
