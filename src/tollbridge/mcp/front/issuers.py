"""Access tokens (JWT) of authorization servers that the operator trusts, and the gateway key that each stands for.

1. Which issuer a token is of is read first, and decides which keys and algorithms it may be signed with: asymmetric
   ones alone, whatever its header says. Keys come from the issuer's own set, never from the token (`jku`, `jwk` ...).
2. It must name its issuer, its expiry and us: an audience that the operator named, or the resource's own address.
   Clocks may differ by `LEEWAY_S`.
3. A claim says who it is, and the operator's table which gateway key that is: its rights, limits and budget hold, and
   blocking it ends every token that stands for it.
4. A set of keys is read again where a key is not in it, at most once in `AGAIN_S`, and now and then. While it cannot
   be read, the keys that are here go on being good.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from tollbridge.errors import AuthenticationError, PermissionDeniedError
from tollbridge.mcp.oauth import driver
from tollbridge.mcp.oauth.discovery import server_candidates
from tollbridge.mcp.oauth.errand import Ask, Errand, OAuthError, text_of, texts_of
from tollbridge.model.json import Json, JsonObject
from tollbridge.policy.keyring import Keyring
from tollbridge.policy.principal import Principal

LEEWAY_S = 60.0
AGAIN_S, STALE_S = 30.0, 3600.0
ALIAS_S = 1.0
TOKEN_MAX = 16 * 1024
ANYBODY = "*"

log = logging.getLogger("tollbridge.mcp")


class Issuer(msgspec.Struct, frozen=True, kw_only=True):
    """As the operator said. `audiences`: empty takes the resource's own address. `keys`: aliases of gateway keys by the
    value of `claim`; `*` is anybody's else. `scopes`: all of which a token must have."""

    issuer: str
    jwks_url: str | None = None
    audiences: tuple[str, ...] = ()
    algorithms: tuple[str, ...] = ("RS256", "ES256")
    claim: str = "sub"
    keys: Mapping[str, str] = {}
    scopes: tuple[str, ...] = ()


class InsufficientScope(PermissionDeniedError):
    """`scopes`: what is wanted."""

    scopes: tuple[str, ...] = ()


def lacks(scopes: tuple[str, ...]) -> InsufficientScope:
    error = InsufficientScope(f"This token lacks a scope: {' '.join(scopes)}.", code="insufficient_scope")
    error.scopes = scopes
    return error


class KeySet:
    """The public keys of one issuer."""

    def __init__(self, issuer: Issuer, networks: driver.Networks) -> None:
        self._issuer = issuer
        self._networks = networks
        self._keys: dict[str, JsonObject] = {}
        self._read_at = self._tried_at = float("-inf")
        self._reading = asyncio.Lock()

    async def key(self, id: str) -> JsonObject | None:
        """`id`: as a token names it; "" where it names none, and there is but one key."""
        now = time.monotonic()
        if id not in self._keys or now - self._read_at > STALE_S:
            async with self._reading:
                if time.monotonic() - self._tried_at > AGAIN_S:
                    await self._read()
        if not id and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(id)

    async def _read(self) -> None:
        self._tried_at = time.monotonic()
        try:
            found = await driver.run(_key_set(self._issuer), self._networks)
        except OAuthError as error:
            log.warning("the keys of the issuer %r cannot be read: %s", self._issuer.issuer, error.message)
            return
        self._keys = {str(key.get("kid") or ""): key for key in found}
        self._read_at = time.monotonic()


