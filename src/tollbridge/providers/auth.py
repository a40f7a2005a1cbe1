"""How a provider wants to be shown a key. Values: the key itself arrives at call time and leaves as a `Secret`."""

from __future__ import annotations

import msgspec

from tollbridge.secret import Secret


class Bearer(msgspec.Struct, frozen=True, tag="bearer"):
    """`authorization: Bearer KEY`, or with another `scheme`. `kinds`: (prefix of the key, header, value): a header that
    tells which kind of key it is, and the prefix is taken off; the first that fits counts, the empty prefix fits
    all."""

    kinds: tuple[tuple[str, str, str], ...] = ()
    scheme: str = "Bearer"


class HeaderKey(msgspec.Struct, frozen=True, tag="header"):
    """`NAME: KEY`. A key with one of the prefixes in `tokens` is a token and goes as Bearer."""

    name: str
    tokens: tuple[str, ...] = ()


class NoAuth(msgspec.Struct, frozen=True, tag="none"):
    """Nothing is sent, whatever key there may be."""


class SigV4(msgspec.Struct, frozen=True, tag="sigv4"):
    """Each request is signed for `service` with AWS's credentials (`aws_keys`, `sigv4`); a key goes as Bearer."""

    service: str


Auth = Bearer | HeaderKey | NoAuth | SigV4
AuthHeaders = tuple[tuple[str, Secret], ...]


def write_auth(auth: Auth, key: Secret) -> AuthHeaders:
    match auth:
        case NoAuth():
            return ()
        case HeaderKey(name, tokens) if not key.reveal().startswith(tokens):
            return ((name, key),)
        case Bearer(kinds, scheme):
            for prefix, header, value in kinds:
                if key.reveal().startswith(prefix):
                    return (*write_bearer(Secret(key.reveal().removeprefix(prefix))), (header, Secret(value)))
            return write_bearer(key, scheme)
    return write_bearer(key)


def write_bearer(token: Secret, scheme: str = "Bearer") -> AuthHeaders:
    return (("authorization", Secret(f"{scheme} {token.reveal()}")),)
