"""What OAuth toward MCP servers needs: where tokens are kept, and where the gateway may ask for them."""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from tollbridge.assemble.accounts import Accounts
from tollbridge.config.mcp import EXCHANGE
from tollbridge.config.settings import Config, McpServer
from tollbridge.errors import ConfigError
from tollbridge.mcp.definition import Definition
from tollbridge.mcp.front.clients import Clients
from tollbridge.mcp.front.door import TokenDoor
from tollbridge.mcp.front.grants import Grants
from tollbridge.mcp.front.issuers import Issuer, Issuers
from tollbridge.mcp.front.server import Front
from tollbridge.mcp.guard import Guard
from tollbridge.mcp.oauth import driver
from tollbridge.mcp.oauth.assertion import Signer
from tollbridge.mcp.oauth.exchange import OnBehalf
from tollbridge.mcp.oauth.invitations import Invitations
from tollbridge.mcp.oauth.notes import MemoryNotes, Notes
from tollbridge.mcp.oauth.tokens import Tokens
from tollbridge.mcp.oauth.values import METHODS, Exchanging, Settings
from tollbridge.mcp.oauth.vault import Vault
from tollbridge.server.gateway import Gateway
from tollbridge.server.inbound import Inbound
from tollbridge.server.routes import Door, Route
from tollbridge.store.database import Database
from tollbridge.store.oauth import OAuthStore
from tollbridge.transport.base import Origin, Transport
from tollbridge.transport.egress import split_url


class Served(msgspec.Struct, frozen=True, eq=False):
    routes: Sequence[Route]
    door: Door


class Safe(Protocol):
    """Where tokens are kept, and under what they are sealed."""

    @property
    def database(self) -> Database: ...
    @property
    def pepper(self) -> bytes: ...


class OAuth:
    """Of all servers together. Without a `safe` what is kept is lost when the process ends."""

    def __init__(self, config: Config, operators: Transport, others: Transport, safe: Safe | None) -> None:
        self.notes: Notes = MemoryNotes() if safe is None else OAuthStore(safe.database, safe.pepper)
        self.key = os.urandom(32) if safe is None else hmac.digest(safe.pepper, b"mcp: oauth", "sha256")
        self.vault = Vault(self.notes)
        self.invitations = Invitations(hmac.digest(self.key, b"invitations", "sha256"))
        self._operators = operators
        self._others = others
        self._trusted = config.general.mcp_token_issuers
        self._open = {host.lower() for host in config.general.mcp_api_hosts}

    def tokens(self, made: Definition, server: McpServer, *, configured: bool) -> Tokens | OnBehalf | None:
        """None where it wants none. `configured`: the operator's file names it, and with it where it leads."""
        if server.auth_type not in ("oauth2", EXCHANGE) or made.address is None:
            return None
        origins = {made.address.origin} if configured else set()
        for url in (server.authorization_url, token_url_of(server), server.registration_url, server.issuer):
            if url is not None and configured:
                origins.add(split_url(url)[0])

        def named(origin: Origin) -> bool:
            return origin in origins or self._opened(origin)

        networks = driver.Networks(self._operators, self._others, named)
        if server.auth_type == EXCHANGE:
            how = Exchanging(profile=server.exchange_profile, audience=server.audience)
            if server.subject_type is not None:
                how = msgspec.structs.replace(how, subject_type=server.subject_type)
            return OnBehalf(made, settings(server), how, networks, self.invitations)
        return Tokens(made, settings(server), self.vault, networks, self.invitations)

    def front(self, gateway: Gateway, accounts: Accounts, guard: Guard, base: Callable[[Inbound], str]) -> Served:
        """The gateway's own authorization server, and who asks with its tokens."""
        grants = Grants(self.notes, self.key)
        clients = Clients(hmac.digest(self.key, b"clients", "sha256"))
        networks = driver.Networks(self._operators, self._others, self._opened)
        issuers = self._issuers(accounts)
        front = Front(grants, clients, guard, lambda: gateway.authenticator, base, networks, issuers)
        door = TokenDoor(grants, accounts.keyring, lambda: gateway.authenticator, base, issuers)
        return Served(front.routes(), door)

    def _issuers(self, accounts: Accounts) -> Issuers | None:
        """Those whose tokens are taken; None where there are none."""
        said = self._trusted
        if not said:
            return None
        origins = {split_url(url)[0] for one in said for url in (one.issuer, one.jwks_url) if url is not None}
        networks = driver.Networks(
            self._operators, self._others, lambda origin: origin in origins or self._opened(origin)
        )

        async def digest(alias: str) -> bytes | None:
            key = await accounts.keys.get_by_alias(alias)
            return None if key is None else key.digest

        made = tuple(Issuer(**msgspec.structs.asdict(one)) for one in said)
        return Issuers(made, networks, accounts.keyring, digest)

    def _opened(self, origin: Origin) -> bool:
        """The operator lets URLs of others lead there."""
        return not self._open.isdisjoint((origin.host, f"{origin.host}:{origin.port}"))


def token_url_of(server: McpServer) -> str | None:
    """Where tokens are got, as far as the operator says it."""
    return (server.exchange_url if server.auth_type == EXCHANGE else None) or server.token_url


def settings(server: McpServer) -> Settings:
    """Raises ConfigError where its private key does not sign."""
    return Settings(
        client_id=server.client_id,
        client_secret=server.client_secret,
        scopes=tuple(scope for said in server.scopes for scope in said.split()),
        authorization_url=server.authorization_url,
        token_url=token_url_of(server),
        registration_url=server.registration_url,
        issuer=server.issuer,
        resource=server.oauth_resource,
        method=next((method for method in METHODS if method == server.oauth_method), None),
        signer=_signer(server),
        machine=server.oauth_flow == "client_credentials" or server.auth_type == EXCHANGE,
        shared=server.sign_in == "shared",
    )


def _signer(server: McpServer) -> Signer | None:
    if server.client_key is None:
        return None
    audience = token_url_of(server) if server.issuer is None else None  # its metadata is not read then
    signer = Signer(
        key=server.client_key, id=server.client_key_id, algorithm=server.client_algorithm, audience=audience
    )
    try:
        signer.assertion("", "", 0.0)
    except ValueError as error:
        raise ConfigError(f"{server.where}: the MCP server {server.name!r}: {error}.".removeprefix(": ")) from error
    return signer