class Issuers:
    """`find`: the digest of the key of an alias, None where there is none."""

    def __init__(
        self,
        issuers: tuple[Issuer, ...],
        networks: driver.Networks,
        keyring: Keyring,
        find: Callable[[str], Awaitable[bytes | None]],
    ) -> None:
        self._issuers = {issuer.issuer: issuer for issuer in issuers}
        self._sets = {issuer.issuer: KeySet(issuer, networks) for issuer in issuers}
        self._keyring = keyring
        self._find = find
        self._digests: dict[str, tuple[float, bytes | None]] = {}

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._issuers)

    @property
    def scopes(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(scope for issuer in self._issuers.values() for scope in issuer.scopes))

    def of(self, token: str) -> Issuer | None:
        """Whose it says that it is; None where that is nobody whom the operator trusts, or it is no JWT."""
        if not self._issuers or not token.startswith("eyJ") or token.count(".") != 2 or len(token) > TOKEN_MAX:
            return None
        import jwt  # 40 ms, which gateways without issuers do without

        try:
            said = jwt.decode(token, options={"verify_signature": False})
        except jwt.PyJWTError:
            return None
        name = said.get("iss")
        return self._issuers.get(name) if isinstance(name, str) else None

    async def principal(self, issuer: Issuer, token: str, for_us: Callable[[str], bool]) -> Principal:
        """`for_us`: whether an audience is the resource's address. Raises APIError."""
        claims = await self._claims(issuer, token)
        audience = claims.get("aud")
        audiences = (audience,) if isinstance(audience, str) else texts_of(audience)
        if not any(one in issuer.audiences if issuer.audiences else for_us(one) for one in audiences):
            raise _refused("This access token was given for another audience.")
        if not set(issuer.scopes) <= _scopes(claims):
            raise lacks(issuer.scopes)
        who = claims.get(issuer.claim)
        alias = issuer.keys.get(who, issuer.keys.get(ANYBODY)) if isinstance(who, str) and who else None
        digest = None if alias is None else await self._digest(alias)
        if digest is None:
            raise PermissionDeniedError("Nobody gave this token's holder a key here.", code="no_key")
        found = self._keyring.find_digest(digest)
        principal = found if isinstance(found, Principal) else await found
        return msgspec.structs.replace(principal)  # another one: elsewhere on this connection it is not known

    async def _claims(self, issuer: Issuer, token: str) -> Mapping[str, Any]:
        import jwt

        try:
            head = jwt.get_unverified_header(token)
            if head.get("alg") not in issuer.algorithms or "crit" in head:
                raise _refused("This access token is signed in a way that is not taken here.")
            key = await self._sets[issuer.issuer].key(text_of(head.get("kid")) or "")
            if key is None:
                raise _refused("This access token is signed with a key that its issuer does not show.")
            claims: Mapping[str, Any] = jwt.decode(
                token,
                jwt.PyJWK(key, algorithm=head["alg"]),
                algorithms=list(issuer.algorithms),
                issuer=issuer.issuer,
                leeway=LEEWAY_S,
                options={"require": ["iss", "exp", "aud"], "verify_aud": False},
            )
        except jwt.PyJWTError as error:
            raise _refused("This access token is not valid, or has expired.") from error
        return claims

    async def _digest(self, alias: str) -> bytes | None:
        found_at, digest = self._digests.get(alias, (float("-inf"), None))
        if time.monotonic() - found_at > ALIAS_S:
            digest = await self._find(alias)
            self._digests[alias] = (time.monotonic(), digest)  # as many as the operator named
        return digest


def _key_set(issuer: Issuer) -> Errand[list[JsonObject]]:
    url = issuer.jwks_url
    if url is None:
        for candidate in server_candidates(issuer.issuer):
            told = yield Ask("GET", candidate)
            if told.object is not None and told.object.get("issuer") == issuer.issuer:
                url = text_of(told.object.get("jwks_uri"))
                break
    if url is None:
        raise OAuthError("The issuer does not say where its keys are: set `jwks_url`.")
    told = yield Ask("GET", url)
    keys: Json = None if told.object is None else told.object.get("keys")
    if told.status != 200 or not isinstance(keys, list):
        raise OAuthError(told.why or f"HTTP status {told.status}")
    return [key for key in keys if isinstance(key, dict) and key.get("use", "sig") == "sig"]


def _scopes(claims: Mapping[str, Any]) -> set[str]:
    found: set[str] = set()
    for name in ("scope", "scp"):
        said = claims.get(name)
        found |= set(said.split()) if isinstance(said, str) else set(texts_of(said))
    return found


def _refused(why: str) -> AuthenticationError:
    return AuthenticationError(why, code="invalid_token")
