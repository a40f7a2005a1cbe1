"""Who asks at the MCP endpoint: who shows a gateway key, as everywhere, or an access token that was given for one,
by us or by an issuer that the operator trusts (`issuers.py`).

1. An access token is good at the MCP endpoint alone, at the resource that it was given for, while its grant stands and
   its key is good: it is looked up at each use as if the key itself were shown.
2. A token of somebody else's is no credential here (S38): it is refused with the challenge that says where to get one,
   and goes nowhere. Nor does a token of ours go to any server.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import msgspec

from tollbridge.errors import APIError, AuthenticationError
from tollbridge.mcp.front.grants import Access, Grants
from tollbridge.mcp.front.issuers import InsufficientScope, Issuer, Issuers
from tollbridge.mcp.front.resource import SCOPE, challenge, covers
from tollbridge.policy.keyring import Keyring
from tollbridge.policy.minting import ACCESS_PREFIX
from tollbridge.policy.principal import Principal
from tollbridge.server.identify import KEY_HEADERS, OWN_HEADER, Authenticator, ambiguous, bare
from tollbridge.server.inbound import Headers, Inbound

_PREFIX = ACCESS_PREFIX.encode()
_SHOWN = (OWN_HEADER, b"authorization", *KEY_HEADERS)


class TokenDoor:
    """`server.routes.Door`. `keys`: who knows gateway keys; looked up at each use."""

    def __init__(
        self,
        grants: Grants,
        keyring: Keyring,
        keys: Callable[[], Authenticator],
        base: Callable[[Inbound], str],
        issuers: Issuers | None = None,
    ) -> None:
        self._grants = grants
        self._keyring = keyring
        self._keys = keys
        self._base = base
        self._issuers = issuers

    def authenticate(self, inbound: Inbound) -> Principal | Awaitable[Principal]:
        known = inbound.principal or inbound.known
        if known is not None and self._keyring.still(known):
            return known  # who showed a token is none that the keyring knows
        token = token_in(inbound.headers)
        if token is None and self._issuers is not None:
            shown = inbound.headers.get(b"authorization", b"")
            issuer = self._issuers.of(bare(shown).decode("latin-1"))
            if issuer is not None:
                return self._of(self._issuers, issuer, inbound)
        if token is None:
            return self._keys().authenticate(inbound.headers, known)
        access = self._grants.opened(token)
        if access is None:
            raise _refused("This access token is unknown or has expired.")
        if not covers(access.resource, self._base(inbound), inbound.path):
            raise _refused("This access token was given for another resource.")
        return self._whose(access)

    def challenge(self, inbound: Inbound, error: APIError) -> Headers:
        scopes = (SCOPE,) if self._issuers is None else (SCOPE, *self._issuers.scopes)
        if isinstance(error, InsufficientScope):
            return challenge(self._base(inbound), inbound.path, error.scopes, "insufficient_scope")
        if not isinstance(error, AuthenticationError):
            return ()
        tried = not inbound.headers.keys().isdisjoint(_SHOWN)
        return challenge(self._base(inbound), inbound.path, scopes, "invalid_token" if tried else "")

    def _of(self, issuers: Issuers, issuer: Issuer, inbound: Inbound) -> Awaitable[Principal]:
        headers, base, path = inbound.headers, self._base(inbound), inbound.path
        if not headers.keys().isdisjoint((OWN_HEADER, *KEY_HEADERS)):
            raise ambiguous()
        token = bare(headers[b"authorization"]).decode("latin-1")
        return issuers.principal(issuer, token, lambda audience: covers(audience, base, path))

    async def _whose(self, access: Access) -> Principal:
        if not await self._grants.alive(access.grant):
            raise _refused("What this access token was given for was revoked.")
        found = self._keyring.find_digest(access.digest)
        principal = found if isinstance(found, Principal) else await found
        return msgspec.structs.replace(principal)  # another one: elsewhere on this connection it is not known


def token_in(headers: Mapping[bytes, bytes]) -> str | None:
    """An access token of ours, where a key may stand. Raises BadRequestError where a key stands beside it."""
    for name in _SHOWN:
        if _PREFIX in headers.get(name, b""):
            break
    else:
        return None
    shown = [bare(headers[name]) for name in _SHOWN if name in headers]
    tokens = [one for one in shown if one.startswith(_PREFIX)]
    if not tokens:
        return None
    if len(set(shown)) > 1:
        raise ambiguous()
    return tokens[0].decode("latin-1")


def _refused(why: str) -> AuthenticationError:
    return AuthenticationError(why, code="invalid_token")
