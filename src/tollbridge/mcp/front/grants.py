"""Codes, grants and tokens of the authorization server front.

1. A code lasts a minute and is redeemed once. Who redeems it a second time ends the grant: it was stolen on one side.
2. A grant is what a person agreed to: this client acts with this key, at this resource. It is kept (`store/oauth.py`),
   so that a restart ends none; it ends when it is revoked, or unused for `GRANT_S`.
3. A refresh token is good for one use: the next one takes its place. One that was replaced ends the grant, unless it
   comes within `LATE_S`, from a client that the answer did not reach.
4. An access token lasts `ACCESS_S`. It is sealed, and holds which grant, whose key (its digest) and which resource; the
   key's rights, limits and revocation are looked up at each use, and so is the grant, at most once in `FRESH_S`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable

import msgspec

from tollbridge.mcp.oauth.notes import Notes
from tollbridge.policy.minting import ACCESS_PREFIX
from tollbridge.store.oauth import Note
from tollbridge.store.sealing import Sealing

CODE, GRANT = "code", "grant"
REFRESH_PREFIX = "tb-rt-"
CODE_S, ACCESS_S, GRANT_S = 60.0, 600.0, 90 * 24 * 3600.0
LATE_S = 30.0
FRESH_S = 1.0
KNOWN_MAX = 10_000
NAME_BYTES = 16
TOKEN_MAX = 2048


class Agreed(msgspec.Struct, frozen=True, kw_only=True):
    """What a person agreed to. `digest`: of their key, in hex. `challenge`: of PKCE."""

    client: str
    redirect: str
    challenge: str
    resource: str
    key: str
    digest: str


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """`code`, `refresh`, `former`: hashes. `rotated_at`: when `refresh` took the place of `former`."""

    agreed: Agreed
    code: str
    refresh: str
    former: str = ""
    rotated_at: float = 0.0


class Access(msgspec.Struct, frozen=True, array_like=True):
    """What an access token says."""

    grant: str
    digest: bytes
    resource: str
    until: float


class Issued(msgspec.Struct, frozen=True):
    access: str
    refresh: str
    seconds: int


class Refused(Exception):
    """`error`: OAuth's word for it."""

    def __init__(self, error: str, about: str) -> None:
        super().__init__(about)
        self.error = error


