"""Ids of what a provider keeps, as a tenant is given them.

    file-tb1.<sealed>      sealed: account, tenant, the provider's own id; encrypted and authenticated, base64url

The same object has the same id every time (the nonce is made of the content), and nobody else's: what another tenant
was given, another key sealed or somebody changed opens to None, as if it did not exist. An id holds the mark of a seal
(`wires.seal`), so that a body without that mark need not be looked at.
"""

from __future__ import annotations

import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from typing import Any

import msgspec

from tollbridge.wires.seal import PREFIX

_NONCE_BYTES = 12
_ID = re.compile(r"((?:file|batch|msgbatch)[-_])tb1\.([A-Za-z0-9_-]{40,400})")
_LOOKS_OURS = re.compile(r"(?:file|batch|msgbatch)[-_]tb1\.")
_QUOTED = re.compile(rb'"((?:file|batch|msgbatch)[-_]tb1\.[A-Za-z0-9_-]+)"')

_encode = msgspec.msgpack.Encoder().encode


class Meant(msgspec.Struct, frozen=True, array_like=True):
    """What an id stands for."""

    account: str
    owner: str
    theirs: str


_decode = msgspec.msgpack.Decoder(Meant).decode


class Ids:
    """`key`: 32 bytes, kept in the state directory; ids hold as long as it does."""

    def __init__(self, key: bytes) -> None:
        self._nonces = hmac.digest(key, b"tollbridge ids: nonces", "sha256")
        self._seals = hmac.digest(key, b"tollbridge ids: seals", "sha256")
        self._cipher: Any = None

    def close(self, meant: Meant) -> str:
        """The id has the provider's own beginning (`file-`, `batch_`), as far as it is one of these."""
        kind = re.match(r"(?:file|batch|msgbatch)[-_]", meant.theirs)
        plain = _encode(meant)
        nonce = hmac.digest(self._nonces, plain, "sha256")[:_NONCE_BYTES]
        sealed = _spelled(nonce + self._sealing().encrypt(nonce, plain, None))
        return f"{kind[0] if kind else 'file-'}{PREFIX}{sealed}"

    def open(self, id: str, owner: str) -> Meant | None:
        found = _ID.fullmatch(id)
        if found is None:
            return None
        from cryptography.exceptions import InvalidTag  # as `_sealing`

        try:
            sealed = urlsafe_b64decode(found[2] + "=" * (-len(found[2]) % 4))
            if _spelled(sealed) != found[2]:  # one object has one id
                return None
            meant = _decode(self._sealing().decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None))
        except (InvalidTag, ValueError, msgspec.DecodeError):
            return None
        return meant if hmac.compare_digest(meant.owner.encode(), owner.encode()) else None

    def _sealing(self) -> Any:
        if self._cipher is None:
            # 40 ms to import, and most gateways keep no files
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM

            self._cipher = AESGCM(self._seals)
        return self._cipher


def _spelled(sealed: bytes) -> str:
    return urlsafe_b64encode(sealed).rstrip(b"=").decode()


def is_ours(id: str) -> bool:
    """By its looks: one that was cut short or changed is nobody else's either."""
    return _LOOKS_OURS.match(id) is not None


def replaced(body: bytes, by: Callable[[str], str]) -> bytes:
    """A JSON text in which each id of ours, where it is a string of its own, is another. `by` may raise."""
    return _QUOTED.sub(lambda found: b'"%b"' % by(found[1].decode()).encode(), body)
