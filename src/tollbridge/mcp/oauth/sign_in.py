"""A person signs in at an MCP server: from the page that they are sent to, or from their command line.

1. Who signs in proves who they are with their gateway key, on the page or from the command line: an invitation
   (`invitations.py`) proves nothing of who follows it. So nobody can have another sign in for them.
2. What was begun is kept under `state`: 256 random bits, for `PENDING_S`, taken once. A sign-in that was begun in a
   browser ends in that browser (a cookie holds what the pending one is bound to); one that was begun with a key ends
   with that key.
3. Nothing is sent to an authorization server before a person agreed to go there. The answer must come from the issuer
   that was asked (`grants.check_issuer`), and is redeemed at its own token endpoint.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable, Mapping

import msgspec

from tollbridge.errors import BadRequestError, NotFoundError, PermissionDeniedError
from tollbridge.mcp.access import rights_of
from tollbridge.mcp.hub import Hub
from tollbridge.mcp.oauth import driver, grants, registration
from tollbridge.mcp.oauth.discovery import discover, origin_of
from tollbridge.mcp.oauth.errand import OAuthError
from tollbridge.mcp.oauth.notes import Notes
from tollbridge.mcp.oauth.tokens import Tokens
from tollbridge.mcp.oauth.values import Client, Found, Token
from tollbridge.mcp.oauth.vault import SHARED, Vault, id_of, url_of
from tollbridge.mcp.upstream import Upstream
from tollbridge.observe.audit import audit
from tollbridge.policy.principal import Principal
from tollbridge.store.oauth import Note

PENDING = "sign-in"
PENDING_S = 600.0


class Pending(msgspec.Struct, frozen=True, kw_only=True):
    """`by`: who began it; `browser`: what the browser showed, "" where a program began it."""

    server: str
    owner: str
    by: str
    browser: str
    redirect: str
    verifier: str
    scopes: tuple[str, ...]
    found: Found
    client: Client


class Begun(msgspec.Struct, frozen=True):
    """`url`: where the person goes."""

    url: str
    state: str


class SignIns:
    """`document`: the URL at which we describe ourselves, where others can read it."""

    def __init__(
        self,
        hub: Hub,
        vault: Vault,
        notes: Notes,
        document: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._hub = hub
        self._notes = notes
        self._clock = clock
        self.vault = vault
        self.document = document

    def signed_in_at(self, name: str, principal: Principal) -> Upstream:
        """The server, where this principal may use it and it is signed in at. Raises NotFoundError."""
        upstream = self._hub.find(name)
        if upstream is None or not rights_of(principal).server(upstream.definition):
            raise NotFoundError("There is no such MCP server here.", code="mcp_server_not_found", param="server")
        if not isinstance(upstream.tokens, Tokens) or not upstream.tokens.personal:
            raise BadRequestError("Nobody signs in at this MCP server.", code="no_sign_in", param="server")
        return upstream

    async def begin(
        self,
        upstream: Upstream,
        principal: Principal,
        redirect: str,
        *,
        browser: str = "",
        scopes: tuple[str, ...] = (),
        metadata_url: str | None = None,
    ) -> Begun:
        """Raises APIError, OAuthError."""
        tokens = upstream.tokens
        assert isinstance(tokens, Tokens)
        owner = tokens.owner(principal)
        if owner == SHARED and not principal.admin:
            raise PermissionDeniedError("At this server the admin signs in, for everybody.", code="shared_sign_in")
        url = url_of(tokens.definition)
        assert url is not None
        found = await driver.run(discover(url, metadata_url, tokens.settings), tokens.networks)
        wanted = grants.scopes_for(tokens.settings.scopes, scopes, found)
        if tokens.settings.scopes and scopes:
            wanted = tuple(dict.fromkeys((*wanted, *scopes)))
        client = await self._client(tokens, found, redirect, wanted)
        state, verifier = secrets.token_urlsafe(32), grants.new_verifier()
        there = grants.authorization_url(
            found, client, redirect=redirect, state=state, verifier=verifier, scopes=wanted
        )
        pending = Pending(
            server=upstream.name,
            owner=owner,
            by=principal.id,
            browser=browser,
            redirect=redirect,
            verifier=verifier,
            scopes=wanted,
            found=found,
            client=client,
        )
        until = self._clock() + PENDING_S
        note = Note(kind=PENDING, owner=owner, about=upstream.name, content=msgspec.to_builtins(pending))
        await self._notes.put(state, msgspec.structs.replace(note, expires_at=until))
        return Begun(there, state)

    async def finish(self, said: Mapping[str, str], *, browser: str = "", by: str = "") -> str:
        """The name of the server that is signed in at. `said`: the query of the answer. Raises BadRequestError,
        OAuthError."""
        note = await self._notes.take(PENDING, said.get("state", ""))
        pending = None if note is None else msgspec.convert(note.content, Pending)
        bound = pending is not None and (
            hmac.compare_digest(pending.browser, browser) if pending.browser else pending.by == by
        )
        if pending is None or not bound:
            raise BadRequestError(
                "No sign-in is under way here that this answers: it ended, was begun elsewhere, or took too long.",
                code="no_sign_in_under_way",
            )
        grants.check_issuer(pending.found.server, said.get("iss"))
        if "error" in said:
            raise OAuthError(f"The server did not let you in: {said['error'][:100]}.", said["error"][:100])
        code = said.get("code")
        if not code:
            raise BadRequestError("The answer holds no code.", code="no_code")
        upstream = self._hub.find(pending.server)
        if upstream is None or not isinstance(upstream.tokens, Tokens):
            raise BadRequestError("The MCP server is gone meanwhile.", code="mcp_server_not_found")
        await self._redeem(upstream, upstream.tokens, pending, code)
        return upstream.name

    async def _redeem(self, upstream: Upstream, tokens: Tokens, pending: Pending, code: str) -> None:
        prover = grants.Prover(pending.client, tokens.settings.signer)
        errand = grants.redeem(
            pending.found, prover, code, pending.verifier, pending.redirect, pending.scopes, self._clock()
        )
        try:
            token = await driver.run(errand, tokens.networks)
        except OAuthError as error:
            if error.error == "invalid_client":  # it does not know us any more: the next one registers anew
                await self.vault.forget_client(tokens.definition, pending.found.server.issuer, pending.redirect)
            raise
        await self.vault.put(tokens.definition, pending.owner, token)
        audit("mcp_sign_in", pending.by, server=upstream.name, owner=pending.owner, issuer=token.issuer)
        upstream.watching.all_new()

    async def _client(self, tokens: Tokens, found: Found, redirect: str, scopes: tuple[str, ...]) -> Client:
        server, definition = found.server, tokens.definition
        ours = self.document if self.document is not None and origin_of(self.document) == origin_of(redirect) else None
        client = registration.known(tokens.settings, server) or registration.documented(server, ours)
        if client is None:
            client = await self.vault.client(definition, server.issuer, redirect)
        if client is None:
            client = await driver.run(registration.register(server, redirect, scopes), tokens.networks)
            await self.vault.put_client(definition, server.issuer, redirect, client)
        return client

    def id(self, name: str) -> str:
        """Under which tokens of this server are kept."""
        upstream = self._hub.find(name)
        return name if upstream is None else id_of(upstream.definition)

    async def sign_out(self, server: str, owner: str, by: str) -> bool:
        """Here, and at the authorization server where it takes tokens back. False where nobody was signed in."""
        token = await self.vault.forget(server, owner)
        if token is None:
            return False
        audit("mcp_sign_out", by, server=server, owner=owner)
        await self._take_back(server, token)
        return True

    async def _take_back(self, server: str, token: Token) -> None:
        for upstream in self._hub.upstreams.values():
            if id_of(upstream.definition) == server and upstream.tokens is not None:
                tokens = upstream.tokens
                await driver.run(grants.revoke(token, tokens.settings.signer, self._clock()), tokens.networks)