class Grants:
    def __init__(self, notes: Notes, key: bytes, clock: Callable[[], float] = time.time) -> None:
        self._notes = notes
        self._sealing = Sealing(key, "mcp access")
        self._clock = clock
        self._known: dict[str, tuple[float, bool]] = {}

    async def code(self, agreed: Agreed) -> str:
        grant, secret = secrets.token_urlsafe(18), secrets.token_urlsafe(32)
        code = f"{grant}.{secret}"
        content = msgspec.to_builtins(agreed)
        until = self._clock() + CODE_S
        await self._notes.put(code, Note(kind=CODE, owner=agreed.key, content=content, expires_at=until))
        return code

    async def redeem(self, code: str, *, client: str, redirect: str, verifier: str, resource: str | None) -> Issued:
        """Raises Refused."""
        note = await self._notes.take(CODE, code)
        id = code.partition(".")[0]
        if note is None:
            await self._replayed(id, code)
            raise Refused("invalid_grant", "The code is unknown, expired or was used.")
        agreed = msgspec.convert(note.content, Agreed)
        given = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        if agreed.client != client or agreed.redirect != redirect:
            raise Refused("invalid_grant", "The code was given to another client, or for another redirect URI.")
        if not hmac.compare_digest(given, agreed.challenge):
            raise Refused("invalid_grant", "The `code_verifier` is not the one of the `code_challenge`.")
        if resource is not None and resource != agreed.resource:
            raise Refused("invalid_target", "The code was given for another resource.")
        secret = secrets.token_urlsafe(32)
        grant = Grant(agreed=agreed, code=_hash(code), refresh=_hash(secret))
        await self._notes.put(id, self._note(grant))
        return self._issued(id, grant, secret)

    async def refresh(self, token: str, client: str, resource: str | None) -> Issued:
        """Raises Refused."""
        gone = Refused("invalid_grant", "The refresh token is unknown, expired or was used.")
        id, _, secret = token.removeprefix(REFRESH_PREFIX).partition(".")
        note = await self._notes.get(GRANT, id)
        if note is None or not token.startswith(REFRESH_PREFIX):
            raise gone
        grant = msgspec.convert(note.content, Grant)
        shown, now = _hash(secret), self._clock()
        late = hmac.compare_digest(shown, grant.former)
        if not late and not hmac.compare_digest(shown, grant.refresh):
            raise gone
        if grant.agreed.client != client:
            raise Refused("invalid_grant", "The refresh token was given to another client.")
        if late and now - grant.rotated_at > LATE_S:
            await self.end(id)
            raise gone
        if resource is not None and resource != grant.agreed.resource:
            raise Refused("invalid_target", "The refresh token was given for another resource.")
        new = secrets.token_urlsafe(32)
        former = grant.former if late else grant.refresh
        rotated_at = grant.rotated_at if late else now
        grant = msgspec.structs.replace(grant, refresh=_hash(new), former=former, rotated_at=rotated_at)
        if not await self._notes.swap(id, note, self._note(grant)):
            raise gone  # somebody else was first with the same token
        return self._issued(id, grant, new)

    async def revoke(self, token: str) -> None:
        """An access or a refresh token; the grant ends with either. What is none of ours is gone already."""
        if token.startswith(ACCESS_PREFIX):
            access = self.opened(token)
            if access is not None:
                await self.end(access.grant)
            return
        id, _, secret = token.removeprefix(REFRESH_PREFIX).partition(".")
        note = await self._notes.get(GRANT, id)
        if note is not None and hmac.compare_digest(_hash(secret), msgspec.convert(note.content, Grant).refresh):
            await self.end(id)

    async def end(self, id: str) -> None:
        self._known.pop(id, None)
        await self._notes.forget(GRANT, id)

    def opened(self, token: str) -> Access | None:
        """None where it is none of ours, or has expired."""
        if len(token) > TOKEN_MAX:
            return None
        try:
            raw = base64.urlsafe_b64decode(token.removeprefix(ACCESS_PREFIX) + "==")
        except (binascii.Error, ValueError):
            return None
        name = raw[:NAME_BYTES]
        plain = self._sealing.open(name, ACCESS_PREFIX.encode(), raw[NAME_BYTES:])
        access = None if plain is None else msgspec.msgpack.decode(plain, type=Access)
        return None if access is None or access.until <= self._clock() else access

    async def alive(self, id: str) -> bool:
        checked_at, alive = self._known.get(id, (0.0, False))
        now = time.monotonic()
        if not alive or now - checked_at > FRESH_S:
            alive = await self._notes.get(GRANT, id) is not None
            self._known.pop(id, None)
            if len(self._known) >= KNOWN_MAX:
                self._known.pop(next(iter(self._known)))
            self._known[id] = (now, alive)
        return alive

    async def _replayed(self, id: str, code: str) -> None:
        note = await self._notes.get(GRANT, id)
        if note is not None and hmac.compare_digest(msgspec.convert(note.content, Grant).code, _hash(code)):
            await self.end(id)

    def _note(self, grant: Grant) -> Note:
        return Note(
            kind=GRANT,
            owner=grant.agreed.key,
            content=msgspec.to_builtins(grant),
            expires_at=self._clock() + GRANT_S,
        )

    def _issued(self, id: str, grant: Grant, secret: str) -> Issued:
        agreed = grant.agreed
        access = Access(id, bytes.fromhex(agreed.digest), agreed.resource, self._clock() + ACCESS_S)
        name = secrets.token_bytes(NAME_BYTES)
        sealed = self._sealing.seal(name, ACCESS_PREFIX.encode(), msgspec.msgpack.encode(access))
        token = ACCESS_PREFIX + base64.urlsafe_b64encode(name + sealed).rstrip(b"=").decode()
        return Issued(token, f"{REFRESH_PREFIX}{id}.{secret}", int(ACCESS_S))


def _hash(text: str) -> str:
    """Of 256 random bits: no slow hash is needed."""
    return hashlib.sha256(text.encode()).hexdigest()
