"""What one kind of row needs so that it tells nothing to who has only the database: names that are HMACs, contents that
are sealed (AES-256-GCM), all under keys derived from `reply_key` of the state directory.

Each row has a sealing key of its own, derived from its name, so that no pair of key and nonce comes twice. What
identifies the row is authenticated with it: a content that was moved to another row, or kept beyond its time, does not
open.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from typing import Any

NONCE_BYTES = 12


class Sealing:
    """`kind`: of the rows."""

    def __init__(self, key: bytes, kind: str) -> None:
        self._key = key
        self._kind = kind
        self._names = self.derived("id")
        self._seals = self.derived("seal")

    def derived(self, purpose: str) -> bytes:
        return hmac.digest(self._key, f"tollbridge {self._kind} {purpose}".encode(), hashlib.sha256)

    def name(self, *scope: bytes) -> bytes:
        """Of a row, by what it is found again."""
        return hmac.digest(self._names, b"".join(len(part).to_bytes(4, "big") + part for part in scope), "sha256")

    def seal(self, name: bytes, identity: bytes, content: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + bytes(self._cipher(name).encrypt(nonce, content, identity))

    def open(self, name: bytes, identity: bytes, sealed: bytes) -> bytes | None:
        """None where it does not open: it is of another key, another row, or cut short."""
        from cryptography.exceptions import InvalidTag

        try:
            return bytes(self._cipher(name).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], identity))
        except (InvalidTag, ValueError):
            return None

    def _cipher(self, name: bytes) -> Any:
        # 40 ms to import, and most gateways never keep anything.
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        return AESGCM(hmac.digest(self._seals, name, "sha256"))
