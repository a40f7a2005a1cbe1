"""Signatures as this format carries them: `thoughtSignature`, which is bytes, so base64 in JSON.

What Gemini signed stays as it came. What others signed is shown under a seal; because clients decode and encode the
field, the seal stands there in base64, and may come back in the other alphabet (`-_` for `+/`) or without its padding.
"""

from __future__ import annotations

from base64 import b64decode, b64encode

import msgspec

from tollbridge.wires.gemini.vocabulary import NAME, REDACTED
from tollbridge.wires.seal import PREFIX, Seals

_OTHER_ALPHABET = str.maketrans("-_", "+/")
_MARK = b64encode(PREFIX.encode() + b"\0\0")[:5].decode()  # what the base64 of every seal begins with
SEAL_MARK = _MARK.encode()


class Signed(msgspec.Struct, frozen=True):
    """Who signed, for which account, and what; `signature` is None where the maker signed nothing."""

    origin: str
    account: str
    signature: str | None
    redacted: bool = False


def close_signature(origin: str, account: str, signature: str | None, seals: Seals, *, redacted: bool = False) -> str:
    """What another wire signed, or left unsigned, as a client of this dialect is shown it."""
    payload = (REDACTED if redacted else "") + (signature or "")
    return b64encode(seals.close(origin, account, payload).encode()).decode()


def may_be_seal(text: str) -> bool:
    return text.startswith((_MARK, PREFIX))


def open_signature(text: str, seals: Seals | None) -> Signed | None:
    """What stands in a `thoughtSignature`. None: a seal that is not ours or was changed. `seals`: None where they stay
    closed, as in an answer."""
    if seals is None or not may_be_seal(text):
        return Signed(NAME, "", text)
    sealed = seals.open(_plain(text))
    if sealed is None:
        return None
    redacted = sealed.payload.startswith(REDACTED)
    signature = sealed.payload.removeprefix(REDACTED) if redacted else sealed.payload
    return Signed(sealed.wire, sealed.account, signature or None, redacted)


def _plain(text: str) -> str:
    if text.startswith(PREFIX):
        return text
    standard = text.translate(_OTHER_ALPHABET).rstrip("=")
    try:
        return b64decode(standard + "=" * (-len(standard) % 4), validate=True).decode()
    except ValueError:
        return ""
