"""What a key looks like, and what is kept of it.

    sk-tb-  8 public id  43 secret (32 random bytes)  6 checksum      made here
    sk-...  16 to 256 characters                                      of the operator's wording

A key's id is the public id of its first text, or that text's digest in hex, and stays when another text takes its
place. Names that people choose look different (`like_an_id`).

The text exists in `Minted` until it was shown, and nowhere else. What is kept is HMAC-SHA256 of the whole text under
the pepper: the secret has 256 bits, so that no slow hash is needed, and the database alone proves no guess.
"""

from __future__ import annotations

import hmac
import re
import secrets

import msgspec

from tollbridge.home import ALPHABET, KEY_PREFIX, checksum, new_key
from tollbridge.secret import Secret

ID = slice(6, 14)
CUSTOM_PREFIX = "sk-"
CUSTOM_LENGTHS = range(16, 257)
ACCESS_PREFIX = "tb-at-"
"""Of access tokens for the MCP endpoint, which are no keys (`mcp/front/grants.py`)."""

_PREFIX = KEY_PREFIX.encode()
_OURS = re.compile(rb"sk-tb-[0-9A-Za-z]{57}")
_CUSTOM = re.compile(rb"sk-[!-~]{13,253}")
_ID = re.compile(r"(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9])[0-9A-Za-z]{8}")
_DIGEST = re.compile(r"[0-9a-fA-F]{64}")


class Minted(msgspec.Struct, frozen=True):
    """A key and what is kept of it. `name`: how it is shown from now on."""

    text: Secret
    id: str
    digest: bytes
    name: str


def digest_of(pepper: bytes, text: bytes) -> bytes:
    return hmac.digest(pepper, text, "sha256")


def mint(pepper: bytes, id: str | None = None) -> Minted:
    """A new key; with `id` one under a public id that is there already, to stand in place of the former."""
    text = new_key(_new_id() if id is None else id)
    return Minted(Secret(text), text[ID], digest_of(pepper, text.encode()), shown(text))


def adopt(pepper: bytes, text: str) -> Minted:
    """A key of the operator's own wording. Raises ValueError, which never holds the text, where it is none."""
    if text.startswith(KEY_PREFIX):
        raise ValueError(f"`{KEY_PREFIX}` begins the keys that are made here; choose another beginning.")
    if _CUSTOM.fullmatch(text.encode()) is None:
        lengths = f"{CUSTOM_LENGTHS.start} to {CUSTOM_LENGTHS.stop - 1}"
        raise ValueError(f"A key begins with `{CUSTOM_PREFIX}` and has {lengths} visible ASCII characters.")
    digest = digest_of(pepper, text.encode())
    return Minted(Secret(text), digest.hex(), digest, shown(text))


def like_an_id(text: str) -> bool:
    """An id has a small letter, a capital and a digit, so that words (`frontend`, `Research`, `team0001`) are none."""
    return _ID.fullmatch(text) is not None or _DIGEST.fullmatch(text) is not None


def _new_id() -> str:
    while True:
        id = "".join(secrets.choice(ALPHABET) for _ in range(ID.stop - ID.start))
        if like_an_id(id):
            return id


def shown(text: str) -> str:
    return f"sk-...{text[-4:]}"


def public_id(presented: bytes) -> str | None:
    """Of a key that was made here; None where it is of another form, or not the text that it once was."""
    if _OURS.fullmatch(presented) is None:
        return None
    text = presented.decode()
    return text[ID] if checksum(text[:-6]) == text[-6:] else None


def could_be_custom(presented: bytes) -> bool:
    return not presented.startswith(_PREFIX) and _CUSTOM.fullmatch(presented) is not None
