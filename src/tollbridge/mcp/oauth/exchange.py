"""On behalf of a caller (RFC 8693): the token that a caller shows is exchanged for one that is good at one MCP server.

1. What is exchanged is what the caller brought for this server (`x-mcp-auth` ..., an `Authorization` beside the
   gateway's key), or the token of a trusted issuer by which the caller was let in. A key of the gateway's, or a token
   that it gave itself, is never exchanged.
2. The caller's token goes to the authorization server that the operator named or the server's metadata names, and
   nowhere else; the MCP server sees what it was exchanged for.
3. Both are known by digests, and kept in memory alone: for as long as the new one is good, at most `KEPT_MAX` of them.
4. One that the server refuses is exchanged anew, once; then the refusal stands. Nobody signs in.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable

import msgspec

from tollbridge.mcp.call import Caller
from tollbridge.mcp.definition import Definition
from tollbridge.mcp.http import Pairs
from tollbridge.mcp.jsonrpc import FORBIDDEN, RpcError
from tollbridge.mcp.oauth import driver, grants, registration
from tollbridge.mcp.oauth.challenge import read_challenge
from tollbridge.mcp.oauth.discovery import discover
from tollbridge.mcp.oauth.errand import OAuthError
from tollbridge.mcp.oauth.invitations import Invitations
from tollbridge.mcp.oauth.tokens import EARLY_S, OWNER, WithToken
from tollbridge.mcp.oauth.values import Exchanging, Settings, Token
from tollbridge.mcp.oauth.vault import url_of
from tollbridge.mcp.once import Once
from tollbridge.transport.base import Transport

KEPT_MAX = 4096
UNTOLD_S = 300.0
"""How long a token is taken to be good whose end was not told."""


class Exchanged(msgspec.Struct):
    """`subject`: the caller's token. `token`: what it was exchanged for."""

    subject: str
    token: Token | None = None


class OnBehalf:
    """Of one server, as `tokens.Tokens`. Used from one event loop."""

    personal = False

    def __init__(
        self,
        definition: Definition,
        settings: Settings,
        exchanging: Exchanging,
        networks: driver.Networks,
        invitations: Invitations,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.definition = definition
        self.settings = settings
        self.networks = networks
        self.invitations = invitations
        self._exchanging = exchanging
        self._clock = clock
        self._kept: dict[str, Exchanged] = {}
        self._exchanges: Once[str, Token] = Once()

    def bound(self, headers: Pairs, caller: Caller) -> Pairs:
        """The headers without the caller's token, and whose they are. Raises RpcError where the caller shows none."""
        shown = dict(headers).get("authorization", "")
        scheme, _, subject = shown.partition(" ")
        if not subject or scheme.lower() != "bearer":
            subject = caller.credentials.token or ""
        if not subject:
            raise RpcError(
                FORBIDDEN,
                f"The MCP server {self.definition.name!r} is asked on behalf of a person: bring their token, by "
                f"`x-mcp-{self.definition.name}-authorization: Bearer ...`.",
                status=403,
            )
        owner = f"{caller.principal.id} {hashlib.sha256(subject.encode()).hexdigest()}"
        kept = self._kept.pop(owner, None) or Exchanged(subject)
        self._kept[owner] = kept  # the newest last
        while len(self._kept) > KEPT_MAX:
            self._kept.pop(next(iter(self._kept)))
        return (*((name, value) for name, value in headers if name != "authorization"), (OWNER, owner))

    def transport(self, owner: str, inner: Transport) -> Transport:
        return WithToken(self, owner, inner)

    async def token(self, owner: str) -> Token | None:
        kept = self._kept.get(owner)
        if kept is None:
            raise OAuthError("The token that this connection was made with is known no more: begin anew.")
        token = kept.token
        if token is not None and (token.expires_at or token.since + UNTOLD_S) - EARLY_S > self._clock():
            return token
        return await self._exchanges.run(owner, lambda: self._exchange(kept, None))

    async def refused(self, owner: str, status: int, header: str, shown: Token | None, *, again: bool) -> Token | None:
        kept = self._kept.get(owner)
        if status != 401 or again or kept is None:
            return None
        if kept.token is not None and (shown is None or kept.token.access != shown.access):
            return kept.token
        metadata_url = read_challenge(header).metadata_url
        return await self._exchanges.run(owner, lambda: self._exchange(kept, metadata_url))

    async def _exchange(self, kept: Exchanged, metadata_url: str | None) -> Token:
        url = url_of(self.definition)
        assert url is not None
        found = await driver.run(discover(url, metadata_url, self.settings), self.networks)
        client = registration.known(self.settings, found.server)
        if client is None:
            raise OAuthError("A token is exchanged by a client that is known: give `client_id`.")
        prover = grants.Prover(client, self.settings.signer)
        errand = grants.exchange(found, prover, kept.subject, self._exchanging, self.settings.scopes, self._clock())
        kept.token = await driver.run(errand, self.networks)
        return kept.token
