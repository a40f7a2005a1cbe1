"""The tokens that go along to one MCP server, and what is done where it refuses one.

    transport = tokens.transport(owner, inner)      adds the owner's token to each request

1. Whose token: the caller's own, `SHARED` where one sign-in is everybody's, and the gateway's own (client credentials),
   which is shared too. A caller's credential of another kind (`x-mcp-auth` ...) takes the place of all this.
2. A token that is about to expire is refreshed before it is shown, once for all who want it at that moment; so is one
   that was refused (401). Where nothing can be refreshed, a person has to sign in: `SignInNeeded`.
3. 403 with `insufficient_scope`: a person is asked to sign in again, for what was asked before and what is missing.
   What was asked for already is not asked for again: the refusal stands. So nothing goes round in circles.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

import msgspec

from tollbridge.mcp.call import Caller
from tollbridge.mcp.definition import Definition
from tollbridge.mcp.http import Pairs
from tollbridge.mcp.oauth import driver, grants, registration
from tollbridge.mcp.oauth.challenge import Challenge, read_challenge
from tollbridge.mcp.oauth.discovery import discover
from tollbridge.mcp.oauth.errand import OAuthError
from tollbridge.mcp.oauth.invitations import Invitations, SignInNeeded
from tollbridge.mcp.oauth.values import Settings, Token
from tollbridge.mcp.oauth.vault import SHARED, Vault, url_of
from tollbridge.mcp.once import Once
from tollbridge.policy.principal import Principal
from tollbridge.transport.base import Incoming, Outgoing, Timeouts, Transport

OWNER = ":owner"
"""Among the headers of a link: whose token goes along. It is no header, and is not sent."""
EARLY_S = 30.0
TRIES_MAX = 3
DEAD = frozenset({"invalid_grant", "invalid_client", "unauthorized_client", "invalid_token"})
"""Words by which an authorization server says that a refresh token will never do again."""


class Tokens:
    """Of one server. Used from one event loop."""

    def __init__(
        self,
        definition: Definition,
        settings: Settings,
        vault: Vault,
        networks: driver.Networks,
        invitations: Invitations,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.definition = definition
        self.settings = settings
        self.networks = networks
        self.vault = vault
        self.invitations = invitations
        self._clock = clock
        self._fetching: Once[str, Token | None] = Once()

    @property
    def personal(self) -> bool:
        """Somebody signs in."""
        return not self.settings.machine

    def bound(self, headers: Pairs, caller: Caller) -> Pairs:
        """The headers, and whose token goes along with them; none where the caller brought a credential."""
        if any(name == "authorization" for name, _ in headers):
            return headers
        return (*headers, (OWNER, self.owner(caller.principal)))

    def owner(self, principal: Principal) -> str:
        return SHARED if self.settings.shared or self.settings.machine else principal.id

    def transport(self, owner: str, inner: Transport) -> Transport:
        return WithToken(self, owner, inner)

    async def token(self, owner: str) -> Token | None:
        token = await self.vault.get(self.definition, owner)
        if token is None or token.expires_at is None or token.expires_at - EARLY_S > self._clock():
            return token
        if token.refresh is not None:
            return await self._fetching.run(owner, lambda: self._refreshed(owner, token))
        return token if token.expires_at > self._clock() else None

    async def refused(self, owner: str, status: int, header: str, shown: Token | None, *, again: bool) -> Token | None:
        """Another token to try; None where the refusal stands. `again`: the one that was refused was given in answer to
        a refusal. Raises SignInNeeded, OAuthError."""
        challenge = read_challenge(header)
        if status == 403:
            return await self._more(owner, challenge, shown)
        if not again:
            now = await self.vault.get(self.definition, owner, anew=True)
            if now is not None and (shown is None or now.access != shown.access):
                return now
            if now is not None and now.refresh is not None:
                new = await self._fetching.run(owner, lambda: self._refreshed(owner, now))
                if new is not None:
                    return new
        elif self.settings.machine:
            return None
        asked = () if shown is None else shown.asked
        return await self._begun(owner, challenge, tuple(dict.fromkeys((*asked, *challenge.scopes))))

    async def _more(self, owner: str, challenge: Challenge, shown: Token | None) -> Token | None:
        if challenge.error != "insufficient_scope":
            return None
        asked = () if shown is None else shown.asked
        scopes = tuple(dict.fromkeys((*asked, *challenge.scopes)))
        if set(challenge.scopes) <= set(asked):
            return None
        return await self._begun(owner, challenge, scopes)

    async def _begun(self, owner: str, challenge: Challenge, scopes: tuple[str, ...]) -> Token | None:
        if not self.settings.machine:
            raise SignInNeeded(self.definition.name, owner, scopes, challenge.metadata_url)
        return await self._fetching.run(owner, lambda: self._fetched(owner, challenge, scopes))

    async def _refreshed(self, owner: str, token: Token) -> Token | None:
        """None where the refresh token is worth nothing any more."""
        newest = await self.vault.get(self.definition, owner, anew=True)  # another process may have been first
        if newest is not None and newest.access != token.access:
            return newest
        try:
            new = await driver.run(grants.refresh(token, self.settings.signer, self._clock()), self.networks)
        except OAuthError as error:
            if error.error not in DEAD:
                raise
            if newest is not None:
                await self.vault.put(self.definition, owner, msgspec.structs.replace(newest, refresh=None))
            return None
        await self.vault.put(self.definition, owner, new)
        return new

    async def _fetched(self, owner: str, challenge: Challenge, scopes: tuple[str, ...]) -> Token:
        url = url_of(self.definition)
        assert url is not None
        found = await driver.run(discover(url, challenge.metadata_url, self.settings), self.networks)
        client = registration.known(self.settings, found.server)
        if client is None or (client.secret is None and client.method != "private_key_jwt"):
            raise OAuthError("Client credentials need `client_id`, and `client_secret` or `client_private_key`.")
        wanted = tuple(dict.fromkeys((*self.settings.scopes, *scopes))) or found.scopes
        prover = grants.Prover(client, self.settings.signer)
        token = await driver.run(grants.fetch(found, prover, wanted, self._clock()), self.networks)
        await self.vault.put(self.definition, owner, token)
        return token


class Source(Protocol):
    """Whose tokens they are, and what another is got by."""

    async def token(self, owner: str) -> Token | None: ...

    async def refused(
        self, owner: str, status: int, header: str, shown: Token | None, *, again: bool
    ) -> Token | None: ...


class WithToken:
    """`Transport`: as the inner one, with a token."""

    def __init__(self, tokens: Source, owner: str, inner: Transport) -> None:
        self._tokens = tokens
        self._owner = owner
        self._inner = inner

    async def send(self, request: Outgoing, timeouts: Timeouts) -> Incoming:
        token = await self._tokens.token(self._owner)
        for tried in range(TRIES_MAX):
            incoming = await self._inner.send(_signed(request, token), timeouts)
            if incoming.status not in (401, 403):
                return incoming
            header = (incoming.header(b"www-authenticate") or b"").decode("latin-1")
            try:
                other = await self._tokens.refused(self._owner, incoming.status, header, token, again=tried > 0)
            except BaseException:
                incoming.abort()
                raise
            if other is None:
                return incoming
            incoming.abort()
            token = other
        return await self._inner.send(_signed(request, token), timeouts)

    async def close(self) -> None:
        """The inner one is others' too."""


def _signed(request: Outgoing, token: Token | None) -> Outgoing:
    if token is None:
        return request
    return Outgoing(
        origin=request.origin,
        method=request.method,
        target=request.target,
        headers=(*request.headers, ("authorization", f"Bearer {token.access}")),
        body=request.body,
    )
